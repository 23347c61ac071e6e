import { BROADCAST_MAC, isMulticastMac, type Mac, printMac } from '../address/mac.js'
import { ARP_REPLY, arpField, buildArp, printArpField, setArpField } from '../packet/arp.js'
import { ETHERTYPE } from '../packet/frame.js'
import type { FrameChange } from '../rules/effect.js'
import { walkCopy } from './copies.js'
import type { Cursor } from './cursor.js'
import type { Done } from './done.js'
import { Skb } from './skb.js'

/** What a rule of ebtables or arptables does to a frame, besides its verdict. */
export function changeFrame(cursor: Cursor, change: FrameChange): Done {
  switch (change.change) {
    case 'arp': {
      const { field, to } = change
      const old = arpField(cursor.skb.packet, field)
      if (old === undefined) return { did: 'mangle: no such field', verdict: 'next' }
      setArpField(cursor.skb.packet, field, to)
      return { did: `${printArpField(field, old)} → ${printArpField(field, to)}`, verdict: 'next' }
    }
    case 'source':
      return toSource(cursor, change.to, change.arp)
    case 'destination':
      return toDestination(cursor, change.to)
    case 'to-bridge':
      return toBridge(cursor)
    case 'answer-arp':
      return answerArp(cursor, change.mac)
  }
}

/** net/bridge/netfilter/ebt_snat.c: ebt_snat_tg. */
function toSource({ skb }: Cursor, to: Mac, arp: boolean): Done {
  const { packet } = skb
  const old = packet.mac?.source ?? 0
  if (packet.mac) packet.mac = { ...packet.mac, source: to }
  // the frame's own protocol: behind two tags it is that of the second
  const holdsArp = packet.mac?.ethertype === ETHERTYPE.ARP && skb.vlans.length < 2
  if (arp && holdsArp && arpField(packet, 'hlen') === 6) setArpField(packet, 'sha', to)
  return { did: `source ${printMac(old)} → ${printMac(to)}`, verdict: 'next' }
}

/** net/bridge/netfilter/ebt_dnat.c: ebt_dnat_tg: whom the frame is for is decided anew. */
function toDestination({ skb, netns, hook }: Cursor, to: Mac): Done {
  const { packet } = skb
  const old = packet.mac?.destination ?? 0
  if (packet.mac) packet.mac = { ...packet.mac, destination: to }
  const bridge = netns.link(hook === 'prerouting' ? skb.iif : undefined)
  if (isMulticastMac(to)) skb.type = to === BROADCAST_MAC ? 'broadcast' : 'multicast'
  else if (bridge) skb.type = to === bridge.mac ? 'host' : 'otherhost'
  return { did: `destination ${printMac(old)} → ${printMac(to)}`, verdict: 'next' }
}

/** net/bridge/netfilter/ebt_redirect.c: ebt_redirect_tg. */
function toBridge({ skb, netns }: Cursor): Done {
  const { packet } = skb
  const to = netns.link(skb.iif)?.mac ?? 0
  if (packet.mac) packet.mac = { ...packet.mac, destination: to }
  skb.type = 'host'
  return { did: `redirect to ${skb.iif} (${printMac(to)})`, verdict: 'next' }
}

/** net/bridge/netfilter/ebt_arpreply.c: ebt_arpreply_tg: the answer leaves by the port that the request came in by. */
function answerArp(cursor: Cursor, mac: Mac): Done {
  const { packet, bridge } = cursor.skb
  const [sha, spa, tpa] = (['sha', 'spa', 'tpa'] as const).map((field) => arpField(packet, field))
  if (sha === undefined || spa === undefined || tpa === undefined || bridge?.in === undefined)
    return { did: 'arpreply: cut off', verdict: 'drop' }
  const answer = new Skb(buildArp({ opcode: ARP_REPLY, sha: mac, spa: tpa, tha: sha, tpa: spa }, sha))
  answer.oif = bridge.in
  walkCopy(cursor, answer, 'arp-output', 'an answer to the ARP request')
  return { did: `arpreply ${printMac(mac)}`, verdict: 'next' }
}
