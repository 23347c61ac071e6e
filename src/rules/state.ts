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
  /** A token bucket for each key (xt_hashlimit); one that was idle for `idleMs` is forgotten. All conditions of a name share their buckets. */
  | {
      readonly kind: 'buckets'
      readonly key: readonly Value[]
      readonly perPacketMs: number
      readonly burst: number
      readonly idleMs: number
      readonly text: string
    }
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
