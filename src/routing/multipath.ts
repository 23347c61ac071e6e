import type { Ip } from '../address/ip.js'
import type { NextHop, Route } from './types.js'

/** One of the next hops among which the kernel draws, and how often it takes it: the weights of all add up to 1. */
export interface Way {
  readonly nexthop: NextHop
  readonly weight: number
}

/** What of a next hop must hold so that it may be drawn. */
export interface Drawing {
  isGood(hop: NextHop): boolean
  /** The source that a next hop gives; compared with the packet's. */
  sourceOf(hop: NextHop): Ip | undefined
}

/**
 * The next hops that a flow may get. Which one hangs on a hash with a secret of its own in every boot (net/ipv4/fib_semantics.c: fib_multipath_hash),
 * so it is a draw; the same flow gets the same hop. A source that is chosen already prefers hops that would give it (fib_select_multipath):
 * the hash then counts on from a hop that does not to the next that does, and round to the first. IPv6 has no such preference.
 */
export function waysOf(route: Route, { isGood, sourceOf }: Drawing, source?: Ip): readonly Way[] {
  const good = route.nexthops.filter(isGood)
  const total = good.reduce((sum, { weight }) => sum + weight, 0)
  // fib_select_path: a nexthop object is asked by the hash alone
  const preferring =
    source !== undefined && route.nexthopId === undefined && good.some((hop) => sourceOf(hop) === source)
  const takes = (at: number): NextHop =>
    preferring
      ? (good.slice(at).find((hop) => sourceOf(hop) === source) ?? good.find((hop) => sourceOf(hop) === source)!)
      : good[at]!
  const weights = new Map<NextHop, number>()
  for (const [at, { weight }] of good.entries()) weights.set(takes(at), (weights.get(takes(at)) ?? 0) + weight / total)
  return [...weights].map(([nexthop, weight]) => ({ nexthop, weight }))
}

/**
 * IPv6: a next hop that is drawn and does not fit makes way for the one that was found first (net/ipv6/route.c: fib6_select_path). Next hops without
 * a gateway are routes of their own and are not drawn among (rt6_qualify_for_ecmp).
 */
export function waysOf6(
  hops: readonly NextHop[],
  found: NextHop,
  isAlive: (hop: NextHop) => boolean,
  fits: (hop: NextHop) => boolean,
): readonly Way[] {
  const alive = hops.filter(isAlive)
  const total = alive.reduce((sum, { weight }) => sum + weight, 0)
  if (alive.length < 2) return [{ nexthop: found, weight: 1 }]
  const weights = new Map<NextHop, number>()
  for (const hop of alive) {
    const taken = fits(hop) ? hop : found
    weights.set(taken, (weights.get(taken) ?? 0) + hop.weight / total)
  }
  return [...weights].map(([nexthop, weight]) => ({ nexthop, weight }))
}
