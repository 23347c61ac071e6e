import { printIp } from '../address/ip.js'
import { printMac } from '../address/mac.js'
import { arpField, isArp, isIp } from './arp.js'
import { PROTOCOL } from './checksum.js'
import { FIELDS, PROTOCOLS, TCP_FLAGS } from './fields.js'
import { icmpName } from './icmp-names.js'
import { type Packet, u8, u16, u32, u128 } from './packet.js'

/** What of a packet people look at. Addresses as text; ports undefined where the protocol has none or the packet does not show them; for ICMP type and code. */
export interface Headers {
  readonly src: string
  readonly dst: string
  /** `tcp`, `icmpv6`; a number as text where it has no name. */
  readonly protocol: string
  readonly sport: number | undefined
  readonly dport: number | undefined
  readonly icmp: { readonly type: number; readonly code: number; readonly id: number | undefined } | undefined
  /** `syn,ack`; `none`. */
  readonly flags: string | undefined
  readonly ttl: number
  /** Bytes of the IP packet, header included. */
  readonly length: number
  readonly mark: number
}

/** As connection tracking names it: `icmpv6`, where iptables says `ipv6-icmp`. */
export const protocolName = (protocol: number): string =>
  protocol === PROTOCOL.ICMPV6 ? 'icmpv6' : (PROTOCOLS[protocol] ?? `${protocol}`)

const WITH_PORTS: ReadonlySet<number> = new Set([
  PROTOCOL.TCP,
  PROTOCOL.UDP,
  PROTOCOL.UDPLITE,
  PROTOCOL.SCTP,
  PROTOCOL.DCCP,
])
/** Whether the first four bytes of its header are two ports. */
export const hasPorts = (protocol: number): boolean => WITH_PORTS.has(protocol)

/** Messages with an id: echo, timestamp, information, address mask (RFC 792, 950); ICMPv6 echo (RFC 4443). */
const WITH_ID4: readonly number[] = [0, 8, 13, 14, 15, 16, 17, 18]
const WITH_ID6: readonly number[] = [128, 129]
export const icmpHasId = (family: 4 | 6, type: number): boolean => (family === 4 ? WITH_ID4 : WITH_ID6).includes(type)

/** TCP flags as rules write them: `syn,ack` in the order fin syn rst psh ack urg ece cwr; syn first where it is set, as people say it. */
export function flagsText(flags: number): string {
  const names = TCP_FLAGS.filter((_, bit) => (flags >> bit) & 1)
  const order = names.includes('syn') ? ['syn', ...names.filter((name) => name !== 'syn')] : names
  return order.join(',') || 'none'
}

/** Never throws: addresses that are cut off read as `?`, lengths are those of the bytes. */
export function headersOf(packet: Packet, mark: number): Headers {
  if (!isIp(packet)) return headersOfFrame(packet, mark)
  const { bytes, family } = packet
  const { protocol, offset, fragmentOffset } = packet.transport
  const first = fragmentOffset === 0
  const src = family === 4 ? u32(bytes, 12) : u128(bytes, 8)
  const dst = family === 4 ? u32(bytes, 16) : u128(bytes, 24)
  const ports = first && hasPorts(protocol)
  const type = first && protocol === (family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6) ? u8(bytes, offset) : undefined
  const flags = first && protocol === PROTOCOL.TCP ? FIELDS['tcp.flags'].read(packet) : undefined
  return {
    src: src === undefined ? '?' : printIp(src),
    dst: dst === undefined ? '?' : printIp(dst),
    protocol: protocolName(protocol),
    sport: ports ? u16(bytes, offset) : undefined,
    dport: ports ? u16(bytes, offset + 2) : undefined,
    icmp:
      type === undefined
        ? undefined
        : { type, code: u8(bytes, offset + 1) ?? 0, id: icmpHasId(family, type) ? u16(bytes, offset + 4) : undefined },
    flags: flags === undefined ? undefined : flagsText(flags),
    ttl: FIELDS['ip.ttl'].read(packet) ?? 0,
    length: bytes.length,
    mark,
  }
}

/** ARP has the addresses that it speaks of; other frames those of their Ethernet header, and the ether type. */
function headersOfFrame(packet: Packet, mark: number): Headers {
  const { source, destination, ethertype } = packet.mac!
  const arp = isArp(packet)
  const show = (value: number | undefined) => (value === undefined ? '?' : printIp(value))
  return {
    src: arp ? show(arpField(packet, 'spa')) : printMac(source),
    dst: arp ? show(arpField(packet, 'tpa')) : printMac(destination),
    protocol: arp ? 'arp' : `0x${ethertype.toString(16).padStart(4, '0')}`,
    sport: undefined,
    dport: undefined,
    icmp: undefined,
    flags: undefined,
    ttl: 0,
    length: packet.bytes.length,
    mark,
  }
}

const endpoint = (address: string, port: number | undefined): string => {
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** One line: `tcp 192.168.50.11:40000 > 10.96.100.7:80 [syn] ttl 64`, `icmp 10.0.0.1 > 10.0.0.2 echo-request ttl 64`; with the mark where it is not 0. */
export function describe(headers: Headers): string {
  const { protocol, src, dst, sport, dport, icmp, flags, ttl, mark } = headers
  const words = [protocol, endpoint(src, sport), '>', endpoint(dst, dport)]
  if (flags !== undefined) words.push(`[${flags}]`)
  if (icmp) words.push(icmpName(src.includes(':') ? 6 : 4, icmp.type, icmp.code))
  // frames without IP have none
  if (protocol !== 'arp' && !protocol.startsWith('0x')) words.push(`ttl ${ttl}`)
  if (mark !== 0) words.push(`mark 0x${mark.toString(16)}`)
  return words.join(' ')
}
