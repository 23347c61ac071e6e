import { familyOf, type Ip, printIp } from '../../address/ip.js'
import { contains } from '../../address/prefix.js'
import { buildPacket } from '../../packet/build.js'
import { PROTOCOL } from '../../packet/checksum.js'
import { ETHERTYPE, trimToLength } from '../../packet/frame.js'
import { concatBytes } from '../../packet/hex.js'
import { Packet, put32, u16 } from '../../packet/packet.js'
import { sendIcmpError } from '../answers.js'
import type { Cursor } from '../cursor.js'
import type { WireGuard, WireGuardPeer } from '../device.js'
import type { Fate } from '../fate.js'
import { outputSource } from '../source.js'
import { type Link, placeName } from '../world.js'
import { type Outer, tosAround } from './outer.js'

/** Type 4, the receiver's index, a counter; behind the payload, filled up to 16 bytes, an authentication tag (messages.h: struct message_data). */
const HEADER = 16
const TAG = 16
const BLOCK = 16
const DATA = 4

/** drivers/net/wireguard/allowedips.c: the longest prefix that holds the address. */
function peerFor({ peers }: WireGuard, ip: Ip): WireGuardPeer | undefined {
  let best: { readonly peer: WireGuardPeer; readonly length: number } | undefined
  for (const peer of peers)
    for (const prefix of peer.allowed)
      if (
        familyOf(prefix.ip) === familyOf(ip) &&
        contains(prefix, ip) &&
        (best === undefined || prefix.length > best.length)
      )
        best = { peer, length: prefix.length }
  return best?.peer
}

/** A key is long; its beginning tells peers apart. */
const short = (key: string): string => `${key.slice(0, 8)}…`

/** drivers/net/wireguard/device.c: wg_xmit; socket.c: send4, send6. A session with the peer is taken as there. */
export function wrapInWireGuard(cursor: Cursor, link: Link, device: WireGuard): Outer | Fate {
  const { skb, netns, run } = cursor
  const { packet: inner } = skb
  const dst = netns.addressOf(inner, 'dst')
  const unreachable = (reason: string, text: string) => {
    const answer = sendIcmpError(cursor, inner.family === 4 ? { type: 3, code: 1 } : { type: 1, code: 3 })
    return cursor.drop(reason, text, { answer, errno: reason === 'no-peer' ? 'ENOKEY' : 'EDESTADDRREQ' })
  }
  const peer = peerFor(device, dst)
  if (!peer) return unreachable('no-peer', `the allowed IPs of no peer of ${link.name} hold ${printIp(dst)}`)
  const { endpoint } = peer
  if (!endpoint)
    return unreachable('no-endpoint', `${link.name} does not know where its peer ${short(peer.publicKey)} is`)
  const src = outputSource(cursor, endpoint.ip, undefined, device.fwmark)
  if (src === undefined) return cursor.drop('no-route', `no route to the tunnel's far end ${printIp(endpoint.ip)}`)
  run.assume(`${placeName(cursor.place)}: ${link.name} has a session with its peer at ${printIp(endpoint.ip)}`)
  const room = Math.max(0, Math.min(link.mtu, Math.ceil(inner.bytes.length / BLOCK) * BLOCK) - inner.bytes.length)
  const header = new Uint8Array(HEADER)
  header[0] = DATA
  put32(header, 4, Math.floor(run.options.random() * 2 ** 32))
  // the bytes that stand here are not those on the wire: nobody but the peer can read them
  const content = concatBytes(header, inner.bytes, new Uint8Array(room + TAG))
  const packet = buildPacket(
    { src, dst: endpoint.ip, ttl: netns.defaultTtl(familyOf(endpoint.ip)), tos: tosAround(inner, 0), id: 0, df: false },
    { is: 'udp', sport: device.port ?? 0, dport: endpoint.port },
    content,
  )
  const text = `${link.name} encrypts it for the peer at ${printIp(endpoint.ip)}, port ${endpoint.port}`
  return { packet, text, mark: device.fwmark, sealedBy: device.publicKey }
}

/** The WireGuard device whose UDP port this is. */
export function wireGuardOf({ skb: { packet }, netns }: Cursor): Link | undefined {
  const { protocol, offset } = packet.transport
  if (protocol !== PROTOCOL.UDP) return undefined
  const port = u16(packet.bytes, offset + 2)
  return netns.state.links.find(({ device, up }) => up && device?.is === 'wireguard' && device.port === port)
}

/** drivers/net/wireguard/receive.c: wg_packet_consume_data_done: the inner source has to be among the peer's allowed IPs. Undefined: nobody can tell what is in it. */
export function openWireGuard(
  cursor: Cursor,
  link: Link,
  device: WireGuard,
): { packet: Packet; text: string } | Fate | undefined {
  const { skb, netns } = cursor
  const content = skb.packet.bytes.subarray(skb.packet.transport.offset + 8 + HEADER)
  if (skb.sealedBy === undefined || content.length < 20 + TAG) return undefined
  const sealed = device.peers.find(({ publicKey }) => publicKey === skb.sealedBy)
  if (!sealed) return cursor.drop('no-peer', `${link.name} has no peer with the key ${short(skb.sealedBy)}`)
  const ethertype = content[0]! >> 4 === 6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4
  const packet = new Packet(trimToLength(content, ethertype).slice())
  const src = netns.addressOf(packet, 'src')
  if (peerFor(device, src) !== sealed)
    return cursor.drop(
      'not-allowed',
      `${printIp(src)} is not among the allowed IPs of the peer ${short(sealed.publicKey)}`,
    )
  return { packet, text: `${link.name} decrypts what its peer ${short(sealed.publicKey)} sent` }
}
