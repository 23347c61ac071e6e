import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { buildPair, closePair } from '../campaign.js'
import type { Ruleset } from '../cases/ruleset.js'
import type { Flow } from '../cases/stage.js'
import { differences, report } from '../compare.js'
import { judge } from '../judge.js'
import { Lab } from '../lab.js'
import { Random } from '../prng.js'
import { recordingOf, recordingText } from '../record.js'
import type { Verdict } from '../verdict.js'
import { endsFlow } from './ends.js'
import { type EventsCase, eventsCase, marking, modelEvents, sameEvents } from './events.js'
import { ftpFlow } from './ftp.js'
import { callFlow, h323Lab, rasFlow } from './h323.js'
import { type ListedCase, listedCase, listedDifferences } from './listed.js'
import { amandaFlow, broadcastFlow, ircFlow, saneFlow } from './others.js'
import { pptpFlow } from './pptp.js'
import { labOf, rulesOf, type Watched } from './scene.js'
import { sipFlow } from './sip.js'
import { proxyLab, proxyRules, synproxyFlow } from './synproxy.js'
import type { Talk } from './talk.js'
import { tftpFlow } from './tftp.js'

/** Conversations of protocols that have a conntrack helper, with NAT: frames, counters, connections and expectations. */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Date.now() % 100_000}` },
    helper: { type: 'string' },
    family: { type: 'string', default: '4,6' },
    backend: { type: 'string', default: 'legacy' },
    failures: { type: 'string', default: '3' },
    only: { type: 'string' },
    unknown: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    listed: { type: 'boolean', default: false },
    events: { type: 'boolean', default: false },
  },
})

interface Subject extends Watched {
  readonly families: readonly (4 | 6)[]
  /** Of recordings and seeds, where a helper has several subjects. */
  readonly name?: string
  readonly flow: (talk: Talk) => Flow
  /** Left out: those of helpers. */
  readonly rules?: (random: Random, family: 4 | 6) => Ruleset
  readonly lab?: typeof labOf
}
const SUBJECTS: readonly Subject[] = [
  { helper: 'ftp', protocol: 'tcp', port: 21, families: [4, 6], flow: ftpFlow },
  { helper: 'ftp', name: 'ends', protocol: 'tcp', port: 21, families: [4, 6], flow: endsFlow },
  { helper: 'tftp', protocol: 'udp', port: 69, families: [4, 6], flow: tftpFlow },
  { helper: 'irc', protocol: 'tcp', port: 6667, families: [4], flow: ircFlow },
  { helper: 'amanda', protocol: 'udp', port: 10080, families: [4, 6], flow: amandaFlow },
  { helper: 'sane', protocol: 'tcp', port: 6566, families: [4, 6], flow: saneFlow },
  { helper: 'pptp', protocol: 'tcp', port: 1723, families: [4], flow: pptpFlow },
  { helper: 'sip', protocol: 'udp', port: 5060, families: [4, 6], flow: sipFlow('UDP') },
  { helper: 'sip', name: 'sip-tcp', protocol: 'tcp', port: 5060, families: [4, 6], flow: sipFlow('TCP') },
  { helper: 'netbios-ns', protocol: 'udp', port: 137, families: [4], flow: broadcastFlow(137) },
  { helper: 'snmp', protocol: 'udp', port: 161, families: [4], flow: broadcastFlow(161) },
  { helper: 'Q.931', name: 'h323-calls', protocol: 'tcp', port: 1720, families: [4, 6], flow: callFlow, lab: h323Lab },
  { helper: 'RAS', name: 'h323-ras', protocol: 'udp', port: 1719, families: [4, 6], flow: rasFlow, lab: h323Lab },
  {
    helper: 'synproxy',
    protocol: 'tcp',
    port: 80,
    families: [4, 6],
    flow: synproxyFlow,
    rules: proxyRules,
    lab: proxyLab,
  },
]

const RECORDED = 12
/** Of listings, for each helper and family. */
const RECORDED_LISTINGS = 3
const RECORDED_EVENTS = 2
const recordedListings: ListedCase[] = []
const recordedEvents: EventsCase[] = []
let failed = 0
for (const subject of SUBJECTS)
  for (const family of subject.families) {
    if (values.helper !== undefined && !values.helper.split(',').includes(subject.name ?? subject.helper)) continue
    if (!values.family.split(',').includes(String(family))) continue
    failed += await (values.listed
      ? listings(subject, family)
      : values.events
        ? events(subject, family)
        : campaign(subject, family))
  }
if (values.listed && values.record && failed === 0)
  writeFileSync('tests/expectations.json', `[\n${recordedListings.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`)
if (values.events && values.record && failed === 0)
  writeFileSync('tests/events.json', `[\n${recordedEvents.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`)
process.exitCode = failed > 0 ? 1 : 0

/** What connections do, as `conntrack -E` tells it. */
async function events(subject: Subject, family: 4 | 6): Promise<number> {
  const pair = await buildPair(labOf(family, values.backend as 'legacy' | 'nft'))
  const counts = { conversations: 0, unstable: 0, events: 0, differ: 0, unknown: 0 }
  const kept: EventsCase[] = []
  try {
    for (let n = 0; n < Number(values.cases); n++) {
      if (values.only !== undefined && Number(values.only) !== n) continue
      const name = `${subject.name ?? subject.helper}${family}:${values.seed}:${n}`
      const random = new Random(name)
      const one = await eventsCase(
        name,
        pair,
        marking(random, rulesOf(random, family, subject)),
        subject.flow({ random, family }),
      )
      const model = one && modelEvents(one)
      if (!one) {
        counts.unstable++
        continue
      }
      counts.conversations++
      counts.events += one.events.length
      if (!model) counts.unknown++
      else if (sameEvents(one.events, model)) {
        if (kept.length < RECORDED_EVENTS) kept.push(one)
      } else if (++counts.differ <= Number(values.failures))
        console.log(
          `${name}: ${one.packets.length} packets\nkernel:\n${one.events.join('\n')}\nmodel:\n${model.join('\n')}`,
        )
    }
  } finally {
    await closePair(pair)
  }
  recordedEvents.push(...kept)
  console.log(`${subject.name ?? subject.helper} IPv${family}, events: ${JSON.stringify(counts)}`)
  return counts.differ
}

/** What is expected according to listings, and what came of it. */
async function listings(subject: Subject, family: 4 | 6): Promise<number> {
  const lab = await Lab.build(labOf(family, values.backend as 'legacy' | 'nft'))
  const counts = { listings: 0, probes: 0, differ: 0, unknown: 0 }
  const kept: ListedCase[] = []
  try {
    for (let n = 0; n < Number(values.cases); n++) {
      if (values.only !== undefined && Number(values.only) !== n) continue
      const name = `${subject.name ?? subject.helper}${family}:${values.seed}:${n}`
      const random = new Random(name)
      const one = await listedCase(name, lab, rulesOf(random, family, subject), subject.flow({ random, family }))
      if (!one) continue
      counts.listings++
      counts.probes += one.probes.length
      const { found, unsure } = listedDifferences(one)
      counts.unknown += unsure.length
      for (const text of found)
        if (++counts.differ <= Number(values.failures))
          console.log(`${name}: ${text}\n${one.files['expectations']}${one.files['conntrack']}`)
      if (values.only !== undefined) console.log(unsure.join('\n'))
      if (found.length + unsure.length === 0 && kept.length < RECORDED_LISTINGS) kept.push(one)
    }
  } finally {
    await lab.close()
  }
  recordedListings.push(...kept)
  console.log(`${subject.name ?? subject.helper} IPv${family}, from listings: ${JSON.stringify(counts)}`)
  return counts.differ
}

async function campaign(subject: Subject, family: 4 | 6): Promise<number> {
  const backend = values.backend as 'legacy' | 'nft'
  const pair = await buildPair((subject.lab ?? labOf)(family, backend))
  const counts = { packets: 0, judged: 0, unstable: 0, differ: 0, unknown: 0, expected: 0 }
  const kept: Verdict[] = []
  try {
    const head = await recordingOf(pair[0], [])
    for (let n = 0; n < Number(values.cases); n++) {
      if (values.only !== undefined && Number(values.only) !== n) continue
      const name = `${subject.name ?? subject.helper}${family}:${values.seed}:${n}`
      const random = new Random(name)
      const rules = subject.rules?.(random, family) ?? rulesOf(random, family, subject)
      const judgement = await judge(pair, name, rules, subject.flow({ random, family }))
      if (judgement.is === 'unstable') {
        counts.unstable++
        if (values.only !== undefined) console.log(judgement.why)
        continue
      }
      const verdict: Verdict = { ...judgement.verdict, heard: true }
      counts.judged++
      counts.packets += verdict.packets.length
      if (verdict.conntrack.length > 1) counts.expected++
      const found = differences(head, verdict)
      if (found[0]?.about === 'unknown') {
        counts.unknown++
        if (values.unknown) console.log(`${name}: ${found.map(({ text }) => text).join('; ')}`)
      } else if (found.length > 0) {
        if (++counts.differ <= Number(values.failures)) console.log(`${report(name, found)}\n${verdict.save}`)
        mkdirSync('dist/kernel', { recursive: true })
        writeFileSync(
          `dist/kernel/helper-${name.replaceAll(':', '-')}.json`,
          recordingText({ ...head, verdicts: [verdict] }),
        )
      } else if (kept.length < (subject.rules ? 2 : 1) * RECORDED && verdict.packets.length > 3) kept.push(verdict)
    }
    if (values.record && counts.differ === 0)
      writeFileSync(
        `tests/kernel/helper-${subject.name ?? subject.helper}${family}.json`,
        recordingText({ ...head, verdicts: kept }),
      )
  } finally {
    await closePair(pair)
  }
  console.log(`${subject.name ?? subject.helper} IPv${family}: ${JSON.stringify(counts)}`)
  return counts.differ
}
