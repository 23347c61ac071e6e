import { ifName } from '../address/ifname.js'
import type { Ip } from '../address/ip.js'
import { contains, firstOf, lastOf, type Prefix } from '../address/prefix.js'
import type { Field, FieldValue } from '../packet/fields.js'
import { hasPorts } from '../packet/headers.js'
import type { Netns } from '../path/netns.js'
import { isLimitedBroadcast, isLinkLocal6, isLoopback, isMulticast, isZero } from '../routing/classify.js'
import type { Fib } from '../routing/fib.js'
import { type InputRoute, routeInput } from '../routing/input.js'
import type { Flow } from '../routing/lookup.js'
import { type OutputRoute, routeOutput } from '../routing/output.js'
import type { Range } from '../rules/value.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import { VisitLimitError } from '../sets/chains.js'
import { intervalsOf } from '../sets/fib.js'
import { masked, type Space } from '../sets/space.js'

/** Packets that fare alike in a routing decision, and how one of them fares. */
export interface Routed<R> {
  readonly packets: Node
  readonly route: R
}

/** Packets that are alike to routing as far as one field goes, and the value of one of them. */
interface Class {
  readonly packets: Node
  readonly value: FieldValue
}

/** More questions to the routing tables than this are not asked. */
const MOST_QUESTIONS = 3_000_000

/**
 * Routing decisions for sets: the tables are asked once (`routeInput`, `routeOutput`) for each combination of destinations, sources and whatever rules look at that
 * no route and no rule tells apart.
 */
export class RouteSets {
  readonly #space: Space
  readonly #netns: Netns
  readonly #fib: Fib
  readonly #addresses: readonly (readonly [representative: Ip, ranges: readonly Range[]])[]
  readonly #others: readonly { readonly packets: Node; readonly flow: Partial<Flow> }[]
  readonly #known = new Map<string, unknown>()

  constructor(space: Space, netns: Netns) {
    this.#space = space
    this.#netns = netns
    this.#fib = netns.fib(space.family)
    this.#addresses = this.#alike()
    this.#others = this.#selectors()
  }

  input(iif: string): readonly Routed<InputRoute>[] {
    const key = (route: InputRoute) =>
      route.to === 'local'
        ? `local ${route.type}`
        : route.to === 'nowhere'
          ? `nowhere ${route.reason} ${route.reason === 'no-route' ? '' : route.text}`
          : `forward ${route.dev} ${route.gateway} ${route.ways?.map(({ dev, gateway, refused }) => `${dev} ${gateway} ${refused?.reason}`)}`
    return this.#once(`input ${iif}`, () =>
      this.#over(this.#sources('saddr'), key, (flow) =>
        routeInput(this.#fib, this.#netns.interfaces, { ...flow, src: flow.src!, iif }),
      ),
    )
  }

  /** `chooses`: the source is left to the kernel. */
  output(chooses: boolean, oif: string | undefined, anySource: boolean): readonly Routed<OutputRoute>[] {
    const key = (route: OutputRoute) =>
      route.ok
        ? `${route.type} ${route.dev} ${route.gateway} ${chooses ? route.source : ''} ${route.ways?.map(({ dev, gateway, source }) => `${dev} ${gateway} ${source}`)}`
        : `no ${route.reason}`
    const sources = chooses ? [{ packets: FULL, value: undefined }] : this.#sources('saddr')
    return this.#once(`output ${chooses} ${oif} ${anySource}`, () =>
      this.#over(sources, key, (flow) =>
        routeOutput(
          this.#fib,
          this.#netns.interfaces,
          { ...flow, ...(oif === undefined ? {} : { oif }) },
          { anySource },
        ),
      ),
    )
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#known.has(key)) this.#known.set(key, make())
    return this.#known.get(key) as T
  }

  #over<R>(
    sources: readonly { readonly packets: Node; readonly value: FieldValue | undefined }[],
    keyOf: (route: R) => string,
    ask: (flow: Flow) => R,
  ): readonly Routed<R>[] {
    const { bdd } = this.#space
    const destinations = this.#sources('daddr')
    if (destinations.length * sources.length * this.#others.length > MOST_QUESTIONS)
      throw new VisitLimitError('the routing tables tell too many addresses apart')
    const found = new Map<string, { route: R; sets: Node[] }>()
    for (const other of this.#others)
      for (const { packets: to, value: dst } of destinations) {
        const here = new Map<string, { route: R; sets: Node[] }>()
        for (const { packets: from, value: src } of sources) {
          const route = ask({ ...other.flow, dst: dst as Ip, src: src as Ip | undefined })
          const key = keyOf(route)
          const known = here.get(key)
          if (known) known.sets.push(from)
          else here.set(key, { route, sets: [from] })
        }
        const both = bdd.and(to, other.packets)
        for (const [key, { route, sets }] of here) {
          const set = bdd.and(both, here.size === 1 ? FULL : this.#space.union(sets))
          const known = found.get(key)
          if (known) known.sets.push(set)
          else found.set(key, { route, sets: [set] })
        }
      }
    return [...found.values()].map(({ route, sets }) => ({ route, packets: this.#space.union(sets) }))
  }

  #sources(end: 'saddr' | 'daddr'): readonly Class[] {
    return this.#once(`addresses ${end}`, () => {
      const field: Field = this.#space.family === 4 ? `ip.${end}` : `ip6.${end}`
      return this.#addresses.map(([value, ranges]) => ({ value, packets: this.#space.in(field, ranges) }))
    })
  }

  /** Addresses that no route, no rule and no device tells apart. */
  #alike(): readonly (readonly [Ip, readonly Range[]])[] {
    const { family } = this.#space
    const { routes, links } = this.#netns.state
    const fits = ({ ip }: Prefix) => (typeof ip === 'number' ? 4 : 6) === family
    const destinations = routes.map(({ destination }) => destination).filter(fits)
    const asked = [
      ...this.#fib.rules.flatMap(({ from, to }) => [from, to]),
      ...links.flatMap(({ addresses }) =>
        addresses.map(({ prefix }) => ({ ...prefix, length: typeof prefix.ip === 'number' ? 32 : 128 })),
      ),
    ].flatMap((prefix) => (prefix && fits(prefix) ? [prefix] : []))
    const tables = [...new Set(routes.map(({ table }) => table))].flatMap((name) => this.#fib.table(name) ?? [])
    const numbers = new Map(routes.map((route, i) => [route, i]))
    const found = new Map<string, [Ip, Range[]]>()
    for (const [from, to] of intervalsOf(family, [...destinations, ...asked])) {
      const matching = tables.map((table) => [...table.matching(from)].map((route) => numbers.get(route)).join(','))
      const kinds = [isMulticast, isLimitedBroadcast, isLoopback, isZero, isLinkLocal6].map((is) => (is(from) ? 1 : 0))
      const key = `${matching.join(';')} ${kinds.join('')} ${asked.map((prefix) => (contains(prefix, from) ? 1 : 0)).join('')}`
      const known = found.get(key)
      if (known) known[1].push([from, to])
      else found.set(key, [from, [[from, to]]])
    }
    return [...found.values()]
  }

  /** What rules look at besides addresses and interfaces. */
  #selectors(): readonly { readonly packets: Node; readonly flow: Partial<Flow> }[] {
    const space = this.#space
    const { bdd } = space
    const { rules } = this.#fib
    // the way back, which reverse-path checks look up, has them the other way round
    const ports = (field: 'th.sport' | 'th.dport'): readonly Node[] =>
      rules.flatMap(({ sport, dport }) => [sport, dport].flatMap((range) => (range ? [space.in(field, [range])] : [])))
    const marks = rules.flatMap(({ fwmark }) =>
      fwmark ? [space.bitsIn(masked(space.bitsOf('meta.mark'), fwmark.mask), [[fwmark.value, fwmark.value]])] : [],
    )
    const [sports, dports] = [ports('th.sport'), ports('th.dport')]
    const protocols = rules.flatMap(({ protocol }) => (protocol ? [space.equals('meta.l4proto', protocol)] : []))
    if (sports.length + dports.length > 0)
      protocols.push(space.union(BYTES.filter(hasPorts).map((protocol) => space.equals('meta.l4proto', protocol))))
    const tosses = [...rules.map(({ tos }) => tos), ...this.#netns.state.routes.map(({ tos }) => tos)].flatMap((tos) =>
      tos ? [space.equals('ip.tos', tos)] : [],
    )
    // IPv4 compares three bits of the TOS, IPv6 six: what no class tells apart is alike to both
    const services =
      tosses.length > 0 ? BYTES.filter((tos) => (tos & 3) === 0).map((tos) => space.in('ip.tos', [[tos, tos | 3]])) : []
    let all: { readonly packets: Node; readonly flow: Partial<Flow> }[] = [{ packets: FULL, flow: {} }]
    const dimension = (field: Field, name: keyof Flow, predicates: readonly Node[]) => {
      if (predicates.length === 0) return
      const classes = classesOf(space, field, predicates)
      all = all.flatMap(({ packets, flow }) =>
        classes.flatMap((one) => {
          const both = bdd.and(packets, one.packets)
          return both === EMPTY ? [] : [{ packets: both, flow: { ...flow, [name]: Number(one.value) } }]
        }),
      )
    }
    dimension('meta.mark', 'mark', marks)
    dimension('meta.l4proto', 'protocol', protocols)
    dimension('ip.tos', 'tos', services)
    dimension('th.sport', 'sport', sports)
    dimension('th.dport', 'dport', dports)
    return all.map(({ packets, flow }) => {
      if (flow.protocol === undefined || hasPorts(flow.protocol)) return { packets, flow }
      const { sport: _, dport: __, ...rest } = flow
      return { packets, flow: rest }
    })
  }
}

const BYTES: readonly number[] = Array.from({ length: 256 }, (_, i) => i)

/** Splits all values of a field by predicates over it. */
function classesOf(space: Space, field: Field, predicates: readonly Node[]): readonly Class[] {
  const { bdd } = space
  let classes: readonly Node[] = [space.present(field)]
  for (const predicate of predicates)
    classes = classes.flatMap((one) =>
      [bdd.and(one, predicate), bdd.minus(one, predicate)].filter((part) => part !== EMPTY),
    )
  return classes.map((packets) => ({ packets, value: valueIn(space, packets, field) }))
}

/** The value of a field in some packet of the set. */
export function valueIn(space: Space, set: Node, field: Field): FieldValue {
  const assigned = space.bdd.any(set)
  const value = space
    .bitsOf(field)
    .reduce((sum: bigint, bit) => (sum << 1n) | BigInt(typeof bit === 'number' ? (assigned.get(bit) ?? 0) : 1), 0n)
  return value < 1n << 48n ? Number(value) : value
}

/** The number that stands for an interface's name in a space, as it is written to a field. */
export const nameNumber = (space: Space, name: string | undefined): bigint =>
  BigInt(space.names.numberOf(ifName(name ?? '')))

export const prefixRange = (prefix: Prefix): Range => [firstOf(prefix), lastOf(prefix)]
