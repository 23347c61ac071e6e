import { type Family, familyOf, type Ip } from '../address/ip.js'
import { and, maskOf } from '../address/prefix.js'
import type { Route, RoutingRule } from './types.js'

/** One routing table: routes by prefix, longest first (net/ipv4/fib_trie.c; net/ipv6/ip6_fib.c). */
export class FibTable {
  readonly #byLength: (Map<Ip, Route[]> | undefined)[] = []
  /** Those that some prefix has, longest first. */
  readonly #lengths: number[] = []
  readonly #family: Family

  constructor(family: Family) {
    this.#family = family
  }

  /** Equal prefixes stand in the order TOS (larger first), metric (smaller first), then as they came. */
  add(route: Route): void {
    const { ip, length } = route.destination
    const network = and(ip, maskOf(this.#family, length))
    if (!this.#byLength[length]) {
      this.#byLength[length] = new Map()
      this.#lengths.push(length)
      this.#lengths.sort((a, b) => b - a)
    }
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

  get lengths(): readonly number[] {
    return this.#lengths
  }

  /** The routes to exactly this prefix, in the order in which the kernel would take them. */
  at(ip: Ip, length: number): readonly Route[] {
    return this.#byLength[length]?.get(and(ip, maskOf(this.#family, length))) ?? []
  }

  /** The same, the routes to one prefix together. */
  *groups(ip: Ip): Generator<readonly Route[]> {
    for (const length of this.#lengths) {
      const routes = this.at(ip, length)
      if (routes.length > 0) yield routes
    }
  }

  /** Every route whose prefix holds `ip`, in the order in which the kernel would take them. */
  *matching(ip: Ip): Generator<Route> {
    for (const length of this.#lengths) yield* this.at(ip, length)
  }
}

const OWN_RULES: readonly (readonly [number, string])[] = [
  [0, 'local'],
  [32766, 'main'],
  [32767, 'default'],
]

/** Nothing but what the kernel begins with (net/ipv4/fib_rules.c: fib_default_rules_init). */
const isOwn = (rule: RoutingRule, at: number): boolean => {
  const { action } = rule
  const [priority, table] = OWN_RULES[at]!
  return (
    rule.priority === priority &&
    action.do === 'lookup' &&
    action.table === table &&
    action.suppressPrefixLength === undefined &&
    action.suppressGroup === undefined &&
    !rule.not &&
    !rule.l3mdev &&
    [
      rule.from,
      rule.to,
      rule.iif,
      rule.oif,
      rule.fwmark,
      rule.tos,
      rule.protocol,
      rule.sport,
      rule.dport,
      rule.uidRange,
    ].every((selector) => selector === undefined)
  )
}

/** A namespace's routing state of one family, ready to be asked. */
export class Fib {
  readonly family: Family
  /** By priority. */
  readonly rules: readonly RoutingRule[]
  /** Local routes that no address brought (inet_rtm_newroute: fib_has_custom_local_routes). */
  readonly hasCustomLocalRoutes: boolean
  /** Rules other than the kernel's own three (fib4_has_custom_rules). Rules that were there once and are gone leave no trace in a snapshot. */
  readonly hasCustomRules: boolean
  readonly #tables = new Map<string, FibTable>()
  #mergedLengths: readonly number[] | undefined

  constructor(family: Family, rules: readonly RoutingRule[], routes: readonly Route[]) {
    this.family = family
    this.rules = [...rules].sort((a, b) => a.priority - b.priority)
    this.hasCustomRules = this.rules.length !== OWN_RULES.length || !this.rules.every(isOwn)
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

  /**
   * IPv4 without custom rules keeps local and main in one trie (net/ipv4/fib_trie.c: fib_trie_table, fib_frontend.c: fib_unmerge): the longest
   * prefix of both wins, local before main where they are equal.
   */
  get isMerged(): boolean {
    return this.family === 4 && !this.hasCustomRules
  }

  *merged(ip: Ip): Generator<Route> {
    const [local, main] = [this.table('local'), this.table('main')]
    this.#mergedLengths ??= [...new Set([...(local?.lengths ?? []), ...(main?.lengths ?? [])])].sort((a, b) => b - a)
    for (const length of this.#mergedLengths) {
      if (local) yield* local.at(ip, length)
      if (main) yield* main.at(ip, length)
    }
  }
}
