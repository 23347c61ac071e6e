import { bitsOf, type Family, familyOf, type Ip, parseIp, printIp } from './ip.js'

/** An address and how many of its leading bits count. The host bits may be set (`10.0.0.1/8` of an interface). */
export interface Prefix {
  readonly ip: Ip
  readonly length: number
}

/** The netmask of a length: a number for IPv4, a bigint for IPv6. */
export function maskOf(family: Family, length: number): Ip {
  if (family === 4) return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
  return ((1n << BigInt(length)) - 1n) << BigInt(128 - length)
}

export function and(a: Ip, b: Ip): Ip {
  return typeof a === 'number' && typeof b === 'number' ? (a & b) >>> 0 : BigInt(a) & BigInt(b)
}

export function or(a: Ip, b: Ip): Ip {
  return typeof a === 'number' && typeof b === 'number' ? (a | b) >>> 0 : BigInt(a) | BigInt(b)
}

/** All bits of `mask` turned over, within its family's width. */
export const invertMask = (mask: Ip): Ip => (typeof mask === 'number' ? ~mask >>> 0 : mask ^ ((1n << 128n) - 1n))

/** The prefix length of a contiguous mask, or `undefined`. */
export function lengthOfMask(mask: Ip): number | undefined {
  const family = familyOf(mask)
  for (let length = 0; length <= bitsOf(family); length++) if (maskOf(family, length) === mask) return length
  return undefined
}

export const firstOf = ({ ip, length }: Prefix): Ip => and(ip, maskOf(familyOf(ip), length))
export const lastOf = ({ ip, length }: Prefix): Ip => or(ip, invertMask(maskOf(familyOf(ip), length)))

/** False where the families differ. */
export function contains(prefix: Prefix, ip: Ip): boolean {
  const family = familyOf(prefix.ip)
  if (familyOf(ip) !== family) return false
  const mask = maskOf(family, prefix.length)
  return and(ip, mask) === and(prefix.ip, mask)
}

/** `ADDRESS[/LENGTH]`; without a length the whole address. `undefined` where it is neither. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (ip === undefined) return undefined
  const bits = bitsOf(familyOf(ip))
  if (slash < 0) return { ip, length: bits }
  const length = text.slice(slash + 1)
  return /^\d{1,3}$/.test(length) && Number(length) <= bits ? { ip, length: Number(length) } : undefined
}

export const printPrefix = ({ ip, length }: Prefix): string => `${printIp(ip)}/${length}`
