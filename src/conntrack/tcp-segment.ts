import { type Packet, u8, u16, u32 } from '../packet/packet.js'
import type { TcpSide } from './entry.js'

/** The parts of a segment that tracking looks at. Sequence numbers are unsigned 32-bit. */
export interface Segment {
  readonly syn: boolean
  readonly ack: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly sequence: number
  readonly acknowledgement: number
  readonly window: number
  /** Sequence number behind it: SYN and FIN count one each. */
  readonly end: number
  /** The bytes of the options. */
  readonly options: Uint8Array
}

/** IP_CT_TCP_FLAG_* and the other bits of <linux/netfilter/nf_conntrack_tcp.h>. */
export const FLAG = {
  WINDOW_SCALE: 1,
  SACK_PERM: 2,
  CLOSE_INIT: 4,
  BE_LIBERAL: 8,
  DATA_UNACKNOWLEDGED: 16,
  MAXACK_SET: 32,
  CHALLENGE_ACK: 64,
  SIMULTANEOUS_OPEN: 128,
} as const

/** What kind of segment it is (enum tcp_bit_set). */
export const KIND = { SYN: 0, SYNACK: 1, FIN: 2, ACK: 3, RST: 4, NONE: 5 } as const

/** Sequence arithmetic modulo 2^32 (RFC 9293 section 3.4). */
export const before = (a: number, b: number): boolean => ((a - b) | 0) < 0
export const after = (a: number, b: number): boolean => before(b, a)
export const wrap = (n: number): number => n >>> 0

/** Of a packet whose header `tcpHeaderFault` found nothing wrong with. */
export function readSegment({ bytes }: Packet, offset: number): Segment {
  const flags = u8(bytes, offset + 13)!
  const header = (u8(bytes, offset + 12)! >> 4) * 4
  const has = (bit: number): boolean => (flags & bit) !== 0
  const [fin, syn] = [has(1), has(2)]
  const sequence = u32(bytes, offset + 4)!
  return {
    syn,
    fin,
    rst: has(4),
    ack: has(16),
    sequence,
    acknowledgement: u32(bytes, offset + 8)!,
    window: u16(bytes, offset + 14)!,
    end: wrap(sequence + bytes.length - offset - header + (syn ? 1 : 0) + (fin ? 1 : 0)),
    options: bytes.subarray(offset + 20, offset + header),
  }
}

export const kindOf = ({ rst, syn, ack, fin }: Segment): number =>
  rst ? KIND.RST : syn ? (ack ? KIND.SYNACK : KIND.SYN) : fin ? KIND.FIN : ack ? KIND.ACK : KIND.NONE

/** FIN, SYN, RST, ACK, URG: PSH, ECE and CWR are always sound. */
const JUDGED_FLAGS = 0x37
const SOUND: ReadonlySet<number> = new Set([2, 0x22, 0x12, 4, 0x14, 0x11, 0x31, 0x10, 0x30])

/** What is wrong with the header (tcp_error), in the kernel's order: `checksumGood` is asked between the lengths and the flags. */
export function tcpHeaderFault({ bytes }: Packet, offset: number, checksumGood: () => boolean): string | undefined {
  if (bytes.length < offset + 20) return 'short TCP packet'
  const header = (u8(bytes, offset + 12)! >> 4) * 4
  if (header < 20 || bytes.length - offset < header) return 'truncated or malformed TCP packet'
  if (!checksumGood()) return 'wrong TCP checksum'
  return SOUND.has(u8(bytes, offset + 13)! & JUDGED_FLAGS) ? undefined : 'invalid TCP flag combination'
}

const OPTION = { END: 0, NOP: 1, WINDOW_SCALE: 3, SACK_PERMITTED: 4, SACK: 5 } as const
const LARGEST_SCALE = 14

function* optionsOf(options: Uint8Array): Generator<readonly [kind: number, value: Uint8Array]> {
  for (let at = 0; at < options.length; ) {
    const kind = options[at]!
    if (kind === OPTION.END) return
    if (kind === OPTION.NOP) {
      at++
      continue
    }
    const length = options[at + 1]
    if (length === undefined || length < 2 || at + length > options.length) return
    yield [kind, options.subarray(at + 2, at + length)]
    at += length
  }
}

/** Window scale and "SACK permitted" of a SYN (tcp_options). A header without options changes nothing. */
export function takeOptions(side: TcpSide, { options }: Segment): void {
  if (options.length === 0) return
  side.scale = 0
  side.flags &= FLAG.BE_LIBERAL
  for (const [kind, value] of optionsOf(options)) {
    if (kind === OPTION.SACK_PERMITTED && value.length === 0) side.flags |= FLAG.SACK_PERM
    else if (kind === OPTION.WINDOW_SCALE && value.length === 1) {
      side.scale = Math.min(value[0]!, LARGEST_SCALE)
      side.flags |= FLAG.WINDOW_SCALE
    }
  }
}

/** The highest right edge of the first SACK option's blocks, or the acknowledgement (tcp_sack). */
export function highestSack({ options, acknowledgement }: Segment): number {
  let highest = acknowledgement
  for (const [kind, value] of optionsOf(options)) {
    if (kind !== OPTION.SACK || value.length < 8 || value.length % 8 !== 0) continue
    for (let i = 0; i < value.length; i += 8) {
      const edge = u32(value, i + 4)!
      if (after(edge, highest)) highest = edge
    }
    return highest
  }
  return highest
}
