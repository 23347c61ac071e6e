import { bitsOf, familyOf, type Ip } from '../address/ip.js'
import { PROTOCOL, recomputeHeader, recomputeTransport } from './checksum.js'
import { concatBytes } from './hex.js'
import { type MacHeader, Packet, put16, put32, put128, u16 } from './packet.js'

/** The network header of a packet to be built. Addresses of one family. */
export interface IpFields {
  readonly src: Ip
  readonly dst: Ip
  /** TTL or hop limit; 64 unless given. */
  readonly ttl?: number
  /** TOS or traffic class. */
  readonly tos?: number
  /** IPv4 id, or the id of the IPv6 fragment header. */
  readonly id?: number
  /** Don't fragment (IPv4). */
  readonly df?: boolean
  readonly flowLabel?: number
  /** IPv4 options; padded with end-of-list to a multiple of four bytes. */
  readonly options?: Uint8Array
}

/** TCP_FLAGS bits: fin 1, syn 2, rst 4, psh 8, ack 16, urg 32, ece 64, cwr 128. */
export interface TcpFields {
  readonly is: 'tcp'
  readonly sport: number
  readonly dport: number
  readonly flags: number
  readonly sequence?: number
  readonly acknowledgement?: number
  readonly window?: number
  readonly urgent?: number
  /** Padded with end-of-list to a multiple of four bytes. */
  readonly options?: Uint8Array
}
export interface UdpFields {
  readonly is: 'udp' | 'udplite'
  readonly sport: number
  readonly dport: number
}
export interface SctpFields {
  readonly is: 'sctp'
  readonly sport: number
  readonly dport: number
}
/** A DCCP-Request with long sequence numbers and service code 0 (RFC 4340 sections 5.1, 5.2). */
export interface DccpFields {
  readonly is: 'dccp'
  readonly sport: number
  readonly dport: number
}
/** ICMP in IPv4, ICMPv6 in IPv6. `rest`: the four bytes behind the checksum (id and sequence, gateway, MTU, pointer). */
export interface IcmpFields {
  readonly is: 'icmp'
  readonly type: number
  readonly code: number
  readonly rest?: number
}
/** The payload is all there is behind the network header. */
export interface OtherFields {
  readonly is: 'other'
  readonly protocol: number
}
export type TransportFields = TcpFields | UdpFields | SctpFields | DccpFields | IcmpFields | OtherFields

const NO_BYTES = new Uint8Array(0)

function padded(options: Uint8Array): Uint8Array {
  if (options.length % 4 === 0) return options
  return concatBytes(options, new Uint8Array(4 - (options.length % 4)))
}

/** Bytes of the transport header that `transportHeader` builds. */
export function transportHeaderLength(fields: TransportFields): number {
  switch (fields.is) {
    case 'tcp':
      return 20 + padded(fields.options ?? NO_BYTES).length
    case 'udp':
    case 'udplite':
    case 'icmp':
      return 8
    case 'sctp':
      return 12
    case 'dccp':
      return 20
    case 'other':
      return 0
  }
}

export function transportProtocol(fields: TransportFields, family: 4 | 6): number {
  switch (fields.is) {
    case 'tcp':
      return PROTOCOL.TCP
    case 'udp':
      return PROTOCOL.UDP
    case 'udplite':
      return PROTOCOL.UDPLITE
    case 'sctp':
      return PROTOCOL.SCTP
    case 'dccp':
      return PROTOCOL.DCCP
    case 'icmp':
      return family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6
    case 'other':
      return fields.protocol
  }
}

/** Packet type 0 (Request) in bits 1 to 4, the X bit in bit 0. */
const DCCP_REQUEST_LONG = 1

/** The header, its checksum still 0. RFC 9293 section 3.1, RFC 768, RFC 3828, RFC 792, RFC 9260. */
function transportHeader(fields: TransportFields, payloadLength: number): Uint8Array {
  const bytes = new Uint8Array(transportHeaderLength(fields))
  switch (fields.is) {
    case 'tcp':
      put16(bytes, 0, fields.sport)
      put16(bytes, 2, fields.dport)
      put32(bytes, 4, fields.sequence ?? 0)
      put32(bytes, 8, fields.acknowledgement ?? 0)
      bytes[12] = (bytes.length / 4) << 4
      bytes[13] = fields.flags
      put16(bytes, 14, fields.window ?? 64240)
      put16(bytes, 18, fields.urgent ?? 0)
      bytes.set(fields.options ?? NO_BYTES, 20)
      break
    case 'udp':
    case 'udplite':
      put16(bytes, 0, fields.sport)
      put16(bytes, 2, fields.dport)
      put16(bytes, 4, 8 + payloadLength)
      break
    case 'sctp':
      put16(bytes, 0, fields.sport)
      put16(bytes, 2, fields.dport)
      break
    case 'dccp':
      put16(bytes, 0, fields.sport)
      put16(bytes, 2, fields.dport)
      bytes[4] = bytes.length / 4
      bytes[8] = DCCP_REQUEST_LONG
      break
    case 'icmp':
      bytes[0] = fields.type
      bytes[1] = fields.code
      put32(bytes, 4, fields.rest ?? 0)
      break
    case 'other':
      break
  }
  return bytes
}

/** A network header and what stands behind it, lengths and header checksum right; the transport bytes as given. */
export function ipPacket(ip: IpFields, protocol: number, content: Uint8Array, mac?: MacHeader): Packet {
  const packet = familyOf(ip.dst) === 4 ? ipv4Packet(ip, protocol, content) : ipv6Packet(ip, protocol, content)
  packet.mac = mac
  return packet
}

function ipv4Packet(ip: IpFields, protocol: number, content: Uint8Array): Packet {
  const options = padded(ip.options ?? NO_BYTES)
  const header = new Uint8Array(20 + options.length)
  header[0] = 0x40 | (header.length / 4)
  header[1] = ip.tos ?? 0
  put16(header, 2, header.length + content.length)
  put16(header, 4, ip.id ?? 0)
  put16(header, 6, ip.df ? 0x4000 : 0)
  header[8] = ip.ttl ?? 64
  header[9] = protocol
  put32(header, 12, Number(ip.src))
  put32(header, 16, Number(ip.dst))
  header.set(options, 20)
  const packet = new Packet(concatBytes(header, content))
  recomputeHeader(packet)
  return packet
}

function ipv6Packet(ip: IpFields, protocol: number, content: Uint8Array): Packet {
  const header = new Uint8Array(40)
  put32(header, 0, ((6 << 28) | ((ip.tos ?? 0) << 20) | (ip.flowLabel ?? 0)) >>> 0)
  put16(header, 4, content.length)
  header[6] = protocol
  header[7] = ip.ttl ?? 64
  put128(header, 8, BigInt(ip.src))
  put128(header, 24, BigInt(ip.dst))
  return new Packet(concatBytes(header, content))
}

/** A whole packet with correct lengths and checksums. */
export function buildPacket(
  ip: IpFields,
  transport: TransportFields,
  payload: Uint8Array = NO_BYTES,
  mac?: MacHeader,
): Packet {
  const header = transportHeader(transport, payload.length)
  const protocol = transportProtocol(transport, familyOf(ip.dst))
  const packet = ipPacket(ip, protocol, concatBytes(header, payload), mac)
  recomputeTransport(packet, true)
  return packet
}

/** Bytes of the network header without extension headers and options. */
export const networkHeaderLength = (family: 4 | 6): number => (bitsOf(family) === 32 ? 20 : 40)

/**
 * A piece of a packet's transport bytes as a fragment of its own: `from` and `length` in bytes behind the unfragmentable part, `from` a multiple of 8.
 * The transport bytes stay as they are. IPv6 gets a fragment header with this id (RFC 8200 section 4.5).
 */
export function fragmentOf(packet: Packet, from: number, length: number, more: boolean, id: number): Packet {
  const { bytes, mac } = packet
  const { offset, protocol } = packet.transport
  const content = bytes.subarray(offset + from, offset + from + length)
  if (packet.family === 4) {
    const header =
      from === 0 ? bytes.slice(0, offset) : concatBytes(bytes.subarray(0, 20), laterOptions(bytes.subarray(20, offset)))
    header[0] = 0x40 | (header.length / 4)
    put16(header, 2, header.length + content.length)
    put16(header, 4, id)
    put16(header, 6, ((u16(header, 6) ?? 0) & 0xc000) | (more ? 0x2000 : 0) | (from / 8))
    const fragment = new Packet(concatBytes(header, content), mac)
    recomputeHeader(fragment)
    return fragment
  }
  const header = new Uint8Array(8)
  header[0] = protocol
  put16(header, 2, from | (more ? 1 : 0))
  put32(header, 4, id)
  const fragment = concatBytes(bytes.subarray(0, offset), header, content)
  fragment[lastNextHeader(bytes, offset)] = PROTOCOL_FRAGMENT
  put16(fragment, 4, fragment.length - 40)
  return new Packet(fragment, mac)
}

const PROTOCOL_FRAGMENT = 44

/** Where the next-header byte stands that names the transport protocol. */
function lastNextHeader(bytes: Uint8Array, transportOffset: number): number {
  let at = 6
  let next = 40
  while (next < transportOffset) {
    const length = bytes[at] === PROTOCOL.AH ? ((bytes[next + 1] ?? 0) + 2) * 4 : ((bytes[next + 1] ?? 0) + 1) * 8
    at = next
    next += length
  }
  return at
}

const OPTION_END = 0
const OPTION_NOP = 1

/** In later fragments, options without the copied flag become no-operations (RFC 791 section 3.1; net/ipv4/ip_options.c: ip_options_fragment). */
function laterOptions(options: Uint8Array): Uint8Array {
  const kept = options.slice()
  for (let at = 0; at < kept.length && kept[at] !== OPTION_END; ) {
    const length = kept[at] === OPTION_NOP ? 1 : (kept[at + 1] ?? 0)
    if (length < 1 || at + length > kept.length) break
    if (!(kept[at]! & 0x80)) kept.fill(OPTION_NOP, at, at + length)
    at += length
  }
  return kept
}

/**
 * The fragments in which a packet leaves through `mtu` bytes, each as long as it may be (ip_do_fragment, ip6_fragment); the packet itself where it fits.
 * A packet that is a fragment already is cut further (IPv4). `id` is that of an IPv6 fragment header; IPv4 keeps the packet's own. `full`: the last
 * one may fill the space to the byte (ip_frag_next, __ip_append_data), which what this host itself sends over IPv6 does not (__ip6_append_data).
 */
export function fragmentPacket(packet: Packet, mtu: number, id = 0, full = packet.family === 4): readonly Packet[] {
  if (packet.bytes.length <= mtu) return [packet]
  const { offset, fragmentOffset, moreFragments } = packet.transport
  const space = mtu - offset - (packet.family === 6 ? 8 : 0)
  const room = space & ~7
  if (room < 8) return [packet]
  const length = packet.bytes.length - offset
  const fragments: Packet[] = []
  for (let from = 0, last = false; !last; from += room) {
    last = from + (full ? space : room) >= length
    const fragment = fragmentOf(
      packet,
      from,
      last ? length - from : room,
      !last || moreFragments,
      packet.family === 4 ? (u16(packet.bytes, 4) ?? 0) : id,
    )
    if (fragmentOffset !== 0 && packet.family === 4) {
      put16(fragment.bytes, 6, (u16(fragment.bytes, 6)! & 0xe000) | (fragmentOffset + from / 8))
      recomputeHeader(fragment)
      fragment.touch()
    }
    fragments.push(fragment)
  }
  return fragments
}
