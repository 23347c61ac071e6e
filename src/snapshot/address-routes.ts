import { bitsOf, type Family, familyOf, type Ip, printIp } from '../address/ip.js'
import { firstOf, lastOf, type Prefix, printPrefix } from '../address/prefix.js'
import type { Address, Link } from '../path/world.js'
import type { Route, RouteScope, RouteType } from '../routing/types.js'

interface Wanted {
  readonly type: RouteType
  readonly destination: Prefix
  readonly table: 'local' | 'main'
  readonly scope: RouteScope
  readonly source?: Ip
  readonly metric?: number
}

/** Metric of IPv6 routes that come with an address (IP6_RT_PRIO_ADDRCONF). */
const ADDRCONF = 256

/**
 * The routes that the kernel makes by itself for addresses on interfaces that are up: for input that has no `ip route`, or only table main.
 * Source: net/ipv4/fib_frontend.c, fib_add_ifaddr; net/ipv6/addrconf.c, addrconf_add_linklocal, addrconf_prefix_route, addrconf_add_mroute.
 */
export function addressRoutes(links: readonly Link[], family: Family, table: 'local' | 'main'): readonly Route[] {
  return links
    .filter(({ up }) => up)
    .flatMap((link) => {
      const own = link.addresses.filter(({ prefix }) => familyOf(prefix.ip) === family)
      const wanted = family === 4 ? own.flatMap((address) => wanted4(link, address)) : wanted6(link, own)
      return wanted.filter((one) => one.table === table).map((one) => toRoute(one, link.name))
    })
}

function wanted4(link: Link, address: Address): readonly Wanted[] {
  const { prefix, peer, broadcast } = address
  const local = (destination: Prefix): Wanted => ({
    type: 'local',
    destination,
    table: 'local',
    scope: 'host',
    source: prefix.ip,
  })
  const wanted: Wanted[] = [local({ ip: prefix.ip, length: 32 })]
  const far = peer ?? prefix
  if (broadcast !== undefined && broadcast !== 0xffffffff)
    wanted.push({
      type: 'broadcast',
      destination: { ip: broadcast, length: 32 },
      table: 'local',
      scope: 'link',
      source: prefix.ip,
    })
  if (address.secondary || (peer === undefined && prefix.length === 32)) return wanted
  const network = { ip: firstOf(far), length: far.length }
  if (link.kind === 'loopback') wanted.push(local(network))
  else wanted.push({ type: 'unicast', destination: network, table: 'main', scope: 'link', source: prefix.ip })
  if (far.length < 31)
    wanted.push({
      type: 'broadcast',
      destination: { ip: lastOf(far), length: 32 },
      table: 'local',
      scope: 'link',
      source: prefix.ip,
    })
  // a broadcast address that was set by hand is the same one most of the time
  return wanted.filter(
    ({ destination, type }, at) =>
      wanted.findIndex((one) => one.type === type && same(one.destination, destination)) === at,
  )
}

const same = (a: Prefix, b: Prefix): boolean => a.ip === b.ip && a.length === b.length

function wanted6(link: Link, own: readonly Address[]): readonly Wanted[] {
  if (own.length === 0) return []
  const wanted: Wanted[] = own
    .filter(({ usable }) => usable)
    .map(({ prefix }) => ({
      type: 'local',
      destination: { ip: prefix.ip, length: 128 },
      table: 'local',
      scope: 'global',
      metric: 0,
    }))
  if (link.kind === 'loopback') return wanted
  for (const { prefix, peer } of own) {
    const far = peer ?? prefix
    const destination = { ip: firstOf(far), length: far.length }
    if (!wanted.some((one) => one.table === 'main' && same(one.destination, destination)))
      wanted.push({ type: 'unicast', destination, table: 'main', scope: 'global', metric: ADDRCONF })
  }
  wanted.push({
    type: 'multicast',
    destination: { ip: 0xffn << 120n, length: 8 },
    table: 'local',
    scope: 'global',
    metric: ADDRCONF,
  })
  return wanted
}

function toRoute({ type, destination, table, scope, source, metric }: Wanted, dev: string): Route {
  const shown =
    destination.length === bitsOf(familyOf(destination.ip)) ? printIp(destination.ip) : printPrefix(destination)
  const words = [
    ...(type === 'unicast' ? [] : [type]),
    shown,
    `dev ${dev} proto kernel`,
    ...(scope === 'global' ? [] : [`scope ${scope}`]),
    ...(source === undefined ? [] : [`src ${printIp(source)}`]),
    ...(metric === undefined ? [] : [`metric ${metric} pref medium`]),
  ]
  return {
    type,
    destination,
    table,
    metric: metric ?? 0,
    tos: 0,
    scope,
    source,
    nexthops: [{ gateway: undefined, dev, weight: 1, onlink: false, dead: false }],
    mtu: undefined,
    text: words.join(' '),
  }
}
