import { BROADCAST_MAC, isMulticastMac, type Mac, printMac } from '../../address/mac.js'
import { arpField, isIp } from '../../packet/arp.js'
import { ETHERTYPE } from '../../packet/frame.js'
import { runArpHook } from '../arp-hooks.js'
import { isRouted, runBridgeHook } from '../bridge-hooks.js'
import { linkLocal, linkLocalInput } from '../bridge-link-local.js'
import { admit, isLocalAddress, isMember, untag, vlanOf } from '../bridge-vlans.js'
import { walkCopy } from '../copies.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { runHook } from '../hook-run.js'
import type { Netns } from '../netns.js'
import { opaque } from '../opaque.js'
import { bridgedDestination } from '../route.js'
import type { Skb } from '../skb.js'
import type { ExitOf } from '../stages.js'
import type { Link } from '../world.js'
import { placeName } from '../world.js'

/** net/bridge/br_input.c: br_handle_frame. With br_netfilter the IP hooks see bridged frames first. */
export function bridgeInput(cursor: Cursor): ExitOf<'bridge-input'> | Fate {
  const { skb, netns } = cursor
  const port = netns.link(skb.iif)!
  const bridge = netns.link(port.master)!
  const { mac } = skb.packet
  if (mac && isMulticastMac(mac.source)) return cursor.drop('bad-source', `nobody's address: ${printMac(mac.source)}`)
  const odd = port.port?.odd ? opaque(cursor, `${port.port.odd} of ${port.name}`) : undefined
  if (odd) return odd
  const local = mac ? linkLocal(mac.destination, bridge, port) : 'forward'
  if (local === 'pause') return cursor.drop('bridge-link-local', 'pause frames are not passed on')
  if (local !== 'forward') {
    const refused = local === 'input' ? linkLocalInput(cursor, port.name) : undefined
    if (refused) return refused
    if (learnsLinkLocal(bridge, port)) learn(cursor, bridge, port, linkLocalVlan(cursor, bridge, port))
    const text = `${printMac(mac!.destination)} is for ${port.name} alone: not passed on`
    cursor.record({ kind: 'bridge', bridge: bridge.name, in: port.name, out: [], text })
    return isIp(skb.packet) ? 'routed' : 'routed-arp'
  }
  if (port.port && port.port.state !== 'forwarding')
    return cursor.drop('bridge-port-blocked', `bridge port ${port.name} is ${port.port.state}`)
  if (!bridge.up) return cursor.drop('interface-down', `${bridge.name} is down`)
  if (isRouted(cursor, port.name)) {
    skb.bridge = undefined
    return isIp(skb.packet) ? 'routed' : 'routed-arp'
  }
  if (mac?.destination === bridge.mac) skb.type = 'host'
  const calls = callsIptables(cursor, bridge)
  cursor.record({
    kind: 'bridge',
    bridge: bridge.name,
    in: port.name,
    out: [],
    text: portText(cursor, port, bridge, calls),
  })
  skb.iif = bridge.name
  skb.bridge = { in: port.name, out: undefined, calls, daddr: netns.addressOf(skb.packet, 'dst') }
  const refused = runBridgeHook(cursor, 'prerouting')
  if (refused) return refused
  return calls ? 'call-iptables' : 'bridged'
}

function portText({ skb }: Cursor, port: Link, bridge: Link, calls: boolean): string {
  const is = `${port.name} is a port of ${bridge.name}`
  if (!isIp(skb.packet)) return is
  const call = `bridge-nf-call-${skb.packet.family === 4 ? 'iptables' : 'ip6tables'}`
  return calls
    ? `${is}; ${call}=1: the IP hooks see bridged frames`
    : `${is}; ${call}=0: IP hooks skipped while it is bridged`
}

/** br_handle_local_finish. */
const learnsLinkLocal = ({ bridge }: Link, { port }: Link): boolean =>
  !bridge?.noLinkLocalLearn && (port === undefined || port.state === 'forwarding' || port.state === 'learning')

function callsIptables({ netns, skb }: Cursor, bridge: Link): boolean {
  if (!isIp(skb.packet) || !sawThrough(netns, skb)) return false
  const four = skb.packet.family === 4
  const own = four ? bridge.bridge?.callIptables : bridge.bridge?.callIp6tables
  return own === true || netns.flag(`net.bridge.bridge-nf-call-${four ? 'iptables' : 'ip6tables'}`)
}

/** br_netfilter_hooks.c: vlan_proto: what stands behind a tag counts where bridge-nf-filter-vlan-tagged says so (it is off at first); never behind two. */
const sawThrough = (netns: Netns, { vlans }: Skb): boolean =>
  vlans.length === 0 || (vlans.length === 1 && netns.flag('net.bridge.bridge-nf-filter-vlan-tagged'))

export function bridgePrerouting(cursor: Cursor): ExitOf<'bridge-prerouting'> | Fate {
  return runHook(cursor, 'prerouting')
}

/** br_nf_pre_routing_finish, br_handle_frame_finish: up to the bridge's own IP stack, or out of another port. */
export function bridgeDecision(cursor: Cursor): ExitOf<'bridge-decision'> | Fate {
  const { skb, netns } = cursor
  const bridge = netns.link(skb.iif)!
  const info = skb.bridge!
  const mac = skb.packet.mac
  if (!mac) return cursor.drop('no-mac-header', 'a bridge needs an Ethernet header')
  if (info.calls && netns.addressOf(skb.packet, 'dst') !== info.daddr) {
    const target = bridgedDestination(cursor, bridge)
    if (typeof target === 'object') return target
    if (target === 'up') skb.packet.mac = { ...mac, destination: bridge.mac ?? 0 }
  }
  const outside = admit(cursor, bridge, info.in!)
  if (outside) return outside
  const vlan = vlanOf(cursor, bridge)
  learn(cursor, bridge, netns.link(info.in), vlan)
  const destination = skb.packet.mac!.destination
  const forUs = isLocalAddress(netns, bridge, destination, vlan)
  const flooded = isMulticastMac(destination)
  if (forUs || flooded) {
    skb.type = destination === BROADCAST_MAC ? 'broadcast' : flooded ? 'multicast' : 'host'
    if (flooded) for (const port of floodPorts(cursor, bridge, info.in, destination)) sendCopy(cursor, bridge, port)
    cursor.record({
      kind: 'bridge',
      bridge: bridge.name,
      in: info.in,
      out: [],
      text: `up to ${bridge.name}'s own IP stack (${printMac(destination)} ${flooded ? 'is for all' : 'is its address'})`,
    })
    if (!isMember(netns, bridge, bridge.name, vlan))
      return cursor.drop('bridge-vlan', `${bridge.name} itself is not in VLAN ${vlan}`)
    untag(cursor, bridge, bridge.name)
    const refused = runBridgeHook(cursor, 'input')
    if (refused) return refused
    return isIp(skb.packet) ? 'up' : 'arp-up'
  }
  const out = egressPort(cursor, bridge, info.in, destination)
  if (typeof out !== 'string') return out
  info.out = out
  return 'port'
}

/** br_should_learn: of a frame that is for the port alone; undefined where nothing is learned. */
function linkLocalVlan({ skb, netns }: Cursor, bridge: Link, port: Link): number | undefined {
  if (!bridge.bridge?.vlanFiltering) return 0
  const [tag] = skb.vlans
  const vlans = netns.state.bridgeVlans?.get(port.name) ?? []
  const id = tag?.tpid === (bridge.bridge.vlanProtocol ?? ETHERTYPE.VLAN) ? tag.id : 0
  return vlans.find((one) => (id === 0 ? one.pvid : one.id === id))?.id
}

/** br_fdb_update: behind which port the sender is. */
function learn({ skb, netns }: Cursor, bridge: Link, port: Link | undefined, vlan: number | undefined): void {
  if (vlan === undefined) return
  const source = skb.packet.mac?.source
  if (source === undefined || !port || port.port?.learning === false || isLocalAddress(netns, bridge, source, vlan))
    return
  netns.heard.set(`${bridge.name} ${vlan} ${source}`, port.name)
}

/** A frame for one port: FORWARD and POSTROUTING of the bridge, or OUTPUT where this host sends it, and br_netfilter between them. */
export function bridgeEgress(cursor: Cursor): ExitOf<'bridge-egress'> | Fate {
  const { skb, netns } = cursor
  const info = skb.bridge!
  const out = info.out!
  const odd = netns.link(out)!.port?.odd
  const unsure = odd ? opaque(cursor, `${odd} of ${out}`) : undefined
  if (unsure) return unsure
  untag(cursor, netns.link(netns.link(out)!.master)!, out)
  if (info.in === undefined) {
    skb.bridge = undefined
    const refused = runBridgeHook(cursor, 'output', out) ?? runBridgeHook(cursor, 'postrouting', out)
    if (refused) return refused
    skb.oif = out
    return 'port'
  }
  info.out = undefined
  skb.oif = netns.link(out)!.master
  const refused = runBridgeHook(cursor, 'forward', out) ?? forwardArp(cursor, info.in, out)
  if (refused) return refused
  // what got a tag on its way, or had one, is hidden from the IP hooks
  if (info.calls && sawThrough(netns, skb)) {
    info.out = out
    return 'call-iptables'
  }
  const stopped = runBridgeHook(cursor, 'postrouting', out)
  if (stopped) return stopped
  skb.oif = out
  return 'port'
}

/** net/bridge/br_netfilter_hooks.c: br_nf_forward_arp: FORWARD of arptables (legacy alone has it) sees the ports. */
function forwardArp(cursor: Cursor, from: string, out: string): Fate | undefined {
  const { skb, netns } = cursor
  if (skb.packet.mac?.ethertype !== ETHERTYPE.ARP || !sawThrough(netns, skb)) return undefined
  const calls =
    netns.link(netns.link(out)!.master)?.bridge?.callArptables || netns.flag('net.bridge.bridge-nf-call-arptables')
  if (!calls || arpField(skb.packet, 'plen') !== 4) return undefined
  const { iif, oif } = skb
  skb.iif = from
  skb.oif = out
  const fate = runArpHook(cursor, 'forward')
  skb.iif = iif
  skb.oif = oif
  return fate
}

const portsOf = ({ netns }: Cursor, bridge: Link): readonly Link[] =>
  netns.state.links.filter((link) => link.master === bridge.name)

/** net/bridge/br_forward.c: should_deliver. The reason why not. */
function closed(
  cursor: Cursor,
  bridge: Link,
  port: Link,
  ingress: Link | undefined,
): readonly [reason: string, text: string] | undefined {
  const vlan = vlanOf(cursor, bridge)
  if (port === ingress && !port.port?.hairpin)
    return ['bridge-no-hairpin', `the way back out of ${port.name} is closed: hairpin mode is off`]
  if (ingress?.port?.isolated && port.port?.isolated)
    return ['bridge-isolated', `${ingress.name} and ${port.name} are isolated from each other`]
  if (port.port && port.port.state !== 'forwarding')
    return ['bridge-port-blocked', `bridge port ${port.name} is ${port.port.state}`]
  if (!isMember(cursor.netns, bridge, port.name, vlan))
    return ['bridge-vlan', `${port.name} is not in VLAN ${vlan} of ${bridge.name}`]
  return port.up ? undefined : ['interface-down', `${port.name} is down`]
}

/** br_flood: the port that joined last comes first. */
function floodPorts(cursor: Cursor, bridge: Link, ingress: string | undefined, destination: Mac): readonly Link[] {
  const from = cursor.netns.link(ingress)
  return portsOf(cursor, bridge)
    .filter((port) => !closed(cursor, bridge, port, from) && floods(port, destination, from))
    .sort((a, b) => b.index - a.index)
}

/** br_flood: what the host itself sends to a group goes out of all ports. */
function floods({ port }: Link, destination: Mac, ingress: Link | undefined): boolean {
  if (!isMulticastMac(destination)) return port?.flood !== false
  if (!ingress) return true
  return (destination === BROADCAST_MAC ? port?.bcastFlood : port?.mcastFlood) !== false
}

function sendCopy(cursor: Cursor, bridge: Link, port: Link): void {
  const copy = cursor.skb.clone()
  copy.bridge = { in: undefined, calls: false, daddr: 0, ...copy.bridge, out: port.name }
  walkCopy(cursor, copy, 'bridge-egress', `${bridge.name} sends a copy to ${port.name}`)
}

/** The port that leads to a MAC address, unless the frame may not leave there. Where nobody knows it, all get it: copies go ahead, the last is the frame itself. */
function egressPort(cursor: Cursor, bridge: Link, ingress: string | undefined, destination: Mac): string | Fate {
  const { netns, run } = cursor
  const vlan = vlanOf(cursor, bridge)
  const ports = portsOf(cursor, bridge)
  const learned = netns.state.fdb.find(
    (entry) =>
      entry.mac === destination &&
      (entry.vlan ?? 0) === vlan &&
      ports.some(({ name }) => name === entry.dev) &&
      entry.remote === undefined &&
      !entry.local,
  )
  const heard = netns.heard.get(`${bridge.name} ${vlan} ${destination}`)
  // what wires tell the bridge would have learned, where packets are followed; else it knows what it has seen
  const leading = run.options.followWires
    ? ports.find(
        (port) =>
          isMember(netns, bridge, port.name, vlan) &&
          run.layer2.withMac({ ...cursor.place, link: port.name }, destination),
      )
    : undefined
  const port = ports.find(({ name }) => name === heard) ?? leading ?? ports.find(({ name }) => name === learned?.dev)
  if (!port) {
    const open = floodPorts(cursor, bridge, ingress, destination)
    const last = open.at(-1)
    if (!last)
      return cursor.drop(
        'bridge-unknown-mac',
        `${printMac(destination)} is behind no port of ${bridge.name} that is known: flooded to nobody`,
      )
    for (const one of open.slice(0, -1)) sendCopy(cursor, bridge, one)
    return accepted(cursor, bridge, ingress, last, 'flooded: nobody knows the address')
  }
  const why = closed(cursor, bridge, port, netns.link(ingress))
  return why ? cursor.drop(...why) : accepted(cursor, bridge, ingress, port, `to ${port.name}`)
}

function accepted(cursor: Cursor, bridge: Link, ingress: string | undefined, port: Link, how: string): string {
  cursor.record({
    kind: 'bridge',
    bridge: bridge.name,
    in: ingress,
    out: [port.name],
    text: `${placeName(cursor.place)} ${bridge.name} forwards ${how}`,
  })
  return port.name
}

export function bridgeForward(cursor: Cursor): ExitOf<'bridge-forward'> | Fate {
  return runHook(cursor, 'forward')
}

export function bridgePostrouting(cursor: Cursor): ExitOf<'bridge-postrouting'> | Fate {
  const { skb } = cursor
  const port = skb.bridge!.out!
  // before br_netfilter, which comes last
  const refused = runBridgeHook(cursor, 'postrouting', port)
  if (refused) return refused
  skb.iif = undefined
  const result = runHook(cursor, 'postrouting')
  if (result === 'accept') skb.oif = port
  return result
}

/** net/bridge/br_device.c: br_dev_xmit: what the host itself sends into the bridge. The IP hooks have run already. */
export function bridgeOutput(cursor: Cursor): ExitOf<'bridge-output'> | Fate {
  const { skb, netns } = cursor
  const bridge = netns.link(skb.oif)!
  const destination = skb.packet.mac?.destination ?? 0
  skb.bridge = undefined
  const outside = admit(cursor, bridge, bridge.name)
  if (outside) return outside
  const all = isMulticastMac(destination) ? floodPorts(cursor, bridge, undefined, destination) : undefined
  for (const port of all?.slice(0, -1) ?? []) sendCopy(cursor, bridge, port)
  const last = all?.at(-1)
  const out = last
    ? accepted(cursor, bridge, undefined, last, 'to all')
    : egressPort(cursor, bridge, undefined, destination)
  if (typeof out !== 'string') return out
  skb.bridge = { in: undefined, out, calls: false, daddr: 0 }
  return 'port'
}
