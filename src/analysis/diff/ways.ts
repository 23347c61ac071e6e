import { type Family, familyOf } from '../../address/ip.js'
import { PROTOCOL } from '../../packet/checksum.js'
import type { Field } from '../../packet/fields.js'
import { type Hosts, type Namespace, placeName } from '../../path/world.js'
import type { Range } from '../../rules/value.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import { describe } from '../../sets/describe.js'
import { filled, holesOf } from '../reach.js'
import { notFollowedIn, notModelled } from '../reach-walk.js'
import { type ScopeOptions, sharedNames } from '../scope.js'
import { SetWalk } from '../walk.js'
import { arriving, type Beginning, generated, notTo, outsideOf } from '../walk-begin.js'
import { Ground } from '../walk-ground.js'
import type { End } from '../walk-group.js'
import { type World, worldsOf } from '../walk-worlds.js'
import { type Cell, compare } from './compare.js'
import type { Difference } from './difference.js'
import { sidesText } from './fate-text.js'
import { SamePacket } from './same-packet.js'
import { exampleOf, type WayExample } from './way-example.js'
import { COUNTS, faresOfFates, fatesOf, told, type WayFate } from './way-fates.js'

export interface WayDifferences {
  readonly differences: readonly Difference[]
  readonly undecided: readonly string[]
  readonly incomplete: readonly string[]
  /** Places where packets set out on one side only. */
  readonly onlyBefore: readonly string[]
  readonly onlyAfter: readonly string[]
}

/** Can packets be followed from end to end? Rules alone do not tell where a host sends them. */
export const isWalkable = ({ namespaces }: Hosts): boolean =>
  namespaces.every(({ links, routes }) => links.length > 0 && routes.length > 0)

/** One place where packets set out, in both snapshots. */
export interface Start {
  readonly name: string
  readonly place: Namespace
  readonly old: Beginning
  readonly now: Beginning
  /** Sent with an address that the sender has chosen itself. */
  readonly bound: boolean
}

/** What is known of a kind of difference: the packets of each start. */
interface Kind {
  readonly old: string
  readonly now: string
  readonly parts: { readonly start: Start; readonly cell: Cell<End>; readonly ground: Ground; readonly packets: Node }[]
}

/**
 * First packets of connections from wherever they can set out to wherever they end, in both snapshots: who ends elsewhere, or as another packet. Throws NodeLimitError,
 * VisitLimitError, CellLimitError.
 */
export function wayDifferences(
  before: Hosts,
  after: Hosts,
  family: Family,
  options: ScopeOptions = {},
): WayDifferences {
  const found = new Map<string, Kind>()
  const byChunk: (Omit<Kind['parts'][number], 'packets'> & { readonly old: string; readonly now: string })[] = []
  const [undecided, only] = [new Set<string>(), { old: new Set<string>(), now: new Set<string>() }]
  for (const { start, ground, among, olds, cells } of walks(before, after, family, options, only)) {
    const { bdd } = ground.space
    for (const { is: text, packets } of olds)
      if (text.startsWith('undecided') && bdd.meets(among, packets))
        undecided.add(`${start.name}, IPv${family}: ${text.slice(10)}`)
    for (const cell of cells) {
      const [old, now] = sidesText(told(cell.old), told(cell.now))
      if (hangsOnChunk(ground, cell)) byChunk.push({ old, now, start, ground, cell })
      else add(found, old, now, { start, ground, cell })
    }
  }
  // what becomes of others too is told together with them
  for (const { old, now, ...part } of byChunk)
    if (found.has(`${old}\n${now}`)) add(found, old, now, part)
    else add(found, BY_CHUNK, BY_CHUNK, part)
  return {
    differences: [...found.values()].flatMap((kind) => differencesOf(kind, before, after)),
    undecided: [...undecided],
    incomplete: [
      ...new Set([
        ...after.namespaces.flatMap((place) => [...notFollowedIn(place), ...notModelled(place, family)]),
        ...(worldsOf(before, family).whole && worldsOf(after, family).whole
          ? []
          : ['settings that several namespaces lack are taken to be the same in all of them']),
      ]),
    ],
    onlyBefore: [...only.old],
    onlyAfter: [...only.now],
  }
}

function add(found: Map<string, Kind>, old: string, now: string, part: Omit<Kind['parts'][number], 'packets'>) {
  const { start, ground, cell } = part
  const kind = found.get(`${old}\n${now}`) ?? { old, now, parts: [] }
  found.set(`${old}\n${now}`, kind)
  const packets = ground.space.bdd.minus(cell.packets, start.bound ? beside(ground, kind, start) : EMPTY)
  if (packets !== EMPTY) kind.parts.push({ ...part, packets })
}

/** Sets do not tell the chunks of SCTP: whether one begins a connection is left open. */
const BY_CHUNK = 'one thing or another, as its first chunk may be'

function hangsOnChunk({ space }: Ground, { packets, old, now }: Cell<End>): boolean {
  const sctp = space.equals('meta.l4proto', PROTOCOL.SCTP)
  return (old.length > 1 || now.length > 1) && space.bdd.minus(packets, sctp) === EMPTY
}

/** The walks of both snapshots from one place, and who fares differently. */
export interface Walked {
  readonly start: Start
  readonly oldGround: Ground
  readonly ground: Ground
  readonly among: Node
  readonly olds: readonly WayFate[]
  readonly news: readonly WayFate[]
  readonly cells: readonly Cell<End>[]
}

/** From each place where packets can set out, in each world that the snapshots leave open. `counts`: the fields that make another packet. */
export function* walks(
  before: Hosts,
  after: Hosts,
  family: Family,
  options: ScopeOptions & { readonly counts?: (field: Field) => boolean },
  only: { readonly old: Set<string>; readonly now: Set<string> },
): Generator<Walked> {
  let known: ScopeOptions = { ...options, names: sharedNames([...before.namespaces, ...after.namespaces], family) }
  const [one, other] = [worldsOf(untracked(before), family), worldsOf(untracked(after), family)]
  for (const [was, is] of together(one.worlds, other.worlds)) {
    const oldGround = new Ground(was.hosts, family, known)
    known = { ...known, space: oldGround.space }
    const ground = new Ground(is.hosts, family, known)
    const { bdd } = ground.space
    const same = new SamePacket(ground.space, options.counts ?? COUNTS)
    const [oldWalk, walk] = [new SetWalk(oldGround), new SetWalk(ground)]
    for (const start of startsOf(oldGround, ground, only)) {
      const among = bdd.and(start.old.packets, start.now.packets)
      const olds = fatesOf(oldGround, oldWalk.walk([start.old.group]))
      const news = fatesOf(ground, walk.walk([start.now.group]))
      yield { start, oldGround, ground, among, olds, news, cells: compare(bdd, same, among, olds, news).cells }
    }
  }
}

/** Connections that exist are another matter: first packets are followed as if there were none. */
const untracked = (hosts: Hosts): Hosts => ({
  ...hosts,
  namespaces: hosts.namespaces.map((one) => ({ ...one, connections: [] })),
})

/** Worlds of both sides in which nothing that both lack is one thing here and another there. */
function together(olds: readonly World[], news: readonly World[]): readonly (readonly [World, World])[] {
  const key = (text: string) => text.replace(/ is \S+$/, '')
  const agree = (one: World, other: World) =>
    one.supposing.every(
      (text) => other.supposing.includes(text) || other.supposing.every((own) => key(own) !== key(text)),
    )
  return olds.flatMap((was) => news.filter((is) => agree(was, is)).map((is) => [was, is] as const))
}

function* startsOf(
  old: Ground,
  now: Ground,
  only: { readonly old: Set<string>; readonly now: Set<string> },
): Generator<Start> {
  const key = (name: string, iif: string) => `${name}:${iif}`
  const olds = new Map(outsideOf(old).map(({ place, link }) => [key(placeName(place), link.name), { place, link }]))
  const news = new Map(outsideOf(now).map(({ place, link }) => [key(placeName(place), link.name), { place, link }]))
  for (const name of olds.keys()) if (!news.has(name)) only.old.add(name)
  for (const name of news.keys()) if (!olds.has(name)) only.now.add(name)
  for (const [name, { place, link }] of news) {
    const was = olds.get(name)
    if (was)
      yield {
        name: `in ${name}`,
        place,
        bound: false,
        old: arriving(old, was.place, was.link.name),
        now: arriving(now, place, link.name),
      }
  }
  const places = new Map(old.hosts.namespaces.map((place) => [placeName(place), place]))
  for (const place of now.hosts.namespaces) {
    const was = places.get(placeName(place))
    if (!was) continue
    const name = `from ${placeName(place)}`
    yield { name, place, bound: false, old: generated(old, was), now: generated(now, place) }
    const [one, other] = [bound(old, was), bound(now, place)]
    if (one && other) yield { name, place, bound: true, old: one, now: other }
  }
}

/** What a namespace sends from one of its own addresses, which the sender has chosen. */
function bound(ground: Ground, place: Namespace): Beginning | undefined {
  const { space, family, addresses } = ground
  const own = place.links
    .flatMap((link) => link.addresses.map(({ prefix }) => prefix.ip))
    .filter((ip) => familyOf(ip) === family)
  if (own.length === 0) return undefined
  const any = generated(ground, place)
  const sources = space.in(
    addresses.src,
    own.map((ip): Range => [ip, ip]),
  )
  const packets = space.bdd.and(space.forget(any.packets, [addresses.src]), sources)
  const ways = ground.site(place).math.plain(packets)
  return { ...any, packets, group: { ...any.group, chooses: false, ways } }
}

/** What was told of the same namespace's packets already, with any source. */
function beside({ space, addresses }: Ground, { parts }: Kind, { place }: Start): Node {
  const others = parts.filter(
    ({ start }) => start.place === place && start.now.origin.iif === undefined && !start.bound,
  )
  return space.forget(space.union(others.map(({ packets }) => packets)), [addresses.src])
}

const MOST_BLOCKS = 60

function differencesOf({ old, now, parts }: Kind, before: Hosts, after: Hosts): readonly Difference[] {
  if (parts.length === 0) return []
  const starts = new Map<string, Kind['parts']>()
  for (const part of parts) starts.set(part.start.name, [...(starts.get(part.start.name) ?? []), part])
  const lines = [...starts].map(([name, own]) => {
    const { ground, start } = own[0]!
    return { name, ...linesOf(ground, start, ground.space.union(own.map(({ packets }) => packets))) }
  })
  const [{ ground, start, cell }] = parts as [Kind['parts'][number]]
  const { space } = ground
  // an ordinary packet, where there is one
  const opening = space.bdd.and(space.equals('meta.l4proto', PROTOCOL.TCP), space.equals('tcp.flags', 2))
  const [ordinary, others] = [true, false].map((is) =>
    parts.filter(({ packets }) => space.bdd.meets(packets, opening) === is),
  ) as [Kind['parts'], Kind['parts']]
  let example: WayExample | undefined
  for (const part of [...ordinary, ...others]) example ??= exampleOf(part, before, after)
  return [
    {
      kind: 'way',
      place: placeName(start.place),
      family: ground.family,
      where: [...starts.keys()].join(', '),
      table: undefined,
      chain: undefined,
      hook: undefined,
      before: { fares: faresOfFates(cell.old), text: old },
      after: { fares: faresOfFates(cell.now), text: now },
      packets: lines.flatMap(({ name, lines: own }) => own.map((line) => `${line} ${name}`)),
      more: lines.some(({ more }) => more),
      example: example?.text,
      out: undefined,
      rulesBefore: example?.before ?? [],
      rulesAfter: example?.after ?? [],
    },
  ]
}

function linesOf(ground: Ground, start: Start, set: Node) {
  const { space, addresses } = ground
  const shown: readonly Field[] = ['meta.l4proto', addresses.src, addresses.dst, 'th.dport', 'th.sport']
  const isLocal = start.now.origin.iif === undefined
  const holes = isLocal ? [] : holesOf(ground)
  const plain = (packets: Node) => withoutHoles(ground, filled(ground, packets, holes))
  const fields = isLocal && !start.bound ? shown.filter((field) => field !== addresses.src) : shown
  const found = describe(space, plain(set), fields, MOST_BLOCKS, plain(start.now.packets))
  // sources that nobody outside should have
  return found.lines.length > 0 ? found : describe(space, set, fields, MOST_BLOCKS, start.now.packets)
}

/** Destinations that no packet has here (multicast) like their neighbours: blocks do not tell them apart. */
function withoutHoles({ space, addresses: { dst }, family }: Ground, set: Node): Node {
  const own = (value: bigint) => (family === 4 ? Number(value) : value)
  return notTo(family).reduce((all: Node, [from, to]) => {
    const beside = BigInt(from) > 0n ? own(BigInt(from) - 1n) : own(BigInt(to) + 1n)
    const there = space.in(dst, [[from, to]])
    return space.bdd.or(space.bdd.minus(all, there), space.bdd.and(space.beforeAssigning(all, dst, beside), there))
  }, set)
}
