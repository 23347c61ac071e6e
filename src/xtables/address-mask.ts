import { bitsOf, type Family, familyOf, type Ip, parseIp, printIp } from '../address/ip.js'
import { and, lengthOfMask, maskOf, type Prefix } from '../address/prefix.js'

/** An address with the bits of it that count: mostly a prefix, but IPv4 and IPv6 masks may have holes. `length`: of a contiguous mask, else -1. */
export type AddressMask = Prefix & { readonly mask: Ip }

/** `ADDRESS[/LENGTH|/MASK]`; host bits are cleared, as iptables does it. `undefined` where it is none. */
export function parseAddressMask(word: string): AddressMask | undefined {
  const slash = word.indexOf('/')
  const host = slash < 0 ? word : word.slice(0, slash)
  const ip = parseIp(padded(host)) ?? parseIp(dotted(host))
  if (ip === undefined) return undefined
  const family = familyOf(ip)
  if (slash < 0) return { ip, mask: maskOf(family, bitsOf(family)), length: bitsOf(family) }
  const length = decimal(word, slash + 1)
  if (length !== undefined) return length <= bitsOf(family) ? ofLength(ip, family, length) : undefined
  const mask = parseIp(word.slice(slash + 1))
  if (mask === undefined || familyOf(mask) !== family) return undefined
  return { ip: and(ip, mask), mask, length: lengthOfMask(mask) ?? -1 }
}

function ofLength(ip: Ip, family: Family, length: number): AddressMask {
  const mask = maskOf(family, length)
  return { ip: and(ip, mask), mask, length }
}

/** `10.1/16` is `10.1.0.0/16`, `10.1` is `10.1.0.0` (xtables.c: xtables_numeric_to_ipaddr, parse_hostnetwork pad what is left out). */
const padded = (word: string): string =>
  /^\d+(\.\d+){0,2}$/.test(word) ? `${word}${'.0'.repeat(4 - word.split('.').length)}` : word

/** `10.258` as inet_aton(3) reads it: the last number is all that is left, 10.0.1.2. */
export function dotted(word: string): string {
  if (!/^\d+(\.\d+){0,2}$/.test(word)) return word
  const parts = word.split('.').map(Number)
  const last = parts.pop()!
  const left = 4 - parts.length
  if (last >= 256 ** left) return word
  return [...parts, ...Array.from({ length: left }, (_, i) => Math.floor(last / 256 ** (left - 1 - i)) % 256)].join('.')
}

/** One to three digits up to the end of the word. */
function decimal(word: string, from: number): number | undefined {
  if (word.length === from || word.length > from + 3) return undefined
  let value = 0
  for (let i = from; i < word.length; i++) {
    const digit = word.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value
}

/** As inet_ntop(3) prints it: RFC 5952, but addresses below ::1:0:0 that are longer than one group end in a dotted quad. */
export const showIp = (ip: Ip): string =>
  typeof ip === 'bigint' && ip >> 32n === 0n && ip > 0xffffn ? `::${printIp(Number(ip))}` : printIp(ip)

export const printAddressMask = ({ ip, mask, length }: AddressMask): string =>
  `${showIp(ip)}/${length >= 0 ? length : showIp(mask)}`
