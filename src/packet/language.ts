import { type Family, familyOf } from '../address/ip.js'
import { networkHeaderLength, transportHeaderLength } from './build.js'
import { PROTOCOL } from './checksum.js'
import { parseEndpoint } from './endpoint.js'
import { TCP_FLAGS } from './fields.js'
import { hasPorts, protocolName } from './headers.js'
import { hexToBytes } from './hex.js'
import { icmpKind, icmpNames } from './icmp-names.js'
import { looksLikeConntrack, looksLikeKernelLog, parseConntrackLine, parseKernelLog } from './log-lines.js'
import { looksLikeNftTrace, parseNftTrace } from './nft-trace.js'
import { looksLikePairs, parsePairs } from './pairs.js'
import { protocolNames, protocolNumber } from './protocol-names.js'
import { type FieldsRequest, icmpTypeFor, type PacketRequest, transportFields } from './request.js'
import { looksLikeTcpdump, parseTcpdumpLine } from './tcpdump-line.js'
import { isProblem, type LineProblem, suggestion, tokens } from './tokens.js'
import { CIRCUMSTANCE_WORDS, type CircumstanceDraft, type Draft, FIELD_WORDS, flagWord, Words } from './words.js'

export type ParsedPacket =
  | { readonly ok: true; readonly packet: PacketRequest }
  | { readonly ok: false; readonly problem: LineProblem }

const CAPTURE = /^\s*(\S.*?\.(?:pcap|pcapng|cap|dump|dmp|trace)(?:\.\w+)?)#(\d+)(?=\s|$)/i

/**
 * One packet, told in a line: the packet language (`PROTO [SRC[:SPORT]] > DST[:DPORT] [word …]`), a line of tcpdump, of conntrack -L, of the kernel's
 * LOG or TRACE target, of `nft monitor trace`, `key=value` pairs, `frame hex:…`, or `FILE.pcap#N`. Names stay names; nothing is looked up. Defaults are told at
 * `FieldsRequest`.
 */
export function parsePacketLine(text: string): ParsedPacket {
  const result = parse(text)
  return isProblem(result) ? { ok: false, problem: result } : { ok: true, packet: result }
}

function parse(text: string): PacketRequest | LineProblem {
  if (text.trim() === '') return { message: 'no packet: PROTO [SRC[:SPORT]] > DST[:DPORT]', at: 0 }
  const capture = CAPTURE.exec(text)
  if (capture) return parseCapture(text, capture)
  if (/^\s*frame\s/i.test(text)) return parseHexFrame(text)
  if (looksLikeKernelLog(text)) return checked(parseKernelLog(text), text)
  if (looksLikeNftTrace(text)) return checked(parseNftTrace(text), text)
  if (looksLikeConntrack(text)) return checked(parseConntrackLine(text), text)
  if (looksLikeTcpdump(text)) return checked(parseTcpdumpLine(text), text)
  if (looksLikePairs(text)) return checked(parsePairs(text), text)
  return parseLanguage(text)
}

const checked = (request: FieldsRequest | LineProblem, text: string): FieldsRequest | LineProblem =>
  isProblem(request) ? request : check(request, { whole: 0, dst: Math.max(0, text.search(/\S/)) })

function parseCapture(text: string, match: RegExpExecArray): PacketRequest | LineProblem {
  const index = Number(match[2])
  if (index < 1) return { message: 'packets of a capture are counted from 1', at: match[0].length - match[2]!.length }
  const circumstances = readCircumstances(text, match[0].length)
  return isProblem(circumstances)
    ? circumstances
    : { ...circumstances, is: 'capture', capture: { file: match[1]!, index } }
}

function parseHexFrame(text: string): PacketRequest | LineProblem {
  const start = text.search(/frame/i) + 5
  // The digits may stand in groups: everything up to the first word that is no hex.
  const digits = /^\s*(?:hex:)?\s*((?:[\da-f]{2}[\s:-]*)*)/i.exec(text.slice(start))!
  const end = start + digits[0].length
  const odd = /^[\da-f]+(?=\s|$)/i.exec(text.slice(end))
  if (odd)
    return { message: 'a frame is a whole number of bytes: this hex digit has no partner', at: end + odd[0].length - 1 }
  const frame = hexToBytes(digits[1]!)!
  if (frame.length < 14)
    return { message: 'a frame has at least the 14 bytes of its Ethernet header: frame hex:…', at: start }
  const circumstances = readCircumstances(text, end)
  return isProblem(circumstances) ? circumstances : { ...circumstances, is: 'frame', frame }
}

function readCircumstances(text: string, from: number): CircumstanceDraft | LineProblem {
  const found = tokens(text.slice(from))
  if (isProblem(found)) return { message: found.message, at: found.at + from }
  const words = new Words(
    found.map((token) => ({ ...token, at: token.at + from })),
    text.length,
  )
  const draft: CircumstanceDraft = {}
  for (let token = words.take(); token; token = words.take()) {
    const reader = own(CIRCUMSTANCE_WORDS, token.text.toLowerCase())
    if (!reader)
      return {
        message: `"${token.text}" cannot follow here${suggestion(token.text, Object.keys(CIRCUMSTANCE_WORDS))}`,
        at: token.at,
      }
    const problem = reader(words, draft, token.text)
    if (problem) return problem
  }
  return draft
}

/** A table's own entry: `constructor` is no word. */
const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

function parseLanguage(text: string): PacketRequest | LineProblem {
  const found = tokens(text)
  if (isProblem(found)) return found
  const words = new Words(found, text.length)
  const draft: Draft = { is: 'fields' }
  const spots = readEnds(words, draft)
  if (isProblem(spots)) return spots
  const problem = readWords(words, draft)
  if (problem) return problem
  return finish(draft, spots)
}

/** Where things stand in the line, for problems found at the end. */
interface Spots {
  readonly whole: number
  readonly dst: number
}

function readEnds(words: Words, draft: Draft): Spots | LineProblem {
  const first = words.take()!
  const protocol = protocolNumber(first.text)
  if (protocol === undefined) {
    const near = suggestion(first.text, protocolNames())
    return {
      message: `"${first.text}" is no protocol${near || '; a packet is written PROTO [SRC[:SPORT]] > DST[:DPORT]'}`,
      at: first.at,
    }
  }
  draft.protocol = protocol
  const name = protocolName(protocol)
  const source = words.peek()
  if (source && source.text !== '>') {
    words.take()
    const src = parseEndpoint(source.text, source.at, name)
    if (isProblem(src)) return src
    if (src.endpoint) draft.src = src.endpoint
    if (src.port !== undefined) draft.sport = src.port
  }
  const { at } = words
  if (words.take()?.text !== '>') return { message: '">" should stand here, between source and destination', at }
  const target = words.take()
  if (!target) return { message: 'the destination is missing', at: words.at }
  const dst = parseEndpoint(target.text, target.at, name)
  if (isProblem(dst)) return dst
  if (!dst.endpoint) return { message: 'the destination has no address', at: target.at }
  draft.dst = dst.endpoint
  if (dst.port !== undefined) draft.dport = dst.port
  return { whole: first.at, dst: target.at }
}

const familyHere = (draft: Draft): Family => {
  for (const end of [draft.dst, draft.src]) if (end && 'ip' in end) return familyOf(end.ip)
  return draft.protocol === PROTOCOL.ICMPV6 ? 6 : 4
}

function readWords(words: Words, draft: Draft): LineProblem | undefined {
  for (let token = words.take(); token; token = words.take()) {
    const problem = token.quoted
      ? { message: 'a text in quotes belongs behind "payload"', at: token.at }
      : readWord(words, draft, token.text, token.at)
    if (problem) return problem
  }
  return undefined
}

function readWord(words: Words, draft: Draft, text: string, at: number): LineProblem | undefined {
  const name = text.toLowerCase()
  if (name === 'about') return readQuoted(words, draft)
  const kind = icmpKind(familyHere(draft), name)
  if (kind && isIcmp(draft)) {
    draft.icmp = { ...draft.icmp, type: kind.type, code: kind.code ?? draft.icmp?.code ?? 0 }
    return undefined
  }
  const flags = flagWord(name)
  if (flags !== undefined) {
    if (draft.protocol !== PROTOCOL.TCP) return { message: `"${text}" is a TCP flag, and this is no TCP packet`, at }
    draft.flags = (draft.flags ?? 0) | flags
    return undefined
  }
  if (TYPE_AND_CODE.includes(name) && !isIcmp(draft)) return { message: `"${text}" is for ICMP`, at }
  const keyword = name === 'seq' && isIcmp(draft) ? 'icmpseq' : name
  if (TCP_WORDS.includes(keyword) && draft.protocol !== PROTOCOL.TCP) return { message: `"${text}" is for TCP`, at }
  const reader = own(FIELD_WORDS, keyword) ?? own(CIRCUMSTANCE_WORDS, keyword)
  return reader ? reader(words, draft, text) : unknownWord(draft, text, at)
}

const TYPE_AND_CODE: readonly string[] = ['type', 'code', 'id', 'icmpseq', 'rest']
const TCP_WORDS: readonly string[] = ['seq', 'ackno', 'win', 'options']
const isIcmp = (draft: Draft): boolean => draft.protocol === PROTOCOL.ICMP || draft.protocol === PROTOCOL.ICMPV6

function unknownWord(draft: Draft, text: string, at: number): LineProblem {
  if (text === '>') return { message: 'a second ">"', at }
  const names = isIcmp(draft) ? icmpNames(familyHere(draft)) : draft.protocol === PROTOCOL.TCP ? TCP_FLAGS : []
  const known = [...Object.keys(FIELD_WORDS), ...Object.keys(CIRCUMSTANCE_WORDS), 'about', ...names]
  return { message: `unknown word "${text}"${suggestion(text, known)}`, at }
}

/** `about "tcp 10.0.0.2:40000 > 10.0.0.1:80"`: what an ICMP error quotes. */
function readQuoted(words: Words, draft: Draft): LineProblem | undefined {
  const token = words.take()
  if (!token?.quoted) return { message: '"about" wants the quoted packet in quotes', at: token?.at ?? words.at }
  if (!isIcmp(draft)) return { message: 'only ICMP errors quote a packet', at: token.at }
  const inner = parseLanguage(token.text)
  if (isProblem(inner)) return { message: `in the quoted packet: ${inner.message}`, at: token.at + 1 + inner.at }
  if (inner.is !== 'fields' || !inner.src || !('ip' in inner.src) || !('ip' in inner.dst)) {
    return { message: 'the quoted packet needs addresses, no names', at: token.at }
  }
  draft.about = inner
  return undefined
}

function finish(draft: Draft, spots: Spots): FieldsRequest | LineProblem {
  const { icmp, dst, protocol, ...rest } = draft
  if (icmp && icmp.type === undefined && icmp.code !== undefined)
    return { message: 'a code without a type: "type T code C"', at: spots.whole }
  const request: FieldsRequest = {
    ...rest,
    is: 'fields',
    protocol: protocol!,
    dst: dst!,
    ...(icmp && { icmp: { ...icmp, type: icmp.type ?? (familyHere(draft) === 4 ? 8 : 128), code: icmp.code ?? 0 } }),
  }
  return check(request, spots)
}

/** What no single word can be wrong in, but all together. Gives the request with the protocol that its addresses make of it. */
export function check(request: FieldsRequest, spots: Spots): FieldsRequest | LineProblem {
  const { src, dst, fragment } = request
  const family = 'ip' in dst ? familyOf(dst.ip) : src && 'ip' in src ? familyOf(src.ip) : undefined
  if (src && 'ip' in src && 'ip' in dst && familyOf(src.ip) !== familyOf(dst.ip)) {
    return { message: 'source and destination are addresses of two families', at: spots.dst }
  }
  if (request.protocol === PROTOCOL.ICMPV6 && family === 4)
    return { message: 'ICMPv6 needs IPv6 addresses', at: spots.dst }
  const protocol = request.protocol === PROTOCOL.ICMP && family === 6 ? PROTOCOL.ICMPV6 : request.protocol
  const name = protocolName(protocol)
  const later = fragment !== undefined && fragment.offset > 0
  if (hasPorts(protocol) && request.dport === undefined && !later) {
    const hint = 'ip' in dst && familyOf(dst.ip) === 6 ? '[DST]:PORT' : 'DST:PORT'
    return { message: `${name} needs a destination port: ${hint}`, at: spots.dst }
  }
  if (!hasPorts(protocol) && (request.sport !== undefined || request.dport !== undefined))
    return { message: `${name} has no ports`, at: spots.dst }
  if (request.in !== undefined && request.from !== undefined)
    return { message: 'a packet either arrives ("in") or is generated here ("from")', at: spots.whole }
  const of = family ?? (protocol === PROTOCOL.ICMPV6 ? 6 : 4)
  const least =
    networkHeaderLength(of) + (later ? 0 : transportHeaderLength(transportFields({ ...request, protocol }, of)))
  if (request.length !== undefined && request.length < least) {
    return { message: `"len" counts the whole IP packet: at least ${least} bytes here`, at: spots.whole }
  }
  return {
    ...request,
    protocol,
    ...(request.icmp && { icmp: { ...request.icmp, type: icmpTypeFor(request, of, request.icmp.type) } }),
  }
}
