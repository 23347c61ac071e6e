import type { Namespace } from '../path/world.js'
import { placeName } from '../path/world.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import type { Way } from '../sets/ways.js'
import { destined, isAt, isGoal, type ReachQuestion, type Start, startsOf } from './reach-question.js'
import { effectsOf, type ScopeOptions, sharedNames } from './scope.js'
import { SetWalk } from './walk.js'
import { Ground } from './walk-ground.js'
import type { End } from './walk-group.js'
import { imageOf } from './walk-image.js'
import { type World, worldsOf } from './walk-worlds.js'

/** Packets of one start that get to one place. */
export interface Arrival {
  readonly start: Start
  readonly place: Namespace
  readonly outcome: 'delivered' | 'sent'
  readonly interface: string | undefined
  /** Those that may get there, as they set out; those that surely get where the question leads to, here or elsewhere. */
  readonly possible: Node
  readonly sure: Node
  /** The sources that they have there. */
  readonly seen: Node
  /** What may become of them otherwise. */
  readonly hangs: readonly string[]
}

export interface Answered {
  /** The hosts as they were taken first: examples are walked in the snapshot itself. */
  readonly ground: Ground
  readonly arrivals: readonly Arrival[]
  /** What had to be supposed, and is not part of a proof. */
  readonly assumptions: readonly string[]
  /** Packets that were not followed to their end: that nobody gets there is no proof then. */
  readonly open: readonly string[]
}

/** Where packets of one start end. */
export interface Reached {
  readonly start: Start
  readonly ends: readonly { readonly end: End; readonly ways: readonly Way[]; readonly goal: boolean }[]
  readonly ground: Ground
  readonly world: World
}

/** Worlds, each with what stands on it; the same space for all of them. */
export function groundsOf(
  hosts: Ground['hosts'],
  family: 4 | 6,
  options: ScopeOptions = {},
): { readonly grounds: readonly { readonly ground: Ground; readonly world: World }[]; readonly whole: boolean } {
  const { worlds, whole } = worldsOf(hosts, family)
  const names = sharedNames(hosts.namespaces, family)
  let shared: ScopeOptions = { ...options, names }
  const grounds = worlds.map((world) => {
    const ground = new Ground(world.hosts, family, shared)
    shared = { ...shared, space: ground.space }
    return { ground, world }
  })
  return { grounds, whole }
}

/** All packets of a question to their ends. Throws NodeLimitError, VisitLimitError. */
export function answer(
  hosts: Ground['hosts'],
  question: ReachQuestion,
  family: 4 | 6,
  options: ScopeOptions = {},
): Answered {
  const { grounds, whole } = groundsOf(hosts, family, options)
  return answeredBy(
    hosts,
    family,
    whole,
    grounds[0]!.ground,
    grounds.flatMap(({ ground, world }) => walkAll(ground, world, question)),
  )
}

/** What walks in all worlds come to together. */
export function answeredBy(
  hosts: Ground['hosts'],
  family: 4 | 6,
  whole: boolean,
  ground: Ground,
  reached: readonly Reached[],
): Answered {
  const starts = new Map<string, Reached[]>()
  for (const one of reached) {
    const key = `${placeName(one.start.place)} ${one.start.generated}`
    starts.set(key, [...(starts.get(key) ?? []), one])
  }
  const doubts = hosts.namespaces.flatMap((place) => notModelled(place, family))
  const doubted = (arrival: Arrival): Arrival =>
    doubts.length === 0 ? arrival : { ...arrival, sure: EMPTY, hangs: [...arrival.hangs, ...doubts] }
  return {
    ground,
    arrivals: [...starts.values()].flatMap((all) => arrivalsOf(all)).map(doubted),
    open: [
      ...new Set([
        ...hosts.namespaces.flatMap(notFollowedIn),
        ...reached.flatMap(({ ends }) => ends.flatMap(({ end }) => notFollowed(end, family))),
      ]),
    ],
    assumptions: whole ? [] : ['settings that several namespaces lack are taken to be the same in all of them'],
  }
}

/** What stands in a namespace and sets are not led through: single packets are. */
export function notFollowedIn({ links, xfrm, ...place }: Namespace): readonly string[] {
  const found: string[] = []
  if (xfrm && xfrm.policies.length > 0) found.push(`${placeName(place)}: policies of IPsec are not followed for sets`)
  if (links.some(({ kind }) => kind === 'vrf')) found.push(`${placeName(place)}: VRFs are not followed for sets`)
  return found
}

/** Targets that do more than a walk of sets follows: what becomes of packets behind them is not sure. */
export function notModelled(place: Namespace, family: 4 | 6): readonly string[] {
  const found = new Set(notFollowedIn(place))
  for (const table of place.tables)
    if (table.family === family)
      for (const { name, rules } of table.chains.values())
        for (const rule of rules)
          for (const effect of effectsOf(rule)) {
            const zone = effect.do === 'template' && (effect.zone !== undefined || effect.zoneFromMark)
            if (effect.do === 'to-socket' || effect.do === 'answer-syn' || zone)
              found.add(`${placeName(place)}: ${table.name}/${name}: ${rule.text}: not followed exactly`)
          }
  return [...found]
}

/** Ends that are none, because what lies behind them is not known or not followed. */
function notFollowed({ place, outcome, reason, text }: End, family: 4 | 6): readonly string[] {
  const routes = family === 4 ? place.known.routes4 : place.known.routes6
  if (reason === 'no-route' && !routes) return [`${placeName(place)}: which routes it has is not known`]
  const goesOn = reason === 'connection' || reason === 'unmodelled' || reason === 'bridge-rules'
  return outcome === 'undecided' && !goesOn ? [`${placeName(place)}: ${text}`] : []
}

/** First packets of connections from their starts to their ends. */
export function walkAll(ground: Ground, world: World, question: ReachQuestion): readonly Reached[] {
  const own = inWorld(question, world)
  const spots = [...(own.through ?? []), ...(own.avoiding ?? [])]
  const wanted = (own.through ?? []).reduce((all, _, i) => all | (1 << i), 0)
  const unwanted = ((1 << spots.length) - 1) & ~wanted
  const walk = new SetWalk(ground, (group) =>
    spots.reduce((all, spot, i) => (isAt(spot, group) ? all | (1 << i) : all), 0),
  )
  const goal = destined(ground, own.to)
  const { bdd } = ground.space
  return startsOf(ground, own).flatMap((start) => {
    if (start.packets === EMPTY) return []
    const groups = own.to.sentTo
      ? start.groups.map((group) => ({ ...group, ways: ground.site(group.place).math.into(group.ways, goal) }))
      : start.groups
    const ends = walk.walk(groups).flatMap((end) => {
      const { math } = ground.site(end.place)
      const isThere = isGoal(end, own) && (end.seen & wanted) === wanted && (end.seen & unwanted) === 0
      if (!isThere) return [{ end, ways: end.ways, goal: false }]
      if (own.to.sentTo) return [{ end, ways: end.ways, goal: true }]
      return [
        { end, ways: math.into(end.ways, goal), goal: true },
        { end, ways: math.into(end.ways, bdd.not(goal)), goal: false },
      ].filter(({ ways }) => ways.length > 0)
    })
    return [{ start, ends, ground, world }]
  })
}

/** The same question, of the namespaces of another world. */
function inWorld(question: ReachQuestion, { hosts }: World): ReachQuestion {
  const of = (place: Namespace): Namespace =>
    hosts.namespaces.find((one) => placeName(one) === placeName(place)) ?? place
  const { at, from, to, through, avoiding } = question
  return {
    ...question,
    ...(at && { at: of(at) }),
    from: { ...from, ...(from.place && { place: of(from.place) }) },
    to: { ...to, ...(to.place && { place: of(to.place) }) },
    ...(through && { through: through.map((spot) => ({ ...spot, place: of(spot.place) })) }),
    ...(avoiding && { avoiding: avoiding.map((spot) => ({ ...spot, place: of(spot.place) })) }),
  }
}

function arrivalsOf(worlds: readonly Reached[]): readonly Arrival[] {
  const { start, ground } = worlds[0]!
  const { space } = ground
  const { bdd } = space
  const packetsOf = (ways: readonly Way[]) => space.union(ways.map(({ packets }) => packets))
  const others = worlds.flatMap(({ ends, world }) =>
    ends.filter(({ goal }) => !goal).map(({ end, ways }) => ({ end, world, packets: packetsOf(ways) })),
  )
  const failing = space.union(others.map(({ packets }) => packets))
  const found = new Map<string, { end: End; possible: Node[]; seen: Node[] }>()
  for (const { ends, ground: own } of worlds)
    for (const { end, ways, goal } of ends) {
      if (!goal) continue
      const key = `${placeName(end.place)} ${end.outcome} ${end.interface}`
      const known = found.get(key) ?? { end, possible: [], seen: [] }
      found.set(key, known)
      for (const way of ways) {
        known.possible.push(way.packets)
        known.seen.push(imageOf(own.site(end.place).math, way, [own.addresses.src]))
      }
    }
  return [...found.values()].map(({ end, possible, seen }): Arrival => {
    const all = space.union(possible)
    const hangs = others.flatMap(({ end: other, world, packets }) =>
      bdd.meets(all, packets) ? [otherwise(other, world)] : [],
    )
    return {
      start,
      place: end.place,
      outcome: end.outcome === 'sent' ? 'sent' : 'delivered',
      interface: end.interface,
      possible: all,
      sure: bdd.minus(all, failing),
      seen: space.union(seen),
      hangs: [...new Set(hangs)],
    }
  })
}

function otherwise({ place, outcome, reason, text }: End, { supposing }: World): string {
  const how =
    outcome === 'delivered'
      ? 'they are taken in'
      : outcome === 'sent'
        ? 'they leave the snapshot'
        : outcome === 'undecided'
          ? 'not known'
          : 'dropped'
  const why = reason === 'rules' ? ` by ${text}` : text === '' || outcome === 'delivered' ? '' : `: ${text}`
  const where = supposing.length === 0 ? '' : ` if ${supposing.join(' and ')}`
  return `${placeName(place)}: ${how}${why}${where}`
}
