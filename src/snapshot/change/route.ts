import { type Family, familyOf, type Ip, parseIp } from '../../address/ip.js'
import { contains, firstOf, type Prefix } from '../../address/prefix.js'
import type { Namespace } from '../../path/world.js'
import type { NextHop, Route } from '../../routing/types.js'
import { readRoutes } from '../ip-route.js'
import { InputError } from '../problem.js'
import { type Arguments, beginning, Refusal } from './refusal.js'

const OPERATIONS = ['add', 'append', 'prepend', 'change', 'chg', 'replace', 'delete', 'flush'] as const
type Operation = (typeof OPERATIONS)[number]

/** `ip route add|append|prepend|change|replace|del|flush …`. Throws Refusal, in the words of iproute2 6.1 and Linux 6.18. */
export function changeRoutes(namespace: Namespace, args: Arguments, hint: Family | undefined): Namespace {
  const operation = beginning(args.need(), OPERATIONS)
  if (operation === undefined)
    throw new Refusal(`Command "${args.last!.text}" is unknown, try "ip route help".`, args.last)
  return new RouteChange(namespace, args, hint, operation).apply()
}

class RouteChange {
  readonly #namespace: Namespace
  readonly #operation: Operation
  readonly #column: number
  readonly #words: readonly string[]
  readonly #route: Route
  readonly #family: Family

  constructor(namespace: Namespace, args: Arguments, hint: Family | undefined, operation: Operation) {
    this.#namespace = namespace
    this.#operation = operation
    this.#column = args.column
    const given = args.rest.map(({ text }) => text)
    // `to` may stand before the destination, and `flush table 5` names none
    const words = given.filter((word, i) => !(word === 'to' && i < 2))
    this.#words = operation === 'flush' && FLUSH_BY.has(words[0] ?? '') ? ['all', ...words] : words
    const [route] = this.#read(args, hint)
    this.#route = route
    this.#family = familyOf(route.destination.ip)
  }

  #read(args: Arguments, hint: Family | undefined): readonly [Route] {
    const type = ROUTE_TYPES.has(this.#words[0] ?? '') ? 1 : 0
    const destination = this.#words[type]
    if (destination === undefined) throw new Refusal('Command line is not complete. Try option "help"', args.column)
    const [address = '', length] = destination.split('/')
    const ip = parseIp(padded(address))
    if (destination !== 'default' && destination !== 'all') {
      const bits = ip === undefined ? 0 : familyOf(ip) === 4 ? 32 : 128
      if (ip === undefined || (hint !== undefined && familyOf(ip) !== hint) || Number(length ?? bits) > bits)
        throw new Refusal(`Error: any valid prefix is expected rather than "${destination}".`, args.rest[type])
    }
    const family = ip !== undefined ? familyOf(ip) : (hint ?? gatewayFamily(this.#words) ?? 4)
    const dst = ip === undefined ? destination : `${padded(address)}${length === undefined ? '' : `/${length}`}`
    const line = this.#words.map((word, i) => (i === type ? dst : word)).join(' ')
    try {
      const { routes } = readRoutes(line, family)
      if (!routes[0]) throw new Refusal('routes by source address are not read', this.#column)
      return [routes[0]]
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      throw new Refusal(`Error: ${error.message}`, this.#column + error.position.column - 1)
    }
  }

  apply(): Namespace {
    if (this.#operation === 'delete' || this.#operation === 'flush') return this.#remove()
    const route = this.#complete()
    const { routes } = this.#namespace
    const same = routes.filter((other) => isSame(other, route))
    const first = routes.indexOf(same[0]!)
    switch (this.#operation) {
      case 'add':
        if (same.length > 0) this.#refuse('RTNETLINK answers: File exists')
        return this.#with([...routes, route])
      case 'change':
      case 'chg':
        if (same.length === 0) this.#refuse('RTNETLINK answers: No such file or directory')
        return this.#with(routes.with(first, route))
      case 'replace':
        return this.#with(same.length === 0 ? [...routes, route] : routes.with(first, route))
      case 'prepend':
        return this.#with(first < 0 ? [...routes, route] : [...routes.slice(0, first), route, ...routes.slice(first)])
      case 'append': {
        const last = routes.indexOf(same.at(-1)!)
        return this.#with([
          ...routes.slice(0, last + 1 || undefined),
          route,
          ...(last < 0 ? [] : routes.slice(last + 1)),
        ])
      }
      default:
        throw new Error(`no way to ${this.#operation} a route`)
    }
  }

  #with(routes: readonly Route[]): Namespace {
    return { ...this.#namespace, routes }
  }

  #refuse(message: string): never {
    throw new Refusal(message, this.#column)
  }

  /** What the program and the kernel fill in. */
  #complete(): Route {
    const route = this.#route
    const { destination, type } = route
    if (firstOf(destination) !== destination.ip) this.#refuse('Error: Invalid prefix for given prefix length.')
    const nowhere = ['blackhole', 'unreachable', 'prohibit', 'throw'].includes(type)
    if (!nowhere && route.nexthops.length === 0) this.#refuse('RTNETLINK answers: No such device')
    const local = type === 'local' || type === 'broadcast' || type === 'anycast'
    const direct = type === 'unicast' && route.nexthops.every(({ gateway }) => gateway === undefined)
    const scoped = this.#words.includes('scope')
    const scope =
      this.#family === 6 || scoped ? route.scope : type === 'local' ? 'host' : local || (direct && !nowhere) ? 'link' : 'global'
    if (route.source !== undefined && !this.#owns(route.source)) this.#refuse('Error: Invalid prefsrc address.')
    const nexthops = route.nexthops.map((hop) => this.#hop(hop))
    const table = this.#words.includes('table') || !local ? route.table : 'local'
    return { ...route, scope, nexthops, table, text: textOf(route, nexthops, scoped ? undefined : scope) }
  } // biome-ignore format: one thing

  #owns(ip: Ip): boolean {
    return this.#namespace.links.some(({ addresses }) => addresses.some(({ prefix }) => prefix.ip === ip))
  }

  #hop(hop: NextHop): NextHop {
    const { gateway, dev } = hop
    const link = dev === undefined ? undefined : this.#namespace.links.find(({ name }) => name === dev)
    if (dev !== undefined && !link) this.#refuse(`Cannot find device "${dev}"`)
    if (link && !link.up) this.#refuse('Error: Device for nexthop is not up.')
    if (gateway === undefined || hop.onlink || (typeof gateway === 'bigint' && this.#family === 4)) return hop
    if (typeof gateway === 'bigint' && gateway >> 118n === 0x3fan) {
      if (dev === undefined) this.#refuse('Error: Egress device not specified.')
      return hop
    }
    const way = this.#wayTo(gateway, dev)
    if (way === undefined)
      this.#refuse(this.#family === 4 ? 'Error: Nexthop has invalid gateway.' : 'RTNETLINK answers: No route to host')
    return { ...hop, dev: way }
  }

  /** The device behind which a gateway lies (fib_check_nh: a route of narrower scope leads there). */
  #wayTo(gateway: Ip, dev: string | undefined): string | undefined {
    let best: Route | undefined
    for (const route of this.#namespace.routes) {
      const { destination, type, table, nexthops } = route
      if (familyOf(destination.ip) !== familyOf(gateway) || !contains(destination, gateway)) continue
      if (table !== 'main' && table !== 'local' && table !== 'default') continue
      const [hop] = nexthops
      if (type !== 'unicast' && type !== 'local') continue
      if (hop?.gateway !== undefined || (dev !== undefined && hop?.dev !== dev)) continue
      if (!best || destination.length > best.destination.length) best = route
    }
    return best?.nexthops[0]?.dev
  }

  #remove(): Namespace {
    const { routes } = this.#namespace
    if (this.#operation === 'flush') return this.#with(routes.filter((route) => !this.#isFlushed(route)))
    const at = routes.findIndex((route) => this.#isMeant(route))
    if (at < 0) this.#refuse('RTNETLINK answers: No such process')
    return this.#with(routes.filter((_, i) => i !== at))
  }

  /** What was said of the route to delete must hold; the rest may be anything (fib_table_delete). */
  #isMeant(other: Route): boolean {
    const route = this.#route
    const said = (word: string) => this.#words.includes(word)
    if (!samePrefix(other.destination, route.destination) || familyOf(other.destination.ip) !== this.#family) return false
    const table = said('table') ? route.table : ['local', 'broadcast', 'anycast'].includes(route.type) ? 'local' : 'main'
    if (other.table !== table) return false
    if (ROUTE_TYPES.has(this.#words[0]!) && other.type !== route.type) return false
    if ((said('metric') || said('preference')) && other.metric !== route.metric) return false
    if (said('src') && other.source !== route.source) return false
    if ((said('tos') || said('dsfield')) && other.tos !== route.tos) return false
    if (said('scope') && other.scope !== route.scope) return false
    return route.nexthops.every(({ gateway, dev }, i) => {
      const hop = other.nexthops[i]
      return (gateway === undefined || hop?.gateway === gateway) && (dev === undefined || hop?.dev === dev)
    })
  } // biome-ignore format: one thing

  #isFlushed(other: Route): boolean {
    const route = this.#route
    const said = (word: string) => this.#words.includes(word)
    if (familyOf(other.destination.ip) !== this.#family) return false
    const all = said('table') && ['all', '0', 'unspec'].includes(route.table)
    if (!all && other.table !== (said('table') ? route.table : 'main')) return false
    const [first] = this.#words
    if (first !== 'all' && !samePrefix(other.destination, route.destination)) return false
    return route.nexthops.every(({ gateway, dev }) =>
      other.nexthops.some((hop) => (gateway === undefined || hop.gateway === gateway) && (dev === undefined || hop.dev === dev)),
    )
  } // biome-ignore format: one thing
}

const ROUTE_TYPES: ReadonlySet<string> = new Set([
  'unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole', 'unreachable', 'prohibit', 'throw',
]) // biome-ignore format: a table
const FLUSH_BY: ReadonlySet<string> = new Set(['table', 'dev', 'via', 'proto', 'scope', 'src', 'type', 'cache'])

/** `10.1` is 10.1.0.0 (get_addr_1). */
const padded = (address: string): string =>
  /^\d+(\.\d+){0,2}$/.test(address) ? `${address}${'.0'.repeat(4 - address.split('.').length)}` : address

function gatewayFamily(words: readonly string[]): Family | undefined {
  const via = words[words.indexOf('via') + 1]
  const ip = words.includes('via') && via !== undefined ? parseIp(via) : undefined
  return ip === undefined ? undefined : familyOf(ip)
}

const samePrefix = (a: Prefix, b: Prefix): boolean => a.ip === b.ip && a.length === b.length

/** What may not be there twice: an IPv4 route's prefix, TOS and metric (fib_table_insert); of IPv6 the gateway counts too (fib6_add_rt2node). */
function isSame(a: Route, b: Route): boolean {
  if (familyOf(a.destination.ip) !== familyOf(b.destination.ip) || !samePrefix(a.destination, b.destination)) return false
  if (a.table !== b.table || a.metric !== b.metric || a.tos !== b.tos) return false
  if (familyOf(a.destination.ip) === 4) return true
  return a.nexthops[0]?.dev === b.nexthops[0]?.dev && a.nexthops[0]?.gateway === b.nexthops[0]?.gateway
} // biome-ignore format: one thing

/** With the device and the scope that the kernel found. */
function textOf({ text }: Route, nexthops: readonly NextHop[], scope: Route['scope'] | undefined): string {
  const [hop, ...more] = nexthops
  const device = hop?.dev !== undefined && more.length === 0 && !/\bdev /.test(text) ? text.replace(/(via \S+)/, `$1 dev ${hop.dev}`) : text
  return scope === undefined || scope === 'global' || /\bscope /.test(device) ? device : `${device} scope ${scope}`
} // biome-ignore format: one thing
