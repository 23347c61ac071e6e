import type { Family, Ip } from '../address/ip.js'
import { familyOf, parseIp } from '../address/ip.js'
import type { Prefix } from '../address/prefix.js'
import type { NextHop, Route, RouteScope, RouteType } from '../routing/types.js'
import { routeText } from './ip-route-print.js'
import { routeObjects } from './ip-route-text.js'
import { type Item, jsonItems } from './item.js'
import { looksLikeJson } from './words.js'

/** What `ip route` printed, and what of it the model has no place for. */
export interface Routes {
  readonly routes: readonly Route[]
  readonly notes: readonly string[]
}

const TYPES: ReadonlySet<string> = new Set([
  'unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole', 'unreachable', 'prohibit', 'throw',
] satisfies RouteType[]) // biome-ignore format: a table

/** By name, and by the number that is printed for a scope without one (RT_SCOPE_* of <linux/rtnetlink.h>). */
const SCOPES: Readonly<Record<string, RouteScope>> = {
  global: 'global', universe: 'global', site: 'site', link: 'link', host: 'host', nowhere: 'nowhere',
  0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere',
} // biome-ignore format: a table

const TABLES: Readonly<Record<string, string>> = { 253: 'default', 254: 'main', 255: 'local' }

/** Tables are known by name and by number. */
export const tableName = (text: string): string => TABLES[text] ?? text

/**
 * `ip route show [table …]`, as JSON or text, either family or both. `hint`: the family of routes that do not show theirs (`default dev wg0`).
 * Throws InputError. Source: ip-route(8); order of words: iproute2 ip/iproute.c, print_route.
 */
export function readRoutes(text: string, hint: Family): Routes {
  const items = looksLikeJson(text) ? jsonItems(text) : routeObjects(text)
  const shown = items.map(shownFamily)
  const routes: Route[] = []
  const notes: string[] = []
  // `table all` prints IPv4 first, then IPv6
  let last: Family = shown.some((family) => family !== undefined) && !shown.includes(4) ? 6 : hint
  for (const [index, item] of items.entries()) {
    const family = shown[index] ?? last
    last = family
    const route = toRoute(item, family)
    if (item.has('from')) notes.push(`the route "${route.text}" asks for the source address: left out`)
    else if (item.has('encap')) notes.push(`the route "${route.text}" encapsulates: taken without`)
    if (!item.has('from')) routes.push(route)
  }
  return { routes, notes }
}

/** Only IPv6 prints a preference; an IPv4 route can have an IPv6 gateway (`via inet6 …`), which is told apart. */
function shownFamily(item: Item): Family | undefined {
  const dst = item.text('dst')
  if (dst !== undefined && dst !== 'default' && dst !== 'all') {
    const ip = parseIp(dst.split('/')[0]!)
    if (ip !== undefined) return familyOf(ip)
  }
  if (item.has('via')) return 4
  const hops = item.items('nexthops')
  if (hops.some((hop) => hop.has('via'))) return 4
  const address =
    item.ip('gateway') ?? item.ip('prefsrc') ?? hops.map((hop) => hop.ip('gateway')).find((ip) => ip !== undefined)
  return address !== undefined ? familyOf(address) : item.has('pref') ? 6 : undefined
}

function toRoute(item: Item, family: Family): Route {
  return {
    type: typeOf(item),
    destination: destinationOf(item, family),
    table: tableName(`${item.value['table'] ?? 'main'}`),
    metric: item.number('metric') ?? (family === 4 ? 0 : 1024),
    tos: item.number('tos') ?? 0,
    scope: scopeOf(item),
    source: item.ip('prefsrc'),
    nexthops: nexthopsOf(item),
    ...(item.has('nhid') ? { nexthopId: item.need('nhid', item.number('nhid')) } : {}),
    mtu: item
      .items('metrics')
      .map((metric) => metric.number('mtu'))
      .find((mtu) => mtu !== undefined),
    text: routeText(item),
  }
}

function typeOf(item: Item): RouteType {
  const type = item.text('type') ?? 'unicast'
  return TYPES.has(type) ? (type as RouteType) : item.fail('type', `"${type}" is no type of route`)
}

function scopeOf(item: Item): RouteScope {
  const scope = `${item.value['scope'] ?? 'global'}`
  return SCOPES[scope] ?? item.fail('scope', `"${scope}" is no scope`)
}

function destinationOf(item: Item, family: Family): Prefix {
  const dst = item.need('dst', item.text('dst'))
  if (dst === 'default' || dst === 'all') return { ip: family === 4 ? 0 : 0n, length: 0 }
  return item.prefix('dst')!
}

function nexthopsOf(item: Item): readonly NextHop[] {
  const hops = item.items('nexthops')
  if (hops.length > 0) return hops.map(toNextHop)
  return item.has('dev') || item.has('gateway') || item.has('via') ? [toNextHop(item)] : []
}

function toNextHop(item: Item): NextHop {
  const flags = item.texts('flags')
  return {
    gateway: gatewayOf(item),
    dev: item.text('dev'),
    weight: item.number('weight') ?? 1,
    onlink: flags.includes('onlink'),
    dead: flags.includes('dead') || flags.includes('linkdown'),
  }
}

const gatewayOf = (item: Item): Ip | undefined => item.ip('gateway') ?? item.item('via')?.ip('host')
