import { PROTOCOL } from '../packet/checksum.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import { maskedField } from '../sets/effects.js'
import type { Transform, Write } from '../sets/transform.js'
import type { Way, WayMath } from '../sets/ways.js'
import type { Target } from './matrix-targets.js'
import { sourcesOf } from './reach.js'
import { type Example, exampleOf } from './reach-example.js'
import { destined, type ReachQuestion, type Start } from './reach-question.js'
import type { Arrival } from './reach-walk.js'
import { type Half, targetSets } from './target-sets.js'
import { targetFields } from './translating.js'
import type { SetWalk } from './walk.js'
import type { Ground } from './walk-ground.js'
import { imageOf } from './walk-image.js'

export interface Cell {
  /** `all`: every packet arrives; `none`: no packet does; `some`: some do and others do not; `perhaps`: of some it is not sure. */
  readonly reach: 'all' | 'some' | 'perhaps' | 'none'
  /** Where packets arrive, and with which source addresses. */
  readonly receivers: readonly {
    readonly place: string
    readonly sources: readonly string[]
    /** Does a socket take some of them there? Undefined where the snapshot lists none. */
    readonly listens: boolean | undefined
    readonly example: Example | undefined
  }[]
}

/** Where the packets of one asker end. */
export interface Walked {
  readonly ground: Ground
  readonly starts: readonly { readonly start: Start; readonly ends: ReturnType<SetWalk['walk']> }[]
}

/** With more targets than these, only the first of those that fare alike has an example. */
const MOST_EXAMPLES = 200

/** Drops that say who may not have such a source, not who may not get there. */
const NOBODY = /^(martian-source|rp_filter|connection)$/

/** Packets that arrive somewhere, as they set out, and which sources are seen of those to each target. */
interface Receiver {
  readonly place: Namespace
  readonly start: Start
  readonly possible: Node
  readonly seen: Node
  /** Those for which there may be a socket; undefined: it is not known. */
  readonly heard: Node | undefined
}

/** What becomes of all packets to all targets. */
interface Fares {
  readonly there: Node
  readonly elsewhere: Node
  /** In both, from one start: of different places they are different packets. */
  readonly mixed: Node
  readonly receivers: readonly Receiver[]
}

/** A cell for each target, from one walk in each world with the packets to all of them. Targets that fare alike share what is worked out. */
export function cellsOf(
  hosts: Hosts,
  worlds: readonly Walked[],
  targets: readonly Target[],
  examples: boolean,
): readonly Cell[] {
  const { ground } = worlds[0]!
  const fares = faresOf(worlds)
  const sets = [
    fares.there,
    fares.elsewhere,
    fares.mixed,
    ...fares.receivers.flatMap(({ possible, seen, heard }) => [possible, seen, heard ?? EMPTY]),
  ]
  const cells: Cell[] = []
  const known = new Map<string, Cell>()
  for (const { members, parts } of alike(ground, targets, sets)) {
    const key = parts.join(' ')
    const target = targets[members[0]!]!
    const fared = {
      there: parts[0]!,
      elsewhere: parts[1]!,
      mixed: parts[2]!,
      receivers: fares.receivers.map((one, i) => ({
        ...one,
        possible: parts[3 + 3 * i]!,
        seen: parts[4 + 3 * i]!,
        heard: one.heard === undefined ? undefined : parts[5 + 3 * i]!,
      })),
    }
    const cell = known.get(key) ?? cellOf(ground, hosts, fared, target, examples)
    known.set(key, cell)
    for (const member of members) {
      const own = examples && targets.length <= MOST_EXAMPLES && targets[member] !== target
      cells[member] = own ? cellOf(ground, hosts, fared, targets[member]!, true) : cell
    }
  }
  return cells
}

/** Targets (by index) for which each of the sets looks the same but for the target itself, with what the sets are then. */
function* alike(
  ground: Ground,
  targets: readonly Target[],
  sets: readonly Node[],
): Generator<{ readonly members: readonly number[]; readonly parts: readonly Node[] }> {
  const { space } = ground
  const { bdd } = space
  const fields = targetFields(ground)
  const { order, root } = targetSets(ground, targets)
  function* walk({ first, end, wanted, halves }: Half, all: readonly Node[]): ReturnType<typeof alike> {
    const here = all.map((set) => bdd.and(set, wanted))
    const parts = here.map((set) => (set === EMPTY ? EMPTY : space.forget(set, fields)))
    if (halves.length === 0 || here.every((set, i) => set === bdd.and(parts[i]!, wanted)))
      yield { members: order.slice(first, end), parts }
    else for (const half of halves) yield* walk(half, here)
  }
  if (root) yield* walk(root, sets)
}

function faresOf(worlds: readonly Walked[]): Fares {
  const { space } = worlds[0]!.ground
  const { bdd } = space
  let [there, elsewhere, mixed]: [Node, Node, Node] = [EMPTY, EMPTY, EMPTY]
  const receivers = new Map<string, Receiver>()
  for (const { ground, starts } of worlds)
    for (const { start, ends } of starts) {
      let [here, other]: [Node, Node] = [EMPTY, EMPTY]
      for (const { outcome, reason, place, ways } of ends) {
        const packets = space.union(ways.map((way) => way.packets))
        if (outcome !== 'delivered') {
          if (!NOBODY.test(reason)) other = bdd.or(other, packets)
          continue
        }
        here = bdd.or(here, packets)
        const key = `${placeName(place)} ${placeName(start.place)}`
        const known = receivers.get(key) ?? { place, start, possible: EMPTY, seen: EMPTY, heard: EMPTY }
        const seen = space.union(ways.map((way) => seenOf(ground, ground.site(place).math, way)))
        const open = listeningAt(ground, place)
        const heard =
          open === undefined || known.heard === undefined
            ? undefined
            : space.union([
                known.heard,
                ...ground
                  .site(place)
                  .math.into(ways, open)
                  .map((way) => way.packets),
              ])
        receivers.set(key, {
          ...known,
          possible: bdd.or(known.possible, packets),
          seen: bdd.or(known.seen, seen),
          heard,
        })
      }
      mixed = bdd.or(mixed, bdd.and(here, other))
      there = bdd.or(there, here)
      elsewhere = bdd.or(elsewhere, other)
    }
  return { there, elsewhere, mixed, receivers: [...receivers.values()] }
}

/** First packets that a socket of this namespace takes, and those that need none; undefined: it is not known which sockets there are. */
function listeningAt({ space, addresses }: Ground, { sockets }: Namespace): Node | undefined {
  if (!sockets) return undefined
  const { bdd, family } = space
  const asking = space.in('meta.l4proto', [
    [PROTOCOL.TCP, PROTOCOL.TCP],
    [PROTOCOL.UDP, PROTOCOL.UDP],
  ])
  const open = sockets.flatMap(({ protocol, state, port, local, family: own }): readonly Node[] => {
    if (state !== 'listen' || (protocol !== 'tcp' && protocol !== 'udp') || (own !== 'both' && own !== family))
      return []
    const there = bdd.and(
      space.equals('meta.l4proto', PROTOCOL[protocol === 'tcp' ? 'TCP' : 'UDP']),
      space.equals('th.dport', port),
    )
    return [local === undefined ? there : bdd.and(there, space.equals(addresses.dst, local))]
  })
  return bdd.or(bdd.not(asking), space.union(open))
}

/** The source that packets have in the end, beside the target that they had in the beginning. */
function seenOf(ground: Ground, math: WayMath, { transform, packets }: Way): Node {
  const { transforms } = math
  const fields = targetFields(ground)
  const { src } = ground.addresses
  const kept = transform.writes.flatMap((write): readonly Write[] => {
    if (write.do === 'notrack') return []
    if (write.do === 'forget') return write.fields.includes(src) ? [{ do: 'forget', fields: [src] }] : []
    if (write.field !== src) return []
    // made of another field: any
    return write.do === 'set' && !maskedField(write.xor) ? [write] : [{ do: 'forget', fields: [src] }]
  })
  const only = kept.reduce((all: Transform, write) => transforms.after(all, write), transforms.identity)
  return imageOf(math, { transform: only, packets }, [src, ...fields])
}

function cellOf(
  ground: Ground,
  hosts: Hosts,
  { there, elsewhere, mixed, receivers }: Fares,
  target: Target,
  examples: boolean,
): Cell {
  const reach = there === EMPTY ? 'none' : mixed !== EMPTY ? 'perhaps' : elsewhere === EMPTY ? 'all' : 'some'
  return {
    reach,
    receivers: receiversOf(
      ground,
      hosts,
      receivers.filter(({ possible }) => possible !== EMPTY),
      target,
      examples,
    ),
  }
}

function receiversOf(
  ground: Ground,
  hosts: Hosts,
  found: readonly Receiver[],
  target: Target,
  examples: boolean,
): Cell['receivers'] {
  const { bdd } = ground.space
  const { address, protocol, port } = target
  const wanted = destined(ground, target)
  const places = new Map<string, { seen: Node; listens: boolean | undefined; example: Example | undefined }>()
  for (const { place, start, possible, seen, heard } of found) {
    const known = places.get(placeName(place)) ?? { seen: EMPTY, listens: false, example: undefined }
    const packets = bdd.and(possible, wanted)
    const arrival: Arrival = {
      start,
      place,
      outcome: 'delivered',
      interface: undefined,
      possible: packets,
      sure: packets,
      seen,
      hangs: [],
    }
    const question: ReachQuestion = { from: {}, to: { address, protocol, port, sentTo: true } }
    places.set(placeName(place), {
      seen: bdd.or(known.seen, seen),
      listens: known.listens || (heard === undefined ? undefined : bdd.meets(heard, wanted)),
      example: known.example ?? (examples ? exampleOf(ground, hosts, arrival, question) : undefined),
    })
  }
  return [...places].map(([place, { seen, listens, example }]) => ({
    place,
    sources: sourcesOf(ground, seen),
    listens,
    example,
  }))
}
