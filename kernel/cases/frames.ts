/**
 * Packets from scratch, as hex. On purpose nothing of src/ is used here: the harness must not share a fault with what it judges.
 * All numbers host byte order, addresses as text.
 */
export interface Ip4 {
  readonly src: string
  readonly dst: string
  readonly protocol: number
  readonly ttl?: number
  readonly tos?: number
  readonly id?: number
  /** Flags and fragment offset as they stand in the header: 0x4000 don't fragment, 0x2000 more, offset in 8 bytes. */
  readonly fragment?: number
  /** Options in hex, padded by the caller to 4 bytes. */
  readonly options?: string
  /** Instead of the right values. */
  readonly totalLength?: number
  readonly ihl?: number
  readonly version?: number
  readonly checksum?: number
}

export const hex = (value: number, bytes: number): string =>
  (value >>> 0)
    .toString(16)
    .padStart(2 * bytes, '0')
    .slice(-2 * bytes)

export const address4 = (text: string): string =>
  text
    .split('.')
    .map((part) => hex(Number(part), 1))
    .join('')

export function address6(text: string): string {
  const [head = '', tail] = text.split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':'))
  const left = words(head)
  const right = tail === undefined ? [] : words(tail)
  const middle = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => '0')
  return [...left, ...middle, ...right].map((word) => word.padStart(4, '0')).join('')
}

export const address = (text: string): string => (text.includes(':') ? address6(text) : address4(text))

/** RFC 1071 over hex digits; an odd last byte counts as the high half of a word. */
export function sum(digits: string): number {
  let total = 0
  for (let at = 0; at < digits.length; at += 4) total += Number.parseInt(digits.slice(at, at + 4).padEnd(4, '0'), 16)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return ~total & 0xffff
}

export function ip4(header: Ip4, payload: string): string {
  const { src, dst, protocol, ttl = 64, tos = 0, id = 0x1234, fragment = 0, options = '', version = 4 } = header
  const ihl = header.ihl ?? 5 + options.length / 8
  const length = header.totalLength ?? 20 + options.length / 2 + payload.length / 2
  const first =
    hex(version * 16 + ihl, 1) +
    hex(tos, 1) +
    hex(length, 2) +
    hex(id, 2) +
    hex(fragment, 2) +
    hex(ttl, 1) +
    hex(protocol, 1)
  const rest = address4(src) + address4(dst) + options
  return first + hex(header.checksum ?? sum(`${first}0000${rest}`), 2) + rest + payload
}

export interface Ip6 {
  readonly src: string
  readonly dst: string
  /** The last header's number. */
  readonly protocol: number
  readonly hopLimit?: number
  readonly trafficClass?: number
  readonly flowLabel?: number
  /** Extension headers: number and bytes behind the next-header byte. */
  readonly extensions?: readonly (readonly [number: number, rest: string])[]
  readonly payloadLength?: number
}

export function ip6(header: Ip6, payload: string): string {
  const { src, dst, protocol, hopLimit = 64, trafficClass = 0, flowLabel = 0, extensions = [] } = header
  const numbers = [...extensions.map(([number]) => number), protocol]
  const body = extensions.map(([, rest], i) => hex(numbers[i + 1]!, 1) + rest).join('') + payload
  const word = ((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0
  return (
    hex(word, 4) +
    hex(header.payloadLength ?? body.length / 2, 2) +
    hex(numbers[0]!, 1) +
    hex(hopLimit, 1) +
    address6(src) +
    address6(dst) +
    body
  )
}

/** The pseudo header's part of a transport checksum (RFC 793, RFC 8200 section 8.1). */
const pseudo = (src: string, dst: string, protocol: number, length: number): string =>
  src.includes(':')
    ? address6(src) + address6(dst) + hex(length, 4) + hex(protocol, 4)
    : address4(src) + address4(dst) + hex(protocol, 2) + hex(length, 2)

/** Fills in the checksum at `offset` bytes; `wrong` adds one to it. */
export function checksummed(digits: string, offset: number, before: string, wrong = false): string {
  const value = sum(before + digits)
  const right = wrong ? (value + 1) & 0xffff : value
  return digits.slice(0, 2 * offset) + hex(right, 2) + digits.slice(2 * offset + 4)
}

export interface Ends {
  readonly src: string
  readonly dst: string
  readonly sport: number
  readonly dport: number
}

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const

export interface Tcp extends Ends {
  readonly seq: number
  readonly ack: number
  readonly flags: number
  readonly window?: number
  readonly options?: string
  readonly wrong?: boolean
}

export function tcp(
  { src, dst, sport, dport, seq, ack, flags, window = 29200, options = '', wrong }: Tcp,
  data = '',
): string {
  const offset = 5 + options.length / 8
  const digits =
    hex(sport, 2) +
    hex(dport, 2) +
    hex(seq, 4) +
    hex(ack, 4) +
    hex(offset << 4, 1) +
    hex(flags, 1) +
    hex(window, 2) +
    '00000000' +
    options +
    data
  return checksummed(digits, 16, pseudo(src, dst, 6, digits.length / 2), wrong)
}

export function udp({ src, dst, sport, dport }: Ends, data = '', wrong = false): string {
  const digits = `${hex(sport, 2) + hex(dport, 2) + hex(8 + data.length / 2, 2)}0000${data}`
  return checksummed(digits, 6, pseudo(src, dst, 17, digits.length / 2), wrong)
}

/** ICMP, or ICMPv6 where `ends` are IPv6 addresses. `rest`: the four bytes behind the checksum, and what follows. */
export function icmp(
  ends: { readonly src: string; readonly dst: string },
  type: number,
  code: number,
  rest: string,
  wrong = false,
): string {
  const digits = `${hex(type, 1)}${hex(code, 1)}0000${rest}`
  return checksummed(digits, 2, ends.src.includes(':') ? pseudo(ends.src, ends.dst, 58, digits.length / 2) : '', wrong)
}

export const ethernet = (destination: string, source: string, packet: string, ethertype?: number): string =>
  destination.replaceAll(':', '') +
  source.replaceAll(':', '') +
  hex(ethertype ?? (packet.startsWith('6') ? 0x86dd : 0x0800), 2) +
  packet

// -- reading what came out, as far as replies need it

export interface Seen {
  readonly at: string
  readonly family: 4 | 6
  readonly src: string
  readonly dst: string
  readonly protocol: number
  /** First four bytes of the transport header as two numbers; for ICMP type * 256 + code, and the checksum. */
  readonly sport: number
  readonly dport: number
  /** The whole packet from the network header on, and what stands behind its network header. */
  readonly packet: string
  readonly transport: string
  readonly sourceMac: string
  readonly destinationMac: string
}

const number = (digits: string, byte: number, bytes: number): number =>
  Number.parseInt(digits.slice(2 * byte, 2 * (byte + bytes)) || '0', 16)
const text4 = (digits: string): string => [0, 1, 2, 3].map((i) => number(digits, i, 1)).join('.')
const text6 = (digits: string): string =>
  digits
    .match(/.{4}/g)!
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(':')

/** A caught frame; undefined where it is no IP packet that a peer would understand. */
export function read(at: string, frame: string): Seen | undefined {
  const packet = frame.slice(28)
  const macs = { destinationMac: frame.slice(0, 12), sourceMac: frame.slice(12, 24) }
  const ethertype = frame.slice(24, 28)
  if (ethertype === '0800' && packet.length >= 40) {
    const transport = packet.slice(2 * 4 * (number(packet, 0, 1) & 15), 2 * number(packet, 2, 2))
    return { at, family: 4, src: text4(packet.slice(24, 32)), dst: text4(packet.slice(32, 40)), protocol: number(packet, 9, 1), sport: number(transport, 0, 2), dport: number(transport, 2, 2), packet: packet.slice(0, 2 * number(packet, 2, 2)), transport, ...macs } // biome-ignore format: one thing
  }
  if (ethertype === '86dd' && packet.length >= 80) {
    const transport = packet.slice(80)
    return { at, family: 6, src: text6(packet.slice(16, 48)), dst: text6(packet.slice(48, 80)), protocol: number(packet, 6, 1), sport: number(transport, 0, 2), dport: number(transport, 2, 2), packet, transport, ...macs } // biome-ignore format: one thing
  }
  return undefined
}

export const tcpSeq = (seen: Seen): number => number(seen.transport, 4, 4)
export const tcpAck = (seen: Seen): number => number(seen.transport, 8, 4)
export const tcpFlags = (seen: Seen): number => number(seen.transport, 13, 1)
export const tcpData = (seen: Seen): number => seen.transport.length / 2 - 4 * (number(seen.transport, 12, 1) >> 4)
