import { type Packet, u8 } from '../packet/packet.js'
import { destinationOf } from '../packet/reply.js'
import { invertTuple, type L4, type Tuple, tupleAt } from './tuple.js'

const HEADER = 8
/** NR_ICMP_TYPES. */
const LAST_ICMP4 = 18
const ERRORS4: ReadonlySet<number> = new Set([3, 4, 5, 11, 12])
const FIRST_INFORMATION6 = 128
const REDIRECT6 = 137
/** Listener, neighbour and multicast router discovery (noct_valid_new): never tracked. */
const UNTRACKED6: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143, 151, 152])

/**
 * What the tracker makes of an ICMP message before it looks for a connection: `about`, an error, belongs to the connection in which `tuple` is
 * what answers the packet that the error quotes; `dst` is where the error goes. `plain`: it has a connection of its own, if any.
 */
export type IcmpMessage =
  | { readonly is: 'plain' }
  | { readonly is: 'untracked' }
  | { readonly is: 'invalid'; readonly reason: string }
  | { readonly is: 'about'; readonly tuple: Tuple; readonly dst: Tuple['dst'] }

const PLAIN: IcmpMessage = { is: 'plain' }
const invalid = (reason: string): IcmpMessage => ({ is: 'invalid', reason })

/** nf_conntrack_icmpv4_error, nf_conntrack_icmpv6_error. ICMP of the other family is `plain`. */
export function classifyIcmp(packet: Packet, { protocol, offset }: L4, checksumGood: () => boolean): IcmpMessage {
  const { bytes, family } = packet
  if ((protocol === 1) !== (family === 4)) return PLAIN
  if (bytes.length < offset + HEADER) return invalid('short ICMP packet')
  if (!checksumGood()) return invalid('wrong ICMP checksum')
  const type = u8(bytes, offset)!
  if (family === 4) {
    if (type > LAST_ICMP4) return invalid('unknown ICMP type')
    return ERRORS4.has(type) ? about(packet, offset + HEADER) : PLAIN
  }
  if (UNTRACKED6.has(type)) return { is: 'untracked' }
  if (type === REDIRECT6) return redirect6(packet, offset)
  return type < FIRST_INFORMATION6 ? about(packet, offset + HEADER) : PLAIN
}

/** nf_conntrack_inet_error. */
function about(packet: Packet, at: number): IcmpMessage {
  const quoted = tupleAt(packet.bytes, packet.family, at)
  const tuple = quoted && invertTuple(quoted)
  if (!tuple) return invalid('the ICMP error quotes nothing that could be tracked')
  return { is: 'about', tuple, dst: destinationOf(packet)! }
}

/** RFC 4861 section 4.5: target and destination addresses behind the header. */
const REDIRECT_HEADER = 40
const REDIRECTED = 4

/** nf_conntrack_icmpv6_redirect. */
function redirect6(packet: Packet, offset: number): IcmpMessage {
  const { bytes } = packet
  if (bytes.length < offset + REDIRECT_HEADER) return invalid('short ICMPv6 redirect')
  if (u8(bytes, offset + 1) !== 0) return PLAIN
  const linkLocal = bytes[8] === 0xfe && (bytes[9]! & 0xc0) === 0x80
  if (bytes[7] !== 255 || !linkLocal) return invalid('an ICMPv6 redirect that was not sent by a neighbour')
  const option = offset + REDIRECT_HEADER
  if (bytes.length < option + 2 || u8(bytes, option + 1) === 0) return invalid('an ICMPv6 redirect without options')
  return u8(bytes, option) === REDIRECTED ? about(packet, option + HEADER) : PLAIN
}

const NEW4: ReadonlySet<number> = new Set([8, 13, 15, 17])
const NEW6: ReadonlySet<number> = new Set([128, 139])

/** Only questions make connections (nf_conntrack_icmp_packet, nf_conntrack_icmpv6_packet), and only in the family that the protocol belongs to. */
export function icmpFault({ protocol, family, dport }: Tuple): string | undefined {
  if ((protocol === 1) !== (family === 4)) return 'ICMP of the other address family'
  return (family === 4 ? NEW4 : NEW6).has(dport >> 8) ? undefined : 'an ICMP answer without its question'
}
