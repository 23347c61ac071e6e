import { PROTOCOL } from '../packet/checksum.js'
import { CT_STATUS } from '../packet/fields.js'
import { type Packet, u16 } from '../packet/packet.js'
import type { Entry } from './entry.js'
import { icmpFault } from './icmp.js'
import { accepted, invalid, type Judgement } from './judgement.js'
import { sctpHeaderFault, sctpPacket } from './sctp.js'
import type { Settings } from './settings.js'
import { NAT_CLASH } from './store.js'
import { CLOSING, newTcp, tcpPacket } from './tcp.js'
import { readSegment, tcpHeaderFault } from './tcp-segment.js'
import type { Direction } from './tuple.js'

export interface Surroundings {
  readonly settings: Settings
  /** Seconds since the epoch. */
  readonly now: number
  /** Where the transport header begins. */
  readonly offset: number
  /** True also where nobody looks. */
  readonly checksumGood: () => boolean
}

const CLOSING_SCTP: ReadonlySet<string> = new Set(['SHUTDOWN_SENT', 'SHUTDOWN_RECD', 'SHUTDOWN_ACK_SENT'])

/** tcp_can_early_drop, sctp_can_early_drop. */
export const isClosing = ({ protocol }: Entry): boolean =>
  protocol.kind === 'tcp' ? CLOSING.has(protocol.state) : protocol.kind === 'other' && CLOSING_SCTP.has(protocol.state)

/** One packet of a connection, by its protocol (nf_conntrack_handle_packet). A connection that is not confirmed yet begins with it. */
export function judgePacket(entry: Entry, packet: Packet, direction: Direction, around: Surroundings): Judgement {
  switch (entry.original.protocol) {
    case PROTOCOL.TCP:
      return judgeTcp(entry, packet, direction, around)
    case PROTOCOL.UDP:
      return judgeUdp(entry, packet, around)
    case PROTOCOL.UDPLITE:
      return judgeUdpLite(entry, packet, around)
    case PROTOCOL.SCTP:
      return judgeSctp(entry, packet, direction, around)
    case PROTOCOL.ICMP:
    case PROTOCOL.ICMPV6:
      return judgeIcmp(entry, around)
    case PROTOCOL.GRE:
      return judgeGre(entry, around)
    default:
      return accepted(around.settings.timeout('generic'))
  }
}

const isNew = ({ status }: Entry): boolean => (status & CT_STATUS.CONFIRMED) === 0

function judgeTcp(entry: Entry, packet: Packet, direction: Direction, around: Surroundings): Judgement {
  const { settings, offset, checksumGood, now } = around
  const fault = tcpHeaderFault(packet, offset, checksumGood)
  if (fault) return invalid(fault)
  const segment = readSegment(packet, offset)
  if (isNew(entry)) {
    const data = newTcp(segment, settings)
    if (!data) return invalid('no TCP segment that begins a connection')
    entry.protocol = data
  }
  if (entry.protocol.kind !== 'tcp') return invalid('a TCP connection without a state')
  return tcpPacket(entry, entry.protocol, segment, direction, settings, now)
}

/** UDP that goes on for so many seconds, both ways, is a stream. */
const STREAM_AFTER = 2

const seenReply = ({ status }: Entry): boolean => (status & CT_STATUS.SEEN_REPLY) !== 0

/** nf_conntrack_udp_packet. */
function judgeUdp(entry: Entry, packet: Packet, around: Surroundings): Judgement {
  const { settings, now } = around
  const fault = udpFault(packet, around)
  if (fault) return invalid(fault)
  if (isNew(entry) || entry.protocol.kind !== 'udp')
    entry.protocol = { kind: 'udp', stream: false, streamSince: now + STREAM_AFTER }
  const { protocol } = entry
  if (!seenReply(entry) || now <= protocol.streamSince) return accepted(settings.timeout('udp'))
  protocol.stream = true
  if (!(entry.status & NAT_CLASH)) entry.status |= CT_STATUS.ASSURED
  return accepted(settings.timeout('udp_stream'))
}

function udpFault({ bytes }: Packet, { offset, checksumGood }: Surroundings): string | undefined {
  const all = bytes.length - offset
  if (all < 8) return 'short UDP packet'
  const length = u16(bytes, offset + 4)!
  if (length > all || length < 8) return 'truncated or malformed UDP packet'
  return u16(bytes, offset + 6) === 0 || checksumGood() ? undefined : 'wrong UDP checksum'
}

/** nf_conntrack_udplite_packet: a stream from the first answer on. */
function judgeUdpLite(entry: Entry, packet: Packet, around: Surroundings): Judgement {
  const { settings } = around
  const fault = udpLiteFault(packet, around)
  if (fault) return invalid(fault)
  if (!seenReply(entry)) return accepted(settings.timeout('udp'))
  entry.status |= CT_STATUS.ASSURED
  return accepted(settings.timeout('udp_stream'))
}

function udpLiteFault({ bytes }: Packet, { offset, checksumGood }: Surroundings): string | undefined {
  const all = bytes.length - offset
  if (all < 8) return 'short UDP-Lite packet'
  const coverage = u16(bytes, offset + 4)!
  if (coverage !== 0 && (coverage < 8 || coverage > all)) return 'wrong UDP-Lite checksum coverage'
  if (u16(bytes, offset + 6) === 0) return 'UDP-Lite without a checksum'
  return checksumGood() ? undefined : 'wrong UDP-Lite checksum'
}

function judgeSctp(entry: Entry, packet: Packet, direction: Direction, around: Surroundings): Judgement {
  const { settings, offset, checksumGood } = around
  const fault = sctpHeaderFault(packet, offset, checksumGood)
  if (fault) return invalid(fault)
  if (entry.protocol.kind !== 'other') return invalid('an SCTP connection without a state')
  return sctpPacket(entry, entry.protocol, packet, offset, direction, settings)
}

function judgeIcmp({ original }: Entry, { settings }: Surroundings): Judgement {
  const fault = icmpFault(original)
  return fault ? invalid(fault) : accepted(settings.timeout(original.family === 4 ? 'icmp' : 'icmpv6'))
}

/** nf_conntrack_gre_packet. */
function judgeGre(entry: Entry, { settings }: Surroundings): Judgement {
  if (!seenReply(entry)) return accepted(settings.timeout('gre_timeout'))
  entry.status |= CT_STATUS.ASSURED
  return accepted(settings.timeout('gre_timeout_stream'))
}
