import { type Family, type Ip, printIp } from '../address/ip.js'
import { PROTOCOL } from '../packet/checksum.js'
import { type Packet, u8, u16, u32, u128 } from '../packet/packet.js'

/**
 * One direction of a connection (struct nf_conntrack_tuple). `sport` and `dport` are the kernel's src.u.all and dst.u.all, host byte order:
 * ports for TCP, UDP, UDP-Lite, SCTP; for ICMP and ICMPv6 the id, and type * 256 + code; the keys of GRE version 1 (PPTP); 0 for the rest.
 */
export interface Tuple {
  readonly family: Family
  readonly protocol: number
  readonly src: Ip
  readonly dst: Ip
  readonly sport: number
  readonly dport: number
}

export type Direction = 'original' | 'reply'
export const opposite = (direction: Direction): Direction => (direction === 'original' ? 'reply' : 'original')

/** A map key: equal exactly for equal tuples. */
export const tupleKey = (t: Tuple): string => `${t.family} ${t.protocol} ${t.src} ${t.sport} ${t.dst} ${t.dport}`

export const sameTuple = (a: Tuple, b: Tuple): boolean =>
  a.family === b.family &&
  a.protocol === b.protocol &&
  a.src === b.src &&
  a.dst === b.dst &&
  a.sport === b.sport &&
  a.dport === b.dport

/** Protocols that are told apart by ports. DCCP is none any more: Linux 6.16 took it out, and only its addresses count. */
export const WITH_PORTS: ReadonlySet<number> = new Set([PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.UDPLITE, PROTOCOL.SCTP])

/** Request and answer types (net/netfilter/nf_conntrack_proto_icmp.c: invmap; nf_conntrack_proto_icmpv6.c): none else has an inverse. */
const ANSWER4: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
])
const ANSWER6: ReadonlyMap<number, number> = new Map([
  [128, 129],
  [129, 128],
  [139, 140],
  [140, 139],
])

export const isIcmp = (protocol: number): boolean => protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6

/** Where a transport header begins, from the start of the bytes; it may lie behind their end. */
export interface L4 {
  readonly protocol: number
  readonly offset: number
}

/**
 * The transport header as connection tracking finds it (get_l4proto): `undefined` for later fragments, for an IPv4 header that is cut off or
 * says to be longer than the packet, for IPv6 extension headers that are cut off or end in "no next header" (ipv6_skip_exthdr). The family is
 * the caller's: the version nibble is not looked at. `at`: where the network header begins.
 */
export function locateL4(bytes: Uint8Array, family: Family, at = 0): L4 | undefined {
  return family === 4 ? locate4(bytes, at) : locate6(bytes, at)
}

function locate4(bytes: Uint8Array, at: number): L4 | undefined {
  const fragment = u16(bytes, at + 6)
  if (bytes.length < at + 20 || fragment === undefined || fragment & 0x1fff) return undefined
  const offset = at + (bytes[at]! & 15) * 4
  return offset > bytes.length ? undefined : { protocol: bytes[at + 9]!, offset }
}

const NO_NEXT_HEADER = 59
const FRAGMENT = 44
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, FRAGMENT, PROTOCOL.AH, NO_NEXT_HEADER, 60])

function locate6(bytes: Uint8Array, at: number): L4 | undefined {
  let protocol = u8(bytes, at + 6)
  let offset = at + 40
  while (protocol !== undefined && EXTENSIONS.has(protocol)) {
    const length = u8(bytes, offset + 1)
    if (protocol === NO_NEXT_HEADER || length === undefined) return undefined
    const next = bytes[offset]!
    if (protocol === FRAGMENT) {
      const fragment = u16(bytes, offset + 2)
      if (fragment === undefined || fragment & ~7) return undefined
      offset += 8
    } else offset += protocol === PROTOCOL.AH ? (length + 2) * 4 : (length + 1) * 8
    protocol = next
  }
  return protocol === undefined ? undefined : { protocol, offset }
}

/** nf_ct_get_tuple over a packet: see `tupleAt`. */
export const tupleOf = (packet: Packet): Tuple | undefined => tupleAt(packet.bytes, packet.family)

/**
 * nf_ct_get_tuplepr: the tuple of the IP packet that begins at `at`, which may be one that an ICMP error quotes. `undefined` where the transport
 * header cannot be found (`locateL4`) or its first bytes are not there: four for ports, eight for ICMP. A first fragment has a tuple.
 */
export function tupleAt(bytes: Uint8Array, family: Family, at = 0): Tuple | undefined {
  const l4 = locateL4(bytes, family, at)
  if (!l4) return undefined
  const src = family === 4 ? u32(bytes, at + 12) : u128(bytes, at + 8)
  const dst = family === 4 ? u32(bytes, at + 16) : u128(bytes, at + 24)
  if (src === undefined || dst === undefined) return undefined
  const ends = endsOf(bytes, l4)
  return ends && { family, protocol: l4.protocol, src, dst, ...ends }
}

type Ends = Pick<Tuple, 'sport' | 'dport'>
const NO_ENDS: Ends = { sport: 0, dport: 0 }

/** By protocol alone: ICMP in IPv6 and ICMPv6 in IPv4 have ends as well, and are refused later. */
function endsOf(bytes: Uint8Array, { protocol, offset }: L4): Ends | undefined {
  if (WITH_PORTS.has(protocol)) {
    const [sport, dport] = [u16(bytes, offset), u16(bytes, offset + 2)]
    return sport === undefined || dport === undefined ? undefined : { sport, dport }
  }
  if (isIcmp(protocol)) {
    if (bytes.length < offset + 8) return undefined
    return { sport: u16(bytes, offset + 4)!, dport: u16(bytes, offset)! }
  }
  return protocol === PROTOCOL.GRE ? greEnds(bytes, offset) : NO_ENDS
}

const GRE_VERSION = 7
const PPP = 0x880b

/** gre_pkt_to_tuple: only PPTP's has a key, the call id; the source's key is known to a helper alone. */
function greEnds(bytes: Uint8Array, offset: number): Ends | undefined {
  const version = u8(bytes, offset + 1)
  if (bytes.length < offset + 4 || version === undefined || (version & GRE_VERSION) !== 1) return NO_ENDS
  if (bytes.length < offset + 8) return NO_ENDS
  return u16(bytes, offset + 2) === PPP ? { sport: 0, dport: u16(bytes, offset + 6)! } : undefined
}

/** What a reply to `tuple` looks like (nf_ct_invert_tuple); `undefined` for ICMP types without an answer. */
export function invertTuple(tuple: Tuple): Tuple | undefined {
  const { family, protocol, src, dst, sport, dport } = tuple
  if (!isIcmp(protocol)) return { family, protocol, src: dst, dst: src, sport: dport, dport: sport }
  const answer = (protocol === PROTOCOL.ICMP ? ANSWER4 : ANSWER6).get(dport >> 8)
  if (answer === undefined) return undefined
  return { family, protocol, src: dst, dst: src, sport, dport: answer * 256 + (dport & 255) }
}

/** `src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2`, as conntrack -L prints it. */
export function printTuple({ protocol, src, dst, sport, dport }: Tuple): string {
  const ends = `src=${printIp(src)} dst=${printIp(dst)}`
  if (isIcmp(protocol)) return `${ends} type=${dport >> 8} code=${dport & 255} id=${sport}`
  if (protocol === PROTOCOL.GRE) return `${ends} srckey=0x${sport.toString(16)} dstkey=0x${dport.toString(16)}`
  return WITH_PORTS.has(protocol) ? `${ends} sport=${sport} dport=${dport}` : ends
}
