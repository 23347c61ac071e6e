import type { Ip } from '../address/ip.js'
import type { Prefix } from '../address/prefix.js'

/** RTN_* of <linux/rtnetlink.h>, as `ip route` names them. */
export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw'

export interface NextHop {
  readonly gateway: Ip | undefined
  /** Absent on routes that lead nowhere. */
  readonly dev: string | undefined
  /** From 1; ECMP chooses in proportion. */
  readonly weight: number
  readonly onlink: boolean
  /** The link is down or has no carrier (`linkdown`, `dead`). */
  readonly dead: boolean
  /** No carrier; counts as dead only where `ignore_routes_with_linkdown` says so. */
  readonly linkdown?: boolean
}

export type RouteScope = 'global' | 'site' | 'link' | 'host' | 'nowhere'

export interface Route {
  readonly type: RouteType
  readonly destination: Prefix
  /** As `ip route` prints it: `main`, `local`, `default`, or the number in decimal. */
  readonly table: string
  /** Priority; IPv4 0 where none is printed, IPv6 1024. Lower wins. */
  readonly metric: number
  readonly tos: number
  readonly scope: RouteScope
  readonly source: Ip | undefined
  readonly nexthops: readonly NextHop[]
  /** The nexthop object that has them (`ip nexthop`). Left out: they are the route's own. */
  readonly nexthopId?: number | undefined
  readonly mtu: number | undefined
  /** As `ip route show` prints it, table left out. */
  readonly text: string
}

/** One line of `ip rule`. An absent selector matches everything. */
export interface RoutingRule {
  readonly priority: number
  readonly not: boolean
  readonly from: Prefix | undefined
  readonly to: Prefix | undefined
  readonly iif: string | undefined
  readonly oif: string | undefined
  readonly fwmark: { readonly value: number; readonly mask: number } | undefined
  readonly tos: number | undefined
  readonly protocol: number | undefined
  readonly sport: readonly [number, number] | undefined
  readonly dport: readonly [number, number] | undefined
  readonly uidRange: readonly [number, number] | undefined
  readonly l3mdev: boolean
  readonly action:
    | {
        readonly do: 'lookup'
        readonly table: string
        readonly suppressPrefixLength: number | undefined
        readonly suppressGroup: number | undefined
      }
    | { readonly do: 'goto'; readonly priority: number }
    | { readonly do: 'nop' | 'blackhole' | 'unreachable' | 'prohibit' }
  /** As `ip rule` prints it: `32766:	from all lookup main`. */
  readonly text: string
}
