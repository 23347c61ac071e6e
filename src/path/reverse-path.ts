import type { Ip } from '../address/ip.js'
import { FIELDS } from '../packet/fields.js'
import {
  isLimitedBroadcast,
  isLinkLocal6,
  isLocalMulticast,
  isLoopback,
  isMulticast,
  isZero,
} from '../routing/classify.js'
import { lookup, optionsOf } from '../routing/lookup.js'
import type { HostValue } from '../rules/interpret.js'
import type { Cursor } from './cursor.js'

type Question = Extract<HostValue, { from: 'reverse-path' }>

/** Would an answer go out where the packet came in (net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c: rpfilter_mt)? */
export function reversePath(cursor: Cursor, question: Question): 0 | 1 {
  const { netns, skb } = cursor
  const iif = skb.iif
  if (iif === undefined || netns.interfaces.isLoopback(iif) || skb.type === 'loopback') return 1
  const src = netns.addressOf(skb.packet, 'src')
  const dst = netns.addressOf(skb.packet, 'dst')
  const mark = question.mark ? skb.mark : 0
  return typeof src === 'number'
    ? wayBack4(cursor, iif, src, dst, mark, question)
    : wayBack6(cursor, iif, src, dst, mark, question)
}

function wayBack4(
  { netns, skb }: Cursor,
  iif: string,
  src: Ip,
  dst: Ip,
  mark: number,
  { loose, local }: Question,
): 0 | 1 {
  // what asks for an address, and what goes to all, has none yet
  if (isZero(src) && (isLimitedBroadcast(dst) || isLocalMulticast(dst))) return 1
  const from = isMulticast(dst) || isLimitedBroadcast(dst) || isZero(dst) ? 0 : dst
  const tos = FIELDS['ip.tos'].read(skb.packet) ?? 0
  const flow = { dst: src, src: from, iif: 'lo', mark, tos, protocol: 0 }
  const { found } = lookup(netns.fib(4), flow, optionsOf(netns.interfaces, true))
  if (found.is !== 'route') return 0
  const { type, nexthops } = found.route
  if (type !== 'unicast' && !(type === 'local' && local)) return 0
  return loose || nexthops.some(({ dev }) => dev === iif) ? 1 : 0
}

function wayBack6({ netns }: Cursor, iif: string, src: Ip, dst: Ip, mark: number, { loose, local }: Question): 0 | 1 {
  if (isZero(src)) return 1
  const ofLink = isLinkLocal6(src)
  const oif = loose && !ofLink ? {} : { oif: iif }
  const unicast = !isMulticast(dst) && !isZero(dst) && !isLoopback(dst)
  const flow = { dst: src, ...(unicast ? { src: dst } : {}), ...oif, iif: 'lo', mark }
  const { found } = lookup(netns.fib(6), flow, { ...optionsOf(netns.interfaces), strict: ofLink })
  if (found.is !== 'route') return 0
  const { route, nexthop } = found
  if (route.type === 'local') return local ? 1 : 0
  if (route.type !== 'unicast') return 0
  if (loose || nexthop?.dev === iif) return 1
  // rt6_device_match: a route to the same prefix through this device will do, whatever its metric
  for (const other of netns.fib(6).table(route.table)?.matching(src) ?? [])
    if (other.destination.length === route.destination.length && other.nexthops.some(({ dev }) => dev === iif))
      return other.type === 'unicast' ? 1 : 0
  return 0
}
