import type { Ip } from '../address/ip.js'
import { buildPacket, type IpFields } from './build.js'
import { PROTOCOL, rejectChecksumOk } from './checksum.js'
import { FIELDS } from './fields.js'
import { type Packet, put32, u8, u16, u32, u128 } from './packet.js'

/**
 * What the kernel itself answers with. Bytes that it draws from a secret or a counter are parameters: the IPv4 id of ICMP messages
 * (__ip_select_ident: a hash and a counter) and the IPv6 flow label where net.ipv6.auto_flowlabels is on (a keyed hash), both 0 unless given.
 */
export interface ReplyOptions {
  /** net.ipv4.ip_default_ttl, net.ipv6.conf.*.hop_limit, or the route's: 64 unless given. */
  readonly ttl?: number
  readonly id?: number
  readonly flowLabel?: number
  /** IPv4 options that the answer carries (__ip_options_echo). */
  readonly options?: Uint8Array | undefined
}

export const sourceOf = (packet: Packet): Ip | undefined =>
  packet.family === 4 ? u32(packet.bytes, 12) : u128(packet.bytes, 8)
export const destinationOf = (packet: Packet): Ip | undefined =>
  packet.family === 4 ? u32(packet.bytes, 16) : u128(packet.bytes, 24)

/** ICMP types about which no ICMP error is sent: errors, unassigned ones, router discovery (icmp_pointers in net/ipv4/icmp.c), and all above 18. */
const SILENT4: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12])
const LAST_ICMP4 = 18

/**
 * Whether the kernel would send an ICMP error about this packet, as far as its bytes decide (__icmp_send, icmp6_send): not about later fragments
 * (IPv4), not about ICMP errors, not to a source that is no unicast address (IPv6: packet too big and unknown options also for multicast destinations).
 * Routes, rate limits and link-layer broadcasts are for the caller.
 */
export function mayProvokeError(packet: Packet, type: number, code: number): boolean {
  const { protocol, offset, fragmentOffset } = packet.transport
  if (packet.family === 4) {
    if (packet.bytes.length < 20 || fragmentOffset !== 0) return false
    if (u8(packet.bytes, 9) !== PROTOCOL.ICMP) return true
    const inner = u8(packet.bytes, offset)
    return inner !== undefined && inner <= LAST_ICMP4 && !SILENT4.has(inner)
  }
  const src = u128(packet.bytes, 8)
  const dst = u128(packet.bytes, 24)
  if (src === undefined || dst === undefined) return false
  if (src === 0n || isMulticast6(src)) return false
  if (isMulticast6(dst) && !(type === 2 || (type === 4 && code === 2))) return false
  if (protocol !== PROTOCOL.ICMPV6) return true
  if (fragmentOffset !== 0) return true
  const inner = u8(packet.bytes, offset)
  return inner !== undefined && inner >= 128
}

const isMulticast6 = (ip: bigint): boolean => ip >> 120n === 0xffn

export interface IcmpErrorFields extends ReplyOptions {
  readonly type: number
  readonly code: number
  /** The address that the answer comes from, chosen by the caller. */
  readonly source: Ip
  /** The four bytes behind the checksum: next-hop MTU (fragmentation needed, packet too big), gateway, pointer shifted to its place. */
  readonly info?: number
  /** Of the route back: IPv4 quotes no more than fits. */
  readonly mtu?: number
}

/**
 * An ICMP or ICMPv6 error about `original`, as icmp_send and icmp6_send build it: to its source, IPv4 with precedence "internetwork control" and the
 * TOS bits of the original and as much of it as fits in 576 bytes, IPv6 with class 0 and as much as fits in 1280. `undefined` where none is sent.
 * IP options of the original (record route, timestamp, source route) are not echoed here, as __ip_options_echo would.
 */
export function icmpError(original: Packet, fields: IcmpErrorFields): Packet | undefined {
  const { type, code, source, info = 0 } = fields
  if (!mayProvokeError(original, type, code)) return undefined
  const dst = sourceOf(original)!
  const four = original.family === 4
  const tos = four ? ((FIELDS['ip.tos'].read(original) ?? 0) & 0x1e) | 0xc0 : 0
  const room = four ? Math.min(fields.mtu ?? 576, 576) - 28 - paddedLength(fields.options) : 1280 - 48
  if (four && room <= 20) return undefined
  return buildPacket(
    replyFields(fields, source, dst, tos),
    { is: 'icmp', type, code, rest: info },
    original.bytes.subarray(0, room),
  )
}

/** Options fill whole words. */
const paddedLength = (options: Uint8Array | undefined): number => Math.ceil((options?.length ?? 0) / 4) * 4

function replyFields(
  { ttl, id, flowLabel, options }: ReplyOptions,
  src: Ip,
  dst: Ip,
  tos: number,
  df = false,
): IpFields {
  return { src, dst, ttl: ttl ?? 64, id: id ?? 0, flowLabel: flowLabel ?? 0, tos, df, ...(options ? { options } : {}) }
}

/**
 * The RST that `REJECT --reject-with tcp-reset` sends (nf_send_reset, nf_send_reset6): TOS 0, id 0, DF, window 0, no options. `undefined` where it
 * sends none: no TCP, a later fragment, a header cut off, a RST, or (unless `trusted`: the caller knows better) a wrong checksum.
 */
export function rejectReset(
  original: Packet,
  options: ReplyOptions & { readonly trusted?: boolean } = {},
): Packet | undefined {
  if (!options.trusted && !rejectChecksumOk(original)) return undefined
  return reset(original, { ...options, id: 0, flowLabel: 0 }, 0)
}

/**
 * The RST of the stack where no socket takes a segment (tcp_v4_send_reset, tcp_v6_send_reset): as `rejectReset`, but with the original's TOS
 * without its ECN bits. The stack has dropped segments with a wrong checksum before.
 */
export function stackReset(original: Packet, options: ReplyOptions = {}): Packet | undefined {
  const tos = FIELDS['ip.tos'].read(original) ?? 0
  return reset(original, { ...options, id: 0 }, tos & 0xfc)
}

const FIN = 1
const SYN = 2
const RST = 4
const ACK = 16

/** RFC 9293 section 3.10.7.1: the sequence number that the other side acknowledged, or an acknowledgement of all that it sent. */
function reset(original: Packet, options: ReplyOptions, tos: number): Packet | undefined {
  const { bytes } = original
  const { protocol, offset, fragmentOffset } = original.transport
  if (protocol !== PROTOCOL.TCP || fragmentOffset !== 0 || bytes.length < offset + 20) return undefined
  const flags = u8(bytes, offset + 13)!
  if (flags & RST) return undefined
  const acknowledges = (flags & ACK) !== 0
  const length = bytes.length - offset - (u8(bytes, offset + 12)! >> 4) * 4
  const end = u32(bytes, offset + 4)! + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0) + length
  return buildPacket(replyFields(options, destinationOf(original)!, sourceOf(original)!, tos, true), {
    is: 'tcp',
    sport: u16(bytes, offset + 2)!,
    dport: u16(bytes, offset)!,
    flags: acknowledges ? RST : RST | ACK,
    sequence: acknowledges ? u32(bytes, offset + 8)! : 0,
    acknowledgement: acknowledges ? 0 : end >>> 0,
    window: 0,
  })
}

/**
 * The answer to an echo request (icmp_echo, icmpv6_echo_reply): same code, id, sequence, data and TOS. `source`: the address that answers, the request's
 * destination unless given (a broadcast was pinged). `undefined` where the packet is no whole echo request. IP options are not echoed.
 */
export function echoReply(request: Packet, options: ReplyOptions & { readonly source?: Ip } = {}): Packet | undefined {
  const { bytes } = request
  const { protocol, offset, fragmentOffset } = request.transport
  const [wanted, asked, answer] = request.family === 4 ? [PROTOCOL.ICMP, 8, 0] : [PROTOCOL.ICMPV6, 128, 129]
  if (protocol !== wanted || fragmentOffset !== 0 || bytes.length < offset + 8 || u8(bytes, offset) !== asked)
    return undefined
  const tos = FIELDS['ip.tos'].read(request) ?? 0
  const fields = replyFields(options, options.source ?? destinationOf(request)!, sourceOf(request)!, tos)
  const rest = u32(bytes, offset + 4)!
  return buildPacket(
    fields,
    { is: 'icmp', type: answer, code: u8(bytes, offset + 1)!, rest },
    bytes.subarray(offset + 8),
  )
}

const TIMESTAMP = 13
const TIMESTAMP_REPLY = 14
const MS_A_DAY = 86_400_000

/**
 * The answer to an ICMP timestamp request (icmp_timestamp): the sender's time as it came, then when it was received and answered: milliseconds since
 * midnight UTC. `now`: milliseconds since the epoch. `undefined` where the packet is no whole timestamp request.
 */
export function timestampReply(
  request: Packet,
  options: ReplyOptions & { readonly source: Ip; readonly now: number },
): Packet | undefined {
  const { bytes } = request
  const { protocol, offset, fragmentOffset } = request.transport
  if (request.family !== 4 || protocol !== PROTOCOL.ICMP || fragmentOffset !== 0 || u8(bytes, offset) !== TIMESTAMP)
    return undefined
  const [rest, sent] = [u32(bytes, offset + 4), u32(bytes, offset + 8)]
  if (rest === undefined || sent === undefined) return undefined
  const times = new Uint8Array(12)
  const time = Math.floor(options.now) % MS_A_DAY
  for (const [i, value] of [sent, time, time].entries()) put32(times, 4 * i, value)
  const tos = FIELDS['ip.tos'].read(request) ?? 0
  const fields = replyFields(options, options.source, sourceOf(request)!, tos)
  return buildPacket(fields, { is: 'icmp', type: TIMESTAMP_REPLY, code: 0, rest }, times)
}
