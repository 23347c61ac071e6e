import type { FieldValue } from '../packet/fields.js'
import type { Value } from './value.js'

/**
 * The state machines behind stateful conditions: a small closed set, whatever language the rule was written in.
 * Their states live in a run, never in a rule.
 */
export type Machine =
  /**
   * A token bucket counted in jiffies, as net/netfilter/xt_limit.c keeps it: `cost` credits a packet, `cap` at most, one credit
   * per jiffy times CREDITS_PER_JIFFY. `milliseconds` is the time between two packets at the average rate.
   */
  | { readonly kind: 'bucket'; readonly perPacketMs: number; readonly burst: number; readonly text: string }
  /** So many bytes match, and no more (xt_quota). */
  | { readonly kind: 'quota'; readonly bytes: number }
  /** A bucket for each key (xt_hashlimit); one that was idle for `idleMs` is forgotten. All conditions of a name share their buckets. */
  | {
      readonly kind: 'buckets'
      readonly key: readonly Value[]
      readonly rate: BucketRate
      readonly idleMs: number
      readonly text: string
    }
  /** How many connections have been seen from or to one network (xt_connlimit): `yes` where they are more than `limit`. */
  | {
      readonly kind: 'connlimit'
      /** Of the packet: its source or destination. */
      readonly side: 'saddr' | 'daddr'
      readonly mask: FieldValue
      readonly limit: number
    }
  /** Does the connection have this label (xt_connlabel)? With `set` it gets it. `!` belongs to the machine: a packet without a connection answers it too. */
  | { readonly kind: 'label'; readonly bit: number; readonly set: boolean; readonly inverted: boolean }
  /** Every `every`-th packet, beginning with number `packet` (xt_statistic nth). */
  | { readonly kind: 'nth'; readonly every: number; readonly packet: number }
  /** A list of addresses with the times they were seen (xt_recent). The list is named by the condition. */
  | {
      readonly kind: 'recent'
      readonly op: 'set' | 'check' | 'update' | 'remove'
      readonly key: Value
      readonly seconds?: number
      readonly hits?: number
      readonly reap?: boolean
      /** Compare the TTL as well. */
      readonly ttl?: boolean
      /** `!` belongs to the machine here: the kernel's `--update` refreshes the entry by the outcome after inversion. */
      readonly inverted?: boolean
    }

/** How a bucket of xt_hashlimit is filled and emptied. */
export type BucketRate =
  /** The time between two packets at the average rate, and how much of it a full bucket holds; in millionths of a second. */
  | { readonly in: 'packets'; readonly apart: number; readonly cap: number }
  /**
   * `cost`: of 16 bytes, where a second fills in 2^32. A bucket that is empty is filled up again, `refills` times in its life.
   */
  | { readonly in: 'bytes'; readonly cost: number; readonly refills: number }
  /** `yes` while no more than `burst` came since the last look, and no more than `perSecond` in the whole time before it. */
  | {
      readonly in: 'windows'
      readonly of: 'packets' | 'bytes'
      readonly perSecond: number
      readonly burst: number
      /** Seconds. */
      readonly interval: number
    }
