import { headersOf } from '../../packet/headers.js'
import type { Packet } from '../../packet/packet.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { opaque } from '../opaque.js'
import type { ExitOf } from '../stages.js'
import type { Link } from '../world.js'
import { ipTunnelOf, unwrapIp } from './ip-tunnel.js'
import { hasIpsec, openEsp } from './ipsec.js'
import { isFate } from './outer.js'
import { unwrapVxlan, vxlanOf } from './vxlan.js'
import { openWireGuard, wireGuardOf } from './wireguard.js'

/** The tunnel device that a packet for this host belongs to. */
export const tunnelOf = (cursor: Cursor): Link | undefined =>
  vxlanOf(cursor) ??
  ipTunnelOf(cursor)?.link ??
  wireGuardOf(cursor) ??
  (hasIpsec(cursor) ? cursor.netns.link(cursor.skb.iif) : undefined)

/** The inner packet comes in on the tunnel's device. */
export function decapsulate(cursor: Cursor): ExitOf<'decapsulate'> | Fate {
  const { skb } = cursor
  const device = tunnelOf(cursor)!
  const outer = headersOf(skb.packet, skb.mark)
  const opened = open(cursor, device)
  if (isFate(opened)) return opened
  // IPsec has no device of its own: the packet comes in again by the one that it came by
  const secured = hasIpsec(cursor)
  skb.packet = opened.packet
  skb.arrive(device.name, 'veth')
  skb.secured = secured
  skb.sealedBy = undefined
  const inner = headersOf(skb.packet, skb.mark)
  cursor.record({ kind: 'decapsulate', interface: device.name, text: opened.text, outer, inner })
  return 'inner'
}

function open(cursor: Cursor, link: Link): { readonly packet: Packet; readonly text: string } | Fate {
  if (link.vxlan) return unwrapVxlan(cursor, link)
  const found = ipTunnelOf(cursor)
  if (found) return unwrapIp(cursor, found)
  if (link.device?.is === 'wireguard') {
    const opened = openWireGuard(cursor, link, link.device)
    if (opened) return opened
  }
  if (hasIpsec(cursor)) {
    const opened = openEsp(cursor)
    if (opened) return opened
    const text = 'what IPsec decrypts from it is not known'
    return opaque(cursor, text) ?? cursor.fate({ outcome: 'delivered', reason: 'kernel', text, hook: undefined })
  }
  const text = `what ${link.name} decrypts from it is not known`
  return opaque(cursor, text) ?? cursor.fate({ outcome: 'delivered', reason: 'kernel', text, hook: undefined })
}
