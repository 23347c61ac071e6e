import { checksumOk, PROTOCOL } from '../../packet/checksum.js'
import { FIELDS } from '../../packet/fields.js'
import { protocolName } from '../../packet/headers.js'
import { type Packet, u8, u16 } from '../../packet/packet.js'
import { isMulticast } from '../../routing/classify.js'
import { echo, sendIcmpError, sendStackReset, timestamp } from '../answers.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { openHeaders } from '../headers6.js'
import { bestSocket } from '../sockets.js'
import type { ExitOf } from '../stages.js'
import { sumHolds } from '../sums.js'
import { placeName, type Socket, socketName } from '../world.js'
import { tunnelOf } from './decapsulate.js'
import { isTunnelled } from './ip-tunnel.js'
import { checkPolicy } from './ipsec.js'

const FIN = 1
const SYN = 2
const RST = 4
const ACK = 16

/** What the kernel itself has a receiver for: an error about any other protocol belongs to its connection (ip_protocol_deliver_rcu). */
const KNOWN: Readonly<Record<4 | 6, ReadonlySet<number>>> = {
  4: new Set([PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.UDPLITE, PROTOCOL.ICMP, PROTOCOL.IGMP]),
  6: new Set([PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.UDPLITE, PROTOCOL.ICMPV6]),
}

/** ip_local_deliver_finish: a tunnel, a socket, or the stack's own answer. */
export function deliver(cursor: Cursor): ExitOf<'deliver'> | Fate {
  const upper = cursor.skb.packet.family === 6 ? openHeaders(cursor) : undefined
  if (upper && 'outcome' in upper) return upper
  const { packet, type } = cursor.skb
  const protocol = upper?.protocol ?? packet.transport.protocol
  if (KNOWN[packet.family].has(protocol)) cursor.skb.tracking = undefined // nf_reset_ct: what answers from here on is tracked anew
  if (tunnelOf(cursor)) {
    if (protocol === PROTOCOL.UDP && !isIntact(cursor)) return cursor.drop('checksum', 'wrong udp checksum')
    return 'tunnel'
  }
  const refused = checkPolicy(cursor, 'in')
  if (refused) return refused
  if (isTunnelled(cursor)) {
    // net/ipv4/tunnel4.c: tunnel4_rcv; net/ipv4/ip_gre.c: gre_rcv
    const answer = sendIcmpError(cursor, { type: 3, code: 3 })
    return cursor.drop('no-tunnel', `no tunnel here takes ${protocolName(protocol)} of this sender`, { answer })
  }
  if (!KNOWN[packet.family].has(protocol)) {
    // RFC 4443 section 3.4: "unrecognized next header" points at the byte that names it
    const answer = sendIcmpError(cursor, upper ? { type: 4, code: 1, info: upper.named } : { type: 3, code: 2 })
    return cursor.drop('no-protocol', `nothing here takes protocol ${protocolName(protocol)}`, { answer })
  }
  if (protocol !== PROTOCOL.IGMP && !isIntact(cursor))
    return cursor.drop('checksum', `wrong ${protocolName(protocol)} checksum`)
  switch (protocol) {
    case PROTOCOL.TCP:
      return type === 'host' ? tcp(cursor) : cursor.drop('not-for-this-host', 'TCP takes no broadcasts')
    case PROTOCOL.UDP:
    case PROTOCOL.UDPLITE:
      return udp(cursor)
    case PROTOCOL.ICMP:
    case PROTOCOL.ICMPV6:
      return icmp(cursor)
    default:
      return delivered(cursor, undefined, 'to the kernel (IGMP)')
  }
}

/** RFC 8200 section 8.1: in IPv6 a UDP checksum is not left out (net/ipv6/ip6_checksum.c: udp6_csum_init). */
const lacksChecksum = ({ family, bytes, transport: { protocol, offset } }: Packet): boolean =>
  family === 6 && (protocol === PROTOCOL.UDP || protocol === PROTOCOL.UDPLITE) && u16(bytes, offset + 6) === 0

/** A longer packet's sum is not made anew where the first came out wrong (CHECKSUM_BREAK). */
const SUMMED_TWICE = 76

/**
 * What connection tracking has summed is believed, even where SNPT has changed an address since: it is in the header and in the pseudo header. Not where a
 * rule has changed another field of the IPv6 header (DSCP, TOS, HL): the sum over the whole packet, less the header as it is now, is wrong then, and all
 * but UDP sum again (__skb_checksum_validate_complete; net/ipv6/ip6_checksum.c: udp6_csum_init, csum_complete_sw).
 */
function isIntact({ skb }: Cursor): boolean {
  const { packet, sum } = skb
  if (lacksChecksum(packet)) return false
  if (sumHolds(skb)) return true
  const { protocol, offset } = packet.transport
  const once = protocol === PROTOCOL.UDP && (u16(packet.bytes, offset + 4) ?? 0) > SUMMED_TWICE
  return !(sum.is === 'complete' && once) && checksumOk(packet)
}

function delivered(cursor: Cursor, socket: string | undefined, text: string): Fate {
  cursor.record({ kind: 'deliver', socket, text })
  return cursor.fate({
    outcome: 'delivered',
    reason: socket ? 'socket' : 'kernel',
    text,
    hook: undefined,
    interface: cursor.skb.iif,
  })
}

/** What TCP wants of an address, else it says nothing (tcp_v4_conn_request, tcp_v4_send_reset; ipv6_unicast_destination). */
function isUnicast({ skb, netns }: Cursor): boolean {
  const result = skb.destination?.result
  return result !== 'broadcast' && result !== 'multicast' && !netns.isAnycast(netns.addressOf(skb.packet, 'dst'))
}

function tcp(cursor: Cursor): Fate {
  const { packet } = cursor.skb
  const flags = FIELDS['tcp.flags'].read(packet) ?? 0
  const port = FIELDS['th.dport'].read(packet)!
  const socket = findSocket(cursor, 'tcp')
  const asks = (flags & (SYN | ACK | RST | FIN)) === SYN
  const unicast = isUnicast(cursor)
  if (asks && !unicast) return cursor.drop('not-for-this-host', 'TCP takes connections to a unicast address only')
  if (socket === 'unknown') return assumedSocket(cursor, 'tcp', port)
  if (socket && (asks || socket.state === 'connected'))
    return delivered(cursor, socketName(socket), `to ${socketName(socket)}`)
  // tcp_rcv_state_process, TCP_LISTEN: a reset for what acknowledges something, nothing for the rest
  const silent = !unicast || (socket && (flags & ACK) === 0)
  const answer = silent ? undefined : sendStackReset(cursor)
  const what = socket ? `no connection of ${socketName(socket)} takes this segment` : `nothing listens on tcp ${port}`
  return cursor.drop('no-socket', answer ? `${what}: the stack answers with RST` : what, { answer })
}

function udp(cursor: Cursor): Fate {
  const { packet, type } = cursor.skb
  const port = FIELDS['th.dport'].read(packet)!
  const socket = findSocket(cursor, 'udp')
  if (socket === 'unknown') return assumedSocket(cursor, 'udp', port)
  if (socket) return delivered(cursor, socketName(socket), `to ${socketName(socket)}`)
  const answer =
    type === 'host'
      ? sendIcmpError(cursor, packet.family === 4 ? { type: 3, code: 3 } : { type: 1, code: 4 })
      : undefined
  const text = `nothing listens on udp ${port}${answer ? ': the stack answers with ICMP port unreachable' : ''}`
  return cursor.drop('no-socket', text, { answer })
}

const ECHO = { 4: 8, 6: 128 } as const
const TIMESTAMP = 13

/** icmp_rcv, icmpv6_rcv: questions are answered, unless a setting says not to. */
function icmp(cursor: Cursor): Fate {
  const { packet } = cursor.skb
  const { family, bytes, transport } = packet
  const kind = u8(bytes, transport.offset)
  const stamp = family === 4 && kind === TIMESTAMP
  if (kind !== ECHO[family] && !stamp) return delivered(cursor, undefined, 'to the kernel (ICMP)')
  const setting = silencing(cursor, stamp)
  if (setting !== undefined) return cursor.drop('echo-ignored', `${setting} = 1: no answer`)
  const answer = stamp ? timestamp(cursor) : echo(cursor)
  const question = stamp ? 'timestamp request' : 'echo request'
  cursor.record({ kind: 'deliver', socket: undefined, text: `to the kernel, which answers the ${question}` })
  return cursor.fate({
    outcome: 'delivered',
    reason: 'kernel',
    text: `the kernel answers the ${question}`,
    hook: undefined,
    answer,
  })
}

/** The setting that keeps an ICMP question from being answered. */
function silencing({ skb, netns }: Cursor, stamp: boolean): string | undefined {
  const { packet, type, destination } = skb
  const dst = netns.addressOf(packet, 'dst')
  const alone = type === 'host' || destination?.result === 'local'
  const settings =
    packet.family === 4
      ? [
          ...(alone ? [] : ['net.ipv4.icmp_echo_ignore_broadcasts']),
          ...(stamp ? [] : ['net.ipv4.icmp_echo_ignore_all']),
        ]
      : [
          'net.ipv6.icmp.echo_ignore_all',
          ...(isMulticast(dst) ? ['net.ipv6.icmp.echo_ignore_multicast'] : []),
          ...(isMulticast(dst) || netns.isLocal(dst) ? [] : ['net.ipv6.icmp.echo_ignore_anycast']),
        ]
  return settings.find((setting) => netns.flag(setting))
}

function assumedSocket(cursor: Cursor, protocol: 'tcp' | 'udp', port: number): Fate {
  const place = placeName(cursor.place)
  cursor.run.assume(`${place}: no list of sockets: something is taken to listen on ${protocol} ${port}`)
  return delivered(cursor, `${protocol} port ${port} (assumed)`, `to whatever listens on ${protocol} ${port}`)
}

function findSocket({ netns, skb }: Cursor, protocol: 'tcp' | 'udp'): Socket | 'unknown' | undefined {
  const { packet, iif } = skb
  if (skb.socket) return skb.socket === 'assumed' ? 'unknown' : skb.socket
  const flow = netns.flowSocket(packet)
  if (flow) return flow
  if (!netns.state.sockets) return 'unknown'
  return bestSocket(netns.state.sockets, {
    protocol,
    family: packet.family,
    iif,
    vrfPort: skb.vrfPort,
    acceptsVrf: netns.flag(`net.ipv4.${protocol}_l3mdev_accept`),
    dst: netns.addressOf(packet, 'dst'),
    src: netns.addressOf(packet, 'src'),
    dport: FIELDS['th.dport'].read(packet),
    sport: FIELDS['th.sport'].read(packet),
  })
}
