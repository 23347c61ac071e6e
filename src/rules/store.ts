import type { FieldValue } from '../packet/fields.js'
import type { Condition, Outcome } from './condition.js'
import type { KeyedUse, Look, NamedLook, NamedUse } from './set-use.js'
import type { Range, Value } from './value.js'

export type BoundUse =
  /** Several for a list of sets: they are asked in this order. */
  | { readonly known: true; readonly uses: readonly KeyedUse[] }
  /** `why`: `set blocked is not in the snapshot`. */
  | { readonly known: false; readonly why: string }

/** The named sets of a namespace as the snapshot has them: immutable. */
export interface NamedSets {
  readonly listed: readonly { readonly name: string; readonly type: string; readonly elements: number }[]
  /** A condition on a named set as conditions on keys. Unknown sets become conditions that say so. */
  bind(use: NamedUse, look: NamedLook): Condition
  bindUse(use: NamedUse): BoundUse
  /** The elements of a set as intervals, one for each value of the key that `bind` gives, for readers that compute with sets of packets. */
  ranges(set: string, key: readonly Value[]): Iterable<ElementRanges>
  /** Sets of its own for a run that begins at `now` (seconds since the epoch). */
  open(now: number): OpenSets
}

export interface ElementRanges {
  readonly key: readonly Range[]
  /** Longest networks first, as the kernel asks them: the first element that holds the packet decides. */
  readonly nomatch: boolean
}

/** What of the packet counts beside the key. */
export interface Passing {
  /** Seconds since the epoch. */
  readonly now: number
  /** Bytes, from the IP header on. */
  readonly length: number
}

export interface Answer {
  readonly outcome: Outcome
  /** For people: which element decided. */
  readonly text: string
}

/** What an element gives to the packets that are found in it (`--map-set`). */
export interface Carried {
  readonly mark: number
  readonly markMask: number
  readonly priority: number
  readonly queue: number
}

/** What a change came to, for people; `unknown`: what the kernel made of it hangs on something that the input does not tell. */
export interface SetChange {
  readonly done: boolean
  readonly unknown: boolean
  readonly text: string
}

/** The sets of a run: they change. */
export interface OpenSets {
  member(set: string, key: readonly FieldValue[], look: Look, passing: Passing): Answer
  /** As `member`, and what the element carries. */
  carried(set: string, key: readonly FieldValue[], look: Look, passing: Passing): Answer & { readonly carries: Carried }
  add(
    use: KeyedUse,
    key: readonly FieldValue[],
    how: { readonly exist: boolean; readonly timeout?: number },
    passing: Passing,
  ): SetChange
  delete(use: KeyedUse, key: readonly FieldValue[], passing: Passing): SetChange
  /** As `ipset save` prints them at that time. */
  print(now: number): string
}
