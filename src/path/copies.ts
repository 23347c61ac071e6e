import type { Ip } from '../address/ip.js'
import { recomputeHeader } from '../packet/checksum.js'
import { FIELDS } from '../packet/fields.js'
import { headersOf } from '../packet/headers.js'
import { put16, u16 } from '../packet/packet.js'
import { isMulticast } from '../routing/classify.js'
import { hasJoined } from '../routing/groups.js'
import { routeOutput } from '../routing/output.js'
import { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import { pull } from './pull.js'
import type { Skb } from './skb.js'
import type { StageName } from './stages.js'

/** A copy of the packet goes its own way, from a stage to its end. */
export function walkCopy(cursor: Cursor, skb: Skb, from: StageName, text: string): void {
  const walk = new Cursor(cursor.run, cursor.walkOn, cursor.netns, skb, true)
  const copy = headersOf(skb.packet, skb.mark)
  if (cursor.run.nested(() => cursor.walkOn(walk, from)))
    cursor.record({ kind: 'copy', text, copy, walked: walk.steps, way: walk.way })
}

const DONT_FRAGMENT = 0x4000

/**
 * TEE (net/netfilter/nf_dup_ipv4.c: nf_dup_ipv4; nf_dup_ipv6.c): the copy is not tracked, has DF set and, before it would be forwarded, a lower TTL,
 * and leaves through OUTPUT. What TEE sees of a copy it does not copy again.
 */
export function duplicate(cursor: Cursor, { gateway, oif }: { readonly gateway: Ip; readonly oif?: string }): void {
  const { run, netns, hook } = cursor
  if (run.duplicating) return
  const skb = cursor.skb.clone()
  const { packet } = skb
  const flow = {
    dst: gateway,
    mark: 0,
    tos: FIELDS['ip.tos'].read(packet) ?? 0,
    // a device that does not exist is as none (net/netfilter/xt_TEE.c: tee_tg_check)
    ...(oif === undefined || !netns.link(oif) ? {} : { oif }),
  }
  const route = routeOutput(netns.fib(packet.family), netns.interfaces, flow)
  if (!route.ok) return
  const early = hook === 'prerouting' || hook === 'input'
  const ttlAt = packet.family === 4 ? 8 : 7
  if (early) packet.bytes[ttlAt]!--
  if (packet.family === 4) put16(packet.bytes, 6, u16(packet.bytes, 6)! | DONT_FRAGMENT)
  recomputeHeader(packet)
  // the fragments are shared with the original, so the copy is cut anew (ip_do_fragment)
  pull(skb)
  skb.tracking = { is: 'untracked' }
  skb.template = undefined
  disown(skb)
  skb.originalIif ??= skb.iif
  skb.iif = undefined
  skb.oif = route.dev
  skb.copiedTo = route.dev
  skb.looped = false
  skb.nexthop = route.gateway ?? gateway
  const result = route.type === 'unicast' ? 'output' : route.type
  skb.destination = { result, dev: route.dev, gateway: route.gateway, mtu: route.mtu }
  run.uninterrupted(() => {
    run.duplicating = true
    walkCopy(cursor, skb, 'output', 'a copy of the packet')
    run.duplicating = false
  })
}

/** A copy has no socket behind it, whoever sent the original (skb_clone). */
function disown(copy: Skb): void {
  copy.sender = copy.sender && { ...copy.sender, uid: undefined, gid: undefined, socket: false, kernel: false }
}

/**
 * What this host sends to a broadcast address, or to a group that it has joined itself, comes back in a copy by the device through which it
 * leaves (ip_mc_output, in front of POSTROUTING; ip6_finish_output2, behind it, which asks the address alone: TEE's copies too, by whichever gateway).
 * What is sent to such a group with TTL 0 goes no further.
 */
export function listenIn(cursor: Cursor): Fate | undefined {
  const { skb, netns } = cursor
  const { destination, oif, looped, packet } = skb
  if (looped || oif === undefined || netns.interfaces.isLoopback(oif)) return undefined
  const dst = netns.addressOf(packet, 'dst')
  const group = packet.family === 6 ? isMulticast(dst) : destination?.result === 'multicast'
  const joined = group && hasJoined(netns.interfaces, oif, dst)
  const everybody = packet.family === 4 && destination?.result === 'broadcast'
  if (!joined && !everybody) return undefined
  const copy = skb.clone()
  copy.looped = true
  copy.sum = { is: 'trusted' }
  disown(copy)
  walkCopy(cursor, copy, 'postrouting', 'this host listens to it as well')
  const spent = joined && FIELDS['ip.ttl'].read(packet) === 0
  return spent ? cursor.drop('ttl-exceeded', 'a multicast packet with TTL 0 stays on this host') : undefined
}
