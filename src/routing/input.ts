import type { Fib } from './fib.js'
import type { InputFlow, InputRoute } from './input-route.js'
import { routeInput4 } from './input4.js'
import { routeInput6 } from './input6.js'
import type { Interfaces } from './interfaces.js'

export type { InputFlow, InputRoute, InputWay, Validation } from './input-route.js'
export { validateSource } from './validate.js'

/** net/ipv4/route.c: ip_route_input_slow; IPv6: net/ipv6/route.c: ip6_route_input, ip6_forward's own conditions. */
export function routeInput(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
  return fib.family === 4 ? routeInput4(fib, interfaces, flow) : routeInput6(fib, interfaces, flow)
}
