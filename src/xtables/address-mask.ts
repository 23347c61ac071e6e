import { bitsOf, familyOf, type Ip, parseIp, printIp } from '../address/ip.js'
import { and, lengthOfMask, maskOf, type Prefix } from '../address/prefix.js'

/** An address with the bits of it that count: mostly a prefix, but IPv4 and IPv6 masks may have holes. `length`: of a contiguous mask. */
export type AddressMask = Prefix & { readonly mask: Ip }

const cache = new Map<string, AddressMask>()

/** `ADDRESS[/LENGTH|/MASK]`; host bits are cleared, as iptables does it. `undefined` where it is none. */
export function parseAddressMask(word: string): AddressMask | undefined {
  const known = cache.get(word)
  if (known) return known
  const slash = word.indexOf('/')
  const ip = parseIp(slash < 0 ? word : word.slice(0, slash))
  if (ip === undefined) return undefined
  const mask = slash < 0 ? maskOf(familyOf(ip), bitsOf(familyOf(ip))) : parseMask(word.slice(slash + 1), ip)
  if (mask === undefined) return undefined
  const parsed = { ip: and(ip, mask), mask, length: lengthOfMask(mask) ?? -1 }
  if (cache.size > 50_000) cache.clear()
  cache.set(word, parsed)
  return parsed
}

function parseMask(word: string, ip: Ip): Ip | undefined {
  const family = familyOf(ip)
  if (/^\d{1,3}$/.test(word)) return Number(word) <= bitsOf(family) ? maskOf(family, Number(word)) : undefined
  const mask = parseIp(word)
  return mask !== undefined && familyOf(mask) === family ? mask : undefined
}

export const printAddressMask = ({ ip, mask, length }: AddressMask): string =>
  `${printIp(ip)}/${length >= 0 ? length : printIp(mask)}`
