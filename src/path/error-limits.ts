import type { Ip } from '../address/ip.js'
import { routeOutput } from '../routing/output.js'
import type { Cursor } from './cursor.js'

const UNREACHABLE = 3
const FRAGMENTATION_NEEDED = 4

/** net.ipv6.icmp.ratemask, as bitmap(7)-like lists print: `0-1,3-127`. */
const DEFAULT_MASK6 = '0-1,3-127'

const inList = (list: string, number: number): boolean =>
  list.split(',').some((part) => {
    const [from, to = from] = part.split('-').map((text) => Number.parseInt(text, 10))
    return from !== undefined && from <= number && number <= to!
  })

/** icmpv4_mask_allow, icmpv6_mask_allow: does the limit hold for such messages? */
function isLimited({ netns, skb }: Cursor, type: number, code: number): boolean {
  if (skb.packet.family === 6) return inList(netns.state.sysctls?.get('net.ipv6.icmp.ratemask') ?? DEFAULT_MASK6, type)
  if (type === UNREACHABLE && code === FRAGMENTATION_NEEDED) return false
  return type < 32 && ((netns.number('net.ipv4.icmp_ratemask') >>> type) & 1) !== 0
}

/**
 * icmpv4_xrlim_allow, icmpv6_xrlim_allow: nobody is told too often, but for this host itself. The limit for everybody together (net.ipv4.icmp_msgs_per_sec) is taken as
 * not reached: the kernel draws how much each message uses of it.
 */
export function mayTell(
  cursor: Cursor,
  whom: Ip,
  { type, code }: { readonly type: number; readonly code: number },
): boolean {
  const { netns, skb, run } = cursor
  if (!isLimited(cursor, type, code)) return true
  if (netns.isLocal(whom) || (skb.iif !== undefined && netns.interfaces.isLoopback(skb.iif))) return true
  const wait = netns.number(typeof whom === 'number' ? 'net.ipv4.icmp_ratelimit' : 'net.ipv6.icmp.ratelimit') / 1000
  return netns.peers.mayTell(whom, run.now, typeof whom === 'number' ? wait : wait / share6(cursor, whom))
}

/** More for wide prefixes: twice as often for each 32 bits that they lack. */
function share6({ netns }: Cursor, whom: bigint): number {
  const route = routeOutput(netns.fib(6), netns.interfaces, { dst: whom })
  const length = route.ok && route.found.is === 'route' ? route.found.route.destination.length : 128
  return 2 ** ((128 - length) >> 5)
}
