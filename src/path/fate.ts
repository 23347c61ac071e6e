import type { Headers } from '../packet/headers.js'
import type { Hook } from '../rules/program.js'
import type { Skb } from './skb.js'
import type { OutcomeName, Step, Way } from './trail.js'
import type { Place } from './world.js'

/** What the sender is told, and whether that came back to it. */
export interface Answer {
  readonly kind: 'tcp-reset' | 'icmp' | 'icmp6' | 'echo-reply'
  readonly type: number
  readonly code: number
  readonly fate: Fate
}

/** A walk and its end. */
export interface Walked {
  readonly fate: Fate
  readonly steps: readonly Step[]
  readonly way: Way
}

/** How a packet's walk ended. */
export interface Fate {
  readonly outcome: OutcomeName
  /** Stable code: `rule-drop`, `policy-drop`, `rp_filter`, `no-socket`, … */
  readonly reason: string
  /** For people, one sentence. */
  readonly text: string
  readonly place: Place
  readonly hook: Hook | undefined
  readonly table: string | undefined
  readonly chain: string | undefined
  readonly rule: number | undefined
  /** Where it left (sent) or last was. */
  readonly interface: string | undefined
  /** As it was at the end. */
  readonly packet: Headers
  readonly skb: Skb
  readonly answer: Answer | undefined
  /** The ways of what SYNPROXY has sent because of the packet, in order. */
  readonly segments?: readonly Walked[]
  /** For packets that died in the sender's own namespace: what the system call says. */
  readonly errno: string | undefined
}
