import type { Ip } from '../../address/ip.js'
import { FIELDS } from '../../packet/fields.js'
import { decreaseTtl } from '../../packet/rewrite.js'
import { NOT_FORWARDED6 } from '../../routing/input6.js'
import { selectAddress4 } from '../../routing/source.js'
import { sendIcmpError } from '../answers.js'
import type { Cursor } from '../cursor.js'
import type { Fate } from '../fate.js'
import { runHook } from '../hook-run.js'
import { forwardOptions } from '../ip-options.js'
import { sendRedirect6 } from '../redirect6.js'
import type { Skb } from '../skb.js'
import type { ExitOf } from '../stages.js'
import { blockedOut, checkPolicy } from './ipsec.js'

/** net/ipv4/ip_forward.c: ip_forward; net/ipv6/ip6_output.c: ip6_forward. */
export function forwardChecks(cursor: Cursor): ExitOf<'forward-checks'> | Fate {
  const { skb, netns } = cursor
  if (skb.type !== 'host') return cursor.drop('not-for-this-host', `a link-layer ${skb.type} is not forwarded`)
  if (skb.socket) return cursor.drop('has-socket', 'TPROXY gave it a socket of this host, but no route leads there')
  const refused = checkPolicy(cursor, 'fwd') ?? blockedOut(cursor)
  if (refused) return refused
  const four = skb.packet.family === 4
  const ttl = FIELDS['ip.ttl'].read(skb.packet) ?? 0
  if (ttl <= 1) {
    const answer = sendIcmpError(cursor, four ? { type: 11, code: 0 } : { type: 3, code: 0 })
    return cursor.drop('ttl-exceeded', `TTL ${ttl}: it may not go further`, { answer })
  }
  const unfit = four || skb.oif === skb.iif ? undefined : unfitSource(netns.addressOf(skb.packet, 'src'))
  if (unfit) {
    const { reason, text } = unfit
    const answer = reason === 'beyond-scope' ? sendIcmpError(cursor, BEYOND_SCOPE) : undefined
    return cursor.drop(reason, text, { answer })
  }
  if (!four) sendRedirect6(cursor)
  const device = netns.link(skb.oif)?.mtu ?? 65535
  // ip_dst_mtu_maybe_forward; ip6_dst_mtu_maybe_forward leaves the route's MTU to the way out
  const mtu = four ? (skb.destination?.mtu ?? device) : Math.max(device, LEAST_MTU6)
  if (isTooLong(skb, mtu) && (!four || hasDf(skb))) return tooLong(cursor, mtu)
  if (skb.sum.is === 'complete') skb.sum = { is: 'none' }
  decreaseTtl(skb.packet)
  if (skb.redirect) sendRedirect(cursor)
  cursor.record({ kind: 'check', what: 'ttl', passed: true, text: `TTL ${ttl} → ${ttl - 1}` })
  return 'pass'
}

const BEYOND_SCOPE = { type: 1, code: 2 } as const
const unfitSource = (src: Ip) => NOT_FORWARDED6.find(({ range: [from, to] }) => src >= from && src <= to)

/** The FORWARD hook, and ip_forward_finish behind it: IPv4 options get what the outgoing interface adds to them. */
export function forward(cursor: Cursor): ExitOf<'forward'> | Fate {
  const { skb } = cursor
  const result = runHook(cursor, 'forward')
  if (result === 'accept' && skb.options) forwardOptions(skb.packet, skb.options, addressTowards(cursor))
  return result
}

/** ip_rt_get_source: the address with which this host appears on the way to where the packet goes. */
function addressTowards({ skb, netns }: Cursor): number | undefined {
  return selectAddress4(netns.interfaces, skb.oif!, skb.nexthop, 'global')
}

const REDIRECT_HOST = 1

/** net/ipv4/route.c: ip_rt_send_redirect: the packet leaves where it came in, and the sender could reach the next hop itself. */
function sendRedirect(cursor: Cursor): void {
  const { skb, netns, run } = cursor
  const gateway = skb.nexthop
  if (typeof gateway !== 'number') return
  if (!netns.peers.mayRedirect(netns.addressOf(skb.packet, 'src'), run.now)) return
  sendIcmpError(cursor, { type: 5, code: REDIRECT_HOST, info: gateway })
}

/** ip_exceeds_mtu, ip6_pkt_too_big: what was put together of fragments that fit will be fragments again. */
const isTooLong = ({ packet, pieces }: Skb, mtu: number): boolean =>
  packet.bytes.length > mtu && (!pieces || pieces.longest > mtu)

const hasDf = ({ packet }: Skb): boolean => ((FIELDS['ip.flags'].read(packet) ?? 0) & 2) !== 0
/** IPV6_MIN_MTU. */
const LEAST_MTU6 = 1280

function tooLong(cursor: Cursor, mtu: number, text?: string): Fate {
  const { packet } = cursor.skb
  const four = packet.family === 4
  const answer = sendIcmpError(cursor, four ? { type: 3, code: 4, info: mtu } : { type: 2, code: 0, info: mtu })
  const why = text ?? `${packet.bytes.length} bytes do not fit into ${mtu}${four ? ', and DF is set' : ''}`
  return cursor.drop('fragmentation-needed', why, { answer, errno: 'EMSGSIZE' })
}

/**
 * net/ipv4/ip_output.c: __ip_finish_output, ip_fragment; net/ipv6/ip6_output.c: ip6_fragment: what is too long leaves in fragments, or not at all. IPv6
 * cuts only what a socket of this host sends, and what came in fragments.
 */
export function fragment(cursor: Cursor): ExitOf<'fragment'> | Fate {
  const { skb, netns } = cursor
  const mtu = skb.destination?.mtu ?? netns.link(skb.oif)?.mtu ?? 65535
  const length = skb.packet.bytes.length
  if (skb.pieces && skb.heedsDf && hasDf(skb))
    return tooLong(cursor, mtu, 'what was put together of fragments has DF now, and may not leave in fragments')
  if (length <= mtu || skb.looped) return 'fits'
  const own = skb.sender?.socket === true && skb.sender.raw !== true
  const whole = skb.packet.family === 4 ? hasDf(skb) : !own
  if (whole && isTooLong(skb, mtu)) return tooLong(cursor, mtu)
  cursor.record({
    kind: 'check',
    what: 'fragment',
    passed: true,
    text: `${length} bytes leave in fragments of at most ${mtu}`,
  })
  return 'fits'
}
