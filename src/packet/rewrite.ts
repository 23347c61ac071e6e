import type { Ip } from '../address/ip.js'
import { checksumPlace, PROTOCOL, replaceSum, replaceSumNft, sctpChecksum, sum } from './checksum.js'
import type { Field, FieldValue } from './fields.js'
import { type Packet, put16, put32, u8, u16 } from './packet.js'

/** Whose arithmetic updates a checksum: nf_tables' payload statement writes 0xffff where everybody else writes 0. */
export type ChecksumStyle = 'kernel' | 'nft'

/** Where a field stands: bits counted from the most significant one of the byte at `at`. */
interface Place {
  readonly header: 'ip4' | 'ip6' | 'transport'
  readonly at: number
  /** Of the field. */
  readonly bits: number
  /** Bits before it in its first byte. */
  readonly skip: number
}

const ip4 = (at: number, bits: number, skip = 0): Place => ({ header: 'ip4', at, bits, skip })
const ip6 = (at: number, bits: number, skip = 0): Place => ({ header: 'ip6', at, bits, skip })
const transport = (at: number, bits: number, skip = 0): Place => ({ header: 'transport', at, bits, skip })

/** RFC 791, 8200, 9293, 768, 792, 4443. Two places: the IPv4 and the IPv6 one. What is missing cannot be written. */
const PLACES: { readonly [F in Field]?: readonly Place[] } = {
  'ip.version': [ip4(0, 4), ip6(0, 4)],
  'ip.hdrlength': [ip4(0, 4, 4)],
  'ip.tos': [ip4(1, 8), ip6(0, 8, 4)],
  'ip.length': [ip4(2, 16)],
  'ip.id': [ip4(4, 16)],
  'ip.flags': [ip4(6, 3)],
  'ip.ttl': [ip4(8, 8), ip6(7, 8)],
  'ip.protocol': [ip4(9, 8)],
  'ip.saddr': [ip4(12, 32)],
  'ip.daddr': [ip4(16, 32)],
  'ip6.flowlabel': [ip6(1, 20, 4)],
  'ip6.nexthdr': [ip6(6, 8)],
  'ip6.saddr': [ip6(8, 128)],
  'ip6.daddr': [ip6(24, 128)],
  'frag.offset': [ip4(6, 13, 3)],
  'frag.more': [ip4(6, 1, 2)],
  'th.sport': [transport(0, 16)],
  'th.dport': [transport(2, 16)],
  'tcp.sequence': [transport(4, 32)],
  'tcp.acknowledgement': [transport(8, 32)],
  'tcp.doff': [transport(12, 4)],
  'tcp.flags': [transport(13, 8)],
  'tcp.window': [transport(14, 16)],
  'tcp.urgent': [transport(18, 16)],
  'udp.length': [transport(4, 16)],
  'udp.checksum': [transport(6, 16)],
  'icmp.type': [transport(0, 8)],
  'icmp.code': [transport(1, 8)],
  'icmp.checksum': [transport(2, 16)],
  'icmp.id': [transport(4, 16)],
  'icmp.sequence': [transport(6, 16)],
}

const ADDRESSES: ReadonlySet<Field> = new Set(['ip.saddr', 'ip.daddr', 'ip6.saddr', 'ip6.daddr'])
const CHECKSUMS: ReadonlySet<Field> = new Set(['udp.checksum', 'icmp.checksum'])
/** Changing these moves the transport header. */
const MOVING: ReadonlySet<Field> = new Set([
  'ip.version',
  'ip.hdrlength',
  'ip.flags',
  'ip.protocol',
  'ip6.nexthdr',
  'frag.offset',
  'frag.more',
])

/**
 * Sets a field in the packet's bytes and brings the checksums along as the kernel does, by the difference: a checksum that was wrong stays wrong
 * by as much, a UDP checksum of 0 (none) stays 0 (not where nf_tables sets a UDP field), one that becomes 0 is written 0xffff. An address changes the transport checksum too, where the
 * packet carries one: later fragments do not. Link-layer fields replace `packet.mac`.
 *
 * False, and nothing changed, where the field cannot be written: it is metadata, of the other family, beyond the packet's end, or a transport
 * field in a later fragment. Works on a packet inside a packet as well: `new Packet(outer.bytes.subarray(at))` shares the bytes.
 */
export function writeField(packet: Packet, field: Field, value: FieldValue, style: ChecksumStyle = 'kernel'): boolean {
  if (field.startsWith('ether.')) return writeMac(packet, field, Number(value))
  const header = packet.family === 4 ? 'ip4' : 'ip6'
  const place = PLACES[field]?.find((one) => one.header === header || one.header === 'transport')
  if (!place) return false
  const { transport } = packet
  if (place.header === 'transport' && transport.fragmentOffset !== 0) return false
  const start = place.header === 'transport' ? transport.offset : 0
  const from = start + place.at
  const to = from + Math.ceil((place.skip + place.bits) / 8)
  if (to > packet.bytes.length) return false
  // Whole words, counted from the header's start: the sums before and after are over what a checksum sums.
  const first = from - (place.at % 2)
  const last = Math.min(packet.bytes.length, to + ((to - start) % 2))
  const before = sum(packet.bytes, first, last)
  writeBits(packet.bytes, from, place, value)
  const after = sum(packet.bytes, first, last)
  if (place.header === 'ip4') update(packet, 10, before, after, style)
  if (ADDRESSES.has(field)) updateTransport(packet, before, after, style, true)
  if (place.header === 'transport' && !CHECKSUMS.has(field)) updateTransport(packet, before, after, style, false)
  if (MOVING.has(field)) packet.touch()
  return true
}

function writeBits(bytes: Uint8Array, at: number, { bits, skip }: Place, value: number | bigint): void {
  const width = Math.ceil((skip + bits) / 8)
  if (width <= 4) {
    writeFewBits(bytes, at, width, 8 * width - skip - bits, bits, Number(value))
    return
  }
  const shift = BigInt(8 * width - skip - bits)
  const mask = ((1n << BigInt(bits)) - 1n) << shift
  let word = 0n
  for (let i = 0; i < width; i++) word = (word << 8n) | BigInt(bytes[at + i]!)
  word = (word & ~mask) | ((BigInt(value) << shift) & mask)
  for (let i = width - 1; i >= 0; i--) {
    bytes[at + i] = Number(word & 255n)
    word >>= 8n
  }
}

/** The same in 32 bits: what most fields need. */
function writeFewBits(bytes: Uint8Array, at: number, width: number, shift: number, bits: number, value: number): void {
  const mask = ((bits === 32 ? 0xffffffff : (1 << bits) - 1) << shift) >>> 0
  let word = 0
  for (let i = 0; i < width; i++) word = (word << 8) | bytes[at + i]!
  word = (word & ~mask) | ((value << shift) & mask)
  for (let i = width - 1; i >= 0; i--) {
    bytes[at + i] = word
    word >>>= 8
  }
}

function update(packet: Packet, at: number, before: number, after: number, style: ChecksumStyle): void {
  const check = u16(packet.bytes, at)
  if (check === undefined) return
  put16(packet.bytes, at, style === 'nft' ? replaceSumNft(check, before, after) : replaceSum(check, before, after))
}

/**
 * The kernel touches the checksum only where the whole fixed header is there: a TCP header quoted by an ICMP error is often cut after 8 bytes
 * (net/netfilter/nf_nat_proto.c: tcp_manip_pkt).
 */
function updateTransport(packet: Packet, before: number, after: number, style: ChecksumStyle, pseudo: boolean): void {
  const { protocol, offset, fragmentOffset } = packet.transport
  const { bytes } = packet
  if (fragmentOffset !== 0) return
  if (protocol === PROTOCOL.SCTP) {
    if (!pseudo) refreshSctp(packet)
    return
  }
  // Nobody in netfilter updates DCCP's any more; seen on 6.18: the checksum stays and is wrong.
  const place = protocol === PROTOCOL.DCCP ? undefined : checksumPlace(packet)
  if (!place || (pseudo && !place.pseudo) || offset + place.header > bytes.length) return
  const at = offset + place.at
  // nf_tables' `udp dport set` updates a checksum that is not there, and so makes a wrong one of it (nft_payload_csum_inet); seen on 6.18.
  const blind = style === 'nft' && !pseudo
  if (protocol === PROTOCOL.UDP && u16(bytes, at) === 0 && !blind) return
  update(packet, at, before, after, style)
  if ((protocol === PROTOCOL.UDP || protocol === PROTOCOL.UDPLITE) && u16(bytes, at) === 0) put16(bytes, at, 0xffff)
}

/** SCTP's CRC is computed anew: a wrong one becomes right (sctp_manip_pkt). */
function refreshSctp(packet: Packet): void {
  const { offset } = packet.transport
  if (offset + 12 <= packet.bytes.length) put32(packet.bytes, offset + 8, sctpChecksum(packet.bytes, offset))
}

function writeMac(packet: Packet, field: Field, value: number): boolean {
  const { mac } = packet
  if (!mac) return false
  if (field === 'ether.saddr') packet.mac = { ...mac, source: value }
  else if (field === 'ether.daddr') packet.mac = { ...mac, destination: value }
  else packet.mac = { ...mac, ethertype: value }
  return true
}

/**
 * One hop less, as ip_forward and ip6_forward take it (ip_decrease_ttl): the value after it. The caller has looked whether there is one to take.
 */
export function decreaseTtl(packet: Packet): number {
  const ttl = u8(packet.bytes, packet.family === 4 ? 8 : 7) ?? 0
  writeField(packet, 'ip.ttl', (ttl - 1) & 255)
  return (ttl - 1) & 255
}

/** What a NAT manipulation puts in: the address always, the port, ICMP id or GRE call id where the protocol has one. */
export interface ManipTarget {
  readonly ip: Ip
  /** Undefined: it stays. */
  readonly port: number | undefined
}

const HEADER_LENGTH: Readonly<Record<number, number>> = {
  [PROTOCOL.TCP]: 8,
  [PROTOCOL.UDP]: 8,
  [PROTOCOL.UDPLITE]: 8,
  [PROTOCOL.SCTP]: 8,
  [PROTOCOL.ICMP]: 8,
  [PROTOCOL.ICMPV6]: 8,
  [PROTOCOL.GRE]: 8,
}

const ECHO6: readonly number[] = [128, 129]
/** GRE version 1 (PPTP): the low three bits of the second byte (RFC 2637 section 4.1). */
const GRE_VERSION = 7

/**
 * Rewrites source or destination as NAT does, protocol by protocol (nf_nat_ipv4_manip_pkt, nf_nat_ipv6_manip_pkt and their l4proto parts in
 * net/netfilter/nf_nat_proto.c). False where the kernel gives up and drops the packet: the transport header is shorter than 8 bytes.
 * For ICMP both manipulations write the id. DCCP is a protocol like any unknown one (as in 6.18): its ports and checksum stay. Use it on the quoted packet of an ICMP error too; then the outer checksum is to be computed anew.
 */
export function manipulate(packet: Packet, manip: 'src' | 'dst', to: ManipTarget): boolean {
  const { protocol, offset, fragmentOffset } = packet.transport
  const side = manip === 'src' ? 'saddr' : 'daddr'
  const address: Field = packet.family === 4 ? `ip.${side}` : `ip6.${side}`
  // IPv6 looks at the fragment offset, IPv4 relies on defragmentation having put fragments together.
  const port = fragmentOffset === 0
  if (port && offset + (HEADER_LENGTH[protocol] ?? 0) > packet.bytes.length) return false
  if (!writeField(packet, address, to.ip)) return false
  if (!port) return true
  const field = portField(packet, manip)
  if (field && to.port !== undefined) return writeField(packet, field, to.port)
  if (protocol === PROTOCOL.SCTP) refreshSctp(packet)
  if (protocol === PROTOCOL.GRE && manip === 'dst' && to.port !== undefined) {
    if (((u8(packet.bytes, offset + 1) ?? 0) & GRE_VERSION) > 1) return false
    if (((u8(packet.bytes, offset + 1) ?? 0) & GRE_VERSION) === 1) put16(packet.bytes, offset + 6, to.port)
  }
  return true
}

function portField(packet: Packet, manip: 'src' | 'dst'): Field | undefined {
  const { protocol, offset } = packet.transport
  switch (protocol) {
    case PROTOCOL.TCP:
    case PROTOCOL.UDP:
    case PROTOCOL.UDPLITE:
    case PROTOCOL.SCTP:
      return manip === 'src' ? 'th.sport' : 'th.dport'
    case PROTOCOL.ICMP:
      return 'icmp.id'
    case PROTOCOL.ICMPV6:
      return ECHO6.includes(packet.bytes[offset]!) ? 'icmp.id' : undefined
    default:
      return undefined
  }
}
