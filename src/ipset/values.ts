import { type Family, type Ip, parseIpv6 } from '../address/ip.js'
import { protocolByName, protocolName } from '../address/protocols.js'
import { servicePort } from '../address/services.js'
import { type Data, IpsetError } from './data.js'
import { icmp6Number, icmpNumber } from './icmp.js'

/** What is wrong with a word, as lib/parse.c says it. */
export const syntax = (message: string): never => {
  throw new IpsetError(`Syntax error: ${message}`)
}

const forgets = (message: string): never => {
  throw new IpsetError(`Syntax error: ${message}`, 'forgets')
}

const LONGEST = 2n ** 64n - 1n

/** strtoull(3) with base 0: blanks and a sign in front, 0x hex, 0 octal; undefined where it is no number. */
function toNumber(text: string): bigint | undefined {
  const [, sign, digits] = /^\s*([+-]?)(0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits)
  if (value > LONGEST) return value
  return sign === '-' && value !== 0n ? LONGEST + 1n - value : value
}

/** A whole number within limits, up to 64 bits. */
export function number64(text: string, max: bigint, min = 0n): bigint {
  const value = toNumber(text)
  if (value === undefined) return syntax(`'${text}' is invalid as number`)
  if (value < min || value > max) return syntax(`'${text}' is out of range ${min}-${max}`)
  return value
}

export const number = (text: string, max: number): number => Number(number64(text, BigInt(max)))

/** The place of a separator that is neither the first nor the last character (ipset_strchr). */
export function separator(text: string, mark: string): number {
  return text.startsWith(mark) || text.endsWith(mark) ? -1 : text.indexOf(mark)
}

const familyName = (family: Family) => (family === 4 ? 'IPv4' : 'IPv6')

/** As gethostbyname(3) takes digits and dots (inet_aton): one to four numbers, the last one fills what is left; 0 octal. */
function inetAton(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length > 4) return undefined
  let value = 0
  for (const [i, part] of parts.entries()) {
    if (!/^(0[0-7]*|[1-9]\d*)$/.test(part)) return undefined
    const number = Number(toNumber(part))
    const room = i === parts.length - 1 ? 2 ** (8 * (5 - parts.length)) : 256
    if (number >= room) return undefined
    value += number * (i === parts.length - 1 ? 1 : 2 ** (24 - 8 * i))
  }
  return value
}

/** Names of hosts are not resolved here: no answer but "failed" comes for them. */
function host(text: string, family: Family): Ip {
  const bare = withoutBrackets(text)
  const ip = family === 4 ? inetAton(bare) : parseIpv6(bare)
  return ip ?? syntax(`cannot parse ${bare}: resolving to ${familyName(family)} address failed`)
}

/** `[name-with-dashes]` */
function withoutBrackets(text: string): string {
  if (!text.startsWith('[')) return text
  if (!text.endsWith(']')) return syntax(`cannot find closing escape character ']' in ${text}`)
  return text.slice(1, -1)
}

/** Where the dash of a range stands; names in brackets may have dashes. */
function dash(text: string): number {
  if (!text.startsWith('[')) return separator(text, '-')
  const end = text.indexOf(']')
  if (end < 0) return syntax(`cannot find closing escape character ']' in ${text}`)
  if (end === text.length - 1) return -1
  if (text[end + 1] !== '-') return syntax(`range separator expected after '${text.slice(0, end + 1)}'`)
  return end + 1
}

export interface Addresses {
  readonly ip: Ip
  readonly to?: Ip
  readonly cidr?: number
}

/** IP, IP/CIDR or IP-IP (parse_ipaddr). */
export function addresses(text: string, family: Family): Addresses {
  const slash = separator(text, '/')
  const most = family === 4 ? 32 : 128
  if (slash >= 0) {
    const word = text.slice(slash + 1)
    const cidr = number(word, 255)
    if (cidr > most) return syntax(`'${word}' is out of range 0-${most}`)
    return { ip: host(text.slice(0, slash), family), cidr }
  }
  const at = dash(text)
  if (at < 0) return { ip: host(text, family) }
  return { ip: host(text.slice(0, at), family), to: host(text.slice(at + 1), family) }
}

const hasRange = (text: string): boolean =>
  text.startsWith('[') && text.includes(']')
    ? separator(text.slice(text.indexOf(']')), '-') >= 0
    : separator(text, '-') >= 0
const hasCidr = (text: string): boolean => separator(text, '/') >= 0
const isHost = (text: string, family: Family): boolean =>
  text.slice(separator(text, '/')) === (family === 4 ? '/32' : '/128')

/** One address; its own length may be said. */
export function singleAddress(text: string, family: Family): Addresses {
  if (hasRange(text) || (hasCidr(text) && !isHost(text, family)))
    return syntax(`plain IP address must be supplied: ${text}`)
  return addresses(text, family)
}

export function network(text: string, family: Family): Addresses {
  if (!hasCidr(text) || hasRange(text)) return syntax(`IP/netblock must be supplied: ${text}`)
  return addresses(text, family)
}

export function networkOrRange(text: string, family: Family): Addresses {
  if (!hasRange(text) && !hasCidr(text)) return syntax(`IP/cidr or IP-IP range must be specified: ${text}`)
  return addresses(text, family)
}

/** IPv4: any of the three; IPv6: no range. */
export function addressOrNetwork(text: string, family: Family): Addresses {
  if (family === 6 && hasRange(text)) return syntax(`IP address or IP/cidr must be specified: ${text}`)
  return addresses(text, family)
}

export function ether(text: string): number {
  const bad = (): never => syntax(`cannot parse '${text}' as ethernet address`)
  if (text.length > 17) return bad()
  const parts = text.split(':')
  if (parts.length !== 6) return bad()
  return parts.reduce((value, part) => {
    const [, digits] = /^\s*\+?(?:0[xX])?([\da-fA-F]+)$/.exec(part) ?? []
    const octet = digits === undefined ? 256 : Number.parseInt(digits, 16)
    return octet > 255 ? bad() : value * 256 + octet
  }, 0)
}

function portNumber(text: string, protocol: string): number {
  const value = toNumber(text)
  if (value !== undefined && value <= 0xffffn) return Number(value)
  const names = /^\d+$/.test(protocol) ? protocolName(Number(protocol)) : protocol
  const found = /^\d/.test(text) ? undefined : servicePort(withoutBrackets(text), names)
  if (found !== undefined) return found
  const lines = [
    value === undefined
      ? `Syntax error: '${text}' is invalid as number`
      : `Syntax error: '${text}' is out of range 0-65535`,
    // the protocol may be a number too
    ...(toNumber(protocol) === undefined ? [`Syntax error: '${protocol}' is invalid as number`] : []),
    `cannot parse '${text}' as a ${protocol} port`,
  ]
  throw new IpsetError(lines.join('\n'), 'warning')
}

type PortData = Pick<Data, 'port' | 'portTo' | 'protocol'>

/** PORT or PORT-PORT, by number or name. */
export function portRange(text: string, protocol: string): PortData {
  const at = dash(text)
  if (at < 0) return { port: portNumber(text, protocol) }
  const portTo = portNumber(text.slice(at + 1), protocol)
  return { port: portNumber(text.slice(0, at), protocol), portTo }
}

function protocolNumber(text: string): number {
  const value = toNumber(text)
  if (value !== undefined && value <= 255n) return Number(value)
  const lower = text.toLowerCase()
  const exact = text === lower || text === text.toUpperCase() || lower === 'icmpv6'
  const found = exact ? protocolByName(lower) : undefined
  if (found === undefined) return syntax(`cannot parse '${text}' as a protocol`)
  return found === 0 ? syntax(`Unsupported protocol '${text}'`) : found
}

function icmp(text: string, names: (word: string) => number | undefined, family: string): number {
  const known = names(text)
  if (known !== undefined) return known
  const slash = separator(text, '/')
  if (slash < 0) throw new IpsetError(`Cannot parse ${text} as an ${family} type/code.`)
  return number(text.slice(0, slash), 255) * 256 + number(text.slice(slash + 1), 255)
}

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 132, 136])

/** `[PROTO:]PORT[-PORT]`, `icmp:ping`, `icmpv6:1/4`, `gre:0`. */
export function protocolAndPort(text: string, family: Family | undefined): PortData {
  const colon = separator(text, ':')
  if (colon < 0) return { protocol: 6, ...portRange(text, 'tcp') }
  const [name, rest] = [text.slice(0, colon), text.slice(colon + 1)]
  const protocol = protocolNumber(name)
  if (WITH_PORTS.has(protocol)) return { protocol, ...portRange(rest, name) }
  if (protocol === 1) {
    if (family !== 4) return forgets('Protocol ICMP can be used with family inet only')
    return { protocol, port: icmp(rest, icmpNumber, 'ICMP') }
  }
  if (protocol === 58) {
    if (family !== 6) return forgets('Protocol ICMPv6 can be used with family inet6 only')
    return { protocol, port: icmp(rest, icmp6Number, 'ICMPv6') }
  }
  if (rest !== '0') return syntax(`Protocol ${name} can be used with pseudo port value 0 only.`)
  return { protocol, port: 0 }
}

/** bitmap:port: TCP and UDP are the same to it. */
export function tcpUdpPort(text: string): PortData {
  const { protocol, ...ports } = protocolAndPort(text, undefined)
  return protocol === 6 || protocol === 17 ? ports : syntax('Only protocols TCP and UDP are valid')
}

/** IPSET_MAXNAMELEN - 1; bytes. */
export function setName(text: string): string {
  if (new TextEncoder().encode(text).length > 31) return syntax(`setname '${text}' is longer than 31 characters`)
  return text
}

export function interfaceName(text: string): Pick<Data, 'iface' | 'physdev'> {
  const physdev = text.startsWith('physdev:')
  const iface = physdev ? text.slice(8) : text
  if (new TextEncoder().encode(iface).length > 15)
    return syntax(`interface name '${iface}' is longer than 15 characters`)
  return physdev ? { iface, physdev } : { iface }
}

export function comment(text: string): string {
  if (text.includes('"')) return syntax('" character is not permitted in comments')
  if (new TextEncoder().encode(text).length > 255)
    return syntax('Comment is longer than the maximum allowed 255 characters')
  return text
}

/** `0xMARK[/0xMASK]`, as sscanf(3) takes it: what stands behind is not looked at. */
export function skbmark(text: string): readonly [number, number] {
  const [, mark, mask] = /^0x\s*([\da-f]+)(?:\/0x\s*([\da-f]+))?/i.exec(text) ?? []
  if (mark === undefined) return syntax('Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)')
  const low = (hex: string) => Number(BigInt.asUintN(32, BigInt(`0x${hex}`)))
  return [low(mark), mask === undefined ? 0xffffffff : low(mask)]
}

/** `MAJOR:MINOR`, hexadecimal. */
export function skbprio(text: string): number {
  const [, major, minor] = /^\s*(?:0x)?([\da-f]+):\s*(?:0x)?([\da-f]+)/i.exec(text) ?? []
  if (minor === undefined) return syntax('Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)')
  return (((Number.parseInt(major!, 16) & 0xffff) << 16) | (Number.parseInt(minor, 16) & 0xffff)) >>> 0
}
