import type { Ip } from '../address/ip.js'
import { buildPacket } from '../packet/build.js'
import { FIELDS } from '../packet/fields.js'
import { ETHERTYPE } from '../packet/frame.js'
import { Cursor } from '../path/cursor.js'
import type { Fate } from '../path/fate.js'
import { Skb } from '../path/skb.js'
import { walk } from '../path/walk.js'
import type { Range } from '../rules/value.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import type { Ground, Site } from './walk-ground.js'
import type { Group } from './walk-group.js'

/** Addresses for a packet that stands for many where nobody looks at them. */
const SOMEBODY: Readonly<Record<4 | 6, readonly [Ip, Ip]>> = {
  4: [0xc0000201, 0xc0000202],
  6: [(0x20010db8n << 96n) | 1n, (0x20010db8n << 96n) | 2n],
}

/** One packet that stands for a group, at its place: what a stage of the concrete walk that looks at no header makes of it, it makes of all. */
export function cursorOf({ run, family }: Ground, group: Group, dst: Ip = SOMEBODY[family][1]): Cursor {
  const { place, iif, oif, result, gateway, mac, type, vlans, bridge, moved, bound } = group
  const [src] = SOMEBODY[family]
  const packet = buildPacket({ src, dst }, { is: 'udp', sport: 1024, dport: 1025 })
  const skb = new Skb(packet)
  const ethertype = family === 4 ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6
  if (mac !== undefined) packet.mac = { source: 0, destination: mac, ethertype }
  skb.iif = iif
  skb.oif = oif
  skb.type = type
  skb.vlans = vlans
  skb.bound = bound
  if (result !== undefined) skb.destination = { result, dev: oif ?? iif ?? 'lo', gateway, mtu: undefined }
  skb.nexthop = gateway
  if (bridge) skb.bridge = { ...bridge, daddr: moved ? src : dst }
  return new Cursor(run, walk, run.netns(place), skb)
}

/** What the packet that stood for a group has become beside its bytes. */
export function besideOf({ netns, skb }: Cursor, group: Group): Group {
  const { iif, oif, type, vlans, bridge, packet } = skb
  return {
    ...group,
    place: netns.state,
    iif,
    oif,
    type,
    vlans,
    mac: packet.mac?.destination,
    bridge: bridge && { in: bridge.in, out: bridge.out, calls: bridge.calls },
  }
}

export type Concrete = (cursor: Cursor) => string | Fate

/** Packets whose next hops are resolved alike. Without a gateway that is each packet's own destination. */
export function nextHops(
  ground: Ground,
  site: Site,
  group: Group,
): readonly { readonly packets: Node; readonly nexthop: Ip }[] {
  const { family, space, run } = ground
  const { bdd } = space
  if (group.gateway !== undefined) return [{ packets: space.valid, nexthop: group.gateway }]
  const { neighbours } = site.netns.state
  const fits = (ip: Ip) => (typeof ip === 'number' ? 4 : 6) === family
  const heard = run.layer2
    .hears({ ...group.place, link: group.oif! })
    .flatMap(({ link }) => link.addresses.map(({ prefix }) => prefix.ip))
  const known = neighbours.filter(({ dev }) => dev === group.oif).map(({ ip }) => ip)
  const field = ground.addresses.dst
  const each = [...new Set([...heard, ...known])].filter(fits)
  const named = each.map((ip) => ({ packets: space.equals(field, ip), nexthop: ip }))
  const rest = bdd.minus(
    space.valid,
    space.in(
      field,
      each.map((ip): Range => [ip, ip]),
    ),
  )
  const other = SOMEBODY[family].find((ip) => !each.includes(ip))
  return rest === EMPTY || other === undefined ? named : [...named, { packets: rest, nexthop: other }]
}

/** What a tunnel wraps a group in: outer addresses and port. */
export function outerOf(cursor: Cursor): { readonly src: Ip; readonly dst: Ip; readonly dport: number } {
  const { packet } = cursor.skb
  const address = (end: 'src' | 'dst') => cursor.netns.addressOf(packet, end)
  return { src: address('src'), dst: address('dst'), dport: FIELDS['th.dport'].read(packet) ?? 0 }
}

/** Where packets that are bridged may meet rules of ebtables, or something there that is not evaluated. */
export const hasBridgeRules = ({ netns }: Site): boolean => {
  const { bridgeTables = [], unmodelled = [] } = netns.state
  return (
    unmodelled.some(({ family }) => family === 'bridge') ||
    bridgeTables.some(({ chains }) =>
      [...chains.values()].some(({ base, rules }) => rules.length > 0 || base?.policy === 'drop'),
    )
  )
}
