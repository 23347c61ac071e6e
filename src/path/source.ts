import type { Ip } from '../address/ip.js'
import { routeOutput } from '../routing/output.js'
import type { Cursor } from './cursor.js'
import type { OptionsHost } from './ip-options.js'

/** The source address that the kernel would choose for `dst`; undefined where it has no way there. */
export function outputSource(cursor: Cursor, dst: Ip, oif: string | undefined, mark = cursor.skb.mark): Ip | undefined {
  const { netns } = cursor
  const family = typeof dst === 'number' ? 4 : 6
  const route = routeOutput(netns.fib(family), netns.interfaces, { dst, mark, ...(oif === undefined ? {} : { oif }) })
  return route.ok ? route.source : undefined
}

/** icmpv6_route_lookup: an address that several hosts share is told nothing; by its route alone the first of a subnet is one (ipv6_anycast_destination). */
export function isSharedByRoute({ netns }: Cursor, dst: Ip, src: Ip, mark: number): boolean {
  const route = routeOutput(netns.fib(6), netns.interfaces, { dst, src, mark }, { anySource: true })
  if (!route.ok || route.found.is !== 'route') return false
  const { type, destination, nexthops } = route.found.route
  if (type === 'anycast') return true
  return destination.length < 127 && destination.ip === dst && nexthops.every(({ gateway }) => gateway === undefined)
}

const DAY = 86_400_000

/** `own`: the address with which the host looks at them. */
export const optionsHost = ({ netns, run }: Cursor, own: Ip | undefined): OptionsHost => ({
  own: typeof own === 'number' ? own : undefined,
  time: Math.floor(run.now * 1000) % DAY,
  isUnicast: (ip) => !netns.isLocal(ip) && !netns.isBroadcastOrMulticast(ip),
})
