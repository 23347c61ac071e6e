import { headersOf } from '../packet/headers.js'
import type { PacketRequest } from '../packet/request.js'
import { type Beginning, begin } from './begin.js'
import { flatten, type Merge } from './branches.js'
import { type Chooser, explore, seededRandom } from './choices.js'
import type { Fate } from './fate.js'
import { Run } from './run.js'
import { settle } from './settle.js'
import { answerEach, suppositions } from './suppose.js'
import { symptomOf } from './symptom.js'
import type { Branch, Step, Trail, Way } from './trail.js'
import { walk } from './walk.js'
import type { Hosts } from './world.js'
import { placeName } from './world.js'

export interface TraceOptions {
  /** Seconds since the epoch: the time of the question. */
  readonly now?: number
  /** For what the kernel draws and the trail reports as a range. */
  readonly seed?: number
}

/** The end of one walk with all that led to it. */
export interface Walked {
  readonly fate: Fate
  readonly steps: readonly Step[]
  readonly way: Way
  readonly assumptions: ReadonlySet<string>
  readonly beginning: Beginning
}

/** A run for one question: nothing happened before it, everybody answers ARP, packets are followed everywhere. */
export function questionRun(hosts: Hosts, chooser: Chooser, options: TraceOptions): Run {
  return new Run(hosts, {
    now: options.now ?? Date.now() / 1000,
    random: seededRandom(options.seed ?? 1),
    chooser,
    assumeNeighbours: true,
    followWires: true,
  })
}

/** Where one packet goes, and why. Throws QuestionError where the question cannot be asked of these hosts. */
export function trace(hosts: Hosts, request: PacketRequest, options: TraceOptions = {}): Trail {
  const supposed = suppositions(hosts, request)
  const ask = (known: Hosts) => traceKnown(known, request, options)
  return supposed
    ? answerEach(supposed, ask, endOf, ({ final }) => final.src)
    : settle(hosts, ask, { outcomeOf: endOf, walksOf: (branch) => [branch] })
}

/** Where it ends, and how. */
export const endOf = ({ outcome, where }: Branch): string => `${outcome} ${JSON.stringify(where)}`

function traceKnown(hosts: Hosts, request: PacketRequest, options: TraceOptions): Trail {
  let asked: Trail['packet'] | undefined
  const tree = explore((chooser): Walked => {
    const run = questionRun(hosts, chooser, options)
    const beginning = begin(run, walk, request)
    const { cursor, stage, start } = beginning
    asked ??= { ...headersOf(cursor.skb.packet, cursor.skb.mark), from: placeName(start.place), in: start.in }
    const fate = walk(cursor, stage)
    return { fate, steps: cursor.steps, way: cursor.way, assumptions: run.assumptions, beginning }
  })
  const leaves = flatten(tree, MERGE)
  return {
    packet: asked!,
    assumptions: allAssumptions(
      hosts,
      leaves.map(({ result }) => result.assumptions),
    ),
    branches: leaves.map(({ probability, result }) => branchOf(result, probability)),
  }
}

export const allAssumptions = (hosts: Hosts, made: readonly ReadonlySet<string>[]): readonly string[] => [
  ...new Set([...hosts.assumptions, ...made.flatMap((some) => [...some])]),
]

export function branchOf({ fate, steps, way }: Pick<Walked, 'fate' | 'steps' | 'way'>, probability: number): Branch {
  const { src, dst, protocol, sport, dport, mark } = fate.packet
  return {
    probability,
    outcome: fate.outcome,
    where: {
      host: fate.place.host,
      namespace: fate.place.namespace,
      hook: fate.hook,
      table: fate.table,
      chain: fate.chain,
      rule: fate.rule,
      reason: fate.reason,
      text: fate.text,
    },
    final: { interface: fate.interface, src, dst, protocol, sport, dport, mark },
    symptom: symptomOf(fate),
    steps,
    way,
  }
}

const sameFate = (a: Fate, b: Fate): boolean =>
  a.outcome === b.outcome &&
  a.reason === b.reason &&
  placeName(a.place) === placeName(b.place) &&
  a.interface === b.interface &&
  JSON.stringify(a.packet) === JSON.stringify(b.packet) &&
  symptomOf(a) === symptomOf(b)

const MERGE: Merge<Walked> = {
  same: (a, b) => sameFate(a.fate, b.fate),
  undecided: (ways, point) => undecidedWalk(ways, point.about),
  cut: (ways) => undecidedWalk(ways, 'too many ways to walk them all'),
}

function undecidedWalk(ways: readonly Walked[], text: string): Walked {
  const [first] = ways
  const steps = commonSteps(ways.map((way) => way.steps))
  const ends = [...new Set(ways.map(({ fate }) => `${fate.outcome} (${fate.reason})`))].join(' or ')
  const fate: Fate = {
    ...first!.fate,
    outcome: 'undecided',
    reason: 'unknown',
    text: `${text}; so it is ${ends}`,
    answer: undefined,
    errno: undefined,
  }
  return { ...first!, fate, steps, way: first!.way.filter(({ step }) => step < steps.length) }
}

/** What all the ways have in common, from the beginning on. */
function commonSteps(all: readonly (readonly Step[])[]): readonly Step[] {
  const [first = [], ...others] = all
  const shape = (step: Step | undefined) => step && `${step.kind} ${placeName(step)} ${JSON.stringify(step.packet)}`
  let length = 0
  while (length < first.length && others.every((steps) => shape(steps[length]) === shape(first[length]))) length++
  return first.slice(0, Math.max(length, 1))
}
