import type { Ip } from '../address/ip.js'
import { contains } from '../address/prefix.js'
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
  const chosen = own.find(({ prefix }) => near !== undefined && contains(prefix, near)) ?? own[0]
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

const scope6 = (ip: bigint): number => {
  if (ip >> 120n === 0xffn) return Number((ip >> 112n) & 15n)
  if (ip === 1n || ip >> 118n === 0x3fan) return 2
  return ip >> 118n === 0x3fbn ? 5 : 14
}

/** RFC 6724 section 2.1, the default policy table: [prefix, length, label]. */
const LABELS: readonly (readonly [bigint, number, number])[] = [
  [1n, 128, 0],
  [0xffff00000000n, 96, 4],
  [0x2002n << 112n, 16, 2],
  [0x20010000n << 96n, 32, 5],
  [0xfcn << 120n, 7, 13],
  [0xfecn << 116n, 10, 11],
  [0x3ffen << 112n, 16, 12],
]

const label6 = (ip: bigint): number => LABELS.find(([prefix, length]) => contains({ ip: prefix, length }, ip))?.[2] ?? 1

function commonBits(a: bigint, b: bigint): number {
  const difference = a ^ b
  return difference === 0n ? 128 : 128 - difference.toString(2).length
}

/** net/ipv6/addrconf.c: ipv6_dev_get_saddr, RFC 6724 section 5, without temporary and home addresses. */
export function selectAddress6(interfaces: Interfaces, dev: string, dst: bigint): bigint | undefined {
  let best: { ip: bigint; rank: readonly number[] } | undefined
  const linkOnly = scope6(dst) <= 2
  for (const device of linkOnly ? [dev] : interfaces.devices)
    for (const address of interfaces.addresses(device)) {
      const { ip } = address.prefix
      if (typeof ip === 'number' || !address.usable) continue
      if (scope6(ip) <= 2 && device !== dev) continue
      const scope = scope6(ip)
      const rank = [
        ip === dst ? 1 : 0,
        scope >= scope6(dst) ? 64 - scope : scope - 64,
        address.deprecated ? 0 : 1,
        device === dev ? 1 : 0,
        label6(ip) === label6(dst) ? 1 : 0,
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
