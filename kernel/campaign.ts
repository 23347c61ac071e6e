import { randomTraffic } from './cases/flows.js'
import { randomLab } from './cases/labs.js'
import { randomRuleset, type Ruleset } from './cases/ruleset.js'
import { scene } from './cases/scene.js'
import { type Judgement, judge, type Pair } from './judge.js'
import { Lab, type LabSpec } from './lab.js'
import { Random } from './prng.js'

/** One random case and what became of it, with the lab in which it ran. */
export interface Happened {
  readonly name: string
  readonly spec: LabSpec
  readonly pair: Pair
  readonly judgement: Judgement
}

export const buildPair = async (spec: LabSpec): Promise<Pair> => {
  const built = await Promise.allSettled([Lab.build(spec), Lab.build(spec)])
  const [one, other] = built
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value]
  for (const result of built) if (result.status === 'fulfilled') await result.value.close()
  throw built.find((result) => result.status === 'rejected')!.reason
}

export const closePair = async (pair: Pair): Promise<void> => {
  await Promise.all(pair.map((lab) => lab.close()))
}

export interface Plan {
  readonly seed: string
  readonly cases: number
  readonly families: readonly (4 | 6)[]
  readonly backends: readonly ('legacy' | 'nft')[]
  readonly perLab: number
  /** TRACE everything, and keep what the kernel says. */
  readonly trace?: boolean
}

/** Random cases, one after the other, each reproducible from its name alone: `SEED:LAB:CASE`. */
export async function* campaign({ seed, cases, families, backends, perLab, trace = false }: Plan): AsyncGenerator<Happened> {
  for (let done = 0, number = 0; done < cases; number++) {
    const random = new Random(`${seed}:${number}`)
    const spec = randomLab(random.fork('lab'), families[number % families.length]!, trace ? 'legacy' : backends[Math.floor(number / families.length) % backends.length]!)
    const pair = await buildPair(spec)
    try {
      if (trace) await Promise.all(pair.map((lab) => lab.trace()))
      const ids = { next: 1 }
      for (let i = 0; i < perLab && done < cases; i++, done++) {
        const mine = random.fork(`${i}`)
        const where = scene(spec, mine.fork('scene'), 256 + 4 * i)
        const rules = randomRuleset(mine.fork('rules'), where)
        const name = `${seed}:${number}:${i}`
        const judgement = await judge(pair, name, trace ? traced(rules) : rules, randomTraffic({ random: mine.fork('traffic'), scene: where, ids }))
        yield { name, spec, pair, judgement }
      }
    } finally {
      await closePair(pair)
    }
  }
}

const TRACES = ['PREROUTING', 'OUTPUT'].map((chain) => ({ chain, parts: [], target: '-j TRACE' }))

/** With TRACE in front of everything. */
export function traced(ruleset: Ruleset): Ruleset {
  const raw = ruleset.find(({ name }) => name === 'raw') ?? {
    name: 'raw',
    chains: [{ name: 'PREROUTING', policy: 'ACCEPT' as const }, { name: 'OUTPUT', policy: 'ACCEPT' as const }],
    rules: [],
  }
  return [{ ...raw, rules: [...TRACES, ...raw.rules] }, ...ruleset.filter(({ name }) => name !== 'raw')]
}
