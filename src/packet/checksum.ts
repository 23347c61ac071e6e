import type { Ip } from '../address/ip.js'
import { type Packet, put16, put32, u16, u32 } from './packet.js'

/**
 * The internet checksum (RFC 1071) and its incremental update (RFC 1624), as Linux computes them: with the same choice between the two
 * zeros of one's complement, 0 and 0xffff, because a frame is compared byte for byte. Checksums are 16-bit numbers, host byte order.
 */
export const PROTOCOL = {
  HOP_BY_HOP: 0, ICMP: 1, IGMP: 2, TCP: 6, UDP: 17, DCCP: 33, GRE: 47, ESP: 50, AH: 51, ICMPV6: 58, SCTP: 132, UDPLITE: 136,
} as const // biome-ignore format: a table

/** A sum of 16-bit words, not folded: add to it, then `fold`. An odd last byte counts as the high byte of a word. */
export function sum(bytes: Uint8Array, from = 0, to = bytes.length, start = 0): number {
  let total = start
  let at = from
  for (; at + 1 < to; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!
  if (at < to) total += bytes[at]! << 8
  return total
}

/** The sum brought into 16 bits with end-around carry, not yet inverted. 0 comes only from 0. */
export function fold(total: number): number {
  let value = total
  while (value > 0xffff) value = (value % 0x10000) + Math.floor(value / 0x10000)
  return value
}

export const checksum = (bytes: Uint8Array, from = 0, to = bytes.length, start = 0): number =>
  ~fold(sum(bytes, from, to, start)) & 0xffff

/** Sum of the words of an address: 2 for IPv4, 8 for IPv6. */
export function sumOfIp(ip: Ip): number {
  if (typeof ip === 'number') return (ip >>> 16) + (ip & 0xffff)
  let total = 0
  for (let rest = ip; rest > 0n; rest >>= 16n) total += Number(rest & 0xffffn)
  return total
}

/** The pseudo header of TCP, UDP and ICMPv6 (RFC 9293 section 3.1, RFC 8200 section 8.1), read from the packet's own addresses. `length` in bytes. */
export function pseudoHeader(packet: Packet, protocol: number, length: number): number {
  const start = (length >>> 16) + (length & 0xffff) + protocol
  return packet.family === 4
    ? sum(packet.bytes, 12, Math.min(20, packet.bytes.length), start)
    : sum(packet.bytes, 8, Math.min(40, packet.bytes.length), start)
}

/**
 * The checksum after words changed whose sums were `from` and are `to`, as csum_replace4, inet_proto_csum_replace4 and _replace16 compute it
 * (net/core/utils.c): in 32 bits, from a start that is never 0, so that 0xffff never comes out. For TTL and TOS the kernel has three more ways
 * (ip_decrease_ttl, ipv4_change_dsfield, csum_replace2); where no word is 0xffff, and none of theirs is, they give the same number.
 */
export function replaceSum(check: number, from: number, to: number): number {
  const folded = fold((~check & 0xffff) + (~fold(from) & 0xffff) + fold(to))
  return folded === 0 ? 0 : ~folded & 0xffff
}

/** nft_csum_replace (net/netfilter/nft_payload.c): as `replaceSum`, but what comes out as 0 is written 0xffff, in every kind of header. */
export const replaceSumNft = (check: number, from: number, to: number): number => replaceSum(check, from, to) || 0xffff

/** Where the checksum lies in the transport header, and how many bytes must be there for the kernel to touch it. */
export interface ChecksumPlace {
  readonly at: number
  readonly header: number
  /** The pseudo header is summed too: a change of address changes it. */
  readonly pseudo: boolean
}

/** RFC 9293, 768, 792, 4443, 4340, 3828. SCTP has a CRC instead: `sctpChecksum`. ICMP inside IPv6 and ICMPv6 inside IPv4 have no pseudo header in IPv4. */
export function checksumPlace(packet: Packet): ChecksumPlace | undefined {
  const { protocol } = packet.transport
  switch (protocol) {
    case PROTOCOL.TCP:
      return { at: 16, header: 20, pseudo: true }
    case PROTOCOL.UDP:
    case PROTOCOL.UDPLITE:
      return { at: 6, header: 8, pseudo: true }
    case PROTOCOL.DCCP:
      return { at: 6, header: 12, pseudo: true }
    case PROTOCOL.ICMP:
      return { at: 2, header: 8, pseudo: false }
    case PROTOCOL.ICMPV6:
      return { at: 2, header: 8, pseudo: true }
    default:
      return undefined
  }
}

/** Offset of the transport checksum from the start of the packet, where the packet has one: no later fragment, header not cut off. */
export function transportChecksumAt(packet: Packet): number | undefined {
  const place = checksumPlace(packet)
  const { offset, fragmentOffset } = packet.transport
  if (!place || fragmentOffset !== 0 || offset + place.at + 2 > packet.bytes.length) return undefined
  return offset + place.at
}

/** How many bytes of a UDP-Lite or DCCP packet the checksum covers (RFC 3828 section 3.1, RFC 4340 section 9.2); all where it says nonsense. */
function coverage(packet: Packet): number {
  const { protocol, offset } = packet.transport
  const { bytes } = packet
  const all = bytes.length - offset
  if (protocol === PROTOCOL.UDPLITE) {
    const length = u16(bytes, offset + 4) ?? 0
    return length === 0 || length > all ? all : length
  }
  if (protocol === PROTOCOL.DCCP) {
    const words = (bytes[offset + 5] ?? 0) & 15
    const header = (bytes[offset + 4] ?? 0) * 4
    return words === 0 ? all : Math.min(all, header + (words - 1) * 4)
  }
  return all
}

/** The sum over pseudo header and transport bytes as they stand: 0xffff where the checksum in them is right. */
function transportSum(packet: Packet, pseudo: boolean, protocol = packet.transport.protocol): number {
  const { offset } = packet.transport
  const length = packet.bytes.length - offset
  const start = pseudo ? pseudoHeader(packet, protocol, length) : 0
  return fold(sum(packet.bytes, offset, offset + coverage(packet), start))
}

/**
 * Writes the checksum that the bytes should have into the transport header. UDP that comes out as 0 becomes 0xffff; an IPv4 UDP packet whose
 * checksum is 0 has none and keeps none, unless `evenIfNone`. Nothing happens where there is no checksum (later fragments, other protocols).
 * The caller has the whole packet: over a first fragment alone the sum would be wrong, so fragments stay as they are.
 */
export function recomputeTransport(packet: Packet, evenIfNone = false): void {
  const { protocol, offset, moreFragments, fragmentOffset } = packet.transport
  const { bytes } = packet
  if (moreFragments || fragmentOffset !== 0) return
  if (protocol === PROTOCOL.SCTP) {
    if (offset + 12 <= bytes.length) put32(bytes, offset + 8, sctpChecksum(bytes, offset))
    return
  }
  const at = transportChecksumAt(packet)
  if (at === undefined) return
  if (protocol === PROTOCOL.UDP && packet.family === 4 && u16(bytes, at) === 0 && !evenIfNone) return
  put16(bytes, at, 0)
  const check = ~transportSum(packet, checksumPlace(packet)!.pseudo) & 0xffff
  const zeroMeansNone = protocol === PROTOCOL.UDP || protocol === PROTOCOL.UDPLITE || protocol === PROTOCOL.DCCP
  put16(bytes, at, check === 0 && zeroMeansNone ? 0xffff : check)
}

/** Writes the IPv4 header checksum over ihl words (ip_send_check). IPv6 has none. */
export function recomputeHeader(packet: Packet): void {
  const { bytes } = packet
  if (packet.family !== 4 || bytes.length < 20) return
  put16(bytes, 10, 0)
  put16(bytes, 10, checksum(bytes, 0, Math.min(bytes.length, packet.transport.offset)))
}

/** False for IPv6 never, for IPv4 where the header does not sum up (ip_rcv_core drops such a packet before any hook). */
export const headerChecksumOk = (packet: Packet): boolean =>
  packet.family === 6 || fold(sum(packet.bytes, 0, Math.min(packet.bytes.length, packet.transport.offset))) === 0xffff

/**
 * Whether connection tracking takes the transport checksum for good, where net.netfilter.nf_conntrack_checksum is on and the packet is in
 * PREROUTING: nf_checksum over all bytes behind the IP header (net/netfilter/utils.c, called by nf_conntrack_proto_{tcp,udp,icmp,icmpv6,sctp}.c).
 * So a UDP length field that says less than the IP length does not make the sum shorter, and a UDP checksum of 0 is good in both families. Protocols
 * without a checksum that it knows are good (DCCP too: Linux 6.18 does not track it any more); a header too short to hold its checksum is not.
 */
export function checksumOk(packet: Packet): boolean {
  const { protocol, offset, fragmentOffset } = packet.transport
  const { bytes } = packet
  if (fragmentOffset !== 0) return true
  if (protocol === PROTOCOL.SCTP) return u32(bytes, offset + 8) === sctpChecksum(bytes, offset)
  const place = checksumPlace(packet)
  if (
    !place ||
    protocol === PROTOCOL.DCCP ||
    (protocol === PROTOCOL.ICMP && packet.family === 6) ||
    (protocol === PROTOCOL.ICMPV6 && packet.family === 4)
  )
    return true
  const at = transportChecksumAt(packet)
  if (at === undefined) return false
  if (protocol === PROTOCOL.UDP && u16(bytes, at) === 0) return true
  // udplite_error sums the pseudo header with UDP's number: good UDP-Lite packets look bad to it (nf_conntrack_proto_udp.c).
  const summedAs = protocol === PROTOCOL.UDPLITE ? PROTOCOL.UDP : protocol
  return transportSum(packet, place.pseudo, summedAs) === 0xffff
}

/** The sum of what of an IPv6 header is not summed in the pseudo header: version to hop limit. IPv4's header always sums up to nothing. */
export const headerWords = ({ family, bytes }: Packet): number => (family === 6 ? fold(sum(bytes, 0, 8)) : 0)

/** Protocols of which the sum over all their bytes says nothing (include/net/netfilter/nf_reject.h: nf_reject_verify_csum). */
const UNSUMMED: ReadonlySet<number> = new Set([
  PROTOCOL.GRE,
  PROTOCOL.ESP,
  PROTOCOL.AH,
  PROTOCOL.SCTP,
  PROTOCOL.UDPLITE,
])

/**
 * Whether REJECT takes a packet's checksum for good: of TCP and UDP the usual sum, a UDP checksum of 0 counting as none; of a protocol that it does
 * not know the sum of all bytes must come out right too, in IPv4 without a pseudo header. IPv4 sums the network header with the rest, so a header that this
 * host has written into (a record route) makes it wrong. Nothing is right of what has no transport header: a later fragment, nothing behind the
 * IPv6 header (nf_ip_checksum, nf_ip6_checksum, reject6_csum_ok).
 */
export function rejectChecksumOk(packet: Packet): boolean {
  const { bytes, family } = packet
  const { protocol, offset, fragmentOffset } = packet.transport
  if (fragmentOffset !== 0 || (family === 6 && offset >= bytes.length)) return false
  if (UNSUMMED.has(protocol)) return true
  if (protocol === PROTOCOL.UDP && u16(bytes, offset + 6) === 0) return true
  const pseudo = family === 6 || protocol === PROTOCOL.TCP || protocol === PROTOCOL.UDP
  const start = pseudo ? pseudoHeader(packet, protocol, bytes.length - offset) : 0
  return fold(sum(bytes, family === 4 ? 0 : offset, bytes.length, start)) === 0xffff
}

/** The transport checksum as it stands while the device is still to finish it (CHECKSUM_PARTIAL): the folded sum of the pseudo header. */
export function halfMadeChecksum(packet: Packet): Packet {
  const at = transportChecksumAt(packet)
  if (at === undefined) return packet
  const { protocol, offset } = packet.transport
  const half = packet.clone()
  put16(half.bytes, at, fold(pseudoHeader(packet, protocol, packet.bytes.length - offset)))
  return half
}

/** CRC-32C, reflected (RFC 9260 appendix A). */
const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc >>> 0
})

/** The SCTP checksum over the bytes from `offset` on, its own field taken as 0, as the 32-bit number that stands in network byte order. */
export function sctpChecksum(bytes: Uint8Array, offset: number): number {
  let crc = 0xffffffff
  for (let at = offset; at < bytes.length; at++) {
    const byte = at >= offset + 8 && at < offset + 12 ? 0 : bytes[at]!
    crc = CRC32C[(crc ^ byte) & 255]! ^ (crc >>> 8)
  }
  const value = ~crc >>> 0
  return (((value & 255) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
}
