import type { Family } from '../address/ip.js'
import type { Condition } from './condition.js'
import type { Effect } from './effect.js'

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress'

/** A rule does its steps in order; a condition that is not `yes` ends it. */
export type Step = { readonly if: Condition } | { readonly do: Effect } | { readonly count: 'rule' }

export interface Source {
  readonly file: string
  readonly line: number
}

export interface Rule {
  /** Lowered on first use: most rules of a large ruleset are never looked at. */
  readonly steps: readonly Step[]
  /** As the real program prints it, without counters: `-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT`. */
  readonly text: string
  /** The words that it was read from, without counters: rules of one chain with the same ones are the same. Left out: `text` tells. */
  readonly written?: string
  /** Where `written` is there: the chain that it jumps or goes to. */
  readonly jump?: string | undefined
  readonly comment: string | undefined
  readonly source: Source | undefined
  /** From the snapshot: how often it matched there. */
  readonly counters: Counters | undefined
}

export interface Counters {
  readonly packets: number
  readonly bytes: number
}

/** How a base chain is registered: NF_INET hook, priority, and what its type makes the kernel do around it. */
export interface Base {
  readonly hook: Hook
  readonly priority: number
  /** `nat`: consulted for a connection's first packet only. `route`: in OUTPUT the kernel routes again when it changed the packet's address, mark or TOS. */
  readonly type: 'filter' | 'nat' | 'route'
  readonly policy: 'accept' | 'drop'
  readonly counters: Counters | undefined
}

export interface Chain {
  readonly name: string
  readonly rules: readonly Rule[]
  readonly base: Base | undefined
}

/** One table of one backend and one family. `legacy` tables and `nft` tables stand on the same hooks. */
export interface Table {
  readonly name: string
  readonly family: Family
  readonly backend: 'legacy' | 'nft'
  readonly chains: ReadonlyMap<string, Chain>
  /** Does a rule of it need connection tracking in its namespace? The kernel turns tracking on only then. */
  readonly needsConntrack: boolean
  /** Does a rule of it have fragments put together, tracking or not? */
  readonly needsDefragmentation?: boolean
}
