import { maskOf, type Prefix } from '../address/prefix.js'
import { fold, PROTOCOL, sumOfIp } from './checksum.js'
import { type Packet, put128, u8, u128 } from './packet.js'

const ADDRESS = { src: 8, dst: 24 } as const
const IPV6_HEADER = 40
const ICMPV6_HEADER = 8
/** ICMPv6 errors about another packet (icmpv6_is_err): unreachable, too big, time exceeded, parameter problem. */
const LAST_ERROR = 4

/** An address with another prefix. `neutral` is false where no word is left that could make up for the change. */
export interface Mapped {
  readonly ip: bigint
  readonly neutral: boolean
}

/**
 * Checksum-neutral mapping of a prefix (RFC 6296 section 3.6; net/ipv6/netfilter/ip6t_NPT.c: ip6t_npt_map_pfx): bits 48 to 63 make up for the change, or
 * with prefixes beyond 48 bits the first word of the interface identifier that is not 0xffff.
 */
export function mapPrefix(ip: bigint, from: Prefix, to: Prefix): Mapped {
  const length = Math.max(from.length, to.length)
  const mask = maskOf(6, length) as bigint
  const replaced = (ip & ~mask) | (BigInt(to.ip) & mask)
  const wordAt = (index: number) => Number((replaced >> BigInt(112 - 16 * index)) & 0xffffn)
  const index = length <= 48 ? 3 : [4, 5, 6, 7].find((word) => wordAt(word) !== 0xffff)
  if (index === undefined) return { ip: replaced, neutral: false }
  const adjustment = (fold(sumOfIp(from.ip)) + 0xffff - fold(sumOfIp(to.ip))) % 0xffff || 0xffff
  const sum = fold(wordAt(index) + adjustment)
  const word = BigInt(sum === 0xffff ? 0 : sum)
  const shift = BigInt(112 - 16 * index)
  return { ip: (replaced & ~(0xffffn << shift)) | (word << shift), neutral: true }
}

/**
 * The targets SNPT and DNPT (ip6t_snpt_tg, ip6t_dnpt_tg): no checksum is touched. An ICMPv6 error also has the other end of the packet that it quotes
 * mapped, where that has the old prefix. False where no mapping is neutral: the prefix is replaced all the same.
 */
export function translatePrefix({ bytes }: Packet, which: 'src' | 'dst', from: Prefix, to: Prefix): boolean {
  const { ip, neutral } = mapPrefix(u128(bytes, ADDRESS[which])!, from, to)
  put128(bytes, ADDRESS[which], ip)
  if (!neutral) return false
  const type = u8(bytes, IPV6_HEADER)
  if (u8(bytes, 6) !== PROTOCOL.ICMPV6 || type === undefined || type < 1 || type > LAST_ERROR) return true
  const inner = IPV6_HEADER + ICMPV6_HEADER
  if (inner + IPV6_HEADER > bytes.length) return true
  const at = inner + ADDRESS[which === 'src' ? 'dst' : 'src']
  const quoted = u128(bytes, at)!
  if ((quoted & (maskOf(6, from.length) as bigint)) === BigInt(from.ip))
    put128(bytes, at, mapPrefix(quoted, from, to).ip)
  return true
}
