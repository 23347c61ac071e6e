import { type Family, type Ip, printIp } from '../address/ip.js'
import { type Packet, u16, u32, u128 } from '../packet/packet.js'

/**
 * One direction of a connection (struct nf_conntrack_tuple). `sport` and `dport` are the kernel's src.u.all and dst.u.all, host byte order:
 * ports for TCP, UDP, UDP-Lite, SCTP, DCCP; for ICMP and ICMPv6 the id, and type * 256 + code; keys for GRE; 0 for the rest.
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
export const tupleKey = (t: Tuple): string => `${t.protocol} ${t.src} ${t.sport} ${t.dst} ${t.dport}`

const TCP = 6
const UDP = 17
const SCTP = 132
const UDPLITE = 136
const ICMP = 1
const ICMPV6 = 58

const WITH_PORTS: ReadonlySet<number> = new Set([TCP, UDP, SCTP, UDPLITE])

/**
 * Request and answer types (net/netfilter/nf_conntrack_proto_icmp.c: invmap; nf_conntrack_proto_icmpv6.c). A type that stands in
 * neither place has no tuple that can be turned round.
 */
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

export const isIcmp = (protocol: number): boolean => protocol === ICMP || protocol === ICMPV6

/** DCCP has no tracker of its own any more (seen on 6.18): it is a generic protocol without ports. nf_ct_get_tuple: `undefined` where the first bytes of the transport header are not there, or for later fragments. */
export function tupleOf(packet: Packet): Tuple | undefined {
  const { bytes, family } = packet
  const { protocol, offset, fragmentOffset } = packet.transport
  if (fragmentOffset !== 0) return undefined
  const src = family === 4 ? u32(bytes, 12) : u128(bytes, 8)
  const dst = family === 4 ? u32(bytes, 16) : u128(bytes, 24)
  if (src === undefined || dst === undefined) return undefined
  const base = { family, protocol, src, dst }
  if (WITH_PORTS.has(protocol)) {
    if (bytes.length < offset + 8) return undefined
    return { ...base, sport: u16(bytes, offset)!, dport: u16(bytes, offset + 2)! }
  }
  if (protocol === (family === 4 ? ICMP : ICMPV6)) {
    if (bytes.length < offset + 8) return undefined
    return { ...base, sport: u16(bytes, offset + 4)!, dport: u16(bytes, offset)! }
  }
  return { ...base, sport: 0, dport: 0 }
}

/** What a reply to `tuple` looks like (nf_ct_invert_tuple); `undefined` for ICMP types without an answer. */
export function invertTuple(tuple: Tuple): Tuple | undefined {
  const { family, protocol, src, dst, sport, dport } = tuple
  if (!isIcmp(protocol)) return { family, protocol, src: dst, dst: src, sport: dport, dport: sport }
  const answer = (protocol === ICMP ? ANSWER4 : ANSWER6).get(dport >> 8)
  if (answer === undefined) return undefined
  return { family, protocol, src: dst, dst: src, sport, dport: answer * 256 + (dport & 255) }
}

/** `src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2`, as conntrack -L prints it. */
export function printTuple({ protocol, src, dst, sport, dport }: Tuple): string {
  const ends = `src=${printIp(src)} dst=${printIp(dst)}`
  if (isIcmp(protocol)) return `${ends} type=${dport >> 8} code=${dport & 255} id=${sport}`
  return WITH_PORTS.has(protocol) ? `${ends} sport=${sport} dport=${dport}` : ends
}
