import { STAGES, type StageName } from '../../src/path/stages.js'
import { type ChainVisit, type Lane, placeOf, type Step, stepsAt } from '../engine/answers.js'
import type { Entry } from './layout.js'

export type Fate = 'passed' | 'ended'

/** What of one namespace's map a lane lights up, up to and with the `at`-th stage of its way. */
export interface Lit {
  readonly stages: ReadonlySet<StageName>
  readonly edges: ReadonlySet<string>
  /** What the packet will still pass. */
  readonly ahead: { readonly stages: ReadonlySet<StageName>; readonly edges: ReadonlySet<string> }
  readonly current: StageName | undefined
  /** The steps of each stage, where a stage was passed more than once the last ones. */
  readonly steps: ReadonlyMap<StageName, readonly Step[]>
}

export const edgeKey = (from: StageName, to: StageName): string => `${from}>${to}`

export function litIn(lane: Lane | undefined, place: string, at: number): Lit {
  const stages = new Set<StageName>()
  const edges = new Set<string>()
  const ahead = { stages: new Set<StageName>(), edges: new Set<string>() }
  const steps = new Map<StageName, readonly Step[]>()
  let current: StageName | undefined
  lane?.way.forEach((visit, i) => {
    const before = lane.way[i - 1]
    if (placeOf(visit) !== place) return
    if (i > at) {
      ahead.stages.add(visit.stage)
      if (before && placeOf(before) === place) ahead.edges.add(edgeKey(before.stage, visit.stage))
      return
    }
    stages.add(visit.stage)
    steps.set(visit.stage, stepsAt(lane, i))
    // a wire between two namespaces is no edge within one of them
    if (before && placeOf(before) === place) edges.add(edgeKey(before.stage, visit.stage))
    if (i === at) current = visit.stage
  })
  return { stages, edges, ahead, current, steps }
}

/** How one box of a hook fared. */
export type EntryFate =
  | { readonly is: 'consulted' | 'decided'; readonly visit: ChainVisit }
  | { readonly is: 'did'; readonly text: string }
  | { readonly is: 'skipped'; readonly reason: string }
  | { readonly is: 'silent' }

/** Steps of connection tracking and NAT stand at the entries of the same name. */
const DOINGS: Readonly<Partial<Record<Entry['kind'], string>>> = { conntrack: 'conntrack', nat: 'nat' }

export function entryFate(entry: Entry, steps: readonly Step[]): EntryFate {
  if (entry.chain) {
    const { backend, table, name } = entry.chain
    const visit = steps
      .flatMap(({ chains }) => chains ?? [])
      .find((one) => one.backend === backend && one.table === table && one.chain === name)
    if (!visit) return { is: 'silent' }
    if (visit.skipped !== null) return { is: 'skipped', reason: visit.skipped }
    return { is: visit.verdict === 'accept' ? 'consulted' : 'decided', visit }
  }
  const kind = DOINGS[entry.kind]
  const done = steps.find((step) => step.kind === kind)
  return done?.text === undefined ? { is: 'silent' } : { is: 'did', text: done.text }
}

/**
 * Why the packet did not come to a stage of this namespace: the stage of its way from which it could have come, and the one to which it went on
 * instead. Undefined where no stage of its way leads there.
 */
export function bypassed(
  lane: Lane | undefined,
  place: string,
  stage: StageName,
): { readonly at: StageName; readonly to: StageName } | undefined {
  if (!lane) return undefined
  const seen = new Set<StageName>()
  // backwards from the stage, until one that was passed
  for (let from: readonly StageName[] = [stage]; from.length > 0; ) {
    const before = ALL.filter(
      (name) => !seen.has(name) && Object.values(STAGES[name].exits).some((exit) => from.includes(exit as StageName)),
    )
    for (const name of before) seen.add(name)
    const index = lane.way.findLastIndex((visit) => placeOf(visit) === place && before.includes(visit.stage))
    const [visit, next] = [lane.way[index], lane.way[index + 1]]
    if (visit) return { at: visit.stage, to: next?.stage ?? 'end' }
    from = before
  }
  return undefined
}

const ALL = Object.keys(STAGES) as StageName[]
