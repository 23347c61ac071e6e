import { type Family, familyOf, type Ip, printIp } from '../address/ip.js'
import { PROTOCOLS } from '../packet/fields.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import type { Rule } from '../rules/program.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import { type Block, blocksOf } from '../sets/blocks.js'
import { Summaries } from '../sets/summary.js'
import { sourcesOf } from './reach.js'
import { type Example, exampleOf } from './reach-example.js'
import { destined, type ReachQuestion, type Start, startsOf } from './reach-question.js'
import { type Arrival, groundsOf } from './reach-walk.js'
import type { ScopeOptions } from './scope.js'
import { SetWalk } from './walk.js'
import type { Ground } from './walk-ground.js'
import { imageOf } from './walk-image.js'
import { translationsOf } from './walk-translations.js'

/** What is asked for, as the sender writes it. */
export interface Target {
  readonly label: string
  readonly address: Ip
  readonly protocol: number
  readonly port: number
}

/** Who asks: a namespace, or everybody outside. */
export interface Asker {
  readonly label: string
  readonly from: ReachQuestion['from']
}

export interface Cell {
  /** `all`: every packet arrives; `none`: no packet does; `some`: some do and others do not; `perhaps`: of some it is not sure. */
  readonly reach: 'all' | 'some' | 'perhaps' | 'none'
  /** Where packets arrive, and with which source addresses. */
  readonly receivers: readonly {
    readonly place: string
    readonly sources: readonly string[]
    readonly example: Example | undefined
  }[]
}

export interface Matrix {
  readonly family: Family
  readonly askers: readonly string[]
  readonly targets: readonly string[]
  /** By asker, then by target. */
  readonly cells: readonly (readonly Cell[])[]
}

export interface MatrixOptions extends ScopeOptions {
  readonly family?: Family
  readonly askers?: readonly Asker[]
  readonly targets?: readonly Target[]
  /** Without, no example is looked for. */
  readonly examples?: boolean
}

/** More columns than these are not made. */
const MOST_TARGETS = 80

/** Who reaches what, over all packets: one walk for each asker. Throws NodeLimitError, VisitLimitError. */
export function matrix(hosts: Hosts, options: MatrixOptions = {}): Matrix {
  const family = options.family ?? 4
  let { grounds } = groundsOf(hosts, family, options)
  const { limit } = grounds[0]!.ground.space.bdd
  const askers = options.askers ?? askersOf(hosts, family)
  const targets = options.targets ?? targetsOf(grounds[0]!.ground)
  const cells = askers.map(({ from }): readonly Cell[] => {
    // what one walk leaves behind takes room from the next
    if (grounds[0]!.ground.space.bdd.size > limit / 3) grounds = groundsOf(hosts, family, options).grounds
    const walked = grounds.map(({ ground, world }) => walkTargets(ground, world.hosts, from, targets))
    return targets.map((target) => cellOf(hosts, walked, target, options.examples === true))
  })
  return { family, askers: askers.map(({ label }) => label), targets: targets.map(({ label }) => label), cells }
}

interface Walked {
  readonly ground: Ground
  readonly starts: readonly { readonly start: Start; readonly ends: ReturnType<SetWalk['walk']> }[]
}

function walkTargets(ground: Ground, hosts: Hosts, from: ReachQuestion['from'], targets: readonly Target[]): Walked {
  const { space } = ground
  const place = from.place && hosts.namespaces.find((one) => placeName(one) === placeName(from.place!))
  const wanted = space.union(targets.map((target) => destined(ground, target)))
  const walk = new SetWalk(ground)
  const starts = startsOf(ground, { from: place ? { place } : from, to: {} }).map((start) => {
    const groups = start.groups.map((group) => ({ ...group, ways: ground.site(group.place).math.into(group.ways, wanted) }))
    return { start, ends: walk.walk(groups) }
  })
  return { ground, starts }
} // biome-ignore format: short

/** Drops that say who may not have such a source, not who may not get there. */
const NOBODY = /^(martian-source|rp_filter|connection)$/

function cellOf(hosts: Hosts, worlds: readonly Walked[], target: Target, examples: boolean): Cell {
  const { ground } = worlds[0]!
  const { space } = ground
  const { bdd } = space
  const wanted = destined(ground, target)
  let [there, elsewhere]: [Node, Node] = [EMPTY, EMPTY]
  const receivers = new Map<string, { place: Namespace; start: Start; possible: Node; seen: Node }>()
  // starts of different places are different packets: each counts by itself
  let mixed = false
  for (const { ground: own, starts } of worlds)
    for (const { start, ends } of starts) {
      let [here, other]: [Node, Node] = [EMPTY, EMPTY]
      for (const { outcome, reason, place, ways } of ends) {
        const mine = ways.flatMap((way) => {
          const packets = bdd.and(way.packets, wanted)
          return packets === EMPTY ? [] : [{ ...way, packets }]
        })
        if (mine.length === 0) continue
        const packets = space.union(mine.map((way) => way.packets))
        if (outcome !== 'delivered') {
          if (!NOBODY.test(reason)) other = bdd.or(other, packets)
          continue
        }
        here = bdd.or(here, packets)
        const key = `${placeName(place)} ${placeName(start.place)}`
        const known = receivers.get(key) ?? { place, start, possible: EMPTY, seen: EMPTY }
        const seen = space.union(mine.map((way) => imageOf(own.site(place).math, way, [own.addresses.src])))
        receivers.set(key, { ...known, possible: bdd.or(known.possible, packets), seen: bdd.or(known.seen, seen) })
      }
      mixed ||= bdd.meets(here, other)
      there = bdd.or(there, here)
      elsewhere = bdd.or(elsewhere, other)
    }
  const reach = there === EMPTY ? 'none' : mixed ? 'perhaps' : elsewhere === EMPTY ? 'all' : 'some'
  return { reach, receivers: receiversOf(ground, hosts, [...receivers.values()], target, examples) }
}

function receiversOf(
  ground: Ground,
  hosts: Hosts,
  found: readonly { place: Namespace; start: Start; possible: Node; seen: Node }[],
  { address, protocol, port }: Target,
  examples: boolean,
): Cell['receivers'] {
  const places = new Map<string, { seen: Node; example: Example | undefined }>()
  for (const { place, start, possible, seen } of found) {
    const known = places.get(placeName(place)) ?? { seen: EMPTY, example: undefined }
    const arrival: Arrival = { start, place, outcome: 'delivered', interface: undefined, possible, sure: possible, seen, hangs: [] }
    const question: ReachQuestion = { from: {}, to: { address, protocol, port, sentTo: true } }
    places.set(placeName(place), {
      seen: ground.space.bdd.or(known.seen, seen),
      example: known.example ?? (examples ? exampleOf(ground, hosts, arrival, question) : undefined),
    })
  }
  return [...places].map(([place, { seen, example }]) => ({ place, sources: sourcesOf(ground, seen), example }))
} // biome-ignore format: short

/** Everybody who has an address that others can reach, and the internet. */
const askersOf = ({ namespaces }: Hosts, family: Family): readonly Asker[] => [
  { label: 'internet', from: { outside: true } },
  ...namespaces.flatMap((place) => (addressOf(place, family) === undefined ? [] : [{ label: placeName(place), from: { place } }])),
] // biome-ignore format: short

export const addressOf = ({ links }: Namespace, family: Family): Ip | undefined =>
  links
    .filter(({ kind }) => kind !== 'loopback')
    .flatMap(({ addresses }) => addresses)
    .find(({ prefix, scope }) => scope === 'global' && familyOf(prefix.ip) === family)?.prefix.ip

/** Services (what rules send elsewhere by address and port), then whatever listens for others. */
function targetsOf(ground: Ground): readonly Target[] {
  const found = new Map<string, Target>()
  const add = (name: string, address: Ip, protocol: number, port: number) => {
    const at = `${printIp(address).replace(/^(.*:.*)$/, '[$1]')}:${port}/${PROTOCOLS[protocol] ?? protocol}`
    if (!found.has(at) && found.size < MOST_TARGETS) found.set(at, { label: name === '' ? at : `${name} ${at}`, address, protocol, port })
  }
  for (const place of ground.hosts.namespaces) for (const one of servicesOf(ground, place)) add(one.name, one.address, one.protocol, one.port)
  for (const place of ground.hosts.namespaces) {
    const own = addressOf(place, ground.family)
    for (const { protocol, state, local, family, port } of place.sockets ?? []) {
      // who sends to a tunnel's port without a tunnel's header is taken in by nobody
      if (place.links.some(({ vxlan }) => vxlan?.port === port)) continue
      if (state !== 'listen' || own === undefined || (family !== 'both' && family !== ground.family)) continue
      const address = local ?? own
      const isOwn = place.links.some(({ kind, addresses }) => kind !== 'loopback' && addresses.some(({ prefix }) => prefix.ip === address))
      if (isOwn && (protocol === 'tcp' || protocol === 'udp')) add(placeName(place), address, protocol === 'tcp' ? 6 : 17, port)
    }
  }
  return [...found.values()]
} // biome-ignore format: short

/** What a ruleset translates by destination address and port, named by the comment of the rule that does. */
function* servicesOf(ground: Ground, place: Namespace): Generator<{ name: string } & Omit<Target, 'label'>> {
  const { space, family, addresses } = ground
  const { scope } = ground.site(place)
  const fields = ['meta.l4proto', addresses.dst, 'th.dport'] as const
  for (const entry of scope.hooks.prerouting) {
    if (entry.kind !== 'nat') continue
    for (const { table, chain } of entry.chains) {
      const summary = Summaries.of(scope.conditions).chain(table, chain)
      for (const { rule, effect, ways } of translationsOf(scope.conditions, table, summary).translated) {
        if (effect.manip === 'src') continue
        const packets = space.union(ways.map((way) => space.project(way.packets, fields)))
        for (const block of blocksOf(space, packets, fields, 8).blocks) {
          const service = serviceOf(block, addresses.dst, addressOf(place, family))
          if (service) yield { name: nameOf(rule), ...service }
        }
      }
    }
  }
}

function serviceOf(
  block: Block,
  field: 'ip.daddr' | 'ip6.daddr',
  own: Ip | undefined,
): Omit<Target, 'label'> | undefined {
  const single = (name: 'meta.l4proto' | 'th.dport' | typeof field) => {
    const values = block.get(name)
    return values?.length === 1 && values[0]![0] === values[0]![1] ? values[0]![0] : undefined
  }
  const [protocol, port] = [single('meta.l4proto'), single('th.dport')]
  if (protocol === undefined || port === undefined) return undefined
  // a node port is one of every address of the host
  const local =
    own !== undefined && (!block.has(field) || block.get(field)!.some(([from, to]) => from <= own && own <= to))
  const address = single(field) ?? (local ? own : undefined)
  return address === undefined ? undefined : { address: field === 'ip.daddr' ? Number(address) : BigInt(address), protocol: Number(protocol), port: Number(port) } // biome-ignore format: one line
}

const nameOf = ({ text }: Rule): string => /--comment "?([^" ]+)/.exec(text)?.[1] ?? ''
