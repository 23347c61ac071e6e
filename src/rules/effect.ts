import type { Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'
import type { Prefix } from '../address/prefix.js'
import type { ArpField } from '../packet/arp.js'
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

/** What HMARK hashes into a mark (struct xt_hmark_info). Masks and values as numbers in host byte order. */
export interface HashedMark {
  /** The connection's tuple instead of the packet's headers. */
  readonly connection: boolean
  /** Of an IPv6 address the four words are folded into one. */
  readonly srcMask: Ip
  readonly dstMask: Ip
  /** Ports, or the SPI: source port in the upper half. `undefined`: addresses alone. */
  readonly ports: { readonly mask: number; readonly set: number } | undefined
  readonly protocolMask: number
  readonly seed: number
  readonly modulus: number
  readonly offset: number
}

/** What rules of the link layer write into a frame. */
export type FrameChange =
  /** arptables' mangle. */
  | { readonly change: 'arp'; readonly field: ArpField; readonly to: number }
  /** ebtables' snat; `arp`: in the ARP message as well. */
  | { readonly change: 'source'; readonly to: Mac; readonly arp: boolean }
  /** ebtables' dnat. */
  | { readonly change: 'destination'; readonly to: Mac }
  /** ebtables' redirect: to the bridge itself, in BROUTING to the port. */
  | { readonly change: 'to-bridge' }
  /** ebtables' arpreply: a request is answered with this address, and is over; anything else goes on. */
  | { readonly change: 'answer-arp'; readonly mac: Mac }

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
  /** Sets up this manip for the connection (`hook`: the one that the hook makes), then accepts. `masquerade`: the address of the outgoing interface; `redirect`: of the incoming one (127.0.0.1 in OUTPUT). */
  | {
      readonly do: 'nat'
      readonly manip: 'src' | 'dst' | 'hook'
      readonly to: NatRange
      readonly how?: 'masquerade' | 'redirect'
    }
  /** The MSS option of a SYN is lowered to this, or to what the path takes. */
  | { readonly do: 'mss'; readonly to: number | 'path' }
  /** flags = (flags & keep) | set in the TCP header; dropped where that is cut off (target ECN). */
  | { readonly do: 'tcp-bits'; readonly keep: number; readonly set: number }
  /** Every TCP option of these kinds is overwritten with NOPs. */
  | { readonly do: 'strip-options'; readonly kinds: readonly number[] }
  /** IPv6 prefix translation without state, checksum-neutral (RFC 6296). */
  | { readonly do: 'map-prefix'; readonly which: 'src' | 'dst'; readonly from: Prefix; readonly to: Prefix }
  | { readonly do: 'hash-mark'; readonly by: HashedMark }
  /**
   * To the socket of this connection, else to the one that listens there, and accepted with the mark (mark & ~mask) ^ mark; dropped where there is none.
   * `ip` absent: the address of the incoming device; port 0: the packet's own.
   */
  | { readonly do: 'to-socket'; readonly ip?: Ip; readonly port: number; readonly mark: number; readonly mask: number }
  /**
   * A SYN is answered by the kernel itself; the last packet of the handshake opens a connection of the kernel's own (target SYNPROXY). `offers`: TCP options of the
   * answer, as bits of XT_SYNPROXY_OPT_*.
   */
  | { readonly do: 'answer-syn'; readonly offers: number; readonly mss: number; readonly scale: number }
  /** `what`: it is told elsewhere than in a log, and these are the words for it; `handed`: to a program that listens, which makes of it what it likes. */
  | { readonly do: 'log'; readonly prefix: string; readonly what?: string; readonly handed?: true }
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
  | { readonly do: 'frame'; readonly frame: FrameChange }
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
