import { bitsOf, type Family, familyOf, type Ip } from '../address/ip.js'
import { and, maskOf } from '../address/prefix.js'
import type { Route, RoutingRule } from './types.js'

/** One routing table: routes by prefix, longest first (net/ipv4/fib_trie.c; net/ipv6/ip6_fib.c). */
export class FibTable {
  readonly #byLength: (Map<Ip, Route[]> | undefined)[] = []
  readonly #family: Family

  constructor(family: Family) {
    this.#family = family
  }

  /** Equal prefixes stand in the order TOS (larger first), metric (smaller first), then as they came. */
  add(route: Route): void {
    const { ip, length } = route.destination
    const network = and(ip, maskOf(this.#family, length))
    this.#byLength[length] ??= new Map()
    const map = this.#byLength[length]!
    const equals = map.get(network)
    if (!equals) map.set(network, [route])
    else {
      const at = equals.findIndex(
        (other) => other.tos < route.tos || (other.tos === route.tos && other.metric > route.metric),
      )
      equals.splice(at < 0 ? equals.length : at, 0, route)
    }
  }

  /** Every route whose prefix holds `ip`, in the order in which the kernel would take them. */
  *matching(ip: Ip): Generator<Route> {
    for (let length = bitsOf(this.#family); length >= 0; length--) {
      const routes = this.#byLength[length]?.get(and(ip, maskOf(this.#family, length)))
      if (routes) yield* routes
    }
  }
}

/** A namespace's routing state of one family, ready to be asked. */
export class Fib {
  readonly family: Family
  /** By priority. */
  readonly rules: readonly RoutingRule[]
  /** Local routes that no address brought (inet_rtm_newroute: fib_has_custom_local_routes). */
  readonly hasCustomLocalRoutes: boolean
  readonly #tables = new Map<string, FibTable>()

  constructor(family: Family, rules: readonly RoutingRule[], routes: readonly Route[]) {
    this.family = family
    this.rules = [...rules].sort((a, b) => a.priority - b.priority)
    this.hasCustomLocalRoutes = routes.some(({ type, text }) => type === 'local' && !text.includes('proto kernel'))
    for (const route of routes) {
      if (familyOf(route.destination.ip) !== family) continue
      let table = this.#tables.get(route.table)
      if (!table) {
        table = new FibTable(family)
        this.#tables.set(route.table, table)
      }
      table.add(route)
    }
  }

  table(name: string): FibTable | undefined {
    return this.#tables.get(name)
  }
}
