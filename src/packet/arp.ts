import { type Ip, printIp } from '../address/ip.js'
import { type Mac, printMac } from '../address/mac.js'
import { ETHERTYPE } from './frame.js'
import { Packet, put16 } from './packet.js'

/** Where the fields of ARP over Ethernet with IPv4 lie, in bytes (RFC 826). */
export const ARP_FIELDS = {
  htype: { at: 0, bytes: 2, label: 'ARP hardware type' },
  ptype: { at: 2, bytes: 2, label: 'ARP protocol type' },
  hlen: { at: 4, bytes: 1, label: 'ARP hardware length' },
  plen: { at: 5, bytes: 1, label: 'ARP protocol length' },
  opcode: { at: 6, bytes: 2, label: 'ARP opcode' },
  sha: { at: 8, bytes: 6, label: 'ARP sender MAC' },
  spa: { at: 14, bytes: 4, label: 'ARP sender address' },
  tha: { at: 18, bytes: 6, label: 'ARP target MAC' },
  tpa: { at: 24, bytes: 4, label: 'ARP target address' },
} as const

export type ArpField = keyof typeof ARP_FIELDS

export const ARP_REQUEST = 1
export const ARP_REPLY = 2
const LENGTH = 28

/** RARP frames look alike. */
export const isArp = ({ mac }: Packet): boolean => mac?.ethertype === ETHERTYPE.ARP || mac?.ethertype === RARP
const RARP = 0x8035

/** Does the frame hold IPv4 or IPv6? What has no link-layer header is IP. */
export const isIp = ({ mac }: Packet): boolean =>
  mac === undefined || mac.ethertype === ETHERTYPE.IPV4 || mac.ethertype === ETHERTYPE.IPV6

/** A number of up to six bytes; undefined where the packet ends before it. */
export function octets(bytes: Uint8Array, at: number, length: number): number | undefined {
  if (at + length > bytes.length) return undefined
  let value = 0
  for (let i = 0; i < length; i++) value = value * 256 + bytes[at + i]!
  return value
}

/** Undefined where it is no ARP, or cut off. */
export function arpField(packet: Packet, field: ArpField): number | undefined {
  const { at, bytes } = ARP_FIELDS[field]
  return isArp(packet) ? octets(packet.bytes, at, bytes) : undefined
}

/** An address behind others that have the lengths that the header says (net/bridge/netfilter/ebt_arp.c). */
export function arpAddress(packet: Packet, which: 'arp-sender' | 'arp-target' | 'arp-target-mac'): number | undefined {
  const [hlen, plen] = [arpField(packet, 'hlen'), arpField(packet, 'plen')]
  if (hlen === undefined || plen === undefined) return undefined
  switch (which) {
    case 'arp-sender':
      return octets(packet.bytes, HEADER + hlen, 4)
    case 'arp-target':
      return octets(packet.bytes, HEADER + 2 * hlen + 4, 4)
    case 'arp-target-mac':
      return octets(packet.bytes, HEADER + hlen + plen, 6)
  }
}

const HEADER = 8

export function setArpField(packet: Packet, field: ArpField, value: number): void {
  const { at, bytes } = ARP_FIELDS[field]
  let rest = value
  for (let i = bytes - 1; i >= 0; i--) {
    packet.bytes[at + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
}

export function printArpField(field: ArpField, value: number): string {
  if (field === 'sha' || field === 'tha') return printMac(value)
  if (field === 'spa' || field === 'tpa') return printIp(value)
  return field === 'ptype' ? `0x${value.toString(16)}` : `${value}`
}

export interface ArpTold {
  readonly opcode: number
  readonly sha: Mac
  readonly spa: Ip
  readonly tha: Mac
  readonly tpa: Ip
}

/** ARP for IPv4 over Ethernet, in a frame from its sender to `destination` (net/ipv4/arp.c: arp_create). */
export function buildArp(told: ArpTold, destination: Mac): Packet {
  const packet = new Packet(new Uint8Array(LENGTH), { source: told.sha, destination, ethertype: ETHERTYPE.ARP })
  put16(packet.bytes, 0, 1)
  put16(packet.bytes, 2, ETHERTYPE.IPV4)
  packet.bytes[4] = 6
  packet.bytes[5] = 4
  for (const field of ['opcode', 'sha', 'spa', 'tha', 'tpa'] as const) setArpField(packet, field, Number(told[field]))
  return packet
}
