import type { Field, FieldValue } from '../packet/fields.js'
import type { Probe } from '../packet/probe.js'
import type { Look, NamedLook, NamedUse } from './set-use.js'
import type { Machine } from './state.js'
import type { Range, Ranges, Value } from './value.js'

export type { Range, Ranges, Value } from './value.js'

/**
 * What a match means. Front ends build these; evaluators read them; neither knows the other.
 * A condition is evaluated in the order written: `all` stops at the first that is not `yes`, `any` at the first that is not `no`.
 */
export type Condition =
  /** A value that the packet or its metadata does not have is in no range. */
  | { readonly is: 'in'; readonly value: Value; readonly ranges: Ranges }
  /** `drop` where the packet ends before the field: the kernel drops it on the spot ("hotdrop"). */
  | { readonly is: 'readable'; readonly field: Field }
  /** `drop` where `of` holds, `yes` where it does not: what an extension refuses to let live (its other hotdrops). */
  | { readonly is: 'drop-if'; readonly of: Condition }
  /** The key is in a set. `look`: how, where that is all that is asked; without, nothing of the set changes. */
  | { readonly is: 'member'; readonly key: readonly Value[]; readonly set: string; readonly look?: Look }
  /** A set of which only the host knows what its key is (ipset): bound to `member` conditions where it is evaluated. */
  | { readonly is: 'named-set'; readonly use: NamedUse; readonly look: NamedLook }
  | { readonly is: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly is: 'not'; readonly of: Condition }
  /** The kernel draws lots: `yes` with probability weight / 2^31 (xt_statistic keeps 31 bits). */
  | { readonly is: 'chance'; readonly weight: number }
  /** Reads and writes its own state. `name`: shared by all that give it; without, the state belongs to this condition object. */
  | { readonly is: 'stateful'; readonly machine: Machine; readonly name?: string }
  /** An extension or an input that we do not have. */
  | { readonly is: 'unknown'; readonly text: string; readonly needs: string }

export type Outcome = 'yes' | 'no' | 'drop' | 'unknown'

/** What a condition with a memory says, and why. `mayDrop`: where it is unknown, it may also be `drop`, whatever the conditions behind it say. */
export interface Answer {
  readonly outcome: Outcome
  readonly text: string
  readonly mayDrop?: boolean
}

export const inRanges = (value: Value, ranges: Ranges): Condition => ({ is: 'in', value, ranges: normalize(ranges) })
export const equals = (value: Value, to: FieldValue): Condition => ({ is: 'in', value, ranges: [[to, to]] })
export const masked = (of: Value, mask: FieldValue): Value => ({ from: 'masked', of, mask })
/** At least one of `bits` is set. */
export const anyBit = (value: Value, bits: number): Condition => inRanges(masked(value, bits), [[1, 2 ** 32 - 1]])
export const probed = (probe: Probe): Value => ({ from: 'probe', probe })
export const readable = (field: Field): Condition => ({ is: 'readable', field })
export const dropIf = (of: Condition): Condition => ({ is: 'drop-if', of })
export const all = (...of: readonly Condition[]): Condition => (of.length === 1 ? of[0]! : { is: 'all', of })
export const any = (...of: readonly Condition[]): Condition => (of.length === 1 ? of[0]! : { is: 'any', of })
export const not = (of: Condition): Condition => ({ is: 'not', of })
export const invertedIf = (invert: boolean, of: Condition): Condition => (invert ? not(of) : of)
export const always: Condition = { is: 'all', of: [] }

const below = (a: Range, b: Range) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)
const next = (value: FieldValue): FieldValue => (typeof value === 'bigint' ? value + 1n : value + 1)

/** Sorts intervals and joins those that overlap or touch. */
function normalize(ranges: Ranges): Ranges {
  if (ranges.length < 2) return ranges
  const joined: [FieldValue, FieldValue][] = []
  for (const [from, to] of [...ranges].sort(below)) {
    const last = joined.at(-1)
    if (last && from <= next(last[1])) {
      if (to > last[1]) last[1] = to
    } else joined.push([from, to])
  }
  return joined
}
