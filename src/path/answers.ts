import type { Ip } from '../address/ip.js'
import { halfMadeChecksum, rejectChecksumOk } from '../packet/checksum.js'
import { describe, headersOf } from '../packet/headers.js'
import type { Packet } from '../packet/packet.js'
import { echoReply, icmpError, rejectReset, stackReset, timestampReply } from '../packet/reply.js'
import { isLimitedBroadcast, isLinkLocal6, isMulticast } from '../routing/classify.js'
import { selectAddress6 } from '../routing/source.js'
import type { RejectWith } from '../rules/effect.js'
import { Cursor } from './cursor.js'
import type { Done } from './done.js'
import { mayTell } from './error-limits.js'
import type { Answer } from './fate.js'
import { type Echo, echoedOptions } from './ip-options.js'
import { Skb } from './skb.js'
import { isSharedByRoute, optionsHost, outputSource } from './source.js'
import { sumHolds } from './sums.js'
import { attachAnswer } from './track.js'

export interface IcmpAbout {
  readonly type: number
  readonly code: number
  /** The four bytes behind the checksum: next-hop MTU, gateway. */
  readonly info?: number
}

/** icmp_send, icmp6_send: tells the sender of the packet at hand. Undefined where the kernel keeps quiet. */
export function sendIcmpError(cursor: Cursor, about: IcmpAbout): Answer | undefined {
  const { skb, netns } = cursor
  const four = skb.packet.family === 4
  if (skb.type !== 'host' || skb.sendingIcmp) return undefined
  const result = skb.destination?.result
  if (result === 'broadcast' || result === 'multicast') return undefined
  const dst = netns.addressOf(skb.packet, 'src')
  const here = netns.addressOf(skb.packet, 'dst')
  // IPv4 asks the packet's route (RTCF_LOCAL), which a copy does not share
  const own =
    four && skb.destination ? skb.destination.result === 'local' : netns.isLocal(here) || netns.isAnycast(here)
  const source = own ? here : sourceOfError(cursor, dst)
  if (source === undefined || isMulticast(dst) || isLimitedBroadcast(dst)) return undefined
  if (!mayTell(cursor, dst, about)) return undefined
  if (!four && isSharedByRoute(cursor, dst, source, reflectedMark(cursor))) return undefined
  const options = optionsBack(cursor, source)
  if (options === 'refused') return undefined
  const packet = icmpError(skb.partial ? halfMadeChecksum(skb.packet) : skb.packet, {
    ...about,
    source,
    ttl: netns.defaultTtl(skb.packet.family),
    options: options?.bytes,
  })
  return (
    packet &&
    send(cursor, packet, { kind: four ? 'icmp' : 'icmp6', type: about.type, code: about.code }, true, { echo: options })
  )
}

/** What an error comes from that was not sent to this host: IPv4 takes the address of the way back, IPv6 one of the device that the packet came in by. */
function sourceOfError(cursor: Cursor, dst: Ip): Ip | undefined {
  const { skb, netns } = cursor
  const dev = skb.originalIif ?? skb.iif ?? skb.oif
  const own = typeof dst === 'bigint' ? selectAddress6(netns.interfaces, dev, dst) : undefined
  return own ?? outputSource(cursor, dst, vrfNameOf(cursor), reflectedMark(cursor))
}

/** The IPv4 options of an answer from `source`, once the question's have been looked at; with `refused` there is none. */
function optionsBack(cursor: Cursor, source: Ip): Echo | 'refused' | undefined {
  const { options, packet } = cursor.skb
  return options && echoedOptions(packet, options, optionsHost(cursor, source))
}

/** tcp_v4_send_reset, tcp_v6_send_reset: nobody takes the segment. */
export function sendStackReset(cursor: Cursor): Answer | undefined {
  const { netns, skb } = cursor
  const options = optionsBack(cursor, netns.addressOf(skb.packet, 'dst'))
  if (options === 'refused') return undefined
  const packet = stackReset(skb.packet, { ttl: netns.defaultTtl(skb.packet.family), options: options?.bytes })
  return packet && send(cursor, packet, { kind: 'tcp-reset', type: 0, code: 0 }, false, { echo: options })
}

export function echo(cursor: Cursor): Answer | undefined {
  const { skb, netns } = cursor
  const dst = netns.addressOf(skb.packet, 'dst')
  // icmpv6_echo_reply: without an address of its own it is routed by its device alone (ip6_route_output_flags: any_src)
  const alone = skb.packet.family === 6 && !netns.isLocal(dst)
  const source: Ip | undefined = netns.isLocal(dst)
    ? dst
    : outputSource(cursor, netns.addressOf(skb.packet, 'src'), alone ? skb.iif : undefined)
  if (source === undefined) return undefined
  const options = optionsBack(cursor, source)
  if (options === 'refused') return undefined
  const packet = echoReply(skb.packet, { source, ttl: netns.defaultTtl(skb.packet.family), options: options?.bytes })
  const type = skb.packet.family === 4 ? 0 : 129
  return packet && send(cursor, packet, { kind: 'echo-reply', type, code: 0 }, false, { alone, echo: options })
}

const NAMES_DEVICE: ReadonlySet<Answer['kind']> = new Set(['tcp-reset', 'echo-reply'])

/** icmp_timestamp. */
export function timestamp(cursor: Cursor): Answer | undefined {
  const { skb, netns, run } = cursor
  const dst = netns.addressOf(skb.packet, 'dst')
  const source = netns.isLocal(dst) ? dst : outputSource(cursor, netns.addressOf(skb.packet, 'src'), undefined)
  if (source === undefined) return undefined
  const options = optionsBack(cursor, source)
  if (options === 'refused') return undefined
  const packet = timestampReply(skb.packet, {
    source,
    now: run.now * 1000,
    ttl: netns.defaultTtl(4),
    options: options?.bytes,
  })
  return packet && send(cursor, packet, { kind: 'echo-reply', type: 14, code: 0 }, false, { echo: options })
}

/** REJECT: net/ipv4/netfilter/nf_reject_ipv4.c: nf_send_unreach, nf_send_reset. It answers, then the packet is dropped. */
export function reject(cursor: Cursor, how: RejectWith): Done {
  const name = how.send === 'tcp-reset' ? 'tcp-reset' : how.name
  return {
    did: `REJECT ${name}`,
    verdict: 'drop',
    afterwards() {
      const answer = how.send === 'tcp-reset' ? sendRejectReset(cursor) : rejectIcmp(cursor, how)
      const text = answer ? `rejected with ${name}` : `rejected with ${name}, but no answer could be sent`
      cursor.record({ kind: 'drop', reason: 'rule-reject', text })
      return cursor.fate({
        outcome: answer ? 'rejected' : 'dropped',
        reason: 'rule-reject',
        text,
        answer,
        errno: localErrno(cursor),
      })
    },
  }
}

/** The system call of a local sender fails with EPERM where OUTPUT or POSTROUTING ends its packet (nf_hook_slow: -EPERM). */
export const localErrno = ({ skb, hook }: Cursor): string | undefined =>
  skb.sender?.socket && (hook === 'output' || hook === 'postrouting') ? 'EPERM' : undefined

function rejectIcmp(cursor: Cursor, how: Extract<RejectWith, { code: number }>): Answer | undefined {
  if (!summedUp(cursor, false)) return undefined
  return sendIcmpError(cursor, { type: how.send === 'icmp' ? 3 : 1, code: how.code })
}

/**
 * REJECT answers nothing to a packet whose checksum is wrong. It believes what this host made, and what connection tracking found good: but for a reset
 * only on the way in, since the sum over the whole packet is given up when it is forwarded (nf_send_unreach, nf_reject_ip_tcphdr_get; skb_forward_csum).
 */
function summedUp({ skb, hook }: Cursor, reset: boolean): boolean {
  if (skb.partial || (skb.sender?.socket === true && !skb.sender.raw)) return true
  // nf_ip_checksum: of a sum over the whole packet nothing is asked but on the way in
  if (hook !== 'input' && skb.sum.is === 'complete') return true
  if (reset ? hook === 'input' && sumHolds(skb) : skb.summed || skb.sum.is === 'trusted') return true
  return rejectChecksumOk(skb.packet)
}

function sendRejectReset(cursor: Cursor): Answer | undefined {
  const { skb, netns } = cursor
  if (skb.destination?.result === 'broadcast' || skb.destination?.result === 'multicast') return undefined
  if (!summedUp(cursor, true)) return undefined
  const packet = rejectReset(skb.packet, { ttl: netns.defaultTtl(skb.packet.family), trusted: true })
  return packet && send(cursor, packet, { kind: 'tcp-reset', type: 0, code: 0 }, true)
}

const vrfNameOf = ({ skb, netns }: Cursor): string | undefined => {
  const dev = skb.iif ?? skb.oif
  return dev === undefined ? undefined : netns.interfaces.vrf?.(dev)?.name
}

/** net.ipv4.fwmark_reflect: the answer carries the packet's mark (IP4_REPLY_MARK). */
function reflectedMark({ netns, skb }: Cursor): number {
  return netns.flag(skb.packet.family === 4 ? 'net.ipv4.fwmark_reflect' : 'net.ipv6.fwmark_reflect') ? skb.mark : 0
}

/**
 * The answer's own walk, beginning with its routing. `related`: it belongs to the packet's connection, as nf_ct_attach makes it: RELATED,
 * against the packet's direction. `alone`: no other device will do than the one that the packet came in by.
 */
function send(
  cursor: Cursor,
  packet: Packet,
  what: Omit<Answer, 'fate'>,
  related: boolean,
  { alone = false, echo }: { readonly alone?: boolean; readonly echo?: Echo | undefined } = {},
): Answer | undefined {
  // REJECT's reset (related) has no socket, nor has IPv6's own (tcp_v6_send_response); all else goes out through one of the kernel's
  const ownSocket = what.kind !== 'tcp-reset' || (!related && packet.family === 4)
  const { skb, run, netns } = cursor
  const reply = new Skb(packet)
  reply.mark = reflectedMark(cursor)
  reply.sender = { uid: undefined, gid: undefined, socket: false, kernel: ownSocket }
  reply.sendingIcmp = what.kind !== 'tcp-reset'
  const isReset = what.kind === 'tcp-reset' && related
  const to = netns.addressOf(packet, 'dst')
  // a link-local sender is only found on its own link; REJECT's reset does not think of it
  if (!isReset && isLinkLocal6(to)) reply.bound = skb.iif
  // nor is ::1, for an echo reply and the stack's own reset, which name the device (rt6_need_strict)
  else if (alone || (to === 1n && !isReset && NAMES_DEVICE.has(what.kind))) reply.via = skb.iif
  // l3mdev_master_ifindex of the device: what came into a VRF is answered by its table
  reply.bound ??= vrfNameOf(cursor)
  reply.partial = what.kind === 'tcp-reset' && related === (packet.family === 4)
  reply.options = echo?.options
  // a reset has DF, and 0
  reply.drawnId = packet.family === 4 && what.kind !== 'tcp-reset'
  if (related) attachAnswer(skb, reply)
  const walk = new Cursor(run, cursor.walkOn, netns, reply)
  const headers = headersOf(packet, reply.mark)
  if (isReset && skb.tracking?.is === 'tracked') reply.closes = skb.tracking.attachment.entry
  const fate = run.nested(() => cursor.walkOn(walk, 'generate'))
  if (!fate) return undefined
  cursor.record({ kind: 'reply', text: describe(headers), reply: headers, walked: walk.steps, way: walk.way })
  return { ...what, fate }
}
