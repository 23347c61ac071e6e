import { replaceSum } from '../packet/checksum.js'
import { CT_STATUS } from '../packet/fields.js'
import { type Packet, put32, u32 } from '../packet/packet.js'
import { timestampAt } from '../packet/proxy-options.js'
import type { Entry, SequenceShift } from './entry.js'
import { after, before, wrap } from './tcp-segment.js'
import { type Direction, opposite } from './tuple.js'

/** Sequence numbers behind a payload whose length a helper has changed (net/netfilter/nf_conntrack_seqadj.c). */

/** nf_ct_seqadj_set: a segment that begins at `sequence` is longer by `difference`. Only what lies behind the last change counts. */
export function setAdjustment(entry: Entry, direction: Direction, sequence: number, difference: number): void {
  if (difference === 0) return
  entry.status |= CT_STATUS.SEQ_ADJUST
  entry.shifts ??= { original: { position: 0, before: 0, after: 0 }, reply: { position: 0, before: 0, after: 0 } }
  const way = entry.shifts[direction]
  if (way.before !== way.after && !before(way.position, sequence)) return
  way.position = sequence
  way.before = way.after
  way.after += difference
}

/** nf_ct_seqadj_init: all numbers of this direction are shifted by so much. Nothing changes where they would not be shifted. */
export function beginAdjustment(entry: Entry, direction: Direction, difference: number): void {
  if (difference === 0) return
  entry.status |= CT_STATUS.SEQ_ADJUST
  entry.shifts ??= { original: { position: 0, before: 0, after: 0 }, reply: { position: 0, before: 0, after: 0 } }
  entry.shifts[direction].before = entry.shifts[direction].after = difference
}

/**
 * synproxy_tstamp_adjust: the server's clock is `later` than that of SYNPROXY, which the client has heard first. `own`: the packet is the client's, which echoes
 * the server's clock; else the server's.
 */
export function adjustTimestamp(packet: Packet, offset: number, later: number, own: boolean): void {
  const at = later === 0 ? undefined : timestampAt(packet)
  if (at === undefined) return
  const where = own ? at + 6 : at + 2
  const old = u32(packet.bytes, where)!
  replace(packet, offset, where, wrap(own ? old + later : old - later))
}

/** nf_ct_seq_offset: by how much the numbers of this direction are shifted at `sequence`. */
export function shiftAt({ shifts }: Entry, direction: Direction, sequence: number): number {
  if (!shifts) return 0
  const { position, before: earlier, after: later } = shifts[direction]
  return after(sequence, position) ? later : earlier
}

const unshifted = (number: number, { position, before: earlier, after: later }: SequenceShift): number =>
  wrap(number - (after(wrap(number - earlier), position) ? later : earlier))

const [END, NOTHING, SACK] = [0, 1, 5]

/**
 * nf_ct_seq_adjust: this direction's numbers, and what it says of the other's. An ICMP error about the connection is taken for a segment: what stands
 * where a segment has its numbers is changed. False: the header or its options are cut off, and the packet is dropped. */
export function adjustSequence(packet: Packet, offset: number, entry: Entry, direction: Direction): boolean {
  const { bytes } = packet
  const shifts = entry.shifts
  if (!shifts) return true
  if (offset + 20 > bytes.length) return false
  const [own, other] = [shifts[direction], shifts[opposite(direction)]]
  const sequence = u32(bytes, offset + 4)!
  replace(packet, offset, offset + 4, wrap(sequence + (after(sequence, own.position) ? own.after : own.before)))
  if (!(bytes[offset + 13]! & ACK)) return true
  replace(packet, offset, offset + 8, unshifted(u32(bytes, offset + 8)!, other))
  return adjustSack(packet, offset, other)
}

const ACK = 16

/** nf_ct_sack_adjust. */
function adjustSack(packet: Packet, offset: number, other: SequenceShift): boolean {
  const { bytes } = packet
  const end = offset + (bytes[offset + 12]! >> 4) * 4
  if (end > bytes.length) return false
  for (let at = offset + 20; at < end; ) {
    const kind = bytes[at]!
    if (kind === END) return true
    if (kind === NOTHING) {
      at++
      continue
    }
    const length = bytes[at + 1]!
    if (at + 1 === end || at + length > end || length < 2) return false
    if (kind === SACK && length >= 10 && (length - 2) % 8 === 0)
      for (let edge = at + 2; edge < at + length; edge += 4)
        replace(packet, offset, edge, unshifted(u32(bytes, edge)!, other))
    at += length
  }
  return true
}

/** The checksum goes along with the four bytes, as inet_proto_csum_replace4 does it wherever they lie. */
function replace({ bytes }: Packet, offset: number, at: number, to: number): void {
  const from = u32(bytes, at)!
  put32(bytes, at, to)
  replaceTcpSum(bytes, offset, from, to)
}

function replaceTcpSum(bytes: Uint8Array, offset: number, from: number, to: number): void {
  const words = (value: number) => (value >>> 16) + (value & 0xffff)
  const sum = (bytes[offset + 16]! << 8) | bytes[offset + 17]!
  const check = replaceSum(sum, words(from), words(to))
  bytes[offset + 16] = check >>> 8
  bytes[offset + 17] = check
}
