import type { Ip } from '../address/ip.js'
import type { Field, FieldValue } from '../packet/fields.js'
import type { Value } from './condition.js'
import type { NamedUse } from './set-use.js'

/** How REJECT answers. ICMP names are the protocol's; the number is the code of "destination unreachable". */
export type RejectWith =
  | { readonly send: 'tcp-reset' }
  | { readonly send: 'icmp'; readonly code: number; readonly name: string }
  | { readonly send: 'icmp6'; readonly code: number; readonly name: string }

/** What NAT may choose from (struct nf_nat_range2). */
export interface NatRange {
  /** Absent: the address stays. */
  readonly addresses?: readonly [from: Ip, to: Ip]
  /** Ports or ICMP ids, host byte order. Absent: the kernel's own choice. */
  readonly ports?: readonly [from: number, to: number]
  /** DNAT `to a-b/base`: the port keeps its distance from this one. */
  readonly basePort?: number
  readonly random?: boolean
  readonly fullyRandom?: boolean
  readonly persistent?: boolean
  /** NETMAP: host bits stay. */
  readonly netmap?: boolean
}

/** What a rule does. A verdict ends the rule; every other effect lets its next step run. */
export type Effect =
  | { readonly do: 'accept' | 'drop' | 'return' }
  | { readonly do: 'jump' | 'goto'; readonly chain: string }
  /** Answers, then drops. */
  | { readonly do: 'reject'; readonly with: RejectWith }
  /** field = (field & keep) ^ xor */
  | { readonly do: 'set'; readonly field: Field; readonly keep: FieldValue; readonly xor: Value }
  /** field = field + by, held within 0 and the field's maximum. */
  | { readonly do: 'add'; readonly field: Field; readonly by: number }
  /** Sets up this manip for the connection, then accepts. `masquerade`: the address of the outgoing interface; `redirect`: of the incoming one (127.0.0.1 in OUTPUT). */
  | {
      readonly do: 'nat'
      readonly manip: 'src' | 'dst'
      readonly to: NatRange
      readonly how?: 'masquerade' | 'redirect'
    }
  /** The MSS option of a SYN is lowered to this, or to what the path takes. */
  | { readonly do: 'mss'; readonly to: number | 'path' }
  | { readonly do: 'log'; readonly prefix: string }
  /** A copy goes to this next hop, by itself through OUTPUT (target TEE). */
  | { readonly do: 'duplicate'; readonly gateway: Ip; readonly oif?: string }
  | { readonly do: 'notrack' }
  /** A connection-tracking template: zone, helper, timeout policy, events (target CT). */
  | {
      readonly do: 'template'
      readonly zone?: number
      readonly zoneDirection?: 'original' | 'reply'
      readonly zoneFromMark?: boolean
      readonly helper?: string
      readonly timeout?: string
    }
  /** An element made of the packet is added to a set, or deleted. */
  | {
      readonly do: 'change-set'
      readonly how: 'add' | 'delete'
      readonly use: NamedUse
      /** An element that is there already is given its time anew. */
      readonly exist: boolean
      /** Seconds; 0: for ever. Absent: the set's own. */
      readonly timeout?: number
    }
  /** What the element of a set carries goes to the packet that is found in it. */
  | { readonly do: 'map-set'; readonly use: NamedUse; readonly to: readonly ('mark' | 'priority' | 'queue')[] }
  /** Handed to user space: what becomes of it is not known here (`bypass`: goes on where nobody listens). */
  | { readonly do: 'queue'; readonly number: number; readonly bypass: boolean }
  /** A target that we do not have: what it does and whether the packet lives is not known. */
  | { readonly do: 'unknown'; readonly text: string; readonly needs: string }

export const TERMINAL: ReadonlySet<Effect['do']> = new Set([
  'accept',
  'drop',
  'return',
  'jump',
  'goto',
  'reject',
  'nat',
  'queue',
])
