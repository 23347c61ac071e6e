import { printIp } from '../../address/ip.js'
import { printMac } from '../../address/mac.js'
import { buildPacket } from '../../packet/build.js'
import { buildFrame } from '../../packet/frame.js'
import { headersOf } from '../../packet/headers.js'
import { concatBytes } from '../../packet/hex.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { outputSource } from '../source.js'
import type { ExitOf } from '../stages.js'

/** RFC 7348 section 5: flags (the I bit), 24 bits reserved, VNI, 8 bits reserved. */
const vxlanHeader = (vni: number): Uint8Array => Uint8Array.of(8, 0, 0, 0, vni >> 16, vni >> 8, vni, 0)

/** The range of net.ipv4.ip_local_port_range, from which a flow's hash picks the outer source port (udp_flow_src_port). */
const PORTS = [32768, 60999] as const

/** drivers/net/vxlan/vxlan_core.c: vxlan_xmit, vxlan_xmit_one. The outer packet makes its own way through OUTPUT. */
export function encapsulate(cursor: Cursor): ExitOf<'encapsulate'> | Fate {
  const { skb, netns } = cursor
  const device = netns.link(skb.oif)!
  const vxlan = device.vxlan!
  const mac = skb.packet.mac!
  const entry = netns.state.fdb.find(
    ({ dev, mac: known, remote }) => dev === device.name && known === mac.destination && remote !== undefined,
  )
  const remote = entry?.remote ?? vxlan.remote ?? vxlan.group
  if (remote === undefined)
    return cursor.drop('no-vtep', `${device.name} does not know behind which host ${printMac(mac.destination)} is`)
  const inner = headersOf(skb.packet, skb.mark)
  const src = vxlan.local ?? outputSource(cursor, remote, vxlan.dev)
  if (src === undefined) return cursor.drop('no-route', `no route to the tunnel's far end ${printIp(remote)}`)
  const frame = concatBytes(vxlanHeader(vxlan.vni), buildFrame(mac, skb.packet.bytes))
  const sport = PORTS[0] + Math.floor(cursor.run.options.random() * (PORTS[1] - PORTS[0] + 1))
  skb.packet = buildPacket(
    { src, dst: remote, ttl: vxlan.ttl || netns.number('net.ipv4.ip_default_ttl', 64), id: 0, df: false },
    { is: 'udp', sport, dport: vxlan.port },
    frame,
  )
  // iptunnel_xmit scrubs what belonged to the inner packet, but within one namespace the mark stays
  skb.arrive(device.name, 'veth')
  skb.iif = undefined
  skb.sender = { uid: undefined, gid: undefined, socket: false }
  skb.bound = vxlan.dev
  const outer = headersOf(skb.packet, skb.mark)
  const text = `${device.name} wraps it in VXLAN ${vxlan.vni} for ${printIp(remote)}${entry ? ` (fdb: ${printMac(mac.destination)})` : ''}`
  cursor.record({ kind: 'encapsulate', interface: device.name, text, outer, inner })
  return 'outer'
}
