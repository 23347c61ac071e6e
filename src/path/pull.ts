import { PROTOCOL } from '../packet/checksum.js'
import { u8 } from '../packet/packet.js'
import type { Skb } from './skb.js'

/**
 * Whoever writes to a packet, or takes a header for granted, gets its first bytes in one piece (pskb_may_pull, skb_ensure_writable): what came in fragments leaves in
 * others where these bytes were in several. `length`: bytes behind the network header; left out: all of them (skb_linearize).
 */
export function pull(skb: Skb, length = Number.POSITIVE_INFINITY): void {
  if (!skb.pieces) return
  const [first, ...later] = skb.pieces.pieces
  if (first === undefined || first >= length) return
  let head = first
  while (later.length > 0 && head < length) {
    const taken = Math.min(length - head, later[0]!)
    head += taken
    if (taken === later[0]) later.shift()
    else later[0]! -= taken
  }
  skb.pieces = { ...skb.pieces, pieces: [head, ...later] }
}

/** The whole TCP header, with its options. */
export const pullTcp = (skb: Skb): void =>
  pull(skb, ((u8(skb.packet.bytes, skb.packet.transport.offset + 12) ?? 0) >> 4) * 4)

/** What NAT writes to (net/netfilter/nf_nat_proto.c: nf_nat_manip_pkt). */
const NAT_HEADERS: Readonly<Record<number, number>> = { [PROTOCOL.TCP]: 20, [PROTOCOL.SCTP]: 12, [PROTOCOL.DCCP]: 16 }
const LEAST_HEADER = 8

export function pullForNat(skb: Skb): void {
  const { bytes, transport } = skb.packet
  const header = NAT_HEADERS[transport.protocol] ?? LEAST_HEADER
  pull(skb, bytes.length >= transport.offset + header ? header : LEAST_HEADER)
}
