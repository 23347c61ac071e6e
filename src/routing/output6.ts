import type { Ip } from '../address/ip.js'
import { isOfOneLink, score6, wantedDevice } from './best6.js'
import { isMulticast, isZero } from './classify.js'
import type { Fib } from './fib.js'
import { type Flow, isAlive, isSelf6 } from './flow.js'
import type { Interfaces } from './interfaces.js'
import { type Found, type LookupResult, lookup, optionsOf } from './lookup.js'
import { type Way, waysOf6 } from './multipath.js'
import { type OutputOptions, type OutputRoute, type OutputWay, refusalOf, refused } from './output-route.js'
import { selectAddress6 } from './source.js'
import type { Route } from './types.js'

/**
 * net/ipv6/route.c: ip6_route_output_flags; net/ipv6/ip6_output.c: ip6_dst_lookup_tail. `flow.src` undefined: to be chosen. An `oif` is a socket's
 * (sk_bound_dev_if) unless `lookupOnly`.
 */
export function routeOutput6(fib: Fib, interfaces: Interfaces, flow: Flow, options: OutputOptions): OutputRoute {
  const { oif } = flow
  if (oif !== undefined && !interfaces.devices.includes(oif))
    return refused('interface-down', 'ENODEV', `there is no ${oif}`)
  // net/ipv6/datagram.c, udp.c, tcp_ipv6.c: whoever connects to :: means this host
  const dst = isZero(flow.dst) && !options.lookupOnly && !options.again ? 1n : (flow.dst as bigint)
  const asked = { ...flow, dst }
  const first = search(fib, interfaces, asked, options)
  const refusal = refusalOf(first)
  if (!refusal || options.lookupOnly || flow.src !== undefined)
    return refusal ?? chosen(interfaces, asked, first, options)
  // with rules by source there may be a way once the source is known
  const source = selectAddress6(interfaces, undefined, dst)
  if (source === undefined)
    return refused('no-source', 'EADDRNOTAVAIL', 'there is no address to send from', first.tried)
  const withSource = { ...asked, src: source }
  const second = search(fib, interfaces, withSource, options)
  return refusalOf(second) ?? chosen(interfaces, withSource, second, options)
}

const strictOf = ({ dst, src, oif }: Flow, { lookupOnly }: OutputOptions): boolean =>
  isOfOneLink(dst) || (oif !== undefined && (!lookupOnly || src === undefined))

const search = (fib: Fib, interfaces: Interfaces, flow: Flow, options: OutputOptions): LookupResult =>
  lookup(fib, { ...flow, iif: 'lo' }, { ...optionsOf(interfaces), strict: strictOf(flow, options) })

type FoundRoute = Extract<Found, { is: 'route' }>

function chosen(
  interfaces: Interfaces,
  flow: Flow,
  { found, tried }: LookupResult,
  options: OutputOptions,
): OutputRoute {
  const { route, nexthop } = found as FoundRoute
  const self = isSelf6(route)
  // ip6_route_get_saddr: a local route's device is the one that has the address, though the packet goes through lo
  const sourceOf = (dev: string | undefined): Ip | undefined =>
    flow.src ?? route.source ?? selectAddress6(interfaces, dev, flow.dst as bigint)
  const ways = waysOfRoute(interfaces, flow, route, found as FoundRoute, options)
  const shown = ways.flatMap(({ nexthop: hop, weight }): readonly OutputWay[] => {
    const source = sourceOf(hop.dev)
    if (source === undefined || hop.dev === undefined) return []
    return [{ dev: self ? 'lo' : hop.dev, gateway: self ? undefined : hop.gateway, source, weight }]
  })
  const [first] = shown
  if (!first) return refused('no-source', 'EADDRNOTAVAIL', `${nexthop?.dev} has no address to send from`, tried)
  const { dev, gateway, source } = first
  const type = self ? 'local' : isMulticast(flow.dst) ? 'multicast' : 'unicast'
  const answer = { ok: true, type, dev, gateway, source, mtu: route.mtu, tried } as const
  if (shown.length < 2) return { ...answer, found }
  return { ...answer, found: { ...(found as FoundRoute), nexthop: ways[0]!.nexthop }, ways: shown }
}

function waysOfRoute(
  interfaces: Interfaces,
  flow: Flow,
  route: Route,
  { nexthop }: FoundRoute,
  options: OutputOptions,
): readonly Way[] {
  const settings = { ...optionsOf(interfaces), strict: strictOf(flow, options) }
  const wanted = wantedDevice(flow, settings)
  return waysOf6(
    route.nexthops.filter(({ gateway }) => gateway !== undefined),
    nexthop!,
    (hop) => isAlive(route, hop, settings),
    (hop) => score6(route, hop, wanted) >= 0,
  )
}
