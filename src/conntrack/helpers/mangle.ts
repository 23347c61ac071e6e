import { recomputeHeader, recomputeTransport } from '../../packet/checksum.js'
import { type Packet, put16, u16, u32 } from '../../packet/packet.js'
import type { Entry } from '../entry.js'
import { setAdjustment } from '../sequence.js'
import type { Direction } from '../tuple.js'

const LARGEST = 65535

/** Takes `length` bytes at `at` out of the packet and puts `text` there; lengths and checksums of both headers follow. False: it would be too long. */
function exchange(packet: Packet, offset: number, at: number, length: number, text: string): boolean {
  const { bytes, family } = packet
  const grown = bytes.length + text.length - length
  if (grown > LARGEST) return false
  const changed = new Uint8Array(grown)
  changed.set(bytes.subarray(0, at))
  for (let i = 0; i < text.length; i++) changed[at + i] = text.charCodeAt(i)
  changed.set(bytes.subarray(at + length), at + text.length)
  packet.bytes = changed
  if (family === 4) put16(changed, 2, grown)
  else put16(changed, 4, grown - 40)
  packet.touch()
  recomputeHeader(packet)
  return offset <= grown
}

/** What is summed anew is summed as a device would: 0 is written 0xffff, in every protocol (skb_checksum_help). */
function sumAnew(packet: Packet, at: number): void {
  recomputeTransport(packet)
  if (u16(packet.bytes, at) === 0) put16(packet.bytes, at, 0xffff)
}

/** nf_nat_mangle_tcp_packet: the sequence numbers behind are shifted from the next packet on. `at`: from the start of the packet. */
export function mangleTcp(
  packet: Packet,
  offset: number,
  { entry, direction }: { readonly entry: Entry; readonly direction: Direction },
  at: number,
  length: number,
  text: string,
): boolean {
  const sequence = u32(packet.bytes, offset + 4)!
  if (!exchangeTcp(packet, offset, at, length, text)) return false
  setAdjustment(entry, direction, sequence, text.length - length)
  return true
}

/** __nf_nat_mangle_tcp_packet: sequence numbers are left to the caller. */
export function exchangeTcp(packet: Packet, offset: number, at: number, length: number, text: string): boolean {
  if (!exchange(packet, offset, at, length, text)) return false
  sumAnew(packet, offset + 16)
  return true
}

/** nf_nat_mangle_udp_packet: a checksum of 0 stays. */
export function mangleUdp(packet: Packet, offset: number, at: number, length: number, text: string): boolean {
  const without = u16(packet.bytes, offset + 6) === 0
  if (!exchange(packet, offset, at, length, text)) return false
  put16(packet.bytes, offset + 4, packet.bytes.length - offset)
  if (!without) sumAnew(packet, offset + 6)
  return true
}
