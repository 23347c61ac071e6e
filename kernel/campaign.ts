import { randomTraffic } from './cases/flows.js'
import { randomLab } from './cases/labs.js'
import { type Ruleset, randomRuleset } from './cases/ruleset.js'
import { type Scene, scene } from './cases/scene.js'
import { randomSets } from './cases/sets.js'
import { before, behind, twoRouters } from './cases/two-routers.js'
import { type Judgement, judge, type Pair } from './judge.js'
import { Lab, type LabSpec } from './lab.js'
import { Random } from './prng.js'

/** One random case and what became of it, with the lab in which it ran. */
export interface Happened {
  readonly name: string
  readonly spec: LabSpec
  readonly pair: Pair
  /** What `ipset restore` read. */
  readonly sets: readonly string[]
  readonly judgement: Judgement
}

/** Two labs of one kind. `trace`: the kernel reports every rule that matched. */
export const buildPair = async (spec: LabSpec, trace = false): Promise<Pair> => {
  const built = await Promise.allSettled([Lab.build(spec), Lab.build(spec)])
  const [one, other] = built
  if (one.status === 'fulfilled' && other.status === 'fulfilled') {
    const pair = [one.value, other.value] as const
    if (trace) await Promise.all(pair.map((lab) => lab.trace()))
    return pair
  }
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
  /** The share of cases that have named sets, and rules about them. */
  readonly sets?: number
  /** The share of labs that have a second router behind the first; they are not traced. */
  readonly two?: number
}

const STORM = 'a storm of frames'
/** Packets go round for ever in it: the lab is of no use any more. */
function storm(error: unknown): Judgement {
  if (error instanceof Error && error.message.includes(STORM)) return { is: 'unstable', why: STORM }
  throw error
}

function labOf({ two = 0, backends }: Plan, random: Random, family: 4 | 6, backend: 'legacy' | 'nft'): LabSpec {
  const mine = random.fork('two')
  if (!mine.chance(two)) return randomLab(random.fork('lab'), family, backend)
  return twoRouters(mine.fork('lab'), family, [backend, mine.pick(backends)])
}

const secondRules = (random: Random, where: Scene): Ruleset =>
  randomRuleset(random, behind(where)).map((table) => ({ ...table, second: true }))

/** The cases of one lab, each reproducible from its name alone: `SEED:LAB:CASE`. */
async function* casesOfLab(plan: Plan, number: number): AsyncGenerator<Happened> {
  const { seed, cases, families, backends, perLab, trace = false } = plan
  const random = new Random(`${seed}:${number}`)
  const family = families[number % families.length]!
  const backend = backends[Math.floor(number / families.length) % backends.length]!
  const spec = labOf(plan, random, family, backend)
  const pair = await buildPair(spec, trace)
  try {
    const ids = { next: 1 }
    for (let i = 0; i < Math.min(perLab, cases - number * perLab); i++) {
      const mine = random.fork(`${i}`)
      const bare = scene(spec, mine.fork('scene'), 256 + 4 * i)
      const where = { ...bare, sets: randomSets(mine.fork('sets'), bare, plan.sets) }
      const sets = where.sets.flatMap(({ lines }) => lines)
      const first = randomRuleset(mine.fork('rules'), before(where))
      const rules = spec.second ? [...first, ...secondRules(mine.fork('second'), where)] : first
      const name = `${seed}:${number}:${i}`
      const traffic = randomTraffic({ random: mine.fork('traffic'), scene: where, ids })
      const judgement = await judge(pair, name, trace ? traced(rules) : rules, traffic, sets).catch(storm)
      yield { name, spec, pair, sets, judgement }
      if (judgement.is === 'unstable' && judgement.why === STORM) return
    }
  } finally {
    await closePair(pair)
  }
}

const labsOf = ({ cases, perLab }: Plan): number => Math.ceil(cases / perLab)

/** Random cases, one after the other. */
export async function* campaign(plan: Plan): AsyncGenerator<Happened> {
  for (let number = 0; number < labsOf(plan); number++) yield* casesOfLab(plan, number)
}

/**
 * Random cases in several labs at a time: most of the time of a case is waiting, for the kernel's grace periods after new rules and for
 * tools. `look` says whether to go on.
 */
export async function campaignAtOnce(
  plan: Plan,
  jobs: number,
  look: (happened: Happened) => Promise<boolean>,
): Promise<void> {
  let next = 0
  let on = true
  const worker = async () => {
    while (on && next < labsOf(plan))
      for await (const happened of casesOfLab(plan, next++)) {
        if (on) on = await look(happened)
        if (!on) break
      }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

const TRACES = ['PREROUTING', 'OUTPUT'].map((chain) => ({ chain, parts: [], target: '-j TRACE' }))

/** With TRACE in front of everything. */
export function traced(ruleset: Ruleset): Ruleset {
  const raw = ruleset.find(({ name }) => name === 'raw') ?? {
    name: 'raw',
    chains: [
      { name: 'PREROUTING', policy: 'ACCEPT' as const },
      { name: 'OUTPUT', policy: 'ACCEPT' as const },
    ],
    rules: [],
  }
  return [{ ...raw, rules: [...TRACES, ...raw.rules] }, ...ruleset.filter(({ name }) => name !== 'raw')]
}
