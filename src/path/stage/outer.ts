import { FIELDS } from '../../packet/fields.js'
import type { Packet } from '../../packet/packet.js'
import type { Fate } from '../fate.js'

/** The packet that carries another one, and how it sets out. */
export interface Outer {
  readonly packet: Packet
  /** For people: `flannel.1 wraps it in VXLAN 1 for 192.168.50.12`. */
  readonly text: string
  /** The device that the tunnel is bound to. */
  readonly dev?: string | undefined
  /** Undefined: the inner packet's, which stays within one namespace (skb_scrub_packet). */
  readonly mark?: number | undefined
  /** WireGuard: the key of who has encrypted it. */
  readonly sealedBy?: string | undefined
}

export const isFate = (one: object): one is Fate => 'outcome' in one

const ECN = 3
const CE = 3
const ECT0 = 2

/** RFC 6040 as include/net/inet_ecn.h: INET_ECN_encapsulate does it: the outer header's ECN bits are the inner's, but "congestion experienced" is not copied. */
export function tosAround(inner: Packet, tos: number | undefined): number {
  const own = FIELDS['ip.tos'].read(inner) ?? 0
  const ecn = (own & ECN) === CE ? ECT0 : own & ECN
  return ((tos ?? own) & ~ECN) | ecn
}
