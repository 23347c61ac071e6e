import type { Family } from '../../address/ip.js'
import { checksumOk, recomputeTransport } from '../../packet/checksum.js'
import { CT_STATUS } from '../../packet/fields.js'
import { Packet, u8 } from '../../packet/packet.js'
import { type ManipTarget, manipulate } from '../../packet/rewrite.js'
import type { Attachment } from '../entry.js'
import { type Direction, invertTuple, isIcmp, opposite, type Tuple } from '../tuple.js'
import type { Manip } from './range.js'

/** Does this connection's translation concern a packet of this direction on a hook that makes this manip (nf_nat_packet)? */
export function concerns({ entry, direction }: Attachment, manip: Manip): boolean {
  const bit = (manip === 'src') === (direction === 'original') ? CT_STATUS.SRC_NAT : CT_STATUS.DST_NAT
  return (entry.status & bit) !== 0
}

const tupleFor = ({ entry }: Attachment, direction: Direction): Tuple =>
  direction === 'original' ? entry.original : entry.reply

/** What a packet of this direction must look like once it is translated: the inverse of the other direction. */
const targetOf = (attachment: Attachment): Tuple => invertTuple(tupleFor(attachment, opposite(attachment.direction)))!

/** nf_nat_packet: rewrites the packet if its connection is translated on this side. False: it must be dropped. */
export function translate(packet: Packet, attachment: Attachment, manip: Manip): boolean {
  return !concerns(attachment, manip) || manipulate(packet, manip, part(targetOf(attachment), manip))
}

const part = (target: Tuple, manip: Manip) => ({
  ip: manip === 'src' ? target.src : target.dst,
  port: isIcmp(target.protocol) || manip === 'src' ? target.sport : target.dport,
})

const ERRORS4: ReadonlySet<number> = new Set([3, 4, 5, 11, 12])

export function isIcmpError(packet: Packet): boolean {
  const type = u8(packet.bytes, packet.transport.offset)
  if (type === undefined) return false
  return packet.family === 4 ? ERRORS4.has(type) : type < 128 || type === REDIRECT[6]
}

const REDIRECT = { 4: 5, 6: 137 } as const
const ICMP_HEADER = 8
const QUOTED_HEADER = { 4: 20, 6: 40 } as const
const DECIDED = CT_STATUS.SRC_NAT_DONE | CT_STATUS.DST_NAT_DONE
const TRANSLATED = CT_STATUS.SRC_NAT | CT_STATUS.DST_NAT

/**
 * nf_nat_icmp_reply_translation, nf_nat_icmpv6_reply_translation: an ICMP error about a translated connection: the packet that it quotes is turned
 * back with the opposite manip, then the error itself is translated. False: it must be dropped, which befalls errors that are cut off or have a
 * wrong checksum, and redirects about connections that are translated, or may still be.
 */
export function translateIcmpError(packet: Packet, attachment: Attachment, manip: Manip, summed = false): boolean {
  const { entry, direction } = attachment
  const { bytes, family, transport } = packet
  const inside = transport.offset + ICMP_HEADER
  if (bytes.length < inside + QUOTED_HEADER[family] || !(summed || checksumOk(packet))) return false
  if (u8(bytes, transport.offset) === REDIRECT[family])
    if ((entry.status & DECIDED) !== DECIDED || entry.status & TRANSLATED) return false
  if (!concerns(attachment, manip)) return true
  const reversed: Manip = manip === 'src' ? 'dst' : 'src'
  const quoted = part(tupleFor(attachment, opposite(direction)), reversed) // it ran the other way
  if (!manipulateQuoted(bytes.subarray(inside), family, reversed, quoted)) return false
  recomputeTransport(packet)
  return manipulate(packet, manip, { ip: part(targetOf(attachment), manip).ip, port: undefined })
}

/** What an ICMP error quotes is of the error's family, whatever its version says: nobody looks at that. */
function manipulateQuoted(bytes: Uint8Array, family: Family, manip: Manip, to: ManipTarget): boolean {
  const first = bytes[0]!
  bytes[0] = (family << 4) | (first & 15)
  const done = manipulate(new Packet(bytes), manip, to)
  bytes[0] = first
  return done
}
