/** One IP address: IPv4 as a number (host byte order, 0 to 2^32-1), IPv6 as a 128-bit bigint. The JavaScript type tells the family. */
export type Ip = number | bigint
export type Family = 4 | 6

export const familyOf = (ip: Ip): Family => (typeof ip === 'number' ? 4 : 6)
export const bitsOf = (family: Family): 32 | 128 => (family === 4 ? 32 : 128)

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

/** Dotted quad, decimal only (`010.0.0.1` is refused: inet_pton(3) refuses it too). `undefined` where it is no address. */
export function parseIpv4(text: string): number | undefined {
  const parts = V4.exec(text)
  if (!parts) return undefined
  let value = 0
  for (let i = 1; i <= 4; i++) {
    const part = parts[i]!
    const octet = Number(part)
    if (octet > 255 || (part.length > 1 && part.startsWith('0'))) return undefined
    value = value * 256 + octet
  }
  return value
}

/** RFC 4291 section 2.2, the mixed form with a dotted quad included; no zone index. `undefined` where it is no address. */
export function parseIpv6(text: string): bigint | undefined {
  let source = text
  const tail = source.slice(source.lastIndexOf(':') + 1)
  if (tail.includes('.')) {
    const v4 = parseIpv4(tail)
    if (v4 === undefined) return undefined
    source = `${source.slice(0, -tail.length)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`
  }
  const halves = source.split('::')
  if (halves.length > 2) return undefined
  const groups = (half: string) => (half === '' ? [] : half.split(':'))
  const head = groups(halves[0]!)
  const rest = halves.length === 2 ? groups(halves[1]!) : []
  const missing = 8 - head.length - rest.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  let value = 0n
  for (const group of [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...rest]) {
    if (!/^[\da-f]{1,4}$/i.test(group)) return undefined
    value = (value << 16n) | BigInt(Number.parseInt(group, 16))
  }
  return value
}

/** Either family. `undefined` where it is no address. */
export const parseIp = (text: string): Ip | undefined => (text.includes(':') ? parseIpv6(text) : parseIpv4(text))

export const printIpv4 = (ip: number): string => `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`

/** RFC 5952: lower case, the longest run of two or more zero groups (the first of equals) as `::`, IPv4-mapped in mixed form. */
export function printIpv6(ip: bigint): string {
  if (ip >> 32n === 0xffffn) return `::ffff:${printIpv4(Number(ip & 0xffffffffn))}`
  const groups = Array.from({ length: 8 }, (_, i) => Number((ip >> BigInt(112 - 16 * i)) & 0xffffn))
  let best = { at: 0, length: 0 }
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length++
    if (length > best.length) best = { at: i, length }
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  if (best.length < 2) return hex(groups)
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`
}

export const printIp = (ip: Ip): string => (typeof ip === 'number' ? printIpv4(ip) : printIpv6(ip))

/**
 * As inet_ntop(3) prints it, and so every program that uses it (iptables-save, nft, ip): like RFC 5952, but addresses whose first six groups are
 * the longest run of zeros end in a dotted quad (`::1.2.3.4`). Where such a program's own text is to be given.
 */
export function inetNtop(ip: Ip): string {
  const compatible = typeof ip === 'bigint' && ip >> 32n === 0n && ip >> 16n !== 0n
  return compatible ? `::${printIpv4(Number(ip))}` : printIp(ip)
}
