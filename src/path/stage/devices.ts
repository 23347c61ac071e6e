import { type Ip, printIp } from '../../address/ip.js'
import { isMulticastMac, type Mac } from '../../address/mac.js'
import type { VlanTag } from '../../packet/frame.js'
import { walkCopy } from '../copies.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import type { Located } from '../layer2.js'
import { stackOf } from '../stack.js'
import type { Link } from '../world.js'
import { placeName } from '../world.js'

/** One device that a frame leaves by on its way down, with the tags that it has there, outermost first. */
export interface Level {
  readonly at: Located
  readonly vlans: readonly VlanTag[]
}

/** Devices above each other are few; a snapshot may say what it likes. */
const DEEPEST = 16

/**
 * The way of a frame from a device down to the one that puts it on a wire: VLAN devices add their tag, a bond picks a port. The last level is a device
 * without any below it, a bridge, or a tunnel. A fate: it ends on the way.
 */
export function descend(cursor: Cursor, link: Link): readonly Level[] | Fate {
  const stack = stackOf(cursor.run.hosts)
  const levels: Level[] = [{ at: { namespace: cursor.netns.state, link }, vlans: cursor.skb.vlans }]
  for (let depth = 0; depth < DEEPEST; depth++) {
    const { at, vlans } = levels.at(-1)!
    if (at.link.kind === 'dummy') return cursor.drop('dummy', `${at.link.name} is a dummy: what is sent to it is gone`)
    const below = stack.below(at).filter(({ link: lower }) => at.link.kind !== 'bond' || (lower.up && lower.carrier))
    const [lower] = at.link.kind === 'bond' ? portsInUse(at.link, below) : below
    if (!lower) {
      if (at.link.kind === 'bond' && stack.below(at).length > 0)
        return cursor.drop('no-carrier', `no port of ${at.link.name} is up`)
      return levels
    }
    if (!lower.link.up) return cursor.drop('interface-down', `${lower.link.name}, below ${at.link.name}, is down`)
    const { device } = at.link
    const tag = device?.is === 'vlan' ? [{ id: device.id, priority: 0, tpid: device.tpid }] : []
    levels.push({ at: lower, vlans: [...tag, ...vlans] })
    cursor.record({ kind: 'send', interface: at.link.name, to: name(cursor, lower), text: downText(at.link, lower) })
    if (lower.link.bridge || lower.link.vxlan || lower.link.kind === 'tunnel') return levels
  }
  return levels
}

const name = ({ netns }: Cursor, { namespace, link }: Located): string =>
  namespace === netns.state ? link.name : `${placeName(namespace)} ${link.name}`

function downText({ name, kind, device }: Link, { link: { name: lower } }: Located): string {
  if (device?.is === 'vlan') return `${name} tags it with VLAN ${device.id}, for ${lower}`
  if (kind === 'bond') return `${name} sends by ${lower}`
  return `${name} sends through ${lower}`
}

/** drivers/net/bonding/bond_main.c: one port in active-backup mode, else one by a hash: all lead to the same neighbour, so the first stands for them. */
function portsInUse({ device }: Link, ports: readonly Located[]): readonly Located[] {
  if (device?.is !== 'bond' || device.mode !== 'active-backup') return ports
  return ports.filter(({ link }) => (device.active === undefined ? link.active !== false : device.active === link.name))
}

/**
 * What stands on the device takes the frame before the bridge or IP sees it, round by round (__netif_receive_skb_core: vlan_do_receive, then rx_handler):
 * a VLAN device what has its tag, a bond what its ports receive, macvlan and ipvlan what is addressed to them. The device that has it in the end, or a fate.
 */
export function ascend(cursor: Cursor, from: Link): Link | Fate {
  const { skb, run } = cursor
  let link = from
  for (let depth = 0; depth < DEEPEST; depth++) {
    const at = { namespace: cursor.netns.state, link }
    const upper = takenBy(cursor, at)
    if (upper && 'outcome' in upper) return upper
    if (!upper) return link
    if (!upper.link.up) return cursor.drop('interface-down', `${upper.link.name} is down`)
    if (upper.link.kind === 'vlan') skb.vlans = skb.vlans.slice(1)
    if (upper.namespace === cursor.netns.state) skb.iif = upper.link.name
    else skb.arrive(upper.link.name, 'netns')
    cursor.netns = run.netns(upper.namespace)
    cursor.record({ kind: 'receive', interface: upper.link.name, from: link.name })
    link = upper.link
  }
  return link
}

function takenBy(cursor: Cursor, at: Located): Located | Fate | undefined {
  const { skb } = cursor
  const stack = stackOf(cursor.run.hosts)
  const [tag] = skb.vlans
  // a tag of VLAN 0 says a priority only
  const vlan = tag && tag.id !== 0 ? stack.vlanOn(at, tag.id, tag.tpid) : undefined
  if (vlan) return vlan
  const master = at.namespace.links.find(({ name }) => name === at.link.master)
  if (master?.kind === 'bond') {
    const used = portsInUse(master, [at])
    if (used.length > 0) return { namespace: at.namespace, link: master }
    return cursor.drop('inactive-port', `${at.link.name} is not the active port of ${master.name}`)
  }
  const children = stack.above(at).filter(({ link }) => link.up)
  const mac = skb.packet.mac?.destination
  const virtual = children.filter(({ link }) => link.kind === 'macvlan')
  const broadcast = mac !== undefined && isMulticastMac(mac)
  if (broadcast) for (const child of virtual) copyTo(cursor, child)
  return (
    virtual.find(({ link }) => mac !== undefined && !broadcast && link.mac === mac) ??
    children.find(({ link }) => link.kind === 'ipvlan' && hasDestination(cursor, link))
  )
}

/** drivers/net/ipvlan/ipvlan_core.c: ipvlan_handle_frame: by address, not by MAC, of which all have the same. */
const hasDestination = ({ skb, netns }: Cursor, { addresses }: Link): boolean => {
  const dst = netns.addressOf(skb.packet, 'dst')
  return addresses.some(({ prefix }) => prefix.ip === dst)
}

/** drivers/net/macvlan.c: macvlan_broadcast: each gets one of its own; the lower device keeps the frame. */
function copyTo(cursor: Cursor, { namespace, link }: Located): void {
  const copy = cursor.skb.clone()
  copy.arrive(link.name, 'netns')
  const { netns } = cursor
  cursor.netns = cursor.run.netns(namespace)
  walkCopy(cursor, copy, 'receive', `${link.name} gets the broadcast as well`)
  cursor.netns = netns
}

/**
 * drivers/net/macvlan.c: macvlan_queue_xmit: in bridge mode, devices on one lower device reach each other (and themselves) directly: the frame comes in
 * on the lower device, which never takes what is its own. The lower device, where it is so.
 */
export function sibling(cursor: Cursor, link: Link): Located | undefined {
  const mac: Mac | undefined = cursor.skb.packet.mac?.destination
  const isBridge = (one: Link) => one.device?.is === 'macvlan' && one.device.mode === 'bridge'
  if (mac === undefined || !isBridge(link)) return undefined
  const stack = stackOf(cursor.run.hosts)
  const [lower] = stack.below({ namespace: cursor.netns.state, link })
  const found = lower && stack.above(lower).some((one) => one.link.mac === mac && one.link.up && isBridge(one.link))
  return found ? lower : undefined
}

/** Those without a link layer; gretap and its like carry frames. */
export const isIpTunnel = ({ device }: Link): boolean => device?.is === 'tunnel' && !device.kind.endsWith('tap')

/** The device that a macvlan stands on does not hear what it sends, whoever has asked for its address. */
export function reachesItself(cursor: Cursor, link: Link, nexthop: Ip): Fate | undefined {
  if (link.kind !== 'macvlan') return undefined
  const [lower] = stackOf(cursor.run.hosts).below({ namespace: cursor.netns.state, link })
  if (!lower?.link.addresses.some(({ prefix }) => prefix.ip === nexthop)) return undefined
  const text = `${printIp(nexthop)} is ${lower.link.name} itself: a macvlan does not reach the device that it stands on`
  return cursor.drop('macvlan-lower', text, { errno: 'EHOSTUNREACH' })
}
