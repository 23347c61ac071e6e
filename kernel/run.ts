import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { buildPair, campaignAtOnce, closePair, type Happened, type Plan } from './campaign.js'
import type { Ruleset } from './cases/ruleset.js'
import { differences, report } from './compare.js'
import { Drawn } from './drawn.js'
import { judgeHosts } from './hosts/main.js'
import { judge } from './judge.js'
import type { LabSpec } from './lab.js'
import { recordAll, recordingOf, recordingText } from './record.js'
import { recordings, replayAll } from './replay.js'
import { shrink } from './shrink.js'
import type { Verdict } from './verdict.js'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '200' },
    seed: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    family: { type: 'string', default: '4,6' },
    backend: { type: 'string', default: 'legacy,nft' },
    failures: { type: 'string', default: '5' },
    record: { type: 'boolean', default: false },
    hosts: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    smoke: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    'kernel-only': { type: 'boolean', default: false },
    sets: { type: 'string' },
    two: { type: 'string', default: '0.2' },
    'no-shrink': { type: 'boolean', default: false },
    traced: { type: 'string' },
    extensions: { type: 'boolean', default: false },
  },
})
const seed = values.seed ?? `${Date.now() % 1_000_000}`
const until = Date.now() + 60_000 * Number(values.minutes)

// the helper processes end when this one does, and the namespaces with them
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))

const TOOLS = [
  'python3',
  'ip',
  'iptables-legacy-restore',
  'iptables-nft-restore',
  'ipset',
  'nft',
  'conntrack',
  'ss',
  'sysctl',
]

/** Why the kernel cannot be asked here, or undefined. */
function impossible(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'needs root'
  const missing = TOOLS.filter((tool) => {
    try {
      execFileSync('which', [tool], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
  return missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined
}

function replayRecorded(): number {
  let verdicts = 0
  let failed = 0
  for (const { verdict, found } of replayAll(recordings())) {
    verdicts++
    if (found.length === 0 || verdict.skipped !== undefined) continue
    failed++
    if (failed <= 5) console.log(report(`recorded ${verdict.name}`, found, 4))
  }
  console.log(`recorded verdicts: ${verdicts} replayed, ${failed} differ`)
  return failed
}

interface Tally {
  judged: number
  packets: number
  differ: number
  readonly unstable: Map<string, number>
  /** Cases of which the model says that it cannot tell, by what it lacks. */
  readonly unknown: Map<string, number>
  readonly drawn: Drawn
}

const JOBS = 8

const randomCases = (plan: Plan, tally: Tally): Promise<void> =>
  campaignAtOnce(plan, JOBS, async (happened) => {
    await look(happened, tally, plan.trace ?? false)
    return Date.now() < until && tally.differ < Number(values.failures)
  })

async function look({ name, spec, pair, sets, judgement }: Happened, tally: Tally, trace: boolean): Promise<void> {
  if (judgement.is === 'unstable') {
    const why = judgement.why.replace(/:.*/s, '').replace(/\d+/g, 'N')
    tally.unstable.set(why, (tally.unstable.get(why) ?? 0) + 1)
    if (values.verbose) console.log(`${name}: ${judgement.why}`)
    return
  }
  const { verdict, ruleset } = judgement
  tally.judged++
  tally.drawn.add(spec.family, verdict.save)
  tally.packets += verdict.packets.length
  if (values['kernel-only']) return
  const recording = await recordingOf(pair[0], [verdict])
  const found = differences(recording, verdict)
  if (found.length === 0) return
  if (found[0]!.about === 'unknown') {
    const lacks = found[0]!.text.replace(/^.*?rule( \d+)?: |^packet \d+: /, '')
    tally.unknown.set(lacks, (tally.unknown.get(lacks) ?? 0) + 1)
    return
  }
  if (!(await differsInFreshLabs(name, spec, { ruleset, sets }, verdict, trace))) return
  tally.differ++
  console.log(report(name, found, 4))
  const least = values['no-shrink']
    ? { recording, found, attempts: 0 }
    : await shrink(spec, { ruleset, sets }, verdict, found, trace)
  mkdirSync('dist/kernel', { recursive: true })
  const file = `dist/kernel/differs-${name.replaceAll(':', '-')}.json`
  writeFileSync(file, recordingText(least.recording))
  const [small] = least.recording.verdicts
  console.log(`least that differs, after ${least.attempts} attempts (${file}: move it to tests/kernel to keep it):`)
  console.log(`${report(name, least.found)}\n${small!.save}`)
}

/**
 * The kernel remembers whom it told of errors, for longer than a case, and sources are shared by the cases of a lab: what differs is asked once more in labs
 * that have seen nothing.
 */
async function differsInFreshLabs(
  name: string,
  spec: LabSpec,
  { ruleset, sets }: { readonly ruleset: Ruleset; readonly sets: readonly string[] },
  { packets }: Verdict,
  trace: boolean,
): Promise<boolean> {
  const pair = await buildPair(spec, trace)
  try {
    const judgement = await judge(pair, name, ruleset, packets, sets)
    if (judgement.is !== 'judged') return true
    return differences(await recordingOf(pair[0], []), judgement.verdict).length > 0
  } finally {
    await closePair(pair)
  }
}

async function main(): Promise<number> {
  const why = impossible()
  if (why !== undefined) {
    console.log(`the kernel cannot be asked (${why}): only recorded verdicts`)
    return replayRecorded() > 0 ? 1 : 0
  }
  if (values.hosts) return (await judgeHosts('samples/k8s-cluster')) > 0 ? 1 : 0
  if (values.record) {
    await recordAll(values.only)
    return 0
  }
  const failedRecorded = values.smoke ? replayRecorded() : 0
  const cases = Number(values.cases)
  console.log(`${cases} random cases, seed ${seed}`)
  const started = Date.now()
  const tally: Tally = { judged: 0, packets: 0, differ: 0, unstable: new Map(), unknown: new Map(), drawn: new Drawn() }
  const plan: Plan = {
    seed,
    cases,
    perLab: Math.max(5, Math.min(40, Math.ceil(cases / JOBS))),
    ...(values.sets === undefined ? {} : { sets: Number(values.sets) }),
    two: Number(values.two),
    families: values.family.split(',').map((family) => (family === '6' ? 6 : 4)),
    backends: values.backend.split(',').map((backend) => (backend === 'nft' ? 'nft' : 'legacy')),
  }
  await randomCases(plan, tally)
  const traced = values.traced === undefined ? Math.ceil(cases / 10) : Number(values.traced)
  await randomCases({ ...plan, two: 0, seed: `${seed}t`, cases: traced, perLab: 10, trace: true }, tally)
  const seconds = (Date.now() - started) / 1000
  const unstable = [...tally.unstable].map(([reason, count]) => `${count} ${reason}`).join(', ')
  console.log(
    `${tally.judged} cases, ${tally.packets} packets in ${seconds.toFixed(1)} s (${Math.round(tally.packets / seconds)} a second), ${tally.differ} differ; judged nobody: ${unstable || 'none'}`,
  )
  for (const [lacks, count] of tally.unknown)
    console.log(`  ${count} cases not compared, the model cannot tell: ${lacks}`)
  if (values.extensions) {
    console.log('rules with each extension (those that counted a packet), IPv4 and IPv6:')
    for (const line of tally.drawn.lines()) console.log(line)
  }
  return tally.differ + failedRecorded > 0 ? 1 : 0
}

process.exit(await main())
