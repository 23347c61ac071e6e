import { replaceSum } from './checksum.js'
import { type Packet, put16, u8, u16 } from './packet.js'

const HEADER = 20
const CHECKSUM = 16
const FLAGS = 12
const NOP = 1

/**
 * What the TCPOPTSTRIP target does (net/netfilter/xt_TCPOPTSTRIP.c: tcpoptstrip_mangle_packet): every option of these kinds becomes NOPs. False where
 * the kernel drops the packet, because its header is cut off.
 */
export function stripOptions({ bytes, transport }: Packet, kinds: readonly number[]): boolean {
  const { offset, fragmentOffset } = transport
  if (fragmentOffset !== 0) return true
  if (offset + HEADER > bytes.length) return false
  const length = (u8(bytes, offset + 12)! >> 4) * 4
  if (length < HEADER || offset + length > bytes.length) return false
  for (let at = HEADER; at < length - 1; ) {
    const kind = u8(bytes, offset + at)!
    const claimed = u8(bytes, offset + at + 1)!
    const size = kind <= NOP || claimed === 0 ? 1 : claimed
    if (at + size > length) break
    if (kinds.includes(kind)) for (let i = at; i < at + size; i++) toNop(bytes, offset, i)
    at += size
  }
  return true
}

function toNop(bytes: Uint8Array, offset: number, at: number): void {
  const [from, to] = at % 2 === 0 ? [bytes[offset + at]! << 8, NOP << 8] : [bytes[offset + at]!, NOP]
  put16(bytes, offset + CHECKSUM, replaceSum(u16(bytes, offset + CHECKSUM)!, from, to))
  bytes[offset + at] = NOP
}

/**
 * What the ECN target does to a TCP header (net/ipv4/netfilter/ipt_ECN.c: set_ect_tcp): flags = (flags & keep) | set. It does not ask whether the packet is a
 * later fragment. Where the header is cut off the kernel drops the packet.
 */
export function setTcpBits(
  { bytes, transport: { offset } }: Packet,
  keep: number,
  set: number,
): 'cut-off' | 'kept' | 'changed' {
  if (offset + HEADER > bytes.length) return 'cut-off'
  const old = u16(bytes, offset + FLAGS)!
  const next = (old & (0xff00 | keep)) | set
  if (next === old) return 'kept'
  put16(bytes, offset + FLAGS, next)
  put16(bytes, offset + CHECKSUM, replaceSum(u16(bytes, offset + CHECKSUM)!, old, next))
  return 'changed'
}
