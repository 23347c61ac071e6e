import type { Headers } from '../packet/headers.js'
import type { Hook, Rule } from '../rules/program.js'
import type { RuleVisit, Verdict } from '../rules/traverse.js'
import type { StageName } from './stages.js'
import type { Place } from './world.js'

export type { Headers } from '../packet/headers.js'
export type { Reason } from '../rules/interpret.js'
export type { RuleVisit, Verdict } from '../rules/traverse.js'

/** A base chain on its hook, consulted or not. */
export interface ChainVisit {
  readonly table: string
  readonly backend: 'legacy' | 'nft'
  readonly family: 4 | 6
  readonly chain: string
  readonly priority: number
  readonly type: 'filter' | 'nat' | 'route'
  readonly visits: readonly RuleVisit[]
  readonly verdict: Verdict
  /** Who decided: the rule, or the policy (rule undefined, also where the end of the base chain was reached). */
  readonly decidedBy: { readonly chain: string; readonly number: number | undefined; readonly rule: Rule | undefined }
  /** Set where the chain was not consulted: `nat decides once per connection; this packet is ESTABLISHED`. */
  readonly skipped: string | undefined
}

export interface RouteLookup {
  readonly rules: readonly {
    readonly text: string
    readonly matched: boolean
    readonly why: string
    readonly table: string | undefined
    readonly route: string | undefined
  }[]
  readonly destination: string
  readonly source: string | undefined
  readonly mark: number
  readonly iif: string | undefined
  /** The winner. */
  readonly rule: string | undefined
  readonly route: string | undefined
  readonly table: string | undefined
  readonly type: string
  readonly dev: string | undefined
  readonly gateway: string | undefined
  readonly sourceChosen: string | undefined
}

interface At extends Place {
  /** The packet as it is when the step is over. */
  readonly packet: Headers
}

/** The stages that a packet passed, in their order: what of `STAGES` lights up. `step` is the index of the first step that was recorded there or later. */
export type Way = readonly (Place & { readonly stage: StageName; readonly step: number })[]

/** One thing that happened to the packet. In the order in which it happened. */
export type Step =
  | (At & { readonly kind: 'generate'; readonly text: string })
  | (At & { readonly kind: 'receive'; readonly interface: string; readonly from: string | undefined })
  | (At & {
      readonly kind: 'hook'
      readonly hook: Hook
      readonly iif: string | undefined
      readonly oif: string | undefined
      readonly chains: readonly ChainVisit[]
    })
  | (At & {
      readonly kind: 'conntrack'
      readonly hook: Hook
      readonly state: string
      readonly direction: 'original' | 'reply' | undefined
      readonly original: string | undefined
      readonly reply: string | undefined
      readonly text: string
    })
  | (At & {
      readonly kind: 'nat'
      readonly hook: Hook
      readonly manip: 'src' | 'dst'
      readonly before: string
      readonly after: string
      readonly rule: RuleVisit | undefined
      readonly text: string
      readonly ports: readonly [number, number] | undefined
    })
  | (At & {
      readonly kind: 'route' | 'reroute'
      readonly lookup: RouteLookup
      readonly result: 'local' | 'forward' | 'output' | 'broadcast' | 'multicast' | 'none'
      readonly text: string
    })
  | (At & {
      readonly kind: 'rp-filter'
      readonly interface: string
      readonly mode: number
      readonly passed: boolean
      readonly lookup: RouteLookup | undefined
      readonly text: string
    })
  | (At & { readonly kind: 'check'; readonly what: string; readonly passed: boolean; readonly text: string })
  | (At & {
      readonly kind: 'neighbour'
      readonly interface: string
      readonly address: string
      readonly mac: string | undefined
      readonly text: string
    })
  | (At & {
      readonly kind: 'bridge'
      readonly bridge: string
      readonly in: string | undefined
      readonly out: readonly string[]
      readonly text: string
    })
  | (At & {
      readonly kind: 'encapsulate' | 'decapsulate'
      readonly interface: string
      readonly text: string
      readonly outer: Headers
      readonly inner: Headers
    })
  | (At & {
      readonly kind: 'reply'
      readonly text: string
      readonly reply: Headers
      readonly walked: readonly Step[]
      readonly way: Way
    })
  /** A copy of the packet and its own way: TEE's, or what this host hears of its own broadcasts. */
  | (At & {
      readonly kind: 'copy'
      readonly text: string
      readonly copy: Headers
      readonly walked: readonly Step[]
      readonly way: Way
    })
  | (At & { readonly kind: 'deliver'; readonly socket: string | undefined; readonly text: string })
  | (At & { readonly kind: 'send'; readonly interface: string; readonly to: string | undefined; readonly text: string })
  | (At & { readonly kind: 'drop'; readonly reason: string; readonly text: string })

export type OutcomeName = 'delivered' | 'sent' | 'dropped' | 'rejected' | 'undecided'

export interface Branch {
  readonly probability: number
  /** `10.0.0.1 is an address of web1`: of a host of which little is known, this is one way that it could be. Each has the same probability, for want of a better. */
  readonly supposing?: string
  readonly outcome: OutcomeName
  readonly where: Place & {
    readonly hook: Hook | undefined
    readonly table: string | undefined
    readonly chain: string | undefined
    readonly rule: number | undefined
    readonly reason: string
    readonly text: string
  }
  readonly final: {
    readonly interface: string | undefined
    readonly src: string
    readonly dst: string
    readonly protocol: string
    readonly sport: number | undefined
    readonly dport: number | undefined
    readonly mark: number
  }
  readonly symptom: string
  readonly steps: readonly Step[]
  readonly way: Way
}

/** What `trace` answers. */
export interface Trail {
  readonly packet: Headers & { readonly from: string | undefined; readonly in: string | undefined }
  readonly assumptions: readonly string[]
  readonly branches: readonly Branch[]
}
