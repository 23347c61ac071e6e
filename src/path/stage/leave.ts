import { printIp } from '../../address/ip.js'
import { BROADCAST_MAC, type Mac, printMac } from '../../address/mac.js'
import { fragmentOf, fragmentPacket } from '../../packet/build.js'
import { recomputeHeader } from '../../packet/checksum.js'
import { buildFrame, ETHERTYPE, type VlanTag } from '../../packet/frame.js'
import { headersOf } from '../../packet/headers.js'
import { type Packet, put16, u16 } from '../../packet/packet.js'
import { isMulticast } from '../../routing/classify.js'
import { askNeighbour } from '../ask-neighbour.js'
import { listenIn, walkCopy } from '../copies.js'
import { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { type Located, portOf } from '../layer2.js'
import type { Skb } from '../skb.js'
import type { ExitOf } from '../stages.js'
import type { Link } from '../world.js'
import { placeName } from '../world.js'
import { descend, isIpTunnel, type Level, reachesItself, sibling } from './devices.js'
import { isTunnel } from './encapsulate.js'

/** What a neighbour that nobody knows would answer with: locally administered, so that it is no real card's. */
const MADE_UP: Mac = 0x020000000001

/** Frames carry no address that anybody would have to be asked for. */
const isHeaderless = (link: Link): boolean =>
  link.kind === 'loopback' || link.kind === 'tun' || link.kind === 'wireguard' || isIpTunnel(link)

/** Finds the link-layer address of the next hop. */
export function neighbour(cursor: Cursor): ExitOf<'neighbour'> | Fate {
  const { skb, netns, run } = cursor
  const link = netns.link(skb.oif)
  if (!link) return cursor.drop('no-device', `interface ${skb.oif} does not exist`)
  if (skb.looped) return 'resolved'
  const ended = skb.packet.family === 6 ? listenIn(cursor) : undefined
  if (ended) return ended
  const ethertype = skb.packet.family === 4 ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6
  const send = (destination: Mac) => {
    skb.packet.mac = { source: link.mac ?? 0, destination, ethertype }
    return 'resolved' as const
  }
  if (isHeaderless(link)) return send(link.mac ?? 0)
  const nexthop = skb.nexthop ?? netns.addressOf(skb.packet, 'dst')
  const dst = netns.addressOf(skb.packet, 'dst')
  if (isMulticast(dst)) {
    if (typeof dst === 'bigint' && ((dst >> 112n) & 15n) <= 1n)
      return cursor.drop('multicast-scope', `${printIp(dst)} does not leave its interface`)
  }
  const group = multicastMac(nexthop)
  if (group !== undefined) return send(group)
  if (link.arp && skb.destination?.result === 'broadcast') return send(BROADCAST_MAC)
  const known = netns.state.neighbours.find((entry) => entry.dev === link.name && entry.ip === nexthop)
  const text = printIp(nexthop)
  if (known?.mac !== undefined) {
    cursor.record({
      kind: 'neighbour',
      interface: link.name,
      address: text,
      mac: printMac(known.mac),
      text: `${known.state}`,
    })
    return send(known.mac)
  }
  // net/ipv4/arp.c: arp_constructor: without ARP a new neighbour has the interface's own address
  if (!link.arp) return send(link.mac ?? 0)
  const owner = run.options.followWires ? run.layer2.ownerOf({ ...cursor.place, link: link.name }, nexthop) : undefined
  if (owner?.link.mac !== undefined) {
    const unheard = askNeighbour(cursor, link, nexthop, owner.link.mac, owner)
    if (unheard) return unheard
    const who = `${placeName(owner.namespace)} ${owner.link.name}`
    cursor.record({
      kind: 'neighbour',
      interface: link.name,
      address: text,
      mac: printMac(owner.link.mac),
      text: `${who} answers`,
    })
    return send(owner.link.mac)
  }
  const itself = reachesItself(cursor, link, nexthop)
  if (itself) return itself
  const failed = known && /FAILED|INCOMPLETE/.test(known.state)
  if (failed || !run.options.assumeNeighbours) {
    const why = failed ? `it does not answer (${known.state})` : 'it is not in the neighbour table'
    return cursor.drop('neighbour-unresolved', `no link-layer address for ${text} on ${link.name}: ${why}`, {
      errno: 'EHOSTUNREACH',
    })
  }
  const unheard = askNeighbour(cursor, link, nexthop, MADE_UP)
  if (unheard) return unheard
  run.assume(`${placeName(cursor.place)}: ${text} answers on ${link.name} (not in the neighbour table)`)
  cursor.record({ kind: 'neighbour', interface: link.name, address: text, mac: undefined, text: 'taken as answering' })
  return send(MADE_UP)
}

/** RFC 1112 section 6.4, RFC 2464 section 7. */
function multicastMac(ip: number | bigint): Mac | undefined {
  if (typeof ip === 'number') return ip >>> 28 === 14 ? 0x01005e000000 + (ip & 0x7fffff) : undefined
  return ip >> 120n === 0xffn ? 0x333300000000 + Number(ip & 0xffffffffn) : undefined
}

/** Puts the packet on its device: back up through lo, over a wire to the next namespace, into a bridge or tunnel, or away. */
export function transmit(cursor: Cursor): ExitOf<'transmit'> | Fate {
  const { skb, netns, run } = cursor
  const link = netns.link(skb.oif)
  if (!link) return cursor.drop('no-device', `interface ${skb.oif} does not exist`)
  if (!link.up) return cursor.drop('interface-down', `${link.name} is down`)
  if (link.kind === 'loopback' || skb.looped) {
    cursor.record({ kind: 'send', interface: link.name, to: link.name, text: 'loopback: the packet comes back in' })
    if (!skb.looped) inPieces(cursor)
    skb.arrive(link.name, 'loopback')
    skb.type = 'host'
    // lo is no Ethernet device: -m mac finds no address (net/netfilter/xt_mac.c: mac_mt)
    skb.packet.mac = undefined
    if (!cursor.isCopy && !run.waiting) {
      run.comesBack()
      return 'loopback'
    }
    const original = new Cursor(run, cursor.walkOn, netns, skb)
    run.later(() => {
      cursor.walkOn(original, 'receive')
      cursor.steps.push(...original.steps)
    })
    return cursor.fate({ outcome: 'sent', reason: 'queued', text: 'it comes back in' })
  }
  if (link.bridge) return 'bridge'
  if (isTunnel(link)) {
    wrapPieces(cursor, link)
    return 'tunnel'
  }
  const beside = sibling(cursor, link)
  if (beside) return arriveAt(cursor, beside, link.name, [])
  const levels = descend(cursor, link)
  return 'outcome' in levels ? levels : send(cursor, link, levels)
}

/** On the wire of the lowest device, or of one above it that is known to lead somewhere. */
function send(cursor: Cursor, link: Link, levels: readonly Level[]): ExitOf<'transmit'> | Fate {
  const { skb, run } = cursor
  const last = levels.at(-1)!
  const { at, vlans } = last
  const place = { host: at.namespace.host, namespace: at.namespace.namespace }
  if (at.link.bridge || isTunnel(at.link)) {
    cursor.netns = run.netns(at.namespace)
    skb.oif = at.link.name
    skb.vlans = vlans
    return at.link.bridge ? 'bridge' : 'tunnel'
  }
  const mtu = skb.destination?.mtu ?? link.mtu
  for (const piece of piecesOf(skb, mtu, Math.floor(run.options.random() * 2 ** 32))) {
    const frame = piece.mac ? buildFrame(piece.mac, piece.bytes, vlans) : piece.bytes.slice()
    run.sent.push({ ...place, interface: at.link.name, frame })
    if (run.options.carryFrames) carry(cursor, at, piece, vlans)
  }
  if (!run.options.followWires) return leaves(cursor, link, last)
  for (const level of levels) {
    const [main] = receivers(cursor, level.at)
    if (main) return arriveAt(cursor, main, level.at.link.name, level.vlans)
  }
  return leaves(cursor, link, last)
}

/** The frame is queued at the other end of the wire (drivers/net/veth.c: veth_xmit), behind all that is queued already. */
function carry(cursor: Cursor, at: Located, piece: Packet, vlans: readonly VlanTag[]): void {
  const { run, walkOn } = cursor
  for (const { namespace, link } of receivers(cursor, at)) {
    const copy = cursor.skb.clone()
    copy.packet = piece.clone()
    copy.arrive(link.name, namespace === at.namespace ? 'veth' : 'netns')
    copy.vlans = vlans
    const far = new Cursor(run, walkOn, run.netns(namespace), copy)
    const text = `over the wire to ${placeName(namespace)} ${link.name}`
    const packet = headersOf(copy.packet, copy.mark)
    // its steps are added as they happen
    cursor.record({ kind: 'copy', text, copy: packet, walked: far.steps, way: far.way })
    run.later(() => void walkOn(far, 'receive'))
  }
}

function arriveAt(cursor: Cursor, { namespace, link }: Located, from: string, vlans: readonly VlanTag[]): 'wire' {
  const { skb, netns, run } = cursor
  const to = `${placeName(namespace)} ${link.name}`
  cursor.record({ kind: 'send', interface: from, to, text: `${from} is wired to ${to}` })
  skb.arrive(link.name, namespace === netns.state ? 'veth' : 'netns')
  skb.vlans = vlans
  cursor.netns = run.netns(namespace)
  return 'wire'
}

/** A tunnel wraps each fragment by itself; all but the last go ahead. */
function wrapPieces(cursor: Cursor, link: Link): void {
  const { skb, run } = cursor
  const pieces = piecesOf(skb, skb.destination?.mtu ?? link.mtu, Math.floor(run.options.random() * 2 ** 32))
  for (const piece of pieces.slice(0, -1)) {
    const copy = skb.clone()
    copy.packet = piece
    copy.pieces = undefined
    walkCopy(cursor, copy, 'encapsulate', 'a fragment of the packet')
  }
  skb.packet = pieces.at(-1)!
}

/** What was put together of fragments goes through lo in fragments; all but the last go ahead. */
function inPieces(cursor: Cursor): void {
  const { skb, run, netns } = cursor
  const pieces = piecesOf(skb, netns.link(skb.oif)!.mtu, Math.floor(run.options.random() * 2 ** 32))
  const last = pieces.at(-1)!
  for (const piece of pieces.slice(0, -1)) {
    const copy = skb.clone()
    copy.packet = piece
    copy.packet.mac = undefined
    copy.arrive(skb.oif!, 'loopback')
    copy.type = 'host'
    const walk = () => walkCopy(cursor, copy, 'receive', 'a fragment of the packet')
    if (cursor.isCopy) run.later(walk)
    else walk()
  }
  skb.packet = last
}

/**
 * The packet as it goes on the wire: whole, in the pieces in which it came, or cut to the MTU, and never in longer ones than came. IPv6 goes whole
 * where it would fit into one of those (ip_do_fragment; ip6_finish_output, ip6_fragment).
 */
function piecesOf({ packet, pieces: whole }: Skb, mtu: number, id6: number): readonly Packet[] {
  const { family, bytes, transport } = packet
  if (!whole || (family === 6 && bytes.length <= whole.longest && bytes.length <= mtu))
    return fragmentPacket(packet, mtu, id6)
  const { pieces } = whole
  const limit = Math.min(mtu, family === 6 ? Math.max(whole.longest, LEAST_MTU6) : whole.longest)
  const header = transport.offset + (family === 6 ? 8 : 0)
  const aligned = pieces.every((length, i) => header + length <= limit && (length % 8 === 0 || i === pieces.length - 1))
  if (pieces.length < 2 || !aligned) {
    // ip6_fragment: what would fit is one fragment
    if (family === 6 && bytes.length <= limit)
      return [fragmentOf(packet, 0, bytes.length - transport.offset, false, id6)]
    return fragmentPacket(packet, limit, id6, true).map((piece) => withFlag(piece, whole.df))
  }
  let from = 0
  return pieces.map((length, i) => {
    const id = family === 4 ? (u16(bytes, 4) ?? 0) : id6
    const piece = fragmentOf(packet, from, length, i < pieces.length - 1, id)
    piece.mac = packet.mac
    from += length
    return withFlag(piece, false)
  })
}

const DONT_FRAGMENT = 0x4000

/** Fragments that came have no DF when they leave as they came (ip_fraglist_init), and what the longest of them had when they are cut anew. */
function withFlag(piece: Packet, df: boolean): Packet {
  if (piece.family === 6) return piece
  const { bytes } = piece
  put16(bytes, 6, (u16(bytes, 6)! & ~DONT_FRAGMENT) | (df ? DONT_FRAGMENT : 0))
  recomputeHeader(piece)
  return piece
}

/** IPV6_MIN_MTU. */
const LEAST_MTU6 = 1280

/** Who takes the frame off the wire: the one with its MAC address, a lone far end, or all for broadcasts. */
function receivers(cursor: Cursor, at: Located): readonly Located[] {
  const port = portOf(at)
  const far = (cursor.run.layer2.across(port) ?? []).filter(({ link: end }) => end.up)
  const mac = cursor.skb.packet.mac?.destination
  if (!cursor.run.layer2.isOpen(port)) return far
  const direct = far.filter((end) => end.link.mac === mac)
  if (direct.length > 0) return direct
  return far.filter((end) => end.link.bridge || end.link.master !== undefined || leadsTo(cursor, end, mac))
}

const leadsTo = (cursor: Cursor, end: Parameters<typeof portOf>[0], mac: Mac | undefined): boolean =>
  mac !== undefined && cursor.run.layer2.withMac(portOf(end), mac) !== undefined && end.link.master !== undefined

function leaves(cursor: Cursor, link: Link, { at }: Level): Fate {
  const nexthop = cursor.skb.nexthop
  const via = nexthop === undefined ? '' : `, next hop ${printIp(nexthop)}`
  const text = `leaves ${placeName(cursor.place)} through ${link.name}${via}`
  cursor.record({ kind: 'send', interface: at.link.name, to: undefined, text })
  return cursor.fate({ outcome: 'sent', reason: 'sent', text, interface: link.name, hook: undefined })
}
