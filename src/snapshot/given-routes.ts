import { bitsOf, type Family, familyOf, type Ip, printIp } from '../address/ip.js'
import { firstOf, lastOf, type Prefix, parsePrefix, printPrefix } from '../address/prefix.js'
import type { Address, Link } from '../path/world.js'
import type { Route, RouteScope, RouteType } from '../routing/types.js'

interface Made {
  readonly type: RouteType
  readonly destination: Prefix
  readonly table: 'local' | 'main'
  readonly dev: string
  readonly source?: Ip
  readonly scope: RouteScope
  readonly metric: number
}

/**
 * The routes that the kernel makes of addresses, for a snapshot that does not hold them (`ip route` prints the table main only). Sources:
 * net/ipv4/fib_frontend.c: fib_add_ifaddr, fib_magic; net/ipv6/addrconf.c: addrconf_prefix_route, addrconf_add_mroute, ip6_ins_rt of local addresses.
 */
export function localTable(links: readonly Link[], family: Family): readonly Route[] {
  return links
    .filter(({ up }) => up)
    .flatMap((link) => {
      const own = link.addresses.filter(({ prefix }) => familyOf(prefix.ip) === family)
      return family === 4 ? own.flatMap((address) => local4(link, address)) : local6(link, own)
    })
    .map(toRoute)
}

/** The connected networks of the table main. */
export function connectedRoutes(links: readonly Link[], family: Family): readonly Route[] {
  return links
    .filter(({ up, kind }) => up && kind !== 'loopback')
    .flatMap(({ name, addresses }) =>
      addresses
        .filter(({ prefix, secondary }) => familyOf(prefix.ip) === family && !secondary)
        .filter(({ prefix, peer }) => peer !== undefined || prefix.length < bitsOf(family))
        .map(({ prefix, peer, scope }): Made => {
          const { ip, length } = peer ?? prefix
          const destination = { ip: firstOf({ ip, length }), length }
          const base = { type: 'unicast' as const, destination, table: 'main' as const, dev: name }
          return family === 4
            ? { ...base, source: prefix.ip, scope: scope === 'host' ? 'host' : 'link', metric: 0 }
            : { ...base, scope: 'global', metric: 256 }
        }),
    )
    .map(toRoute)
}

const LOOPBACK = parsePrefix('127.0.0.0/8')!

function local4({ name, kind }: Link, { prefix, broadcast, secondary }: Address): Made[] {
  const base = { table: 'local' as const, dev: name, source: prefix.ip, metric: 0 }
  const alone = (ip: Ip): Prefix => ({ ip, length: 32 })
  const made: Made[] = [{ ...base, type: 'local', destination: alone(prefix.ip), scope: 'host' }]
  if (secondary) return made
  if (kind === 'loopback' && firstOf(prefix) === LOOPBACK.ip && prefix.length === LOOPBACK.length)
    made.push({ ...base, type: 'local', destination: LOOPBACK, scope: 'host' })
  const last = prefix.length < 31 ? lastOf(prefix) : undefined
  for (const ip of new Set([broadcast, last]))
    if (ip !== undefined) made.push({ ...base, type: 'broadcast', destination: alone(ip), scope: 'link' })
  return made
}

function local6({ name, kind }: Link, addresses: readonly Address[]): Made[] {
  const base = { table: 'local' as const, dev: name, scope: 'global' as const }
  const made = addresses.map(
    ({ prefix }): Made => ({ ...base, type: 'local', destination: { ip: prefix.ip, length: 128 }, metric: 0 }),
  )
  if (addresses.length === 0 || kind === 'loopback') return made
  return [...made, { ...base, type: 'multicast', destination: parsePrefix('ff00::/8')!, metric: 256 }]
}

function toRoute({ type, destination, table, dev, source, scope, metric }: Made): Route {
  const whole = destination.length === bitsOf(familyOf(destination.ip))
  const words = [
    ...(type === 'unicast' ? [] : [type]),
    whole ? printIp(destination.ip) : printPrefix(destination),
    `dev ${dev} proto kernel`,
    ...(scope === 'global' ? [] : [`scope ${scope}`]),
    ...(source === undefined ? [] : [`src ${printIp(source)}`]),
    ...(metric === 0 && typeof destination.ip === 'number' ? [] : [`metric ${metric}`]),
  ]
  return {
    type,
    destination,
    table,
    metric,
    tos: 0,
    scope,
    source,
    nexthops: [{ gateway: undefined, dev, weight: 1, onlink: false, dead: false }],
    mtu: undefined,
    text: words.join(' '),
  }
}
