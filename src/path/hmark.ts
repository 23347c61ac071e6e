import type { Ip } from '../address/ip.js'
import { and } from '../address/prefix.js'
import { PROTOCOL } from '../packet/checksum.js'
import { u8, u16, u32, u128 } from '../packet/packet.js'
import type { HashedMark } from '../rules/effect.js'
import { jhash3, scale } from '../rules/jhash.js'
import type { Skb } from './skb.js'

/** What is hashed (struct hmark_tuple), host byte order. */
interface HashedTuple {
  readonly src: number
  readonly dst: number
  readonly ports: number
  readonly protocol: number
}

const NOTHING: HashedTuple = { src: 0, dst: 0, ports: 0, protocol: 0 }

/** The mark that HMARK gives (net/netfilter/xt_HMARK.c: hmark_hash); undefined: the packet keeps the one that it has. */
export function hashedMark(skb: Skb, by: HashedMark): number | undefined {
  const tuple = by.connection ? ofConnection(skb, by) : skb.packet.family === 4 ? ofIpv4(skb, by) : ofIpv6(skb, by)
  if (!tuple) return undefined
  const { src, dst, ports, protocol } = tuple
  const hash = jhash3([Math.min(src, dst), Math.max(src, dst), ports], by.seed) ^ (protocol & by.protocolMask)
  return (scale(hash >>> 0, by.modulus) + by.offset) % 2 ** 32
}

/** An address under its mask; the words of an IPv6 one are folded into one. */
function folded(ip: Ip, mask: Ip): number {
  const kept = and(ip, mask)
  if (typeof kept === 'number') return kept
  let words = 0
  for (let rest = kept; rest > 0n; rest >>= 32n) words ^= Number(rest & 0xffffffffn)
  return words >>> 0
}

/** Ports under their mask, the higher one in the upper half (hmark_swap_ports). */
function orderedPorts(word: number, { ports }: HashedMark): number {
  const value = ((word & (ports?.mask ?? 0)) | (ports?.set ?? 0)) >>> 0
  const [src, dst] = [value >>> 16, value & 0xffff]
  return Math.max(src, dst) * 0x10000 + Math.min(src, dst)
}

/** hmark_ct_set_htuple */
function ofConnection({ attachment }: Skb, by: HashedMark): HashedTuple | undefined {
  if (!attachment) return undefined
  const { original, reply } = attachment.entry
  const { protocol } = original
  const ports = protocol === PROTOCOL.ICMP ? 0 : orderedPorts(original.sport * 0x10000 + reply.sport, by)
  return { src: folded(original.src, by.srcMask), dst: folded(reply.src, by.dstMask), ports, protocol }
}

const IPV4_HEADER = 20
const IPV6_HEADER = 40
const ICMP_HEADER = 8
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12])
const ICMPV6_INFORMATIONAL = 128
const PORTS_FIRST: ReadonlySet<number> = new Set([
  PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.DCCP, PROTOCOL.ESP, PROTOCOL.SCTP, PROTOCOL.UDPLITE,
]) // biome-ignore format: a list

/** Ports, or the SPI in their place, at a transport header (proto_ports_offset); 0 where there are none. */
function portsAt(bytes: Uint8Array, protocol: number, offset: number, by: HashedMark): number {
  const at = PORTS_FIRST.has(protocol) ? offset : protocol === PROTOCOL.AH ? offset + 4 : undefined
  const word = at === undefined ? undefined : u32(bytes, at)
  return word === undefined ? 0 : orderedPorts(word, by)
}

/** hmark_pkt_set_htuple_ipv4: of an ICMP error the packet that it quotes. */
function ofIpv4({ packet: { bytes } }: Skb, by: HashedMark): HashedTuple | undefined {
  const lengthAt = (at: number) => (u8(bytes, at)! & 15) * 4
  let at = 0
  if (u8(bytes, 9) === PROTOCOL.ICMP) {
    const icmp = lengthAt(0)
    if (icmp + ICMP_HEADER <= bytes.length && ICMP_ERRORS.has(u8(bytes, icmp)!)) at = icmp + ICMP_HEADER
    if (at + IPV4_HEADER > bytes.length) return undefined
  }
  const protocol = u8(bytes, at + 9)!
  const fragmented = (u16(bytes, at + 6)! & 0x3fff) !== 0
  const ports = protocol === PROTOCOL.ICMP || fragmented ? 0 : portsAt(bytes, protocol, at + lengthAt(at), by)
  const src = folded(u32(bytes, at + 12)!, by.srcMask)
  return { src, dst: folded(u32(bytes, at + 16)!, by.dstMask), ports, protocol }
}

/** hmark_pkt_set_htuple_ipv6: an authentication header is looked at, not behind. */
function ofIpv6({ packet: { bytes } }: Skb, by: HashedMark): HashedTuple | undefined {
  let at = 0
  let found = upperHeader(bytes, 0)
  if (!found) return NOTHING
  if (!found.fragment && found.protocol === PROTOCOL.ICMPV6) {
    const type = found.offset + ICMP_HEADER <= bytes.length ? u8(bytes, found.offset)! : 0
    if (type > 0 && type < ICMPV6_INFORMATIONAL) {
      at = found.offset + ICMP_HEADER
      found = at + IPV6_HEADER <= bytes.length && u8(bytes, at)! >> 4 === 6 ? upperHeader(bytes, at) : undefined
      if (!found) return undefined
    }
  }
  const { protocol, offset, fragment } = found
  const ports = protocol === PROTOCOL.ICMPV6 || fragment ? 0 : portsAt(bytes, protocol, offset, by)
  const src = folded(u128(bytes, at + 8)!, by.srcMask)
  return { src, dst: folded(u128(bytes, at + 24)!, by.dstMask), ports, protocol }
}

const ROUTING = 43
const FRAGMENT = 44
const DESTINATION_OPTIONS = 60
const EXTENSIONS: ReadonlySet<number> = new Set([
  PROTOCOL.HOP_BY_HOP, ROUTING, FRAGMENT, PROTOCOL.AH, DESTINATION_OPTIONS,
]) // biome-ignore format: a list

/** ipv6_find_hdr without a wanted header, with IP6_FH_F_AUTH: undefined where the chain is cut off. */
function upperHeader(
  bytes: Uint8Array,
  header: number,
): { readonly protocol: number; readonly offset: number; readonly fragment: boolean } | undefined {
  let protocol = u8(bytes, header + 6)!
  let offset = header + IPV6_HEADER
  let fragment = false
  while (EXTENSIONS.has(protocol)) {
    const [next, length] = [u8(bytes, offset), u8(bytes, offset + 1)]
    if (next === undefined || length === undefined) return undefined
    if (protocol === PROTOCOL.AH) break
    if (protocol === FRAGMENT) {
      fragment = true
      const place = u16(bytes, offset + 2)
      if (place === undefined) return undefined
      if (place & ~7) return EXTENSIONS.has(next) ? undefined : { protocol: next, offset, fragment }
    }
    offset += protocol === FRAGMENT ? 8 : (length + 1) * 8
    protocol = next
  }
  return { protocol, offset, fragment }
}
