import { type Flow, type Hit, isGood, isRefusal, type LookupOptions } from './flow.js'
import type { Route } from './types.js'

/**
 * The best route of an IPv4 table, whose routes come in the order longest prefix, TOS, metric; one that cannot be used makes way for the next
 * (net/ipv4/fib_trie.c: fib_table_lookup, fib_lookup_good_nhc).
 */
export function best4(routes: Iterable<Route>, flow: Flow, options: LookupOptions): Hit | undefined {
  for (const route of routes) {
    if (route.tos !== 0 && route.tos !== legacyTos(flow)) continue
    if (route.nexthops.length === 0 || isRefusal(route)) return { route, nexthop: undefined }
    const nexthop = route.nexthops.find((hop) => isGood(route, hop, flow.oif, options))
    if (nexthop) return { route, nexthop }
  }
  return undefined
}

/** INET_DSCP_LEGACY_TOS_MASK: IPv4 compares three bits of the TOS (include/net/ip_fib.h: fib_dscp_masked_match). */
export const legacyTos = ({ tos = 0 }: Flow): number => tos & 0x1c
