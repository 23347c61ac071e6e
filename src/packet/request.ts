import { familyOf, type Ip, printIp } from '../address/ip.js'
import { type Mac, printMac } from '../address/mac.js'
import { buildPacket, fragmentOf, networkHeaderLength, type TransportFields, transportHeaderLength } from './build.js'
import { PROTOCOL, recomputeHeader } from './checksum.js'
import { ETHERTYPE } from './frame.js'
import { flagsText, hasPorts, icmpHasId, protocolName } from './headers.js'
import { bytesToHex, concatBytes } from './hex.js'
import { icmpKind, icmpName } from './icmp-names.js'
import { type MacHeader, Packet } from './packet.js'

/** An address, or a name of the snapshot that somebody else resolves. */
export type Endpoint = { readonly ip: Ip } | { readonly name: string }

export const CT_STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const
export type CtStateName = (typeof CT_STATES)[number]

/** What goes with a packet without being in its bytes. */
export interface Circumstances {
  /** The interface at which it arrives. */
  readonly in?: string
  /** HOST or HOST/NETNS where it is generated. */
  readonly from?: string
  readonly mark?: number
  readonly uid?: number
  readonly gid?: number
  /** Take the connection as being in this state. */
  readonly ctstate?: CtStateName
  readonly vlan?: number
  /** Source and destination of the Ethernet header. */
  readonly mac?: Mac
  readonly macDestination?: Mac
}

/** A packet told by its fields. What is absent has a default, said at the field. */
export interface FieldsRequest extends Circumstances {
  readonly is: 'fields'
  /** IP protocol number. 1 with IPv6 addresses means ICMPv6. */
  readonly protocol: number
  /** Absent: the kernel's source selection decides. */
  readonly src?: Endpoint
  readonly dst: Endpoint
  /** 40000, where the protocol has ports. */
  readonly sport?: number
  /** Always there where the protocol has ports. */
  readonly dport?: number
  /** TCP_FLAGS bits; SYN. */
  readonly flags?: number
  /** 0. */
  readonly sequence?: number
  /** 0. */
  readonly acknowledgement?: number
  /** 64240. */
  readonly window?: number
  /** None. */
  readonly tcpOptions?: Uint8Array
  /** Echo request, id 1, sequence 1. `rest`: the four bytes behind the checksum where they are no id and sequence. */
  readonly icmp?: {
    readonly type: number
    readonly code: number
    readonly id?: number
    readonly sequence?: number
    readonly rest?: number
  }
  /** What an ICMP error quotes: a packet told the same way, both addresses given. */
  readonly about?: FieldsRequest
  /** 64. */
  readonly ttl?: number
  /** TOS byte or traffic class; 0. */
  readonly tos?: number
  /** IP id; 0. */
  readonly ipId?: number
  /** IPv6; 0. */
  readonly flowLabel?: number
  /** Don't fragment; not set. */
  readonly df?: boolean
  /** Bytes of the whole IP packet: the payload is filled up with zeros (or cut) to it. */
  readonly length?: number
  /** Empty; for SCTP an INIT chunk, for GRE, ESP and AH their least header; for later fragments eight zeros. */
  readonly payload?: Uint8Array
  /** Offset in bytes, as tcpdump prints it. A later fragment has no transport header: its payload is all there is. */
  readonly fragment?: { readonly offset: number; readonly more: boolean }
}

/** A whole Ethernet frame, as bytes. */
export interface FrameRequest extends Circumstances {
  readonly is: 'frame'
  readonly frame: Uint8Array
}

/** The N-th packet of a capture file, counted from 1. */
export interface CaptureRequest extends Circumstances {
  readonly is: 'capture'
  readonly capture: { readonly file: string; readonly index: number }
}

export type PacketRequest = FieldsRequest | FrameRequest | CaptureRequest

export const DEFAULTS = { sport: 40000, ttl: 64, flags: 2, icmpId: 1, icmpSequence: 1, window: 64240 } as const

const ECHO = { 4: 8, 6: 128 } as const
/** Echo has other numbers in ICMPv6. */
const ECHO_TO_6: Readonly<Record<number, number>> = { 0: 129, 8: 128 }

/** ICMPv6 where the addresses are IPv6, whichever of the two was named. */
export function protocolFor(request: FieldsRequest, family: 4 | 6): number {
  if (request.protocol === PROTOCOL.ICMP && family === 6) return PROTOCOL.ICMPV6
  return request.protocol
}

/** The transport header that a request asks for, defaults filled in. */
export function transportFields(request: FieldsRequest, family: 4 | 6): TransportFields {
  const protocol = protocolFor(request, family)
  const ports = { sport: request.sport ?? DEFAULTS.sport, dport: request.dport ?? 0 }
  if (protocol === PROTOCOL.TCP) {
    return {
      is: 'tcp',
      ...ports,
      flags: request.flags ?? DEFAULTS.flags,
      sequence: request.sequence ?? 0,
      acknowledgement: request.acknowledgement ?? 0,
      window: request.window ?? DEFAULTS.window,
      options: request.tcpOptions ?? new Uint8Array(0),
    }
  }
  if (protocol === PROTOCOL.UDP) return { is: 'udp', ...ports }
  if (protocol === PROTOCOL.UDPLITE) return { is: 'udplite', ...ports }
  if (protocol === PROTOCOL.SCTP) return { is: 'sctp', ...ports }
  if (protocol === PROTOCOL.DCCP) return { is: 'dccp', ...ports }
  if (protocol === (family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6)) return icmpFields(request, family)
  return { is: 'other', protocol }
}

/** The type in a packet of this family: `icmp` between IPv6 addresses means what its name says. */
export const icmpTypeFor = (request: FieldsRequest, family: 4 | 6, type: number): number =>
  request.protocol === PROTOCOL.ICMP && family === 6 ? (ECHO_TO_6[type] ?? type) : type

function icmpFields(request: FieldsRequest, family: 4 | 6): TransportFields {
  const { icmp } = request
  const type = icmpTypeFor(request, family, icmp?.type ?? ECHO[family])
  const id = icmp?.id ?? (icmpHasId(family, type) ? DEFAULTS.icmpId : 0)
  const sequence = icmp?.sequence ?? (icmpHasId(family, type) ? DEFAULTS.icmpSequence : 0)
  return { is: 'icmp', type, code: icmp?.code ?? 0, rest: icmp?.rest ?? ((id << 16) | sequence) >>> 0 }
}

const LATER_FRAGMENT = new Uint8Array(8)

/** What stands behind the header where nothing is said, so that the packet is one that begins something: the least that receivers take for whole. */
const CONTENT: Readonly<Record<number, readonly number[]>> = {
  // INIT chunk: tag 1, window 65535, 10 streams each way, TSN 1 (RFC 9260 section 3.3.2)
  [PROTOCOL.SCTP]: [1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 255, 255, 0, 10, 0, 10, 0, 0, 0, 1],
  // no flags, carries IPv4 (RFC 2784)
  [PROTOCOL.GRE]: [0, 0, 8, 0],
  // SPI 256, sequence 1 (RFC 4303)
  [PROTOCOL.ESP]: [0, 0, 1, 0, 0, 0, 0, 1],
  // no next header, 3 words, SPI 256, sequence 1 (RFC 4302)
  [PROTOCOL.AH]: [59, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
}

/**
 * The bytes of a request, checksums right, between addresses of one family that the caller has resolved (a mixed pair is the caller's mistake).
 * A packet of a protocol that we build no header for has its payload alone. With a MAC header where the request names a MAC.
 */
export function toPacket(request: FieldsRequest, resolved: { readonly src: Ip; readonly dst: Ip }): Packet {
  const { src, dst } = resolved
  const family = familyOf(dst)
  if (familyOf(src) !== family) throw new TypeError(`addresses of two families: ${printIp(src)}, ${printIp(dst)}`)
  const { fragment } = request
  const ip = {
    src,
    dst,
    ttl: request.ttl ?? DEFAULTS.ttl,
    tos: request.tos ?? 0,
    id: request.ipId ?? 0,
    df: request.df ?? false,
    flowLabel: request.flowLabel ?? 0,
  }
  const whole = transportFields(request, family)
  const later = fragment !== undefined && fragment.offset > 0
  const transport: TransportFields = later ? { is: 'other', protocol: protocolFor(request, family) } : whole
  const header = networkHeaderLength(family) + transportHeaderLength(transport) + (fragment && family === 6 ? 8 : 0)
  const usual = later ? LATER_FRAGMENT : Uint8Array.from(CONTENT[protocolFor(request, family)] ?? [])
  const payload = payloadOf(request, header, usual)
  const packet = buildPacket(ip, transport, payload)
  packet.mac = macOf(request, family)
  if (!fragment) return packet
  const content = packet.bytes.subarray(packet.transport.offset)
  const room = fragment.more && content.length % 8 !== 0 ? content.length + 8 - (content.length % 8) : content.length
  const longer = new Packet(concatBytes(packet.bytes, new Uint8Array(room - content.length)), packet.mac)
  return placed(fragmentOf(longer, 0, room, fragment.more, ip.id), fragment.offset)
}

function placed(fragment: Packet, offset: number): Packet {
  const { bytes, family } = fragment
  if (offset === 0) return fragment
  const at = family === 4 ? 6 : 42
  const field = (bytes[at]! << 8) | bytes[at + 1]!
  const value = family === 4 ? (field & 0xe000) | (offset / 8) : (field & 7) | offset
  bytes[at] = value >> 8
  bytes[at + 1] = value & 255
  fragment.touch()
  recomputeHeader(fragment)
  return fragment
}

function payloadOf(request: FieldsRequest, header: number, unless: Uint8Array | undefined): Uint8Array {
  const quoted = request.about && quote(request.about)
  const given = request.payload ?? quoted ?? (request.length === undefined ? unless : undefined) ?? new Uint8Array(0)
  if (request.length === undefined) return given
  const payload = new Uint8Array(Math.max(0, request.length - header))
  payload.set(given.subarray(0, payload.length))
  return payload
}

/** An ICMP error's quotation: the packet as it would be, cut to what IPv4 quotes at most. */
function quote(about: FieldsRequest): Uint8Array | undefined {
  if (!about.src || !('ip' in about.src) || !('ip' in about.dst)) return undefined
  return toPacket(about, { src: about.src.ip, dst: about.dst.ip }).bytes.subarray(0, 548)
}

function macOf(request: FieldsRequest, family: 4 | 6): MacHeader | undefined {
  if (request.mac === undefined && request.macDestination === undefined) return undefined
  const ethertype = family === 4 ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6
  return { source: request.mac ?? 0, destination: request.macDestination ?? 0, ethertype }
}

const printEndpoint = (endpoint: Endpoint, port: number | undefined): string => {
  const text = 'ip' in endpoint ? printIp(endpoint.ip) : endpoint.name
  if (port === undefined) return text
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`
}

/** The packet language's form of a request, such that `parsePacketLine` reads the same request from it. */
export function printRequest(request: PacketRequest): string {
  switch (request.is) {
    case 'frame':
      return ['frame', `hex:${bytesToHex(request.frame)}`, ...circumstanceWords(request)].join(' ')
    case 'capture':
      return [`${request.capture.file}#${request.capture.index}`, ...circumstanceWords(request)].join(' ')
    case 'fields':
      return fieldsText(request)
  }
}

function fieldsText(request: FieldsRequest): string {
  const { protocol, src, dst } = request
  const ports = hasPorts(protocol)
  const words = [protocolName(protocol)]
  if (src) words.push(printEndpoint(src, ports ? request.sport : undefined))
  else if (request.sport !== undefined) words.push(`:${request.sport}`)
  words.push('>', printEndpoint(dst, ports ? request.dport : undefined))
  return [
    ...words,
    ...tcpWords(request),
    ...icmpWords(request),
    ...ipWords(request),
    ...circumstanceWords(request),
  ].join(' ')
}

const word = (name: string, value: number | undefined): readonly string[] =>
  value === undefined ? [] : [name, `${value}`]

const tcpWords = (request: FieldsRequest): readonly string[] => [
  ...(request.flags === undefined ? [] : [flagsText(request.flags)]),
  ...word('seq', request.sequence),
  ...word('ackno', request.acknowledgement),
  ...word('win', request.window),
  ...(request.tcpOptions === undefined ? [] : ['options', `hex:${bytesToHex(request.tcpOptions)}`]),
]

function icmpWords({ protocol, icmp, about }: FieldsRequest): readonly string[] {
  const words: string[] = []
  if (icmp) {
    const family = protocol === PROTOCOL.ICMPV6 ? 6 : 4
    const name = icmpName(family, icmp.type, icmp.code)
    const kind = icmpKind(family, name)
    words.push(kind ? name : `type ${icmp.type} code ${icmp.code}`)
    words.push(...word('id', icmp.id), ...word('seq', icmp.sequence), ...word('rest', icmp.rest))
  }
  if (about) words.push('about', quoted(fieldsText(about)))
  return words
}

function ipWords(request: FieldsRequest): readonly string[] {
  const { tos, df, payload, fragment } = request
  return [
    ...word('ttl', request.ttl),
    ...(tos === undefined ? [] : ['tos', `0x${tos.toString(16)}`]),
    ...word('ipid', request.ipId),
    ...word('flowlabel', request.flowLabel),
    ...(df ? ['df'] : []),
    ...word('len', request.length),
    ...(payload === undefined ? [] : ['payload', payloadText(payload)]),
    ...(fragment ? ['fragment', `${fragment.offset}${fragment.more ? '+' : ''}`] : []),
  ]
}

function circumstanceWords(request: Circumstances): readonly string[] {
  const { mark, mac, macDestination } = request
  return [
    ...(request.in === undefined ? [] : ['in', request.in]),
    ...(request.from === undefined ? [] : ['from', request.from]),
    ...(mark === undefined ? [] : ['mark', `0x${mark.toString(16)}`]),
    ...word('uid', request.uid),
    ...word('gid', request.gid),
    ...(mac === undefined ? [] : ['mac', printMac(mac)]),
    ...(macDestination === undefined ? [] : ['dmac', printMac(macDestination)]),
    ...word('vlan', request.vlan),
    ...(request.ctstate === undefined ? [] : ['ctstate', request.ctstate]),
  ]
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Printable ASCII in quotes, everything else in hex. */
function payloadText(payload: Uint8Array): string {
  const printable = payload.length > 0 && payload.every((byte) => byte >= 0x20 && byte < 0x7f)
  return printable ? quoted(String.fromCharCode(...payload)) : `hex:${bytesToHex(payload)}`
}
