import type { Ip } from '../address/ip.js'
import { PROTOCOL } from '../packet/checksum.js'
import { FIELDS } from '../packet/fields.js'
import type { Effect } from '../rules/effect.js'
import type { Cursor } from './cursor.js'
import type { Done } from './done.js'
import { bestSocket } from './sockets.js'
import { placeName, type Socket, socketName } from './world.js'

const PORTS = 8
const TCP_HEADER = 20

/**
 * TPROXY (net/netfilter/xt_TPROXY.c: tproxy_tg4, tproxy_tg6_v1; net/ipv4/netfilter/nf_tproxy_ipv4.c): the socket of this connection, else one that listens
 * where the rule says. Sockets in TIME_WAIT are in a listing only where it was asked for them.
 */
export function toSocket(cursor: Cursor, effect: Extract<Effect, { do: 'to-socket' }>): Done {
  const { skb, netns, run } = cursor
  const { packet, iif } = skb
  const { protocol: number, offset } = packet.transport
  const protocol = number === PROTOCOL.TCP ? 'tcp' : 'udp'
  if (offset + PORTS > packet.bytes.length) return { did: 'DROP (the ports are cut off)', verdict: 'drop' }
  const [sport, dport] = [FIELDS['th.sport'].read(packet) ?? 0, FIELDS['th.dport'].read(packet) ?? 0]
  const port = effect.port || dport
  const redirected = () => {
    skb.mark = ((skb.mark & ~effect.mask) ^ effect.mark) >>> 0
  }
  const { sockets } = netns.state
  const own = netns.flowSocket(packet)
  if (!own && !sockets) {
    run.assume(
      `${placeName(cursor.place)}: no list of sockets: a transparent one is taken to listen on ${protocol} ${port}`,
    )
    redirected()
    skb.socket = 'assumed'
    return { did: `TPROXY to ${protocol} ${port} (assumed)`, verdict: 'accept' }
  }
  const headed = number !== PROTOCOL.TCP || offset + TCP_HEADER <= packet.bytes.length
  const [src, dst] = [netns.addressOf(packet, 'src'), netns.addressOf(packet, 'dst')]
  const ends = { protocol, family: packet.family, iif, src, sport } as const
  const ofState = (state: Socket['state']) => (sockets ?? []).filter((socket) => socket.state === state)
  const local = effect.ip ?? deviceAddress(cursor) ?? dst
  const found =
    own ??
    (headed
      ? (bestSocket(ofState('connected'), { ...ends, dst, dport }) ??
        bestSocket(ofState('listen'), { ...ends, dst: local, dport: port }))
      : undefined)
  if (!found) return { did: `TPROXY: nothing listens on ${protocol} ${port}`, verdict: 'drop' }
  run.assume(`${placeName(cursor.place)}: ${socketName(found)} is taken to be transparent (IP_TRANSPARENT)`)
  redirected()
  skb.socket = found
  return { did: `TPROXY to ${socketName(found)}`, verdict: 'accept' }
}

/** nf_tproxy_laddr4, nf_tproxy_laddr6: the first address of the device by which the packet came in. */
function deviceAddress({ skb, netns }: Cursor): Ip | undefined {
  const four = skb.packet.family === 4
  const usable = netns.interfaces
    .addresses(skb.iif ?? '')
    .filter(({ prefix: { ip }, secondary, usable, deprecated }) =>
      four ? typeof ip === 'number' && !secondary : typeof ip === 'bigint' && usable && !deprecated,
    )
  return usable[0]?.prefix.ip
}
