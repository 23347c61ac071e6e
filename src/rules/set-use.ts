import type { Family } from '../address/ip.js'
import type { Value } from './value.js'

export type Direction = 'src' | 'dst'

export interface Comparison {
  readonly op: 'eq' | 'ne' | 'lt' | 'gt'
  readonly value: bigint
}

/** What is asked of the counters of an element that was found, and what becomes of them. */
export interface CounterUse {
  readonly packets?: Comparison | undefined
  readonly bytes?: Comparison | undefined
  /** They stay as they are. */
  readonly keep: boolean
}

/** How a set is looked up, where it is more than "is it in?". */
export interface Look extends CounterUse {
  /** Elements marked `nomatch` match, and no others. */
  readonly returnNomatch: boolean
  /** It is looked up as a member of this list of sets, whose element for it has counters of its own. */
  readonly list?: CounterUse & { readonly name: string }
  /** Finding something changes the set: counters go on, a MAC address is filled in. */
  readonly changes: boolean
}

/** What a rule says of it before it is known what the set is. */
export interface NamedLook extends CounterUse {
  readonly returnNomatch: boolean
  /** The counters of a list's members stay as they are. */
  readonly keepSubcounters: boolean
}

/** A set as rules of iptables name it: its type, which only the host knows, says what of the packet each direction stands for. */
export interface NamedUse {
  readonly set: string
  readonly directions: readonly Direction[]
  readonly family: Family
}

/** A set, and what of the packet is looked up in it. */
export interface KeyedUse {
  readonly set: string
  /** The list of sets that it was found in. */
  readonly list?: string
  readonly key: readonly Value[]
}
