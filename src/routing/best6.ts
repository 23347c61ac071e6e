import { isLinkLocal6, isLoopback, isMulticast } from './classify.js'
import type { FibTable } from './fib.js'
import { type Flow, type Hit, isAlive, isRefusal, type LookupOptions } from './flow.js'
import type { NextHop, Route } from './types.js'

/** Destinations that mean something on one link only (net/ipv6/route.c: rt6_need_strict). */
export const isOfOneLink = (ip: Flow['dst']): boolean => isMulticast(ip) || isLinkLocal6(ip) || isLoopback(ip)

interface Wanted {
  readonly dev: string | undefined
  readonly strict: boolean
}

export const wantedDevice = ({ dst, oif }: Flow, { prefer, strict }: LookupOptions): Wanted => ({
  dev: prefer ?? oif,
  strict: strict ?? (oif !== undefined || isOfOneLink(dst)),
})

/** Routes that lead nowhere stand on lo. */
const LO: NextHop = { gateway: undefined, dev: 'lo', weight: 1, onlink: false, dead: false }
const hopsOf = ({ nexthops }: Route): readonly NextHop[] => (nexthops.length > 0 ? nexthops : [LO])

/** net/ipv6/route.c: rt6_score_route, without the neighbours' state; negative: no match. */
export function score6(route: Route, hop: NextHop, { dev, strict }: Wanted): number {
  const fits = dev === undefined || hop.dev === dev
  if (!fits && strict) return -1
  return (fits ? 2 : 0) | (preference(route) << 2)
}

/** The router preference (RFC 4191) stands in the route's text only. */
const preference = ({ text }: Route): number => (text.includes(' pref high') ? 3 : text.includes(' pref low') ? 1 : 2)

/**
 * The best route of an IPv6 table (net/ipv6/route.c: fib6_table_lookup, rt6_select, find_rr_leaf): of the longest prefix, among those of the least
 * metric, the one that scores highest; if none of these can be used the others of this prefix, then the next shorter one. Which neighbours answer,
 * which has a say where forwarding is off and there are several routers, is not known.
 */
export function best6(table: FibTable, flow: Flow, options: LookupOptions): Hit | undefined {
  const wanted = wantedDevice(flow, options)
  for (const routes of table.groups(flow.dst)) {
    const least = routes.filter(({ metric }) => metric === routes[0]!.metric)
    const hit =
      highest(least, wanted, options) ??
      highest(
        routes.filter((route) => !least.includes(route)),
        wanted,
        options,
      )
    if (hit) return isRefusal(hit.route) ? { route: hit.route, nexthop: undefined } : hit
  }
  return undefined
}

function highest(routes: readonly Route[], wanted: Wanted, options: LookupOptions): Hit | undefined {
  let found: { hit: Hit; score: number } | undefined
  for (const route of routes) {
    // __find_rr_leaf: a nexthop object that is a blackhole ends the search, whatever the device
    if (route.nexthopId !== undefined && route.type === 'blackhole') return { route, nexthop: LO }
    for (const nexthop of hopsOf(route)) {
      const score = isAlive(route, nexthop, options) ? score6(route, nexthop, wanted) : -1
      if (score > (found?.score ?? -1)) found = { hit: { route, nexthop }, score }
    }
  }
  return found?.hit
}
