import { type Packet, u8, u16 } from './packet.js'

const NOP = 1
/** Kind and length of the MSS option (RFC 9293 section 3.2). */
export const MSS = 2
export const MSS_LENGTH = 4

/** Offset of the MSS option within the TCP header; an option of length 0 counts as one byte (xt_TCPMSS.c: optlen). */
export function mssOption(bytes: Uint8Array, offset: number, headerLength: number): number | undefined {
  for (let at = 20; at <= headerLength - MSS_LENGTH; ) {
    const kind = u8(bytes, offset + at)!
    const length = u8(bytes, offset + at + 1)!
    if (kind === MSS && length === MSS_LENGTH) return at
    at += kind <= NOP || length === 0 ? 1 : length
  }
  return undefined
}

/** The header's length where all of it is there. */
export function tcpHeaderLength(packet: Packet): number | undefined {
  const { offset, protocol, fragmentOffset } = packet.transport
  if (protocol !== 6 || fragmentOffset !== 0 || offset + 20 > packet.bytes.length) return undefined
  const length = (u8(packet.bytes, offset + 12)! >> 4) * 4
  return length < 20 || offset + length > packet.bytes.length ? undefined : length
}

/** The MSS option's value, or `undefined` where the packet has none that can be read. */
export function readMss(packet: Packet): number | undefined {
  const length = tcpHeaderLength(packet)
  if (length === undefined) return undefined
  const { offset } = packet.transport
  const at = mssOption(packet.bytes, offset, length)
  return at === undefined ? undefined : u16(packet.bytes, offset + at + 2)
}
