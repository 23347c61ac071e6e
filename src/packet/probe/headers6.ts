import { type Packet, u8, u16, u32, u128 } from '../packet.js'
import { ABSENT, type Answer, BROKEN, THERE } from './answer.js'

/** IPv6 extension headers by number: hop-by-hop, routing, fragment, authentication, destination options. */
export type ExtensionHeader = 0 | 43 | 44 | 51 | 60

const HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const ESP = 50
const AUTHENTICATION = 51
const NONE = 59
const DESTINATION = 60
const FIXED_HEADER = 40

/** Bytes of a header by its own length field (ipv6_authlen, ipv6_optlen). */
const lengthOf = (header: number, field: number): number =>
  header === AUTHENTICATION ? (field + 2) * 4 : (field + 1) * 8

/**
 * Where the first header of this kind begins (net/ipv6/exthdrs_core.c: ipv6_find_hdr with a target and without flags).
 * ABSENT: not there; BROKEN: a header on the way there is cut off.
 */
function find(packet: Packet, target: ExtensionHeader): { readonly at: number } | typeof ABSENT | typeof BROKEN {
  const { bytes } = packet
  if (packet.family !== 6) return ABSENT
  let next = u8(bytes, 6) ?? NONE
  let at = FIXED_HEADER
  for (;;) {
    const isHeader = [HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION].includes(next)
    if (!isHeader) return ABSENT
    const [following, length] = [u8(bytes, at), u8(bytes, at + 1)]
    if (following === undefined || length === undefined) return BROKEN
    if (next === ROUTING && u8(bytes, at + 3) === undefined) return BROKEN
    if (next === FRAGMENT) {
      const offset = u16(bytes, at + 2)
      if (offset === undefined) return BROKEN
      if (next === target) return { at }
      if (offset >> 3 !== 0) return ABSENT // what follows is payload
    }
    if (next === target) return { at }
    at += next === FRAGMENT ? 8 : lengthOf(next, length)
    next = following
  }
}

/** Is the first header of this kind there with its first `length` bytes? `whole`: ABSENT where the packet ends before the header does. */
export function headerState(packet: Packet, header: ExtensionHeader, length: number, whole: boolean): Answer {
  const found = find(packet, header)
  if (found === ABSENT || found === BROKEN) return found
  const { bytes } = packet
  if (found.at + length > bytes.length) return BROKEN
  return whole && found.at + lengthOf(header, bytes[found.at + 1]!) > bytes.length ? ABSENT : THERE
}

/** Some bytes of the first header of this kind. */
export function headerField(packet: Packet, header: ExtensionHeader, at: number, bytes: 1 | 2 | 4): number | undefined {
  const found = find(packet, header)
  if (found === ABSENT || found === BROKEN) return undefined
  const read = bytes === 1 ? u8 : bytes === 2 ? u16 : u32
  return read(packet.bytes, found.at + at)
}

export interface HeaderOption {
  readonly type: number
  /** Undefined: any. */
  readonly length: number | undefined
}

/** net/ipv6/netfilter/ip6t_hbh.c: hbh_mt6: the options of a header that is there as a whole begin with these. */
export function headerOptions(packet: Packet, header: 0 | 60, options: readonly HeaderOption[]): Answer {
  const found = find(packet, header)
  if (found === ABSENT || found === BROKEN) return found
  const { bytes } = packet
  let at = found.at + 2
  let left = lengthOf(header, bytes[found.at + 1] ?? 0) - 2
  for (const [i, { type, length }] of options.entries()) {
    if (left < 1 || u8(bytes, at) !== type) return ABSENT
    let size = 1
    if (type !== 0) {
      const own = left < 2 ? undefined : u8(bytes, at + 1)
      if (own === undefined || (length !== undefined && own !== length)) return ABSENT
      size = own + 2
    }
    const last = i === options.length - 1
    if (!last && (at > bytes.length - size || left < size)) return ABSENT
    at += size
    left -= size
  }
  return THERE
}

/** net/ipv6/netfilter/ip6t_rt.c: rt_mt6, of a routing header of type 0 that is there as a whole. */
export function routeAddresses(packet: Packet, addresses: readonly bigint[], loose: boolean): Answer {
  const found = find(packet, ROUTING)
  if (found === ABSENT || found === BROKEN) return found
  const { bytes } = packet
  const count = Math.floor((lengthOf(ROUTING, bytes[found.at + 1] ?? 0) - 8) / 16)
  if (addresses.length > count) return ABSENT
  const own = Array.from({ length: count }, (_, i) => u128(bytes, found.at + 8 + 16 * i))
  if (!loose) {
    const same = addresses.every((address, i) => own[i] === address)
    return same && addresses.length === count ? THERE : ABSENT
  }
  let seen = 0
  for (const address of own) if (seen < addresses.length && address === addresses[seen]) seen++
  return seen === addresses.length ? THERE : ABSENT
}

/** net/ipv6/netfilter/ip6t_srh.c: srh1_mt6: the addresses around the active segment. Undefined where there is none. */
export function segment(packet: Packet, which: 'previous' | 'next' | 'last'): bigint | undefined {
  const left = headerField(packet, ROUTING, 3, 1)
  const lastEntry = headerField(packet, ROUTING, 4, 1)
  const found = find(packet, ROUTING)
  if (left === undefined || lastEntry === undefined || found === ABSENT || found === BROKEN) return undefined
  if ((which === 'previous' && left === lastEntry) || (which === 'next' && left === 0)) return undefined
  const index = which === 'last' ? 0 : which === 'previous' ? left + 1 : left - 1
  return u128(packet.bytes, found.at + 8 + 16 * index)
}

/** The first thing that srh1_mt6 asks of a segment routing header. */
export function segmentsSound(packet: Packet): Answer {
  const left = headerField(packet, ROUTING, 3, 1)
  const lastEntry = headerField(packet, ROUTING, 4, 1)
  return left !== undefined && lastEntry !== undefined && left <= lastEntry ? THERE : ABSENT
}

/** MASK_* of <linux/netfilter_ipv6/ip6t_ipv6header.h>. */
export const HEADER_BITS = {
  [HOP]: 128, [DESTINATION]: 64, [ROUTING]: 32, [FRAGMENT]: 16, [AUTHENTICATION]: 8, [ESP]: 4, [NONE]: 2,
} as const // biome-ignore format: a table
/** Something that is no extension header follows. */
export const HEADER_PROTOCOL = 1

/** net/ipv6/netfilter/ip6t_ipv6header.c: ipv6header_mt6. Undefined: too short to tell, no match whatever is asked. */
export function headersBits({ bytes, family }: Packet): number | undefined {
  if (family !== 6) return undefined
  let next = u8(bytes, 6) ?? NONE
  let at = FIXED_HEADER
  let found = 0
  while (next in HEADER_BITS) {
    const bit = HEADER_BITS[next as keyof typeof HEADER_BITS]
    found |= next === NONE ? bit : 0
    if (next === NONE) break
    if (bytes.length - at < 2) return undefined
    found |= bit
    if (next === ESP) break
    const length = bytes[at + 1]!
    const size = next === FRAGMENT ? 8 : lengthOf(next, length)
    next = bytes[at]!
    at += size
    if (at > bytes.length) break
  }
  return next === NONE || next === ESP ? found : found | HEADER_PROTOCOL
}

const IPV6 = 0x86dd

/** net/ipv6/netfilter/ip6t_eui64.c: eui64_mt6 (RFC 4291 appendix A). */
export function eui64({ bytes, mac, family }: Packet): Answer {
  if (!mac || mac.ethertype !== IPV6 || family !== 6) return ABSENT
  const source = BigInt(mac.source)
  const made = ((source >> 24n) << 40n) | 0xfffe000000n | (source & 0xffffffn)
  const own = u128(bytes, 8)
  return own !== undefined && (own & 0xffff_ffff_ffff_ffffn) === (made ^ (2n << 56n)) ? THERE : ABSENT
}
