import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { runHook } from '../hook-run.js'
import { opaque } from '../opaque.js'
import type { ExitOf } from '../stages.js'
import { blockedOut } from './ipsec.js'

/** PREROUTING, for a port of a VRF once more with the VRF as its device: all that follows sees the VRF (drivers/net/vrf.c: vrf_ip_rcv, vrf_ip6_rcv). */
export function prerouting(cursor: Cursor): ExitOf<'prerouting'> | Fate {
  const { skb, netns } = cursor
  const first = runHook(cursor, 'prerouting')
  if (first !== 'accept') return first
  const vrf = skb.iif === undefined ? undefined : netns.interfaces.vrf?.(skb.iif)
  if (!vrf || vrf.name === skb.iif || skb.destination) return first
  cursor.record({ kind: 'receive', interface: vrf.name, from: skb.iif })
  skb.vrfPort = skb.iif
  skb.iif = vrf.name
  return runHook(cursor, 'prerouting')
}

/** What this host sends through a port of a VRF is shown to OUTPUT and POSTROUTING twice, which is not walked: where there are rules, it is not decided. */
export function output(cursor: Cursor): ExitOf<'output'> | Fate {
  const { skb, netns } = cursor
  if (skb.closes) netns.connections.close(skb.closes, cursor.run.now)
  skb.closes = undefined
  const blocked = blockedOut(cursor)
  if (blocked) return blocked
  const vrf = skb.oif === undefined ? undefined : netns.interfaces.vrf?.(skb.oif)
  const { hooks } = netns.hooks(skb.packet.family)
  const rules = [...hooks.output, ...hooks.postrouting].some(
    (entry) => entry.kind === 'chain' && entry.chain.rules.length > 0,
  )
  const fate = vrf && rules ? opaque(cursor, `OUTPUT and POSTROUTING run for the VRF ${vrf.name} as well`) : undefined
  return fate ?? runHook(cursor, 'output')
}
