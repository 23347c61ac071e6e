import type { Ip } from '../address/ip.js'
import { ADDRESS_TYPE, type FieldValue } from '../packet/fields.js'
import { isLimitedBroadcast, isLoopback, isMulticast, isZero } from '../routing/classify.js'
import type { Fib } from '../routing/fib.js'
import { lookup } from '../routing/lookup.js'
import type { FibValue } from '../rules/interpret.js'
import type { Cursor } from './cursor.js'

type Name = keyof typeof ADDRESS_TYPE

/** What xt_addrtype asks the FIB about an address (net/ipv4/fib_frontend.c: __inet_dev_addr_type; xt_addrtype.c: match_lookup_rt6). The device is the one with which the hook began. */
export function addressTypeOf(cursor: Cursor, { of, over }: FibValue): FieldValue {
  const { netns, skb } = cursor
  const ip = netns.addressOf(skb.packet, of === 'saddr' ? 'src' : 'dst')
  const dev = over === 'any' ? undefined : over === 'iif' ? skb.iif : cursor.hookOif
  return addressType(netns.fib(typeof ip === 'number' ? 4 : 6), ip, dev)
}

/** RTN_* of an address of the FIB's family, over one device or all. */
export const addressType = (fib: Fib, ip: Ip, dev: string | undefined): FieldValue =>
  ADDRESS_TYPE[typeof ip === 'number' ? type4(fib, ip, dev) : type6(fib, ip, dev)]

function type4(fib: Fib, ip: number, dev: string | undefined): Name {
  if (isZero(ip) || isLimitedBroadcast(ip)) return 'BROADCAST'
  if (isMulticast(ip)) return 'MULTICAST'
  for (const route of fib.table('local')?.matching(ip) ?? [])
    return dev === undefined || route.nexthops.some((hop) => hop.dev === dev)
      ? (route.type.toUpperCase() as Name)
      : 'UNICAST'
  return 'UNICAST'
}

/** The type that the address has by its bits is tested first; LOCAL, UNREACHABLE, … by a route lookup. */
function type6(fib: Fib, ip: bigint, dev: string | undefined): Name {
  if (isMulticast(ip)) return 'MULTICAST'
  if (isLoopback(ip) && dev === undefined) return 'LOCAL'
  const { found } = lookup(fib, { dst: ip, iif: 'lo', ...(dev === undefined ? {} : { oif: dev }) })
  if (found.is !== 'route') return 'UNREACHABLE'
  const { type } = found.route
  return type === 'local'
    ? 'LOCAL'
    : type === 'anycast'
      ? 'ANYCAST'
      : type === 'unreachable' || type === 'blackhole' || type === 'prohibit'
        ? 'UNREACHABLE'
        : 'UNICAST'
}
