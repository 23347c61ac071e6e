import { checksumOk, recomputeTransport } from '../../packet/checksum.js'
import { CT_STATUS } from '../../packet/fields.js'
import { Packet, u8 } from '../../packet/packet.js'
import { manipulate } from '../../packet/rewrite.js'
import type { Attachment } from '../entry.js'
import { type Direction, invertTuple, isIcmp, opposite, type Tuple } from '../tuple.js'
import type { Manip } from './setup.js'

/** Does this connection's translation concern a packet of this direction on a hook that makes this manip (nf_nat_packet)? */
export function concerns({ entry, direction }: Attachment, manip: Manip): boolean {
  const bit = (manip === 'src') === (direction === 'original') ? CT_STATUS.SRC_NAT : CT_STATUS.DST_NAT
  return (entry.status & bit) !== 0
}

const tupleFor = ({ entry }: Attachment, direction: Direction): Tuple =>
  direction === 'original' ? entry.original : entry.reply

/** nf_nat_packet: rewrites the packet if its connection is translated on this side. False: it must be dropped. */
export function translate(packet: Packet, attachment: Attachment, manip: Manip): boolean {
  if (!concerns(attachment, manip)) return true
  const target = invertTuple(tupleFor(attachment, opposite(attachment.direction)))!
  return manipulate(packet, manip, part(target, manip))
}

const part = (target: Tuple, manip: Manip) => ({
  ip: manip === 'src' ? target.src : target.dst,
  port: isIcmp(target.protocol) || manip === 'src' ? target.sport : target.dport,
})

const ERRORS4: ReadonlySet<number> = new Set([3, 4, 5, 11, 12])

export function isIcmpError(packet: Packet): boolean {
  const type = u8(packet.bytes, packet.transport.offset)
  if (type === undefined) return false
  return packet.family === 4 ? ERRORS4.has(type) : type < 128
}

/**
 * nf_nat_icmp_reply_translation: an ICMP error about a translated connection: the packet that it quotes is turned back with the opposite
 * manip, then the error itself is translated. False: it must be dropped.
 */
export function translateIcmpError(packet: Packet, attachment: Attachment, manip: Manip): boolean {
  const { entry, direction } = attachment
  const { protocol, offset } = packet.transport
  if (packet.bytes.length < offset + 8 || !checksumOk(packet)) return false
  if (!isIcmpError(packet)) return true
  if (protocol === 1 && u8(packet.bytes, offset) === REDIRECT) {
    // one about a packet that has not passed POSTROUTING yet is dropped as well
    const decided = CT_STATUS.SRC_NAT_DONE | CT_STATUS.DST_NAT_DONE
    if ((entry.status & decided) !== decided || entry.status & (CT_STATUS.SRC_NAT | CT_STATUS.DST_NAT)) return false
  }
  const bit = (manip === 'src') === (direction === 'original') ? CT_STATUS.SRC_NAT : CT_STATUS.DST_NAT
  if (!(entry.status & bit)) return true
  const inner = new Packet(packet.bytes.subarray(offset + 8))
  const reversed: Manip = manip === 'src' ? 'dst' : 'src'
  const quoted = tupleFor(attachment, opposite(direction)) // it ran the other way
  if (!manipulate(inner, reversed, part(quoted, reversed))) return false
  recomputeTransport(packet)
  const target = invertTuple(tupleFor(attachment, opposite(direction)))!
  return manipulate(packet, manip, { ip: manip === 'src' ? target.src : target.dst, port: undefined })
}

const REDIRECT = 5
