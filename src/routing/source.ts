import type { Ip } from '../address/ip.js'
import { contains } from '../address/prefix.js'
import { isLinkLocal6, isLoopback, isMulticast } from './classify.js'
import type { InterfaceAddress, Interfaces } from './interfaces.js'
import type { NextHop, Route, RouteScope } from './types.js'

/** RT_SCOPE_*: a wider scope is a smaller number. */
const SCOPE: Readonly<Record<RouteScope, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 }

/** net/ipv4/devinet.c: inet_select_addr: an address of `dev`, the one that shares `near`'s subnet first; else of any device. */
export function selectAddress4(
  interfaces: Interfaces,
  dev: string,
  near: Ip | undefined,
  scope: RouteScope,
): number | undefined {
  const limit = SCOPE[scope]
  const localnet = interfaces.routeLocalnet(dev) ? SCOPE.link : SCOPE.host
  const own = v4(interfaces.addresses(dev)).filter(
    (address) => !address.secondary && Math.min(SCOPE[address.scope], localnet) <= limit,
  )
  // inet_ifa_match: a point-to-point address lies in its peer's subnet
  const chosen = own.find(({ prefix, peer }) => near !== undefined && contains(peer ?? prefix, near)) ?? own[0]
  if (chosen) return Number(chosen.prefix.ip)
  for (const other of interfaces.devices)
    for (const address of v4(interfaces.addresses(other)))
      if (!address.secondary && address.scope !== 'link' && SCOPE[address.scope] <= limit)
        return Number(address.prefix.ip)
  return undefined
}

const v4 = (addresses: readonly InterfaceAddress[]) => addresses.filter(({ prefix }) => typeof prefix.ip === 'number')

/** The source that a route gives (fib_result_prefsrc). */
export function sourceOf(interfaces: Interfaces, route: Route, nexthop: NextHop | undefined, dst: Ip): Ip | undefined {
  if (route.source !== undefined) return route.source
  const dev = nexthop?.dev
  if (dev === undefined) return undefined
  if (typeof dst === 'bigint') return selectAddress6(interfaces, dev, dst)
  return selectAddress4(interfaces, dev, nexthop?.gateway ?? undefined, route.scope)
}

/** 2001:10::/28 (RFC 4843). */
const ORCHID = 0x20010010n << 96n

/** include/net/addrconf.h: __ipv6_addr_src_scope: 1 interface, 2 link, 5 site, 14 global; :: has none. */
const scope6 = (ip: bigint): number => {
  if (ip === 0n) return -1
  if (isMulticast(ip)) return Number((ip >> 112n) & 15n)
  if (isLoopback(ip) || isLinkLocal6(ip)) return 2
  return ip >> 118n === 0x3fbn ? 5 : 14
}

/** net/ipv6/addrlabel.c: ip6addrlbl_init_table (RFC 6724 section 2.1): [prefix, length, label]; `ip addrlabel` could change it. */
const LABELS: readonly (readonly [bigint, number, number])[] = [
  [1n, 128, 0],
  [0xffff00000000n, 96, 4],
  [0n, 96, 3],
  [0x20010000n << 96n, 32, 6],
  [ORCHID, 28, 7],
  [0x2002n << 112n, 16, 2],
  [0x3ffen << 112n, 16, 12],
  [0xfecn << 116n, 10, 11],
  [0xfcn << 120n, 7, 5],
]

const label6 = (ip: bigint): number => LABELS.find(([prefix, length]) => contains({ ip: prefix, length }, ip))?.[2] ?? 1
const isOrchid = (ip: bigint): boolean => contains({ ip: ORCHID, length: 28 }, ip)
/** ipv6_saddr_preferred: these are as good as ever when they are deprecated. */
const isAlwaysPreferred = (ip: bigint): boolean => ip >> 32n === 0n || ip >> 32n === 0xffffn

function commonBits(a: bigint, b: bigint): number {
  const difference = a ^ b
  return difference === 0n ? 128 : 128 - difference.toString(2).length
}

/**
 * net/ipv6/addrconf.c: ipv6_dev_get_saddr, RFC 6724 section 5, without temporary and home addresses. `dev` undefined: no device is preferred. The
 * candidates are the addresses of all devices, but for destinations of one link and multicast.
 */
export function selectAddress6(interfaces: Interfaces, dev: string | undefined, dst: bigint): bigint | undefined {
  let best: { ip: bigint; rank: readonly number[] } | undefined
  const own = dev !== undefined && (isMulticast(dst) || scope6(dst) <= 2)
  for (const device of own ? [dev] : interfaces.devices)
    for (const address of interfaces.addresses(device)) {
      const { ip } = address.prefix
      if (typeof ip === 'number' || !address.usable) continue
      const scope = scope6(ip)
      const rank = [
        ip === dst ? 1 : 0,
        scope >= scope6(dst) ? -scope : scope - 128,
        !address.deprecated || isAlwaysPreferred(ip) ? 1 : 0,
        dev === undefined || device === dev ? 1 : 0,
        label6(ip) === label6(dst) ? 1 : 0,
        isOrchid(ip) === isOrchid(dst) ? 1 : 0,
        Math.min(commonBits(ip, dst), address.prefix.length),
      ]
      if (!best || isBetter(rank, best.rank)) best = { ip, rank }
    }
  return best?.ip
}

function isBetter(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! > b[i]!
  return false
}
