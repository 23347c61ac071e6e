import type { Family, Ip } from '../address/ip.js'
import { PROTOCOL } from '../packet/checksum.js'
import { CT_STATUS, FIELDS } from '../packet/fields.js'
import { u8 } from '../packet/packet.js'
import { type HostValue, type Reading, UNKNOWN } from '../rules/interpret.js'
import type { Cursor } from './cursor.js'
import type { Socket } from './world.js'

/** Whom a packet is for. */
export interface SocketSought {
  readonly protocol: 'tcp' | 'udp'
  readonly family: Family
  readonly iif: string | undefined
  /** The port by which it came into a VRF. */
  readonly vrfPort?: string | undefined
  /** Sockets that are bound to no device take what comes into a VRF (net.ipv4.tcp_l3mdev_accept, udp_l3mdev_accept). */
  readonly acceptsVrf?: boolean
  readonly src: Ip
  readonly dst: Ip
  readonly sport: number | undefined
  readonly dport: number | undefined
}

/** The best match, as the kernel scores them: a connection before a listener, a bound address before any. */
export function bestSocket(sockets: readonly Socket[], sought: SocketSought): Socket | undefined {
  const { protocol, family, iif, src, dst, sport, dport } = sought
  // include/net/inet_sock.h: inet_bound_dev_eq
  const anywhere = sought.vrfPort === undefined || sought.acceptsVrf === true
  const fitting = sockets.filter(
    (socket) =>
      socket.protocol === protocol &&
      socket.port === dport &&
      (socket.family === 'both' || socket.family === family) &&
      (socket.local === undefined || socket.local === dst) &&
      (socket.dev === undefined ? anywhere : socket.dev === iif || socket.dev === sought.vrfPort) &&
      (socket.state === 'listen' || (socket.remote === src && socket.remotePort === sport)),
  )
  const score = (socket: Socket) =>
    (socket.state === 'connected' ? 4 : 0) + (socket.local !== undefined ? 2 : 0) + (socket.dev !== undefined ? 1 : 0)
  return fitting.sort((a, b) => score(b) - score(a))[0]
}

/** ICMP messages about another packet (icmp_is_err); ICMPv6 ones are those below 128. */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12])
const INFORMATIONAL = 128
const TCP_HEADER = 20
const UDP_HEADER = 8

/**
 * Does this host have a socket for the packet (net/netfilter/xt_socket.c: socket_match; nf_sk_lookup_slow_v4, nf_sk_lookup_slow_v6)?
 * Connections that are closing (TIME_WAIT) are in the listing only where it was asked for them.
 */
export function hasSocket({ netns, skb }: Cursor, { wildcard }: Extract<HostValue, { from: 'socket' }>): Reading {
  const { packet, iif, tracking } = skb
  const { bytes, family, transport } = packet
  const { protocol, offset } = transport
  const { sockets } = netns.state
  if (sockets?.length === 0) return 0
  if (protocol === (family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6)) {
    const type = u8(bytes, offset)
    const isError = type !== undefined && (family === 4 ? ICMP_ERRORS.has(type) : type < INFORMATIONAL)
    return isError ? UNKNOWN : 0
  }
  if (protocol !== PROTOCOL.TCP && protocol !== PROTOCOL.UDP) return 0
  if (offset + (protocol === PROTOCOL.TCP ? TCP_HEADER : UDP_HEADER) > bytes.length) return 0
  if (!sockets) return UNKNOWN
  // the reply of a connection whose source was translated is for the address that was there before
  const attachment = tracking?.is === 'tracked' ? tracking.attachment : undefined
  const before =
    attachment?.state === 'ESTABLISHED' &&
    attachment.direction === 'reply' &&
    attachment.entry.status & CT_STATUS.SRC_NAT_DONE
      ? attachment.entry.original
      : undefined
  const found = bestSocket(sockets, {
    protocol: protocol === PROTOCOL.TCP ? 'tcp' : 'udp',
    family,
    iif,
    dst: before?.src ?? netns.addressOf(packet, 'dst'),
    src: netns.addressOf(packet, 'src'),
    dport: before?.sport ?? FIELDS['th.dport'].read(packet),
    sport: FIELDS['th.sport'].read(packet),
  })
  return found && (wildcard || found.local !== undefined) ? 1 : 0
}
