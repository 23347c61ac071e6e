import type { Field, FieldValue } from '../packet/fields.js'
import type { Probe } from '../packet/probe.js'

/** Closed intervals `[from, to]`, ascending and disjoint. */
export type Range = readonly [from: FieldValue, to: FieldValue]
export type Ranges = readonly Range[]

/** What is compared: a field, or something computed from fields. */
export type Value =
  | Field
  | { readonly from: 'constant'; readonly value: FieldValue }
  /** Bitwise and. */
  | { readonly from: 'masked'; readonly of: Value; readonly mask: FieldValue }
  /** Logical shift right by `by` bits. */
  | { readonly from: 'shifted'; readonly of: Value; readonly by: number }
  /** The FIB's answer for an address: its type (RTN_*), as inet_addr_type / inet_dev_addr_type see it, over one interface or all. */
  | {
      readonly from: 'fib'
      readonly what: 'type'
      readonly of: 'saddr' | 'daddr'
      readonly over: 'any' | 'iif' | 'oif'
    }
  /** What is looked for in the packet's bytes: an option, a text, the answer of a program. */
  | { readonly from: 'probe'; readonly probe: Probe }
  /** The hash of 32 bits, brought into 0 to `into` - 1 (jhash and reciprocal_scale). */
  | { readonly from: 'hash'; readonly of: Value; readonly seed: number; readonly into: number }
  /** 1 where the way back to the packet's source is as it should be (rpfilter_mt of IPv4 and IPv6), else 0. */
  | {
      readonly from: 'reverse-path'
      /** Any interface will do. */
      readonly loose: boolean
      /** The packet's mark counts in the look-up. */
      readonly mark: boolean
      /** Local source addresses pass. */
      readonly local: boolean
    }
  /** 1 where this host has a socket for the packet, else 0. `wildcard`: one that is bound to any address counts too. */
  | { readonly from: 'socket'; readonly wildcard: boolean }
