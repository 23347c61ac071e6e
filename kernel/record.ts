import { mkdirSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { buildPair, campaign, closePair, type Happened, type Plan } from './campaign.js'
import { DEVICE_PACKETS, deviceLab } from './cases/devices.js'
import { LIMIT_PACKETS4, LIMIT_PACKETS6, limitsLab4, limitsLab6 } from './cases/limits.js'
import { countingRules, ODD_PACKETS, oddLab } from './cases/odd.js'
import { REDIRECT_PACKETS, redirectLab } from './cases/redirect6.js'
import { differences } from './compare.js'
import { judge } from './judge.js'
import type { Lab } from './lab.js'
import type { Recording, Verdict } from './verdict.js'

const FOLDER = 'tests/kernel'

export async function recordingOf(lab: Lab, verdicts: readonly Verdict[]): Promise<Recording> {
  const { family, backend, second } = lab.spec
  const behind = second ? { second: { backend: second.backend } } : {}
  return {
    kernel: release(),
    tools: await lab.toolVersion(),
    family,
    backend,
    ...behind,
    files: await lab.files(),
    verdicts,
  }
}

/** One verdict a line: a change of one shows as a change of one line. */
export const recordingText = ({ verdicts, ...head }: Recording): string =>
  `${JSON.stringify(head, null, 1).slice(0, -2)},\n "verdicts": [\n${verdicts.map((verdict) => `  ${JSON.stringify(verdict)}`).join(',\n')}\n ]\n}\n`

function write(name: string, recording: Recording): void {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(`${FOLDER}/${name}.json`, recordingText(recording))
  console.log(`${FOLDER}/${name}.json: ${recording.verdicts.length} verdicts`)
}

/** The kernel counts errors and redirects per source: these need a lab that has not seen theirs. */
const RATED = /no route|back to same|0\.1\.2\.3|240\.0\.0\.1/

/** The odd packets, one case each, with and without connection tracking. */
async function recordOdd(backend: 'legacy' | 'nft'): Promise<void> {
  for (const tracking of [true, false]) {
    let pair = await buildPair(oddLab(backend))
    try {
      const verdicts: Verdict[] = []
      for (const [name, packet] of Object.entries(ODD_PACKETS)) {
        if (RATED.test(name)) {
          await closePair(pair)
          pair = await buildPair(oddLab(backend))
        }
        const judgement = await judge(pair, name, countingRules(tracking), [packet()])
        if (judgement.is === 'judged') verdicts.push(judgement.verdict)
        else console.log(`odd packet "${name}": ${judgement.why}`)
      }
      write(`odd-${backend}${tracking ? '' : '-untracked'}`, await recordingOf(pair[0], verdicts))
    } finally {
      await closePair(pair)
    }
  }
}

/** Cases with a lab of their own: devices that this kernel has (VXLAN, macvlan), how often errors are sent, redirects. */
const LABS = [
  { name: 'devices4', lab: deviceLab, packets: DEVICE_PACKETS },
  { name: 'limits4', lab: limitsLab4, packets: LIMIT_PACKETS4 },
  { name: 'limits6', lab: limitsLab6, packets: LIMIT_PACKETS6 },
  { name: 'redirect6', lab: redirectLab, packets: REDIRECT_PACKETS },
] as const

async function recordLab(
  { name: lab, lab: spec, packets }: (typeof LABS)[number],
  backend: 'legacy' | 'nft',
): Promise<void> {
  const pair = await buildPair(spec(backend))
  try {
    // before anything is learned
    const head = await recordingOf(pair[0], [])
    const verdicts: Verdict[] = []
    for (const [name, make] of Object.entries(packets)) {
      const judgement = await judge(pair, name, countingRules(true), make())
      if (judgement.is === 'judged') verdicts.push(judgement.verdict)
      else console.log(`${lab} "${name}": ${judgement.why}`)
    }
    write(`${lab}-${backend}`, { ...head, verdicts })
  } finally {
    await closePair(pair)
  }
}

const SPREAD: readonly (Plan & { readonly name: string })[] = [
  { name: 'random4-legacy', seed: 'recorded', cases: 80, families: [4], backends: ['legacy'], perLab: 20 },
  { name: 'random4-nft', seed: 'recorded', cases: 40, families: [4], backends: ['nft'], perLab: 20 },
  { name: 'random6-legacy', seed: 'recorded', cases: 20, families: [6], backends: ['legacy'], perLab: 20 },
  { name: 'random6-nft', seed: 'recorded', cases: 10, families: [6], backends: ['nft'], perLab: 10 },
  { name: 'sets4-legacy', seed: 'sets', cases: 15, families: [4], backends: ['legacy'], perLab: 15, sets: 1 },
  { name: 'sets4-nft', seed: 'sets', cases: 10, families: [4], backends: ['nft'], perLab: 10, sets: 1 },
  { name: 'two4', seed: 'two', cases: 20, families: [4], backends: ['legacy', 'nft'], perLab: 10, two: 1 },
  { name: 'two6', seed: 'two6', cases: 10, families: [6], backends: ['legacy', 'nft'], perLab: 5, two: 1 },
  { name: 'traced4', seed: 'traced', cases: 20, families: [4], backends: ['legacy'], perLab: 20, trace: true },
  { name: 'traced4-nft', seed: 'traced-nft', cases: 10, families: [4], backends: ['nft'], perLab: 10, trace: true },
]

/** A case of which the model says that it cannot tell is not kept: nobody would see when it begins to guess. */
const tells = (head: Recording, verdict: Verdict): boolean => differences(head, verdict)[0]?.about !== 'unknown'

/** Records anew: tests/kernel is what it leaves. `only`: the files whose names begin so. */
export async function recordAll(only: string): Promise<void> {
  for (const backend of ['legacy', 'nft'] as const) if (`odd-${backend}`.startsWith(only)) await recordOdd(backend)
  for (const backend of ['legacy', 'nft'] as const)
    for (const one of LABS) if (`${one.name}-${backend}`.startsWith(only)) await recordLab(one, backend)
  for (const plan of SPREAD.filter(({ name }) => name.startsWith(only))) {
    let lab: Lab | undefined
    let verdicts: Verdict[] = []
    let number = 0
    let files: Recording | undefined
    const finish = () => {
      if (files) write(`${plan.name}-${++number}`, { ...files, verdicts })
      verdicts = []
    }
    for await (const { pair, judgement } of campaign(plan) as AsyncGenerator<Happened>) {
      if (pair[0] !== lab) {
        finish()
        lab = pair[0]
        files = await recordingOf(lab, [])
      }
      if (judgement.is === 'judged' && tells(files!, judgement.verdict)) verdicts.push(judgement.verdict)
    }
    finish()
  }
}
