import { buildPacket, type TransportFields } from '../packet/build.js'
import { FIELDS } from '../packet/fields.js'
import type { Packet } from '../packet/packet.js'

const address = (packet: Packet, end: 'src' | 'dst') =>
  (packet.family === 4
    ? FIELDS[end === 'src' ? 'ip.saddr' : 'ip.daddr'].read(packet)
    : FIELDS[end === 'src' ? 'ip6.saddr' : 'ip6.daddr'].read(packet))!

const SYN = 2
const ACK = 16
const WINDOW = 65160

/** What a server that takes this packet sends back first: SYN-ACK, or a datagram. */
export function replyTo(packet: Packet): Packet | undefined {
  const transport = answering(packet)
  if (!transport) return undefined
  return buildPacket(
    { src: address(packet, 'dst'), dst: address(packet, 'src'), ttl: 64, id: 0, df: true },
    transport,
    new Uint8Array(0),
  )
}

function answering(packet: Packet): TransportFields | undefined {
  const [sport, dport] = [FIELDS['th.dport'].read(packet), FIELDS['th.sport'].read(packet)]
  if (sport === undefined || dport === undefined) return undefined
  if (packet.transport.protocol === 17) return { is: 'udp', sport, dport }
  if (packet.transport.protocol !== 6) return undefined
  const acknowledgement = ((FIELDS['tcp.sequence'].read(packet) ?? 0) + 1) >>> 0
  return { is: 'tcp', sport, dport, flags: SYN | ACK, sequence: 1000, acknowledgement, window: WINDOW }
}

/** The sender's next packet, once it has its answer, which it acknowledges. */
export function following(first: Packet, acknowledgement: number): Packet | undefined {
  const [sport, dport] = [FIELDS['th.sport'].read(first), FIELDS['th.dport'].read(first)]
  if (sport === undefined || dport === undefined) return undefined
  const ip = {
    src: address(first, 'src'),
    dst: address(first, 'dst'),
    ttl: FIELDS['ip.ttl'].read(first) ?? 64,
    id: 0,
    df: true,
  }
  if (first.transport.protocol === 17) return buildPacket(ip, { is: 'udp', sport, dport }, new Uint8Array(0))
  if (first.transport.protocol !== 6) return undefined
  const sequence = ((FIELDS['tcp.sequence'].read(first) ?? 0) + 1) >>> 0
  return buildPacket(
    ip,
    { is: 'tcp', sport, dport, flags: ACK, sequence, acknowledgement, window: WINDOW },
    new Uint8Array(0),
  )
}
