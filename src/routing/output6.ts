import { isLoopback, isMulticast } from './classify.js'
import type { Fib } from './fib.js'
import type { Interfaces } from './interfaces.js'
import { type Flow, lookup, optionsOf } from './lookup.js'
import { type OutputOptions, type OutputRoute, refusalOf, refused } from './output-route.js'
import { selectAddress6, sourceOf } from './source.js'

/** net/ipv6/route.c: ip6_route_output_flags; net/ipv6/ip6_output.c: ip6_dst_lookup_tail. */
export function routeOutput6(fib: Fib, interfaces: Interfaces, flow: Flow, _options: OutputOptions): OutputRoute {
  const { dst, src, oif } = flow
  if (oif !== undefined && !interfaces.isUp(oif)) return refused('interface-down', 'ENETUNREACH', `${oif} is down`)
  const result = lookup(fib, { ...flow, iif: 'lo' }, optionsOf(interfaces))
  const refusal = refusalOf(result)
  if (refusal) return refusal
  const { found, tried } = result
  if (found.is !== 'route' || found.nexthop?.dev === undefined)
    return refused('no-route', 'ENETUNREACH', 'no device', tried)
  const { route, nexthop } = found
  const local = route.type === 'local' || route.type === 'anycast' || isLoopback(dst)
  const dev = local ? 'lo' : nexthop!.dev!
  const source =
    src ??
    (local
      ? (route.source ?? selectAddress6(interfaces, 'lo', dst as bigint) ?? dst)
      : sourceOf(interfaces, route, nexthop, dst))
  if (source === undefined) return refused('bad-source', 'EINVAL', `${dev} has no address to send from`, tried)
  const type = local ? 'local' : isMulticast(dst) ? 'multicast' : 'unicast'
  return { ok: true, type, dev, gateway: local ? undefined : nexthop!.gateway, source, mtu: route.mtu, found, tried }
}
