import { isZero } from './classify.js'
import type { Fib } from './fib.js'
import type { Interfaces } from './interfaces.js'
import type { Flow } from './lookup.js'
import type { OutputOptions, OutputRoute } from './output-route.js'
import { routeOutput4 } from './output4.js'
import { routeOutput6 } from './output6.js'

export type { OutputOptions, OutputRoute, OutputWay } from './output-route.js'

/** net/ipv4/route.c: ip_route_output_key_hash_rcu, __mkroute_output; net/ipv6/route.c: ip6_route_output_flags. */
export function routeOutput(fib: Fib, interfaces: Interfaces, flow: Flow, options: OutputOptions = {}): OutputRoute {
  // 0.0.0.0 and :: are how both families say that the source is to be chosen
  const asked = flow.src !== undefined && isZero(flow.src) ? { ...flow, src: undefined } : flow
  return fib.family === 4
    ? routeOutput4(fib, interfaces, asked, options)
    : routeOutput6(fib, interfaces, asked, options)
}
