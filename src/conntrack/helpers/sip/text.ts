import { type Family, type Ip, parseIpv6 } from '../../../address/ip.js'

/** What connection tracking looks for in SIP messages and the session descriptions in them, and how it reads it (net/netfilter/nf_conntrack_sip.c). Positions count from the message's start, one character a byte. */

/** Where something stands, and how long it is. */
export interface Span {
  readonly at: number
  readonly length: number
}

/** `bad`: it is there, but is not what it should be; it begins, or what was looked for in it ends, at `at`. */
export type Found =
  | (Span & { readonly is: 'found' })
  | { readonly is: 'none' }
  | { readonly is: 'bad'; readonly at: number }

export type HeaderName = 'CSeq' | 'From' | 'To' | 'Contact' | 'Via UDP' | 'Via TCP' | 'Expires' | 'Content-Length'
export type SessionName = 'version' | 'owner' | 'connection' | 'media'

export const SIP_PORT = 5060
const [LEAST_PORT, LARGEST_PORT] = [1024, 65535]

const NONE: Found = { is: 'none' }
const DIGIT = /\d/
const isDigit = (c: string | undefined): boolean => c !== undefined && DIGIT.test(c)
/** The kernel's isalpha counts Latin-1's letters. */
const ALPHA = /[A-Za-z\xc0-\xd6\xd8-\xf6\xf8-\xff]/
export const isAlpha = (c: string | undefined): boolean => c !== undefined && ALPHA.test(c)
const isBlank = (c: string | undefined): boolean => c === ' ' || c === '\t'
const isLineEnd = (c: string | undefined): boolean => c === '\r' || c === '\n'

/** Does `word` stand there, in whichever case? */
export const standsAt = (text: string, at: number, word: string): boolean =>
  text.slice(at, at + word.length).toLowerCase() === word.toLowerCase()

const run = (text: string, at: number, is: (c: string | undefined) => boolean): number => {
  let end = at
  while (end < text.length && is(text[end])) end++
  return end - at
}

/** Digits at the start; 0 of no length where there are none, or the value has more than 32 bits (sip_strtouint). */
export function numberAt(text: string, at: number): { readonly value: number; readonly length: number } {
  const length = run(text, at, isDigit)
  const value = Number(text.slice(at, at + length))
  return length > 11 || value > 0xffffffff ? { value: 0, length: 0 } : { value, length }
}

/** An address, IPv6 in brackets (where `bare`, they may be missing). `end`: behind it. */
export function addressAt(
  text: string,
  at: number,
  family: Family,
  bare = false,
): { readonly ip: Ip; readonly end: number } | undefined {
  if (family === 4) return address4(text, at)
  const open = text[at] === '[' ? 1 : 0
  if (!open && !bare) return undefined
  const read = address6(text, at + open)
  if (!read) return undefined
  if (text[read.end] === ']') return { ip: read.ip, end: read.end + 1 }
  return bare ? read : undefined
}

/** in4_pton: a digit of base sixteen or a dot behind it spoils it. */
function address4(text: string, at: number) {
  const found = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?![\da-f.])/i.exec(text.slice(at, at + 64))
  if (!found) return undefined
  let ip = 0
  for (const part of found.slice(1)) {
    if (Number(part) > 255) return undefined
    ip = ip * 256 + Number(part)
  }
  return { ip, end: at + found[0].length }
}

/** in6_pton: ends where no digit of base sixteen, colon or dot follows; zeros in front do not count. */
function address6(text: string, at: number) {
  const [word] = /^[\da-f:.]*/i.exec(text.slice(at, at + 64))!
  const ip = parseIpv6(word.replace(/\b0+(?=[\da-f])/gi, ''))
  return ip === undefined ? undefined : { ip, end: at + word.length }
}

/** sip_parse_port: the port behind an address, 5060 where there is none. Undefined: it is none that SIP may have, or the message ends with it. */
function portAt(text: string, at: number): { readonly port: number; readonly end: number } | undefined {
  if (at >= text.length) return undefined
  if (text[at] !== ':') return { port: SIP_PORT, end: at }
  const length = run(text, at + 1, isDigit)
  const port = Number(text.slice(at + 1, at + 1 + length))
  const end = at + 1 + length
  if (length === 0 || length > 5 || end >= text.length) return undefined
  return port < LEAST_PORT || port > LARGEST_PORT ? undefined : { port, end }
}

/** Behind the end of a line: where the next one begins, if it carries this one on (sip_follow_continuation). */
function carriedOn(text: string, at: number, limit: number): number | undefined {
  let next = at + 1
  if (next >= limit) return undefined
  if (text[at] === '\r' && text[next] === '\n' && ++next >= limit) return undefined
  if (!isBlank(text[next])) return undefined
  while (next < limit && isBlank(text[next])) next++
  return next
}

/** sip_skip_whitespace: blanks, and one end of a line where the next one carries it on. */
function behindBlanks(text: string, at: number): number | undefined {
  const next = at + run(text, at, isBlank)
  return isLineEnd(text[next]) ? carriedOn(text, next, text.length) : next
}

/** ct_sip_header_search: a word in the rest of a header, whose last character is not the message's last. */
function searchHeader(text: string, from: number, word: string, end = text.length): number | undefined {
  const limit = end - word.length
  for (let at = from; at < limit; at++) {
    if (isLineEnd(text[at])) {
      const next = carriedOn(text, at, limit)
      if (next === undefined) return undefined
      at = next
    } else if (standsAt(text, at, word)) return at
  }
  return undefined
}

interface Header {
  readonly name: string
  readonly compact?: string
  /** What stands in front of the value. */
  readonly search?: string
  /** Where the value begins behind that, and its length: 0 where it is none. */
  readonly span: (text: string, at: number, family: Family) => Span
}

const digits = (text: string, at: number): Span => ({ at, length: run(text, at, isDigit) })

/** epaddr_len. */
function endpoint(text: string, at: number, family: Family): Span {
  const address = addressAt(text, at, family)
  const port = address && portAt(text, address.end)
  return { at, length: port ? port.end - at : 0 }
}

/** skp_epaddr_len: behind the user's name. */
function userEndpoint(text: string, at: number, family: Family): Span {
  const name = run(text, at, (c) => c !== '@' && !isLineEnd(c))
  return endpoint(text, text[at + name] === '@' ? at + name + 1 : at, family)
}

const HEADERS: Readonly<Record<HeaderName, Header>> = {
  CSeq: { name: 'CSeq', span: digits },
  From: { name: 'From', compact: 'f', search: 'sip:', span: userEndpoint },
  To: { name: 'To', compact: 't', search: 'sip:', span: userEndpoint },
  Contact: { name: 'Contact', compact: 'm', search: 'sip:', span: userEndpoint },
  'Via UDP': { name: 'Via', compact: 'v', search: 'UDP ', span: endpoint },
  'Via TCP': { name: 'Via', compact: 'v', search: 'TCP ', span: endpoint },
  Expires: { name: 'Expires', span: digits },
  'Content-Length': { name: 'Content-Length', compact: 'l', span: digits },
}

/** Where the next line begins, from anywhere in this one. */
function nextLine(text: string, from: number): number | undefined {
  for (let at = from; at < text.length; at++) {
    if (!isLineEnd(text[at])) continue
    let next = at + 1
    if (text[at] === '\r' && text[next] === '\n') next++
    return next < text.length ? next : undefined
  }
  return undefined
}

/** ct_sip_get_header: the first one behind `from`. */
export function headerIn(text: string, from: number, wanted: HeaderName, family: Family): Found {
  const header = HEADERS[wanted]
  for (let at = nextLine(text, from); at !== undefined; at = nextLine(text, at + 1)) {
    if (isBlank(text[at])) continue
    const behind = behindName(text, at, header)
    if (behind === undefined) continue
    const colon = behindBlanks(text, behind)
    if (colon === undefined || text[colon] !== ':' || colon + 1 >= text.length) return NONE
    const value = behindBlanks(text, colon + 1)
    if (value === undefined) return NONE
    return valueAt(text, value, header, family)
  }
  return NONE
}

function behindName(text: string, at: number, { name, compact }: Header): number | undefined {
  if (standsAt(text, at, name)) return at + name.length
  if (compact !== undefined && text.length > at + 1 && standsAt(text, at, compact) && !isAlpha(text[at + 1]))
    return at + 1
  return undefined
}

function valueAt(text: string, value: number, { search, span }: Header, family: Family): Found {
  const found = search === undefined ? value : searchHeader(text, value, search)
  if (found === undefined) return { is: 'bad', at: value }
  const read = span(text, found + (search?.length ?? 0), family)
  return read.length === 0 ? { is: 'bad', at: value } : { is: 'found', ...read }
}

/** ct_sip_next_header: the next of several values with commas between them. */
function nextValue(text: string, from: number, { search, span }: Header, family: Family): Found {
  const comma = searchHeader(text, from, ',')
  const found = comma === undefined ? undefined : searchHeader(text, comma, search!)
  if (found === undefined) return NONE
  const at = found + search!.length
  const read = span(text, at, family)
  return read.length === 0 ? { is: 'bad', at } : { is: 'found', ...read }
}

/** Where a reading of all values of a header has got to. */
export interface Reading {
  at: number
  /** The last one was found: others may follow it behind a comma. */
  inside: boolean
}

/** ct_sip_walk_headers: the next that can be read. */
function walkHeaders(text: string, reading: Reading, wanted: HeaderName, family: Family): Found {
  const header = HEADERS[wanted]
  let from = reading.at
  if (reading.inside) {
    for (;;) {
      const found = nextValue(text, from, header, family)
      if (found.is === 'found') return found
      if (found.is === 'none') break
      from = found.at
    }
    reading.inside = false
  }
  for (;;) {
    const found = headerIn(text, from, wanted, family)
    if (found.is === 'bad') {
      from = found.at
      continue
    }
    if (found.is === 'found') reading.inside = true
    return found
  }
}

/** An address and port in a message. */
export interface Place extends Span {
  readonly ip: Ip
  readonly port: number
}

/** ct_sip_parse_header_uri: the next of this header; `reading` goes on behind it. */
export function uriIn(
  text: string,
  wanted: HeaderName,
  family: Family,
  reading: Reading = { at: 0, inside: false },
): Place | 'none' | 'bad' {
  const found = walkHeaders(text, reading, wanted, family)
  if (found.is !== 'found') return 'none'
  const address = addressAt(text, found.at, family)
  const port = address && portAt(text, address.end)
  if (!port) return 'bad'
  reading.at = port.end
  return { at: found.at, length: found.length, ip: address.ip, port: port.port }
}

/** ct_sip_parse_request: the address to which a request goes. */
export function requestUri(text: string, family: Family): Place | undefined {
  const method = run(text, 0, isAlpha)
  if (method === 0 || method + 1 >= text.length) return undefined
  let at = method + 1
  for (; at < text.length - 4; at++) {
    if (isLineEnd(text[at])) return undefined
    if (!standsAt(text, at, 'sip:')) continue
    at += 4
    break
  }
  const span = userEndpoint(text, at, family)
  if (span.length === 0) return undefined
  const address = addressAt(text, span.at, family)!
  const port = portAt(text, address.end)!
  return { at: span.at, length: port.end - span.at, ip: address.ip, port: port.port }
}

/** Up to the comma behind which the next value begins. */
const valueEnd = (text: string, from: number): number => searchHeader(text, from, ',') ?? text.length

/** ct_sip_parse_transport: the protocol that a parameter names, the message's own where none does. Undefined: another one. */
export function transportAt(text: string, from: number, own: number): number | undefined {
  const found = searchHeader(text, from, 'transport=', valueEnd(text, from))
  if (found === undefined) return own
  const at = found + 'transport='.length
  const named = standsAt(text, at, 'TCP') ? 6 : standsAt(text, at, 'UDP') ? 17 : undefined
  return named === own ? own : undefined
}

/** ct_sip_parse_address_param. `bare`: IPv6 may stand without brackets. */
export function addressParameter(text: string, from: number, name: string, family: Family, bare: boolean) {
  const end = valueEnd(text, from)
  const found = searchHeader(text, from, name, end)
  if (found === undefined) return undefined
  const at = found + name.length
  const address = addressAt(text.slice(0, end), at, family, bare)
  return address && { at, length: address.end - at, ip: address.ip }
}

/** ct_sip_parse_numerical_param. `bad`: it is no number. */
export function numberParameter(text: string, from: number, name: string) {
  const end = valueEnd(text, from)
  const found = searchHeader(text, from, name, end)
  if (found === undefined) return undefined
  const at = found + name.length
  const { value, length } = numberAt(text.slice(0, end), at)
  return length === 0 ? ('bad' as const) : { at, length, value }
}

const SESSION: Readonly<Record<SessionName, string>> = { version: 'v=', owner: 'o=', connection: 'c=', media: 'm=' }

/** ct_sip_get_sdp_header: the first line of this kind behind `from`, and before the first of the kind `until`. */
export function sessionLine(text: string, from: number, kind: SessionName, family: Family, until?: SessionName): Found {
  for (let at = nextLine(text, from); at !== undefined; at = nextLine(text, at + 1)) {
    if (until && standsAt(text, at, SESSION[until])) return NONE
    if (standsAt(text, at, SESSION[kind])) return sessionValue(text, at + 2, kind, family)
  }
  return NONE
}

function sessionValue(text: string, value: number, kind: SessionName, family: Family): Found {
  const read =
    kind === 'version'
      ? digits(text, value)
      : kind === 'media'
        ? media(text, value)
        : sessionAddress(text, value, family)
  return !read || read.length === 0 ? { is: 'bad', at: value } : { is: 'found', ...read }
}

/** media_len: what is sent, and the port. */
function media(text: string, at: number): Span {
  const name = run(text, at, isAlpha)
  return { at, length: text[at + name] === ' ' ? name + 1 + run(text, at + name + 1, isDigit) : 0 }
}

function sessionAddress(text: string, value: number, family: Family): Span | undefined {
  const word = `IN IP${family} `
  const line = text.slice(value, value + run(text, value, (c) => !isLineEnd(c)))
  const found = line.indexOf(word)
  const at = value + found + word.length
  // it does not count where the message ends with it
  if (found < 0 || at >= text.length) return undefined
  const address = family === 4 ? address4(text, at) : address6(text, at)
  return address && { at, length: address.end - at }
}

/** ct_sip_parse_sdp_addr. */
export function sessionIp(
  text: string,
  from: number,
  kind: SessionName,
  family: Family,
  until?: SessionName,
): (Span & { readonly ip: Ip }) | undefined {
  const found = sessionLine(text, from, kind, family, until)
  if (found.is !== 'found') return undefined
  const address = family === 4 ? address4(text, found.at) : address6(text, found.at)
  return address && { at: found.at, length: found.length, ip: address.ip }
}
