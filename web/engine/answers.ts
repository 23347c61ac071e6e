/** What the engine answers, as far as the page reads it: the documents of `trace --json`, `connect --json`, `show --json`, and the map's boxes. */
import type { StageName } from '../../src/path/stages.js'
import type { connectJson } from '../../src/report/connect.js'
import type { headersJson, trailJson } from '../../src/report/json.js'
import type { mapJson } from '../../src/report/map.js'
import type { showJson } from '../../src/report/show.js'

export type Trace = ReturnType<typeof trailJson>
export type Conversation = ReturnType<typeof connectJson>
export type Shown = ReturnType<typeof showJson>
export type PathMap = ReturnType<typeof mapJson>
export type Headers = ReturnType<typeof headersJson>
export type Branch = Trace['branches'][number]

export interface Visit {
  readonly host: string
  readonly namespace: string
  readonly stage: StageName
  readonly step: number
}

export interface RuleVisit {
  readonly chain: string
  readonly number: number
  readonly text: string
  readonly depth: number
  readonly outcome: 'yes' | 'no' | 'drop' | 'unknown'
  readonly source: { readonly file: string; readonly line: number } | null
  readonly why: string | null
  /** What was compared: the field, what the rule wants, what the packet has. */
  readonly field: string | null
  readonly wanted: string | null
  readonly seen: string | null
  readonly did: string | null
}

export interface ChainVisit {
  readonly table: string
  readonly backend: 'legacy' | 'nft'
  readonly chain: string
  readonly priority: number
  readonly verdict: string
  readonly skipped: string | null
  readonly decided: { readonly chain: string; readonly rule: number | null }
  readonly rules: readonly RuleVisit[]
}

/** One step of a trail. `text` says it in words; hooks have their chains instead. */
export interface Step {
  readonly kind: string
  readonly host: string
  readonly namespace: string
  readonly packet: Headers
  readonly text?: string
  readonly hook?: string
  readonly interface?: string
  readonly from?: string | null
  readonly chains?: readonly ChainVisit[]
  readonly state?: string
  readonly passed?: boolean
}

/** A lane of the picture: one packet's way. */
export interface Lane {
  readonly way: readonly Visit[]
  readonly steps: readonly Step[]
  readonly branch: Branch
}

export function laneOf(branch: Branch): Lane {
  return {
    branch,
    way: branch.way as unknown as readonly Visit[],
    steps: branch.steps as unknown as readonly Step[],
  }
}

/** How many steps there were when the packet left the i-th stage of a way. */
export const endOf = ({ way, steps }: Lane, index: number): number => way[index + 1]?.step ?? steps.length

/** The steps that were recorded on the i-th stage of a way. */
export function stepsAt(lane: Lane, index: number): readonly Step[] {
  const first = index === 0 ? 0 : (lane.way[index]?.step ?? lane.steps.length)
  return lane.steps.slice(first, endOf(lane, index))
}

export const placeOf = ({ host, namespace }: { readonly host: string; readonly namespace: string }): string =>
  namespace === '' ? host : `${host}/${namespace}`
