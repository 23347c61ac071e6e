import type { Ip } from '../address/ip.js'
import type { Vrf } from './interfaces.js'
import type { NextHop, Route } from './types.js'

/** What a routing decision depends on (struct flowi4, flowi6). */
export interface Flow {
  readonly dst: Ip
  /** Absent: not chosen yet; no `from` selector but `all` matches. */
  readonly src?: Ip | undefined
  /** `lo` for what the host itself sends. */
  readonly iif?: string | undefined
  /** Only routes through this device count. */
  readonly oif?: string | undefined
  /** The device whose VRF rules of l3mdev ask for; left out: that of `oif`, else of `iif` (net/l3mdev/l3mdev.c: l3mdev_update_flow). */
  readonly vrfOf?: string | undefined
  readonly mark?: number
  readonly tos?: number
  readonly protocol?: number | undefined
  readonly sport?: number | undefined
  readonly dport?: number | undefined
  readonly uid?: number | undefined
}

export interface LookupOptions {
  /** Devices of which this says no are passed over. The kernel asks no such thing: routes of a device that goes down are taken out. */
  isUsable?(dev: string): boolean
  /** net.ipv4.conf.DEV.ignore_routes_with_linkdown, `all` included. */
  ignoresLinkdown?(dev: string): boolean
  /** For rules of l3mdev. */
  vrf?(dev: string): Vrf | undefined
  /** For `suppress_ifgroup`. */
  group?(dev: string): number | undefined
  /**
   * IPv6: the device whose routes come first among equals, for received packets the one they came in on; left out: the flow's `oif`.
   * It need not be, but where `strict` says so (RT6_LOOKUP_F_IFACE); left out: strict where there is an `oif`, or the destination is one of a link.
   */
  readonly prefer?: string | undefined
  readonly strict?: boolean
}

/** What a table gave. */
export interface Hit {
  readonly route: Route
  readonly nexthop: NextHop | undefined
}
/** Can this next hop be used? */
export function isGood(route: Route, hop: NextHop, oif: string | undefined, options: LookupOptions): boolean {
  const { dev } = hop
  if (oif !== undefined && dev !== oif) return false
  return isAlive(route, hop, options)
}

/** Is its link what the kernel wants? */
export function isAlive(route: Route, hop: NextHop, options: LookupOptions): boolean {
  const { dev } = hop
  const link = linkState(route, hop)
  if (link === 'dead') return false
  if (dev === undefined) return true
  if (link === 'linkdown' && options.ignoresLinkdown?.(dev)) return false
  return options.isUsable?.(dev) ?? true
}

/** A link without carrier is not dead (RTNH_F_LINKDOWN, RTNH_F_DEAD); where a reader made one of the two, the route's text tells. */
function linkState(route: Route, hop: NextHop): 'up' | 'linkdown' | 'dead' {
  if (!hop.dead) return hop.linkdown ? 'linkdown' : 'up'
  const { nexthops, text } = route
  const own = nexthops.length < 2 ? text : (text.split(' nexthop ')[nexthops.indexOf(hop) + 1] ?? '')
  const words = own.split(' ')
  return words.includes('linkdown') && !words.includes('dead') ? 'linkdown' : 'dead'
}

export const isRefusal = ({ type }: Route): boolean =>
  type === 'blackhole' || type === 'unreachable' || type === 'prohibit' || type === 'throw'

/**
 * IPv6: does the route lead to this host? Anycast routes that somebody added by hand do not, but those that come with an address (RTF_ANYCAST is
 * the kernel's own).
 */
export const isSelf6 = ({ type, text }: Route): boolean =>
  type === 'local' || (type === 'anycast' && text.includes('proto kernel'))
