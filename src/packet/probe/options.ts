import { type Packet, u8, u16 } from '../packet.js'
import { ABSENT, type Answer, BROKEN, THERE } from './answer.js'

/** Options one behind the other: below 2 one byte long, all others with their length in the second byte, which 0 counts as 1. */
function hasOption(bytes: Uint8Array, from: number, length: number, kind: number): boolean {
  for (let i = 0; i < length; ) {
    const option = bytes[from + i]!
    if (option === kind) return true
    i += option < 2 ? 1 : bytes[from + i + 1] || 1
  }
  return false
}

const TCP_HEADER = 20

/** net/netfilter/xt_tcpudp.c: tcp_find_option, of a header that is there with all its options. */
export function tcpOption({ bytes, transport }: Packet, kind: number): Answer {
  const length = ((bytes[transport.offset + 12] ?? 0) >> 4) * 4 - TCP_HEADER
  return hasOption(bytes, transport.offset + TCP_HEADER, length, kind) ? THERE : ABSENT
}

const DCCP_HEADER = 12
/** What follows the generic header, by packet type (RFC 4340 section 5; net/dccp: dccp_packet_hdr_len); any other type: as RESET. */
const DCCP_MORE: readonly number[] = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8]
const DCCP_RESET_MORE = 12

/** net/netfilter/xt_dccp.c: dccp_find_option, of a generic header that is there. */
export function dccpOption({ bytes, transport }: Packet, kind: number): Answer {
  const at = transport.offset
  const type = ((bytes[at + 8] ?? 0) >> 1) & 15
  const extended = (bytes[at + 8] ?? 0) & 1 ? 4 : 0
  const fixed = DCCP_HEADER + extended + (DCCP_MORE[type] ?? DCCP_RESET_MORE)
  const length = (bytes[at + 4] ?? 0) * 4 - fixed
  if (length < 0) return BROKEN
  if (length === 0) return ABSENT
  if (at + fixed + length > bytes.length) return BROKEN
  return hasOption(bytes, at + fixed, length, kind) ? THERE : ABSENT
}

/** Of chunks of this type, the flags under `mask` have to be these. */
export interface ChunkFlags {
  readonly type: number
  readonly mask: number
  readonly set: number
}

const SCTP_HEADER = 12

/** net/netfilter/xt_sctp.c: match_packet, of a common header that is there. */
export function sctpChunks(
  { bytes, transport }: Packet,
  mode: 'any' | 'all' | 'only',
  types: readonly number[],
  flags: readonly ChunkFlags[],
): Answer {
  const missing = new Set(types)
  let at = transport.offset + SCTP_HEADER
  do {
    const [type, set, length] = [u8(bytes, at), u8(bytes, at + 1), u16(bytes, at + 2)]
    if (type === undefined || set === undefined || !length) return BROKEN
    at += (length + 3) & ~3
    const wanted = types.includes(type) && flagsFit(flags, type, set)
    if (mode === 'any' && wanted) return THERE
    if (mode === 'only' && !wanted) return ABSENT
    if (mode === 'all' && wanted) missing.delete(type)
  } while (at < bytes.length)
  if (mode === 'any') return ABSENT
  return mode === 'only' || missing.size === 0 ? THERE : ABSENT
}

function flagsFit(flags: readonly ChunkFlags[], type: number, set: number): boolean {
  const asked = flags.find((one) => one.type === type)
  return asked === undefined || (set & asked.mask) === asked.set
}
