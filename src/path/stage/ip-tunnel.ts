import { type Ip, printIp } from '../../address/ip.js'
import { ipPacket } from '../../packet/build.js'
import { FIELDS } from '../../packet/fields.js'
import { buildFrame, ETHERTYPE, parseFrame, trimToLength } from '../../packet/frame.js'
import { concatBytes } from '../../packet/hex.js'
import { Packet, put16, put32, u16, u32 } from '../../packet/packet.js'
import { isMulticast } from '../../routing/classify.js'
import { sendIcmpError } from '../answers.js'
import type { Cursor } from '../cursor.js'
import type { IpTunnel } from '../device.js'
import type { Fate } from '../fate.js'
import { outputSource } from '../source.js'
import type { Link } from '../world.js'
import { type Outer, tosAround } from './outer.js'

/** Payloads of IP that are packets themselves: IPPROTO_IPIP, IPPROTO_IPV6, IPPROTO_GRE. */
const IPIP = 4
const IPV6 = 41
const GRE = 47
/** Ethernet in GRE (RFC 7637 section 3.2). */
const BRIDGED = 0x6558

/** Which protocols the tunnels of a kind send and take. Kinds that are not here are not walked. */
const CARRIES: Readonly<Record<string, readonly number[]>> = {
  ipip: [IPIP],
  sit: [IPV6, IPIP],
  gre: [GRE],
  gretap: [GRE],
}

/** What of a tunnel is not walked, for people. */
export function unwalked({ name }: Link, { kind, other }: IpTunnel): string | undefined {
  if (!CARRIES[kind]) return `${name} is a tunnel of kind ${kind}: what it sends is not followed`
  return other === undefined ? undefined : `${name} is a tunnel with ${other}: what it sends is not followed`
}

const GRE_KEY = 0x2000
const MIN_MTU6 = 1280

/** net/ipv4/ip_tunnel.c: ip_tunnel_xmit; net/ipv6/sit.c: ipip6_tunnel_xmit; net/ipv4/ip_gre.c: __gre_xmit. */
export function wrapInIp(cursor: Cursor, link: Link, device: IpTunnel): Outer | Fate {
  const { skb, netns } = cursor
  const { packet: inner } = skb
  const remote = device.remote ?? farEnd(cursor, device)
  if (typeof remote !== 'number')
    return cursor.drop('no-tunnel-end', `${link.name} does not know for which host this is: it has no remote address`)
  const src = device.local ?? outputSource(cursor, remote, device.dev)
  if (typeof src !== 'number') return cursor.drop('no-route', `no route to the tunnel's far end ${printIp(remote)}`)
  const isTap = device.kind === 'gretap'
  const protocol = device.kind === 'gre' || isTap ? GRE : inner.family === 4 ? IPIP : IPV6
  if (!CARRIES[device.kind]!.includes(protocol))
    return cursor.drop('tunnel-family', `${link.name} carries no IPv${inner.family}`)
  const content = isTap ? buildFrame(skb.packet.mac!, inner.bytes, skb.vlans) : inner.bytes
  const header = protocol === GRE ? greHeader(inner, isTap, device.outputKey) : new Uint8Array(0)
  const df = device.df || (inner.family === 4 && ((FIELDS['ip.flags'].read(inner) ?? 0) & 2) !== 0)
  const out = netns.link(device.dev ?? netns.deviceTowards(remote))
  const room = (out?.mtu ?? 65535) - 20 - header.length - (isTap ? 14 : 0)
  const tooLong = device.df ? refuseLong(cursor, room) : undefined
  if (tooLong) return tooLong
  const ttl = device.ttl || (FIELDS['ip.ttl'].read(inner) ?? netns.defaultTtl(4))
  const packet = ipPacket(
    { src, dst: remote, ttl, tos: tosAround(inner, device.tos), id: 0, df },
    protocol,
    concatBytes(header, content),
  )
  const text = `${link.name} wraps it in ${nameOf(protocol)} for ${printIp(remote)}`
  return { packet, text, dev: device.dev }
}

const nameOf = (protocol: number): string => (protocol === GRE ? 'GRE' : protocol === IPIP ? 'IPIP' : 'SIT')

/** tnl_update_pmtu: the sender is told what fits. */
function refuseLong(cursor: Cursor, room: number): Fate | undefined {
  const { packet } = cursor.skb
  const four = packet.family === 4
  const df = !four || ((FIELDS['ip.flags'].read(packet) ?? 0) & 2) !== 0
  if (packet.bytes.length <= room || !df || (!four && room < MIN_MTU6)) return undefined
  const answer = sendIcmpError(cursor, four ? { type: 3, code: 4, info: room } : { type: 2, code: 0, info: room })
  return cursor.drop('fragmentation-needed', `${packet.bytes.length} bytes do not fit into ${room}`, { answer })
}

/** Without a remote address: IPv4's next hop (NBMA), or the IPv4 address in 6to4's and IPv4-compatible ones (sit). */
function farEnd({ skb, netns }: Cursor, { kind }: IpTunnel): Ip | undefined {
  const nexthop = skb.nexthop ?? netns.addressOf(skb.packet, 'dst')
  if (typeof nexthop === 'number') return kind === 'gretap' || isMulticast(nexthop) ? undefined : nexthop
  if (kind !== 'sit') return undefined
  const dst = netns.addressOf(skb.packet, 'dst') as bigint
  for (const ip of [dst, nexthop]) {
    if (ip >> 112n === 0x2002n) return Number((ip >> 80n) & 0xffffffffn)
    if (ip >> 32n === 0n && ip > 0xffffn) return Number(ip & 0xffffffffn)
  }
  return undefined
}

/** RFC 2784 section 2.1, RFC 2890 section 2. */
function greHeader({ family }: Packet, isTap: boolean, key: number | undefined): Uint8Array {
  const header = new Uint8Array(key === undefined ? 4 : 8)
  put16(header, 0, key === undefined ? 0 : GRE_KEY)
  put16(header, 2, isTap ? BRIDGED : family === 4 ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6)
  if (key !== undefined) put32(header, 4, key)
  return header
}

interface Gre {
  readonly length: number
  readonly carries: number
  readonly key: number | undefined
}

/** net/ipv4/gre_demux.c: gre_parse_header. Undefined where it is cut off, of another version or with routing. */
function readGre(bytes: Uint8Array, at: number): Gre | undefined {
  const [flags, carries] = [u16(bytes, at), u16(bytes, at + 2)]
  if (flags === undefined || carries === undefined || (flags & 0x4007) !== 0) return undefined
  let length = 4
  if (flags & 0x8000) length += 4
  const key = flags & GRE_KEY ? u32(bytes, at + length) : undefined
  if (flags & GRE_KEY) length += 4
  if (flags & 0x1000) length += 4
  return at + length <= bytes.length ? { length, carries, key } : undefined
}

interface Found {
  readonly link: Link
  readonly device: IpTunnel
  /** Where the inner packet or frame begins. */
  readonly at: number
}

/** Is the packet of a protocol for which this host has tunnels at all? */
export const isTunnelled = ({ skb: { packet }, netns }: Cursor): boolean => {
  const { protocol } = packet.transport
  return (
    packet.family === 4 &&
    netns.state.links.some(({ device }) => device?.is === 'tunnel' && CARRIES[device.kind]?.includes(protocol))
  )
}

/** ip_tunnel_lookup: the tunnel between these two addresses, else the one to the sender, the one of this address, the one without addresses; GRE by its key as well. */
export function ipTunnelOf({ skb, netns }: Cursor): Found | undefined {
  const { packet } = skb
  const { protocol, offset, fragmentOffset } = packet.transport
  if (packet.family !== 4 || fragmentOffset !== 0) return undefined
  const gre = protocol === GRE ? readGre(packet.bytes, offset) : undefined
  if (protocol === GRE && !gre) return undefined
  const [src, dst] = [netns.addressOf(packet, 'src'), netns.addressOf(packet, 'dst')]
  const fitting = netns.state.links.flatMap((link): Found[] => {
    const { device, up } = link
    if (device?.is !== 'tunnel' || !up || !CARRIES[device.kind]?.includes(protocol)) return []
    if (gre && ((gre.carries === BRIDGED) !== (device.kind === 'gretap') || gre.key !== device.inputKey)) return []
    const local = device.local === undefined || device.local === dst
    const remote = device.remote === undefined || device.remote === src
    return local && remote ? [{ link, device, at: offset + (gre?.length ?? 0) }] : []
  })
  const score = ({ device }: Found) => (device.remote === undefined ? 0 : 2) + (device.local === undefined ? 0 : 1)
  return fitting.sort((a, b) => score(b) - score(a))[0]
}

/** ip_tunnel_rcv; net/ipv6/sit.c: ipip6_rcv. */
export function unwrapIp(cursor: Cursor, { link, device, at }: Found): { packet: Packet; text: string } | Fate {
  const { skb } = cursor
  const content = skb.packet.bytes.subarray(at)
  const cut = () => cursor.drop('tunnel-header', 'the encapsulated packet is cut off')
  const text = `${nameOf(skb.packet.transport.protocol)} arrives on ${link.name}`
  if (device.kind === 'gretap') {
    const frame = parseFrame(content)
    if (!frame || frame.payload.length === 0) return cut()
    skb.vlans = frame.vlans
    return { packet: new Packet(frame.payload.slice(), frame.mac), text }
  }
  if (content.length < 20) return cut()
  const ethertype = content[0]! >> 4 === 6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4
  return { packet: new Packet(trimToLength(content, ethertype).slice()), text }
}
