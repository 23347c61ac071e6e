import { BROADCAST_MAC, isMulticastMac, type Mac, printMac } from '../../address/mac.js'
import { runBridgeHook } from '../bridge-hooks.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { runHook } from '../hook-run.js'
import { bridgedDestination } from '../route.js'
import type { ExitOf } from '../stages.js'
import type { Link } from '../world.js'
import { placeName } from '../world.js'

/** net/bridge/br_input.c: br_handle_frame. With br_netfilter the IP hooks see bridged frames first. */
export function bridgeInput(cursor: Cursor): ExitOf<'bridge-input'> | Fate {
  const { skb, netns } = cursor
  const port = netns.link(skb.iif)!
  const bridge = netns.link(port.master)!
  if (port.port && port.port.state !== 'forwarding')
    return cursor.drop('bridge-port-blocked', `bridge port ${port.name} is ${port.port.state}`)
  if (!bridge.up) return cursor.drop('interface-down', `${bridge.name} is down`)
  const calls = callsIptables(cursor, bridge)
  const text = calls
    ? `${port.name} is a port of ${bridge.name}; bridge-nf-call-${skb.packet.family === 4 ? 'iptables' : 'ip6tables'}=1: the IP hooks see bridged frames`
    : `${port.name} is a port of ${bridge.name}; bridge-nf-call-${skb.packet.family === 4 ? 'iptables' : 'ip6tables'}=0: IP hooks skipped while it is bridged`
  cursor.record({ kind: 'bridge', bridge: bridge.name, in: port.name, out: [], text })
  skb.iif = bridge.name
  skb.bridge = { in: port.name, out: undefined, calls, daddr: netns.addressOf(skb.packet, 'dst') }
  const refused = runBridgeHook(cursor, 'prerouting')
  if (refused) return refused
  return calls ? 'call-iptables' : 'bridged'
}

function callsIptables({ netns, skb }: Cursor, bridge: Link): boolean {
  const four = skb.packet.family === 4
  const own = four ? bridge.bridge?.callIptables : bridge.bridge?.callIp6tables
  return own === true || netns.flag(`net.bridge.bridge-nf-call-${four ? 'iptables' : 'ip6tables'}`)
}

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
  const destination = skb.packet.mac!.destination
  const forUs = destination === bridge.mac || netns.isOwnMac(destination, bridge.name)
  const flooded = destination === BROADCAST_MAC || isMulticastMac(destination)
  if (forUs || flooded) {
    skb.type = destination === BROADCAST_MAC ? 'broadcast' : flooded ? 'multicast' : 'host'
    cursor.record({
      kind: 'bridge',
      bridge: bridge.name,
      in: info.in,
      out: [],
      text: `up to ${bridge.name}'s own IP stack (${printMac(destination)} is its address)`,
    })
    const refused = runBridgeHook(cursor, 'input')
    if (refused) return refused
    return 'up'
  }
  const out = egressPort(cursor, bridge, info.in, destination)
  if (typeof out !== 'string') return out
  const refused = runBridgeHook(cursor, 'forward', out)
  if (refused) return refused
  if (info.calls) {
    skb.oif = bridge.name
    info.out = out
    return 'call-iptables'
  }
  const stopped = runBridgeHook(cursor, 'postrouting', out)
  if (stopped) return stopped
  skb.oif = out
  return 'port'
}

/** The port that leads to a MAC address, unless the frame may not leave there. */
function egressPort(cursor: Cursor, bridge: Link, ingress: string | undefined, destination: Mac): string | Fate {
  const { netns, run } = cursor
  const ports = netns.state.links.filter((link) => link.master === bridge.name)
  const learned = netns.state.fdb.find(
    (entry) =>
      entry.mac === destination &&
      ports.some(({ name }) => name === entry.dev) &&
      entry.remote === undefined &&
      !entry.local,
  )
  const leading = ports.find((port) => run.layer2.withMac({ ...cursor.place, link: port.name }, destination))
  const port = leading ?? ports.find(({ name }) => name === learned?.dev)
  if (!port) {
    const open = ports.filter(({ name }) => name !== ingress)
    if (open.length === 1 && open[0])
      return accepted(cursor, bridge, ingress, open[0], 'flooded: nobody knows the address')
    return cursor.drop(
      'bridge-unknown-mac',
      `${printMac(destination)} is behind no port of ${bridge.name} that is known: flooded to ${open.map(({ name }) => name).join(', ') || 'nobody'}`,
    )
  }
  if (port.name === ingress && !port.port?.hairpin)
    return cursor.drop('bridge-no-hairpin', `the way back out of ${port.name} is closed: hairpin mode is off`)
  const from = ports.find(({ name }) => name === ingress)
  if (from?.port?.isolated && port.port?.isolated)
    return cursor.drop('bridge-isolated', `${from.name} and ${port.name} are isolated from each other`)
  return accepted(cursor, bridge, ingress, port, `to ${port.name}`)
}

function accepted(cursor: Cursor, bridge: Link, ingress: string | undefined, port: Link, how: string): string | Fate {
  if (port.port && port.port.state !== 'forwarding')
    return cursor.drop('bridge-port-blocked', `bridge port ${port.name} is ${port.port.state}`)
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
  const out = egressPort(cursor, bridge, undefined, destination)
  if (typeof out !== 'string') return out
  const refused = runBridgeHook(cursor, 'output', out) ?? runBridgeHook(cursor, 'postrouting', out)
  if (refused) return refused
  skb.oif = out
  return 'port'
}
