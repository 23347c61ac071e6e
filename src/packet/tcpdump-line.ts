import { type Ip, parseIp } from '../address/ip.js'
import { parseMac } from '../address/mac.js'
import { parsePort } from '../address/services.js'
import { networkHeaderLength, transportHeaderLength } from './build.js'
import { PROTOCOL } from './checksum.js'
import { hasPorts, protocolName } from './headers.js'
import { protocolNumber } from './protocol-names.js'
import { type Endpoint, type FieldsRequest, transportFields } from './request.js'
import { tcpdumpIcmp } from './tcpdump-icmp.js'
import type { LineProblem } from './tokens.js'

/** Whether a line is one of tcpdump's: `IP a > b: …` with anything before it, or an Ethernet header of `-e`. */
export const looksLikeTcpdump = (text: string): boolean =>
  /(?:^|\s)IP6?\s.*\s>\s/s.test(text) ||
  /\bethertype \S+ \(0x[\da-f]{4}\), length/.test(text) ||
  /(?:^|\s)ARP, /.test(text)

/** `12:00:00.1 eth0  In  IP …` (tcpdump -i any since 4.99), `12:00:00.1  In 00:…` (before). */
const ANY = /(?:^|\s)([^\s,:>[\]()]{1,15})\s+(In|Out|B|M|P)\s+(?=ifindex|IP6?\s|[\da-f]{2}:|ethertype)/
const MACS = /([\da-f]{1,2}(?::[\da-f]{1,2}){5}) > ((?:[\da-f]{1,2}(?::[\da-f]{1,2}){5})|Broadcast)/i
const VLAN = /\bvlan (\d+)/
/** `IP`, the parenthesis of -v, `A > B: rest`. */
const CORE =
  /(?:(?:^|\s)(IP6?)|ethertype IPv([46]) \(0x[\da-f]{4}\)(?:, length \d+:|,)(?:\s+IP6?)?)\s+(?:(\(.*?\))\s+)?(\S+) > (\S+?):(?:\s+(.*))?$/is

/** What tcpdump prints of TCP's flags. */
const FLAG_LETTERS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, '.': 16, U: 32, E: 64, W: 128, e: 0 }

/** A line that tcpdump printed, with or without time stamp, -e, -v, -i any's columns. Sequence numbers are taken as they stand: relative ones stay relative. */
export function parseTcpdumpLine(text: string): FieldsRequest | LineProblem {
  if (/(?:^|\s)ARP, /.test(text)) return { message: 'this is ARP, and no IP packet', at: text.indexOf('ARP') }
  const line = text.replace(/\s+/g, ' ')
  const core = CORE.exec(line)
  if (!core) return { message: 'a line of tcpdump, but without "IP SOURCE > DESTINATION:"', at: text.search(/\S/) }
  const family = core[1] === 'IP6' || core[2] === '6' ? 6 : 4
  const [, , , verbose = '', from = '', to = '', rest = ''] = core
  const protocol = protocolOf(verbose, rest, family)
  const src = endpointOf(from, family, protocol)
  const dst = endpointOf(to, family, protocol)
  for (const [end, word] of [
    [src, from],
    [dst, to],
  ] as const) {
    if (!end) return { message: `"${word}" is no address`, at: Math.max(0, text.indexOf(word)) }
  }
  const named = protocol ?? (src!.port === undefined ? undefined : PROTOCOL.UDP)
  if (named === undefined)
    return { message: `what protocol is "${rest.slice(0, 40)}"?`, at: Math.max(0, text.indexOf(rest.slice(0, 10))) }
  const request: FieldsRequest = {
    ...outside(line),
    is: 'fields',
    protocol: named,
    src: src!.endpoint,
    dst: dst!.endpoint,
    ...(hasPorts(named) && src!.port !== undefined && { sport: src!.port }),
    ...(hasPorts(named) && dst!.port !== undefined && { dport: dst!.port }),
    ...ipFields(verbose),
    ...(named === PROTOCOL.TCP && tcpFields(rest)),
    ...((named === PROTOCOL.ICMP || named === PROTOCOL.ICMPV6) && tcpdumpIcmp(rest, family)),
  }
  const length = lengthOf(request, family, verbose, rest)
  return length === undefined ? request : { ...request, length }
}

/** What stands before the packet: interface, MACs, VLAN. */
function outside(line: string): Partial<FieldsRequest> {
  const any = ANY.exec(line)
  const macs = MACS.exec(line)
  const vlan = VLAN.exec(line)
  const source = macs && parseMac(macs[1]!)
  const destination = macs && (macs[2] === 'Broadcast' ? 0xffffffffffff : parseMac(macs[2]!))
  return {
    ...(any && any[2] !== 'Out' && { in: any[1]! }),
    ...(source !== undefined && source !== null && { mac: source }),
    ...(destination !== undefined && destination !== null && { macDestination: destination }),
    ...(vlan && { vlan: Number(vlan[1]) }),
  }
}

function protocolOf(verbose: string, rest: string, family: 4 | 6): number | undefined {
  const named = /(?:proto|next-header) [^\s(]*(?: [^\s(]*)?\((\d+)\)/.exec(verbose)
  // A fragment header or hop-by-hop options say nothing yet.
  if (named && ![0, 43, 44, 60].includes(Number(named[1]))) return Number(named[1])
  if (/^(?:Flags \[|tcp\b|\[\|tcp)/.test(rest)) return PROTOCOL.TCP
  if (/\bUDP,|^udp\b/.test(rest)) return PROTOCOL.UDP
  if (/^ICMP6,/.test(rest) || /\bICMP6,/.test(rest)) return PROTOCOL.ICMPV6
  if (/^icmp6?\b/i.test(rest)) return family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6
  if (/^GREv/.test(rest)) return PROTOCOL.GRE
  const number = /^ *ip-proto-(\d+)/.exec(rest)
  if (number) return Number(number[1])
  const word = /^(sctp|ESP|AH|igmp|OSPF|PIM|VRRP|dccp)/i.exec(rest)?.[1]
  return word === undefined ? undefined : protocolNumber(word)
}

interface Found {
  readonly endpoint: Endpoint
  readonly port: number | undefined
}

/** `10.0.0.1.40000`, `2001:db8::1.53`, `web.example.https`; no port where the protocol has none. */
function endpointOf(text: string, family: 4 | 6, protocol: number | undefined): Found | undefined {
  const whole = parseIp(text)
  const ip = (address: Ip, port: number | undefined): Found => ({ endpoint: { ip: address }, port })
  if (whole !== undefined && (family === 4) === (typeof whole === 'number')) return ip(whole, undefined)
  const dot = text.lastIndexOf('.')
  const name = protocol === undefined ? 'udp' : protocolName(protocol)
  const port =
    dot < 0 || (protocol !== undefined && !hasPorts(protocol)) ? undefined : parsePort(text.slice(dot + 1), name)
  const host = port === undefined ? text : text.slice(0, dot)
  const address = parseIp(host)
  if (address !== undefined) return ip(address, port)
  return /^[\d.]+$/.test(host) || host.includes(':') || host === '' ? undefined : { endpoint: { name: host }, port }
}

const numberIn = (pattern: RegExp, text: string): number | undefined => {
  const found = pattern.exec(text)
  return found ? Number(found[1]) : undefined
}

/** The parenthesis that -v adds. */
function ipFields(verbose: string): Partial<FieldsRequest> {
  const tos = numberIn(/\b(?:tos|class) (0x[\da-f]+)/, verbose)
  // In IPv4 a TTL of 0 is left out (print-ip.c).
  const ttl = numberIn(/\b(?:ttl|hlim) (\d+)/, verbose) ?? (/\btos /.test(verbose) ? 0 : undefined)
  const ipId = numberIn(/\bid (\d+)/, verbose)
  const flowLabel = numberIn(/\bflowlabel (0x[\da-f]+)/, verbose)
  const offset = numberIn(/\boffset (\d+)/, verbose) ?? 0
  const more = /flags \[[^\]]*\+/.test(verbose)
  return {
    ...(tos !== undefined && { tos }),
    ...(ttl !== undefined && { ttl }),
    ...(ipId !== undefined && { ipId }),
    ...(flowLabel !== undefined && { flowLabel }),
    ...(/flags \[[^\]]*DF/.test(verbose) && { df: true }),
    ...((offset > 0 || more) && { fragment: { offset, more } }),
  }
}

function tcpFields(rest: string): Partial<FieldsRequest> {
  const letters = /Flags \[([^\]]*)\]/.exec(rest)?.[1]
  const sequence = numberIn(/\bseq (\d+)/, rest)
  const acknowledgement = numberIn(/\back (\d+)/, rest)
  const window = numberIn(/\bwin (\d+)/, rest)
  const options = /\boptions \[([^\]]*)\]/.exec(rest)?.[1]
  return {
    ...(letters !== undefined && {
      flags: letters === 'none' ? 0 : [...letters].reduce((bits, letter) => bits | (FLAG_LETTERS[letter] ?? 0), 0),
    }),
    ...(sequence !== undefined && { sequence }),
    ...(acknowledgement !== undefined && { acknowledgement }),
    ...(window !== undefined && { window }),
    ...(options !== undefined && { tcpOptions: tcpOptions(options) }),
  }
}

const big = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** (bytes - 1 - i)) & 255)

/** `mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7` as bytes (RFC 9293 section 3.1, RFC 7323, RFC 2018); others are left out. */
export function tcpOptions(text: string): Uint8Array {
  const bytes: number[] = []
  for (const option of text.split(',')) {
    const numbers = [...option.matchAll(/\d+/g)].map(([digits]) => Number(digits))
    if (option === 'nop') bytes.push(1)
    else if (option === 'eol') bytes.push(0)
    else if (option.startsWith('mss ')) bytes.push(2, 4, ...big(numbers[0] ?? 0, 2))
    else if (option.startsWith('wscale ')) bytes.push(3, 3, numbers[0] ?? 0)
    else if (option === 'sackOK') bytes.push(4, 2)
    else if (option.startsWith('sack '))
      bytes.push(5, 2 + 4 * (numbers.length - 1), ...numbers.slice(1).flatMap((edge) => big(edge, 4)))
    else if (option.startsWith('TS val ')) bytes.push(8, 10, ...big(numbers[0] ?? 0, 4), ...big(numbers[1] ?? 0, 4))
  }
  return Uint8Array.from(bytes.slice(0, 40))
}

/** The whole packet's length: told by -v, else counted from the payload's (TCP, UDP) or the message's (ICMP), or the DNS size in parentheses. */
function lengthOf(request: FieldsRequest, family: 4 | 6, verbose: string, rest: string): number | undefined {
  const whole = /\bpayload length: (\d+)/.exec(verbose)
  if (whole) return Number(whole[1]) + 40
  const total = numberIn(/\blength (\d+)\)$/, verbose)
  if (total !== undefined) return total
  const payload = numberIn(/\blength (\d+)\b(?!.*\blength \d)/, rest) ?? numberIn(/\((\d+)\)$/, rest)
  const other = numberIn(/^ip-proto-\d+ (\d+)/, rest.trim())
  if (other !== undefined) return networkHeaderLength(family) + other
  if (payload === undefined) return undefined
  const header = networkHeaderLength(family)
  if (request.protocol === PROTOCOL.ICMP || request.protocol === PROTOCOL.ICMPV6) return header + payload
  if (request.protocol !== PROTOCOL.TCP && request.protocol !== PROTOCOL.UDP) return undefined
  return header + transportHeaderLength(transportFields(request, family)) + payload
}
