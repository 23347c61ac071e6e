import type { Family } from '../address/ip.js'
import type { Entry } from '../conntrack/entry.js'
import { isIcmp, type Tuple } from '../conntrack/tuple.js'
import { CT_STATE, FIELDS, type Field } from '../packet/fields.js'
import type { Netns } from '../path/netns.js'
import { Run } from '../path/run.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import { Space } from '../sets/space.js'
import { Summaries } from '../sets/summary.js'
import type { Transform, Write } from '../sets/transform.js'
import type { Way, WayMath } from '../sets/ways.js'
import { Scope, type ScopeOptions, sharedNames } from './scope.js'
import { type FirstState, firstPackets } from './walk-first.js'
import type { Beside } from './walk-group.js'
import { assign, writing } from './walk-nat.js'
import { nameNumber, RouteSets } from './walk-routes.js'
import type { Nat } from './walk-translations.js'

/** One namespace under a walk of sets. */
export class Site {
  readonly scope: Scope
  readonly netns: Netns
  readonly routes: RouteSets
  readonly math: WayMath
  /** What becomes of first packets of connections in connection tracking, with what is written to them. */
  readonly first: readonly { readonly state: FirstState; readonly way: Way }[]
  /** Packets of connections that the snapshot lists. */
  readonly existing: Node
  /** Translations that make no difference to what is asked count as one (`takeTogether`). */
  together: (effect: Nat) => Nat = (effect) => effect
  readonly #asksPorts: boolean
  readonly #connectionFields: readonly Field[]
  readonly #ports = new Map<string, number>()

  constructor(scope: Scope, netns: Netns) {
    this.scope = scope
    this.netns = netns
    const { space, conditions } = scope
    this.math = Summaries.of(conditions).math
    this.routes = new RouteSets(space, netns)
    const { tracking } = netns.hooks(space.family)
    const { transforms } = this.math
    const fields = askedFor(scope)
    this.#connectionFields = (Object.keys(FIELDS) as Field[]).filter(
      (field) => field.startsWith('ct.') && fields.has(field) && field !== 'ct.state' && field !== 'ct.direction',
    )
    this.#asksPorts = PORT_FIELDS.some((field) => fields.has(field))
    const of = (writes: readonly Write[]) =>
      writes.reduce((all, one) => transforms.after(all, one), transforms.identity)
    this.first = tracking
      ? [...firstPackets(space, netns.connections.settings)].map(([state, packets]) => ({
          state,
          way: {
            transform: state === 'INVALID' ? transforms.identity : of(firstWrites(state, space.family, fields)),
            packets,
          },
        }))
      : []
    this.existing = tracking ? tuplesOf(space, netns.state.connections ?? []) : EMPTY
  }

  /** Packets that connection tracking finds to come back over a connection of which no more is known than that it exists. */
  belonging(ways: readonly Way[], state: 'ESTABLISHED' | 'RELATED'): readonly Way[] {
    return writing(this.math, ways, [
      assign('ct.state', CT_STATE[state]),
      assign('ct.direction', 1),
      { do: 'forget', fields: this.#connectionFields },
    ])
  }

  /** What chains make of packets at these bridge ports. */
  atPorts(ways: readonly Way[], bridge: Pick<NonNullable<Beside['bridge']>, 'in' | 'out'> | undefined): readonly Way[] {
    if (!this.#asksPorts) return ways
    const { space } = this.scope
    const key = `${bridge?.in}|${bridge?.out}`
    let values = this.#ports.get(key)
    if (values === undefined) {
      values = space.bdd.values(portValues(space, bridge))
      this.#ports.set(key, values)
    }
    return ways.map(({ transform, packets }) => ({ transform, packets: space.bdd.assign(packets, values) }))
  }

  /** Packets whose state is one of these, as it is now. */
  inState(...states: readonly (keyof typeof CT_STATE)[]): Node {
    const { space } = this.scope
    return space.union(states.map((state) => space.equals('ct.state', CT_STATE[state])))
  }

  /** The packets of ways as they come into this namespace: what belonged to the last one is gone, and the mark unless it is kept. */
  arriving(ways: readonly Way[], iif: string | undefined, keepsMark: boolean): readonly Way[] {
    const { transforms } = this.math
    const { space } = this.scope
    const rebuilt = ways.map(({ transform, packets }) => ({
      packets,
      transform: [
        ...onTheWire(transform, keepsMark),
        assign('meta.iifname', nameNumber(space, iif)),
        assign('meta.oifname', nameNumber(space, undefined)),
        // a tunnel's own packets set out with one
        ...(keepsMark ? [] : [assign('meta.mark', 0)]),
      ].reduce((all: Transform, write) => transforms.after(all, write), transforms.identity),
    }))
    return this.math.union([], rebuilt.length < 2 ? rebuilt : this.math.sequence(rebuilt, this.math.everything))
  }
}

/** Fields that are not in the packet: another namespace does not see them. */
const isBeside = (field: Field): boolean => /^(meta|ct|socket)\./.test(field) && field !== 'meta.l4proto'

/** What of the writes is in the packet itself; how often the TTL was counted down is one write. */
function onTheWire({ writes }: Transform, keepsMark: boolean): readonly Write[] {
  const found: Write[] = []
  let ttl = 0
  for (const write of writes) {
    if (write.do === 'notrack') continue
    if (write.do === 'forget') {
      const fields = write.fields.filter((field) => !isBeside(field) || (keepsMark && field === 'meta.mark'))
      if (fields.length > 0) found.push({ do: 'forget', fields })
    } else if (isBeside(write.field) && !(keepsMark && write.field === 'meta.mark')) continue
    else if (write.do === 'add' && write.field === 'ip.ttl' && write.by < 0) ttl += write.by
    else if (write.do === 'set' && write.field === 'ip.ttl') {
      // what was counted before is overwritten
      if (write.keep === 0) ttl = 0
      found.push(write)
    } else if (keepsMark && write.do === 'set' && typeof write.xor === 'string')
      found.push({ do: 'forget', fields: [write.field] })
    else found.push(write)
  }
  if (ttl !== 0) found.push({ do: 'add', field: 'ip.ttl', by: ttl })
  return found
}

const PORT_FIELDS = ['meta.physiifname', 'meta.physoifname', 'meta.bridged'] as const

/** What rules of a namespace ask of connections besides state, status and mark, and of bridge ports. */
function askedFor({ tables }: Scope): ReadonlySet<string> {
  const found = new Set<string>()
  const look = (value: unknown): void => {
    if (typeof value === 'string') {
      if (value.startsWith('ct.') || value.startsWith('meta.')) found.add(value)
    } else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) look(part)
  }
  for (const table of tables)
    for (const chain of table.chains.values()) for (const rule of chain.rules) look(rule.steps)
  return found
}

/** The variables of bridge ports, as the walker of single packets reads them. */
function* portValues(
  space: Space,
  bridge: { readonly in: string | undefined; readonly out: string | undefined } | undefined,
): Generator<readonly [number, 0 | 1]> {
  for (const [field, name] of [
    ['meta.physiifname', bridge?.in],
    ['meta.physoifname', bridge?.out],
  ] as const) {
    yield [space.layout.cell(`has ${field}`)[0]!, name === undefined ? 0 : 1]
    const levels = space.levelsOf(field)
    const number = nameNumber(space, name)
    for (const [i, level] of levels.entries()) yield [level, (number >> BigInt(levels.length - 1 - i)) & 1n ? 1 : 0]
  }
  yield [space.levelsOf('meta.bridged')[0]!, bridge?.out === undefined ? 0 : 1]
}

/** A connection begins with the packet (init_conntrack): its original tuple is the packet's. */
function firstWrites(state: FirstState, family: Family, asked: ReadonlySet<string>): readonly Write[] {
  const six = family === 6 ? '6' : ''
  const ip = family === 4 ? 'ip' : 'ip6'
  const copies: readonly (readonly [Field, Field])[] = [
    ['ct.protocol', 'meta.l4proto'],
    [`ct.original.saddr${six}`, `${ip}.saddr`],
    [`ct.original.daddr${six}`, `${ip}.daddr`],
    ['ct.original.sport', 'th.sport'],
    ['ct.original.dport', 'th.dport'],
    [`ct.reply.saddr${six}`, `${ip}.daddr`],
    [`ct.reply.daddr${six}`, `${ip}.saddr`],
    ['ct.reply.sport', 'th.dport'],
    ['ct.reply.dport', 'th.sport'],
  ]
  return [
    assign('ct.state', CT_STATE[state]),
    ...(state === 'NEW' ? [assign('ct.status', 0), assign('ct.mark', 0), assign('ct.direction', 0)] : []),
    ...(state === 'NEW'
      ? copies.filter(([to]) => asked.has(to)).map(([field, xor]): Write => ({ do: 'set', field, keep: 0, xor }))
      : []),
  ]
}

/** The packets of these connections, both ways. */
function tuplesOf(space: Space, entries: readonly Entry[]): Node {
  const one = ({ family, protocol, src, dst, sport, dport }: Tuple): Node => {
    if (family !== space.family) return EMPTY
    const ip = family === 4 ? 'ip' : 'ip6'
    return space.intersection([
      space.equals('meta.l4proto', protocol),
      space.equals(`${ip}.saddr`, src),
      space.equals(`${ip}.daddr`, dst),
      isIcmp(protocol) ? space.equals('icmp.id', sport) : FULL,
      isIcmp(protocol) || (sport === 0 && dport === 0) ? FULL : space.equals('th.sport', sport),
      isIcmp(protocol) || (sport === 0 && dport === 0) ? FULL : space.equals('th.dport', dport),
    ])
  }
  return space.union(entries.flatMap(({ original, reply }) => [one(original), one(reply)]))
}

/** Everything that a walk of sets stands on: the hosts, one space for the packets of one family in all of them, each namespace's rules and routes. */
export class Ground {
  readonly hosts: Hosts
  readonly family: Family
  readonly space: Space
  readonly run: Run
  readonly #options: ScopeOptions
  readonly #sites = new Map<string, Site>()

  constructor(hosts: Hosts, family: Family, options: ScopeOptions = {}) {
    this.hosts = hosts
    this.family = family
    const names = options.names ?? sharedNames(hosts.namespaces, family)
    const { limit } = options
    this.space = options.space ?? new Space({ family, names, ...(limit === undefined ? {} : { limit }) })
    this.#options = { ...options, names, space: this.space, listedSets: true }
    this.run = new Run(hosts, {
      now: 0,
      random: () => 0,
      chooser: { choose: () => 0 },
      assumeNeighbours: true,
      followWires: true,
      silent: true,
    })
  }

  site(place: Namespace): Site {
    const name = placeName(place)
    let site = this.#sites.get(name)
    if (!site) {
      site = new Site(new Scope(this.hosts, place, this.family, this.#options), this.run.netns(place))
      this.#sites.set(name, site)
    }
    return site
  }

  get addresses(): { readonly src: Field; readonly dst: 'ip.daddr' | 'ip6.daddr' } {
    return this.family === 4 ? { src: 'ip.saddr', dst: 'ip.daddr' } : { src: 'ip6.saddr', dst: 'ip6.daddr' }
  }
}
