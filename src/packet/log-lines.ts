import { type Ip, parseIp } from '../address/ip.js'
import { parseMac } from '../address/mac.js'
import { PROTOCOL } from './checksum.js'
import { TCP_FLAGS } from './fields.js'
import { hasPorts } from './headers.js'
import { hexToBytes } from './hex.js'
import { protocolNumber } from './protocol-names.js'
import type { FieldsRequest } from './request.js'
import type { LineProblem } from './tokens.js'

/** A line of the LOG or TRACE target in the kernel's log (net/netfilter/nf_log_syslog.c), whatever stands before `IN=`. */
export const looksLikeKernelLog = (text: string): boolean =>
  /\bIN=\S* OUT=/.test(text) && /\bSRC=\S+ DST=\S+/.test(text)

/** A line of conntrack -L or -E, or of /proc/net/nf_conntrack. */
export const looksLikeConntrack = (text: string): boolean =>
  /^\s*(?:\[[^\]]*\]\s*)*(?:ipv[46]\s+\d+\s+)?[a-z][\w-]*\s+\d+\s.*\bsrc=\S+\s+dst=\S+/.test(text)

type Ends = { readonly src: Ip; readonly dst: Ip } | LineProblem

function ends(text: string, src: string | undefined, dst: string | undefined, key: (name: string) => string): Ends {
  const found: Ip[] = []
  for (const [name, value] of [
    ['src', src],
    ['dst', dst],
  ] as const) {
    const ip = value === undefined ? undefined : parseIp(value)
    if (ip === undefined) return { message: `${key(name)}= wants an address`, at: Math.max(0, text.indexOf(key(name))) }
    found.push(ip)
  }
  return { src: found[0]!, dst: found[1]! }
}

const protocolProblem = (text: string, name: string): LineProblem => ({
  message: `"${name}" is no protocol that is known here`,
  at: Math.max(0, text.indexOf(name)),
})

/** `KEY=value` in its first occurrence. */
const keyed = (text: string, key: string): string | undefined =>
  new RegExp(`(?:^|[\\s\\[])${key}=(\\S+)`).exec(text)?.[1]
const numberOf = (text: string, key: string): number | undefined => {
  const value = keyed(text, key)
  return value === undefined || !/^(\d+|0x[\da-f]+)$/i.test(value) ? undefined : Number(value)
}

/** Fields that are copied as numbers, where the line has them. */
function numbers(text: string, names: Readonly<Record<string, string>>): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [field, key] of Object.entries(names)) {
    const value = numberOf(text, key)
    if (value !== undefined) found[field] = value
  }
  return found
}

/**
 * The packet that a LOG or TRACE line shows, as it was at that hook. `IN=` (or the bridge port `PHYSIN=`) becomes `in`; a line with `OUT=` alone is a
 * packet that the host generated. Payload is not in the log: it is zeros of the right length, on a SYN taken as options.
 */
export function parseKernelLog(text: string): FieldsRequest | LineProblem {
  const start = text.search(/\bIN=/)
  const body = text.slice(start)
  // An ICMP error shows the packet that it quotes in brackets.
  const open = body.search(/\[SRC=/)
  const outer = open < 0 ? body : body.slice(0, open)
  const request = logged(outer)
  if ('message' in request) return { ...request, at: request.at + start }
  const link = linkOf(outer)
  const quoted = open < 0 ? undefined : logged(body.slice(open + 1, Math.max(open, body.lastIndexOf(']'))))
  return { ...request, ...link, ...(quoted && !('message' in quoted) && { about: quoted }) }
}

function linkOf(text: string): Partial<FieldsRequest> {
  const name = keyed(text, 'PHYSIN') ?? keyed(text, 'IN')
  const mac = keyed(text, 'MAC')?.split(':') ?? []
  const destination = parseMac(mac.slice(0, 6).join(':'))
  const source = parseMac(mac.slice(6, 12).join(':'))
  return {
    ...(name !== undefined && { in: name }),
    ...(mac.length >= 14 &&
      destination !== undefined &&
      source !== undefined && { mac: source, macDestination: destination }),
    ...numbers(text, { mark: 'MARK', uid: 'UID', gid: 'GID' }),
  }
}

function logged(text: string): FieldsRequest | LineProblem {
  const both = ends(text, keyed(text, 'SRC'), keyed(text, 'DST'), (name) => name.toUpperCase())
  if ('message' in both) return both
  const name = keyed(text, 'PROTO') ?? ''
  const protocol = protocolNumber(name)
  if (protocol === undefined) return protocolProblem(text, name || 'PROTO')
  const tos = (numberOf(text, 'TOS') ?? 0) | (numberOf(text, 'PREC') ?? 0) | (numberOf(text, 'TC') ?? 0)
  const offset = Number(/\bFRAG:(\d+)/.exec(text)?.[1] ?? 0) * (typeof both.src === 'number' ? 8 : 1)
  // IPv6 counts in bytes and says INCOMPLETE where more follow.
  const more = / MF\b|\bFRAG:\d+ INCOMPLETE\b/.test(text)
  const behind = text.slice(Math.max(0, text.indexOf('PROTO=')))
  return {
    is: 'fields',
    protocol,
    src: { ip: both.src },
    dst: { ip: both.dst },
    ...numbers(text, { length: 'LEN', ttl: typeof both.src === 'number' ? 'TTL' : 'HOPLIMIT', flowLabel: 'FLOWLBL' }),
    ...numbers(text.slice(0, Math.max(0, text.indexOf('PROTO='))), { ipId: 'ID' }),
    ...(tos !== 0 && { tos }),
    ...(/ DF\b/.test(text) && { df: true }),
    ...((offset > 0 || more) && { fragment: { offset, more } }),
    ...(hasPorts(protocol) && numbers(behind, { sport: 'SPT', dport: 'DPT' })),
    ...(protocol === PROTOCOL.TCP && loggedTcp(behind, numberOf(text, 'LEN'), typeof both.src === 'number' ? 40 : 60)),
    ...((protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6) && loggedIcmp(behind)),
  }
}

function loggedTcp(text: string, length: number | undefined, headers: number): Partial<FieldsRequest> {
  const flags = TCP_FLAGS.reduce(
    (bits, flag, bit) => (new RegExp(`\\s${flag.toUpperCase()}(?=\\s|$)`).test(text) ? bits | (1 << bit) : bits),
    0,
  )
  const shown = /\bOPT \(([\dA-F]*)\)/i.exec(text)?.[1]
  const room = (length ?? headers) - headers
  const guessed =
    (flags & 2) !== 0 && room > 0 && room <= 40 && room % 4 === 0 ? new Uint8Array(room).fill(1) : undefined
  const options = shown === undefined ? guessed : hexToBytes(shown)
  return {
    ...(/\bWINDOW=/.test(text) && { flags }),
    ...numbers(text, { sequence: 'SEQ', acknowledgement: 'ACK', window: 'WINDOW' }),
    ...(options && options.length <= 40 && { tcpOptions: options }),
  }
}

function loggedIcmp(text: string): Partial<FieldsRequest> {
  const type = numberOf(text, 'TYPE')
  if (type === undefined) return {}
  const mtu = numberOf(text, 'MTU')
  return {
    icmp: {
      type,
      code: numberOf(text, 'CODE') ?? 0,
      ...numbers(text, { id: 'ID', sequence: 'SEQ' }),
      ...(mtu !== undefined && { rest: mtu }),
    },
  }
}

/** TCP states in which a connection's next packet is no SYN (conntrack's names). */
const BEYOND_SYN = /\b(?:ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT)\b/

/** A packet of the original direction of a connection: for TCP its SYN, or an ACK where the connection is established. */
export function parseConntrackLine(text: string): FieldsRequest | LineProblem {
  const line = text.replace(/^\s*(?:\[[^\]]*\]\s*)*(?:ipv[46]\s+\d+\s+)?/, '')
  const [, name = '', number = ''] = /^([\w-]+)\s+(\d+)/.exec(line) ?? []
  const protocol = protocolNumber(number)
  if (protocol === undefined) return protocolProblem(text, name)
  const both = ends(text, keyed(line, 'src'), keyed(line, 'dst'), (key) => key)
  if ('message' in both) return both
  const icmp = protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6
  const type = numberOf(line, 'type')
  return {
    is: 'fields',
    protocol,
    src: { ip: both.src },
    dst: { ip: both.dst },
    ...(hasPorts(protocol) && numbers(line, { sport: 'sport', dport: 'dport' })),
    ...(protocol === PROTOCOL.TCP && BEYOND_SYN.test(line) && { flags: 16 }),
    ...(icmp &&
      type !== undefined && { icmp: { type, code: numberOf(line, 'code') ?? 0, ...numbers(line, { id: 'id' }) } }),
  }
}
