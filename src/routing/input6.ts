import { printIp } from '../address/ip.js'
import { isOfOneLink, score6, wantedDevice } from './best6.js'
import { isLoopback, isMulticast, isZero } from './classify.js'
import type { Fib } from './fib.js'
import { isAlive, isSelf6 } from './flow.js'
import { hasJoined } from './groups.js'
import { forwardOff, type InputFlow, type InputRoute, type Looked, martian, NOTHING } from './input-route.js'
import type { Interfaces } from './interfaces.js'
import { type Found, type LookupOptions, type LookupResult, lookup, optionsOf } from './lookup.js'
import { type Way, waysOf6 } from './multipath.js'

const settingsOf = (interfaces: Interfaces, { dst, iif }: InputFlow): LookupOptions => ({
  ...optionsOf(interfaces),
  prefer: iif,
  strict: isOfOneLink(dst),
})

type FoundRoute = Extract<Found, { is: 'route' }>

/** net/ipv6/route.c: ip6_route_input_lookup: the table's answer and, where there are several, the next hops that can be drawn. */
export function lookupInput6(
  fib: Fib,
  interfaces: Interfaces,
  flow: InputFlow,
): LookupResult & { readonly ways: readonly Way[] } {
  const settings = settingsOf(interfaces, flow)
  // ip6_route_input: a source :: is no source to the rules
  const { found, tried } = lookup(fib, isZero(flow.src) ? { ...flow, src: undefined } : flow, settings)
  if (found.is !== 'route' || found.nexthop === undefined) return { found, tried, ways: [] }
  const { route, nexthop } = found
  const wanted = wantedDevice(flow, settings)
  const ways = waysOf6(
    route.nexthops.filter(({ gateway }) => gateway !== undefined),
    nexthop,
    (hop) => isAlive(route, hop, settings),
    (hop) => score6(route, hop, wanted) >= 0,
  )
  return { found: { ...found, nexthop: ways[0]!.nexthop }, tried, ways }
}

/** net/ipv6/ip6_input.c: ip6_rcv_core, ip6_mc_input; net/ipv6/route.c: ip6_route_input; net/ipv6/ip6_output.c: ip6_forward. */
export function routeInput6(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
  const [src, dst, { iif }] = [flow.src as bigint, flow.dst as bigint, flow]
  const outside = !interfaces.isLoopback(iif)
  if (outside && isLoopback(src)) return martian('source', `a loopback source on ${iif}`)
  if (isMulticast(dst)) return multicast6(interfaces, flow, dst)
  const { found, tried, ways } = lookupInput6(fib, interfaces, flow)
  const base = { found, tried, validation: undefined }
  if (found.is !== 'route' || found.nexthop?.dev === undefined) return unroutable6(base)
  if (isSelf6(found.route)) return { ...base, to: 'local', type: 'local' }
  return forward6(interfaces, flow, found, base, ways)
}

/** What ip6_forward does not send on by another interface than it came by: sources from one address to another. */
export const NOT_FORWARDED6: readonly {
  readonly range: readonly [bigint, bigint]
  readonly reason: 'martian-source' | 'beyond-scope'
  readonly text: string
}[] = [
  { range: [0n, 1n], reason: 'martian-source', text: 'no address to send from' },
  {
    range: [0xfe80n << 112n, (0xfec0n << 112n) - 1n],
    reason: 'beyond-scope',
    text: 'a link-local address is not forwarded',
  },
  { range: [0xffn << 120n, (1n << 128n) - 1n], reason: 'martian-source', text: 'no address to send from' },
]

/** ip6_forward's own conditions, but for those that look at the packet. */
function forward6(
  interfaces: Interfaces,
  { iif }: InputFlow,
  { route, nexthop }: FoundRoute,
  base: Looked,
  ways: readonly Way[],
): InputRoute {
  if (!interfaces.forwards(6, iif)) return forwardOff(base, iif)
  const { gateway } = nexthop!
  const dev = nexthop!.dev!
  const decision = { ...base, to: 'forward', dev, gateway, mtu: route.mtu, redirect: false } as const
  if (ways.length < 2) return decision
  return {
    ...decision,
    ways: ways.map(({ nexthop: hop, weight }) => ({ dev: hop.dev!, gateway: hop.gateway, weight, refused: undefined })),
  }
}

/** ip6_pkt_discard, ip6_pkt_prohibit; a blackhole is silent. Forwarding has no say. */
function unroutable6(base: Looked): InputRoute {
  const { found } = base
  const type = found.is === 'refused' ? found.how : found.is === 'route' ? found.route.type : 'no-route'
  const text =
    type === 'no-route'
      ? 'no route'
      : found.is === 'route'
        ? `the route says ${type}: ${found.route.text}`
        : `a rule says ${type}`
  return {
    ...base,
    to: 'nowhere',
    reason: type,
    text,
    icmp: type === 'blackhole' ? undefined : type === 'prohibit' ? 1 : 0,
  }
}

function multicast6(interfaces: Interfaces, { iif }: InputFlow, dst: bigint): InputRoute {
  const accepted: InputRoute = { ...NOTHING, to: 'local', type: 'multicast' }
  // ip6_rcv_core (RFC 4291 section 2.7.1): groups of scope 1 do not leave an interface
  if (((dst >> 112n) & 15n) === 1n && !interfaces.isLoopback(iif))
    return martian('destination', `${printIp(dst)} means this interface only`)
  if (hasJoined(interfaces, iif, dst)) return accepted
  return {
    ...NOTHING,
    to: 'nowhere',
    reason: 'multicast-not-joined',
    text: `nobody here is known to have joined ${printIp(dst)}`,
    icmp: undefined,
  }
}
