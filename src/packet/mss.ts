import { replaceSum } from './checksum.js'
import { concatBytes } from './hex.js'
import { MSS, MSS_LENGTH, mssOption, tcpHeaderLength } from './mss-option.js'
import { type Packet, put16, u16 } from './packet.js'
import { writeField } from './rewrite.js'

/** What a host sends at most where nobody named an MSS (RFC 1122 section 4.2.2.6, RFC 2460 section 8.3). */
const DEFAULT_MSS = { 4: 536, 6: 1220 } as const

/**
 * Lowers the MSS option to `mss`, as nft's `tcp option maxseg size set` does (nft_exthdr_tcp_set_eval): never raises it, adds none.
 * True where it was lowered.
 */
export function lowerMss(packet: Packet, mss: number): boolean {
  const length = tcpHeaderLength(packet)
  if (length === undefined) return false
  const { bytes } = packet
  const { offset } = packet.transport
  const at = mssOption(bytes, offset, length)
  if (at === undefined) return false
  const old = u16(bytes, offset + at + 2)!
  if (old <= mss) return false
  put16(bytes, offset + at + 2, mss)
  put16(bytes, offset + 16, replaceSum(u16(bytes, offset + 16)!, old, mss))
  return true
}

/**
 * What the TCPMSS target does to a packet (net/netfilter/xt_TCPMSS.c: tcpmss_mangle_packet): lowers the option; where there is none and no data
 * behind the header, adds one of at most 536 (IPv6: 1220), so that the packet grows by four bytes. False where the kernel drops the packet, because
 * its header is cut off. `mss`: as the rule says it, or path MTU less 40 (60) for --clamp-mss-to-pmtu.
 */
export function targetMss(packet: Packet, mss: number): boolean {
  if (packet.transport.fragmentOffset !== 0) return true
  const length = tcpHeaderLength(packet)
  if (length === undefined) return false
  const { offset } = packet.transport
  if (mssOption(packet.bytes, offset, length) !== undefined) {
    lowerMss(packet, mss)
    return true
  }
  const tcpLength = packet.bytes.length - offset
  if (tcpLength > length || length >= 60) return true
  addMss(packet, Math.min(mss, DEFAULT_MSS[packet.family]), tcpLength)
  return true
}

function addMss(packet: Packet, mss: number, tcpLength: number): void {
  const { offset } = packet.transport
  const option = Uint8Array.of(MSS, MSS_LENGTH, mss >> 8, mss & 255)
  packet.bytes = concatBytes(packet.bytes.subarray(0, offset + 20), option, packet.bytes.subarray(offset + 20))
  const { bytes } = packet
  const word = u16(bytes, offset + 12)!
  const changes = [
    [tcpLength, tcpLength + MSS_LENGTH],
    [0, 0x0204 + mss],
    [word, word + 0x1000],
  ] as const
  for (const [from, to] of changes) put16(bytes, offset + 16, replaceSum(u16(bytes, offset + 16)!, from, to))
  put16(bytes, offset + 12, word + 0x1000)
  if (packet.family === 4) writeField(packet, 'ip.length', u16(bytes, 2)! + MSS_LENGTH)
  else if (u16(bytes, 4) !== 0) put16(bytes, 4, u16(bytes, 4)! + MSS_LENGTH)
  packet.touch()
}
