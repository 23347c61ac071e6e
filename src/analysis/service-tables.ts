import { bitsOf, type Family, familyOf, type Ip } from '../address/ip.js'
import { type Prefix, parsePrefix } from '../address/prefix.js'
import type { FieldValue } from '../packet/fields.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import { rangeText } from '../sets/describe.js'
import { Scope, type ScopeOptions } from './scope.js'
import { type Carried, type Service, serviceMatrix } from './service-matrix.js'

/** What one base chain lets through of one service. */
export interface ServiceTable {
  readonly place: string
  /** `filter/FORWARD`. */
  readonly chain: string
  /** All addresses, as prefixes and ranges: those of one class are treated alike. Undefined: they are scattered beyond listing. */
  readonly classes:
    | readonly { readonly addresses: readonly string[]; readonly reaches: readonly number[] }[]
    | undefined
}

export interface ServiceOptions extends ScopeOptions {
  readonly family?: Family
  /** Left out: every namespace that filters. */
  readonly place?: Namespace
}

/** The addresses that interfaces carry, as the routes tell: an interface that rules name stands for them. Nothing where no route is known. */
function carriedBy({ links, routes }: Namespace, family: Family): Carried {
  const found = new Map<string, Prefix[]>()
  const fits = ({ ip }: Prefix) => familyOf(ip) === family
  if (!routes.some(({ destination }) => fits(destination))) return found
  const own = links.flatMap(({ addresses }) =>
    addresses.map(({ prefix }) => ({ ip: prefix.ip, length: bitsOf(familyOf(prefix.ip)) })),
  )
  for (const { name, kind, addresses } of links) {
    const reached = routes.flatMap(({ destination, nexthops, type }) =>
      type === 'unicast' && nexthops.some(({ dev }) => dev === name) ? [destination] : [],
    )
    const all =
      kind === 'loopback' ? [LOOPBACK[family], ...own] : [...addresses.map(({ prefix }) => prefix), ...reached]
    found.set(name, all.filter(fits))
  }
  return found
}

const LOOPBACK: Readonly<Record<Family, Prefix>> = { 4: parsePrefix('127.0.0.0/8')!, 6: parsePrefix('::1/128')! }

/**
 * For each base chain that filters what is forwarded or comes in: which addresses may open connections to which, for one service. An
 * interface that rules name stands for the addresses to which routes lead over it, where any are known. Throws NodeLimitError, VisitLimitError.
 */
export function serviceTables(
  hosts: Hosts,
  service: Service,
  { family = 4, place, ...options }: ServiceOptions = {},
): readonly ServiceTable[] {
  const own = (value: FieldValue): Ip => (family === 4 ? Number(value) : BigInt(value))
  return (place ? [place] : hosts.namespaces).flatMap((namespace) => {
    const scope = new Scope(hosts, namespace, family, options)
    const entries = (['forward', 'input'] as const).flatMap((hook) => scope.entries(hook))
    const filters = entries.filter(
      ({ base, chain, table }) =>
        base.type === 'filter' && table.name !== 'mangle' && (chain.rules.length > 0 || base.policy === 'drop'),
    )
    return filters.map((entry): ServiceTable => {
      const classes = serviceMatrix(scope, entry, service, carriedBy(namespace, family))?.map(
        ({ addresses, reaches }) => ({
          addresses: addresses.map(([from, to]) => rangeText(own(from), own(to))),
          reaches,
        }),
      )
      return { place: placeName(namespace), chain: `${entry.table.name}/${entry.chain.name}`, classes }
    })
  })
}
