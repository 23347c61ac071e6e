import type { Family } from '../../address/ip.js'
import { type Ip, parseIp, printIp } from '../../address/ip.js'
import { u32 } from '../../packet/packet.js'
import { after, wrap } from '../tcp-segment.js'
import { type Direction, opposite } from '../tuple.js'
import { ACCEPT, drop, type HelpContext, type Helped, type Helper, payloadOf, textOf, tuplesOf } from './helper.js'
import { mangleTcp } from './mangle.js'
import { expectAtPort, type ToldPort } from './port.js'

type Kind = 'PORT' | 'EPRT' | 'PASV' | 'EPSV'

/** Where a connection is announced: `length` bytes at `at` of the payload. */
interface Found {
  readonly kind: Kind
  readonly at: number
  readonly length: number
  readonly ip: Ip | undefined
  readonly port: number
}

/** RFC 959, RFC 2428: active and passive mode. net/netfilter/nf_conntrack_ftp.c, nf_nat_ftp.c. */
export const ftp: Helper = {
  name: 'ftp',
  families: [4, 6],
  protocol: 6,
  port: 21,
  policies: [{ maxExpected: 1, timeout: 300 }],
  help(context) {
    const { attachment, packet, offset } = context
    const { entry, direction } = attachment
    if (attachment.state !== 'ESTABLISHED') return ACCEPT
    const payload = payloadOf(context)
    if (!payload) return ACCEPT
    context.linearize?.()
    const text = textOf(payload.data)
    const sequence = u32(packet.bytes, offset + 4)!
    entry.helping ??= { original: [], reply: [], listed: true }
    const { helping } = entry
    const lines = helping[direction]
    const remember = () => {
      if (text.endsWith('\n')) rememberLine(lines, wrap(sequence + text.length))
    }
    // a command is looked at only where it begins a line: behind one whose end was seen
    const said = search(text, direction, entry.original.family)
    const begins = lines.includes(sequence)
    if (!begins && helping.listed && said !== 'nothing')
      return { is: 'unknown', reason: 'what the FTP helper had seen of the connection when the snapshot was taken' }
    const found = begins ? said : 'nothing'
    if (found === 'partial')
      return drop('an FTP command or answer that announces a connection is cut off, or its numbers are none')
    if (found === 'nothing') {
      remember()
      return ACCEPT
    }
    const result = announceFound(context, found, payload.at)
    remember()
    return result
  },
}

const REMEMBERED = 2

/** update_nl_seq: the two newest ends of lines. */
function rememberLine(lines: number[], sequence: number): void {
  if (lines.includes(sequence)) return
  if (lines.length < REMEMBERED) {
    lines.push(sequence)
    return
  }
  const oldest = after(lines[1]!, lines[0]!) ? 0 : 1
  if (after(sequence, lines[oldest]!)) lines[oldest] = sequence
}

function announceFound(context: HelpContext, found: Found, at: number): Helped {
  const { attachment, packet, offset } = context
  const [own, other] = tuplesOf(attachment)
  // somebody else's address: no hole is opened for it
  if (found.ip !== undefined && found.ip !== own.src) return ACCEPT
  const told: ToldPort = {
    helper: ftp,
    port: found.port,
    direction: opposite(attachment.direction),
    at: (dport) => ({ tuple: { ...other, protocol: 6, dport }, src: other.src, sport: undefined }),
    tell: (port) =>
      mangleTcp(packet, offset, attachment, at + found.at, found.length, commandText(found.kind, other.dst, port)),
  }
  return expectAtPort(told, context)
}

function commandText(kind: Kind, ip: Ip, port: number): string {
  if (kind === 'EPSV') return `|||${port}|`
  if (kind === 'EPRT') return typeof ip === 'number' ? `|1|${printIp(ip)}|${port}|` : `|2|${longIp(ip)}|${port}|`
  return `${printIp(ip).replaceAll('.', ',')},${port >> 8},${port & 255}`
}

/** %pI6: eight groups of four digits. */
const longIp = (ip: bigint): string => ip.toString(16).padStart(32, '0').match(/.{4}/g)!.join(':')

interface Pattern {
  readonly kind: Kind
  readonly word: string
  /** Skipped up to here; undefined: nothing is. */
  readonly skip: string | undefined
  readonly read: (text: string, family: Family) => Numbers | undefined
}

/** What the numbers say, where they begin in what was read, and how long they are. */
interface Numbers {
  readonly from: number
  readonly length: number
  readonly ip: Ip | undefined
  readonly port: number
}

const PATTERNS: Readonly<Record<Direction, readonly Pattern[]>> = {
  original: [
    { kind: 'PORT', word: 'PORT', skip: ' ', read: (text) => sixNumbers(text, '\r') },
    { kind: 'EPRT', word: 'EPRT', skip: ' ', read: extendedPort },
  ],
  reply: [
    { kind: 'PASV', word: '227 ', skip: undefined, read: sixNumbersSomewhere },
    { kind: 'EPSV', word: '229 ', skip: '(', read: extendedPassive },
  ],
}

/** find_pattern for each that this direction may say. */
function search(text: string, direction: Direction, family: Family): Found | 'partial' | 'nothing' {
  for (const pattern of PATTERNS[direction]) {
    const found = findPattern(text, pattern, family)
    if (found !== 'nothing') return found
  }
  return 'nothing'
}

function findPattern(text: string, { kind, word, skip, read }: Pattern, family: Family): Found | 'partial' | 'nothing' {
  const begins = text.slice(0, word.length).toLowerCase()
  if (text.length <= word.length) return word.toLowerCase().startsWith(text.toLowerCase()) ? 'partial' : 'nothing'
  if (begins !== word.toLowerCase()) return 'nothing'
  let at = word.length
  if (skip !== undefined) {
    const end = text.indexOf(skip, at)
    if (end < 0) return 'partial'
    at = end + 1
  }
  const numbers = read(text.slice(at), family)
  if (!numbers) return 'partial'
  const { ip, port, from, length } = numbers
  return { kind, at: at + from, length, ip, port }
}

const DIGIT = /\d/

/** try_number: `count` numbers with `separator` between, then the terminator (any character, where undefined). Wraps at 32 bits. */
function numbersOf(text: string, count: number, separator: string, end: string | undefined) {
  const values = Array<number>(count).fill(0)
  let i = 0
  for (let length = 0; length < text.length && i < count; length++) {
    const c = text[length]!
    if (DIGIT.test(c)) values[i] = (Math.imul(values[i]!, 10) + Number(c)) >>> 0
    else if (c === separator) i++
    else return (end === undefined || c === end) && i === count - 1 ? { values, length } : undefined
  }
  return undefined
}

/** try_rfc959: `10,0,0,1,4,1`. */
function sixNumbers(text: string, end: string | undefined): Numbers | undefined {
  const read = numbersOf(text, 6, ',', end)
  if (!read) return undefined
  const [a, b, c, d, high, low] = read.values as [number, number, number, number, number, number]
  const ip = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  return { from: 0, length: read.length, ip, port: ((high << 8) | low) & 0xffff }
}

/** try_rfc1123: they begin with the first digit, wherever it stands. */
function sixNumbersSomewhere(text: string): Numbers | undefined {
  const from = text.search(DIGIT)
  const read = from < 0 ? undefined : sixNumbers(text.slice(from), undefined)
  return read && { ...read, from }
}

/** get_port: up to the delimiter, which counts; 0 is none. 16 bits. */
function portOf(
  text: string,
  start: number,
  delimiter: string,
): { readonly port: number; readonly end: number } | undefined {
  let port = 0
  for (let i = start; i < text.length; i++) {
    const c = text[i]!
    if (c === delimiter) return port === 0 ? undefined : { port, end: i + 1 }
    if (!DIGIT.test(c)) return undefined
    port = (port * 10 + Number(c)) & 0xffff
  }
  return undefined
}

const isDelimiter = (c: string): boolean => !DIGIT.test(c) && c >= '!' && c <= '~'

/** try_eprt: `|1|10.0.0.1|6275|` or `|2|fd00::1|6275|`. */
function extendedPort(text: string, family: Family): Numbers | undefined {
  const delimiter = text[0] ?? ''
  if (text.length <= 3 || !isDelimiter(delimiter) || text[2] !== delimiter) return undefined
  if (text[1] !== (family === 4 ? '1' : '2')) return undefined
  const rest = text.slice(3)
  const address = family === 4 ? address4(rest, delimiter) : address6(rest, delimiter)
  const read = address && portOf(text, 3 + address.length + 1, delimiter)
  return read && { from: 0, length: read.end, ip: address.ip, port: read.port }
}

function address4(text: string, delimiter: string) {
  const read = numbersOf(text, 4, '.', delimiter)
  if (!read) return undefined
  const [a, b, c, d] = read.values as [number, number, number, number]
  return { ip: ((a << 24) | (b << 16) | (c << 8) | d) >>> 0, length: read.length }
}

function address6(text: string, delimiter: string) {
  const length = text.indexOf(delimiter)
  const ip = length > 0 ? parseIp(text.slice(0, length)) : undefined
  return typeof ip === 'bigint' ? { ip, length } : undefined
}

/** try_epsv_response: `|||6446|`; the address is the server's own. */
function extendedPassive(text: string): Numbers | undefined {
  const delimiter = text[0] ?? ''
  if (text.length <= 3 || !isDelimiter(delimiter) || text[1] !== delimiter || text[2] !== delimiter) return undefined
  const read = portOf(text, 3, delimiter)
  return read && { from: 0, length: read.end, ip: undefined, port: read.port }
}
