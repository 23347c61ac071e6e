import { firstOf, lastOf, parsePrefix } from '../address/prefix.js'
import { PROTOCOL } from '../packet/checksum.js'
import { type Hosts, placeName } from '../path/world.js'
import type { Range } from '../rules/value.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import type { Way } from '../sets/ways.js'
import { isGoal, type ReachQuestion, type Start } from './reach-question.js'
import { type Answered, answeredBy, groundsOf, type Reached, walkAll } from './reach-walk.js'
import type { ScopeOptions } from './scope.js'
import { SetWalk } from './walk.js'
import { arriving, beginning } from './walk-begin.js'
import type { Ground } from './walk-ground.js'
import { type End, type Group, NOTHING_BESIDE } from './walk-group.js'
import { type Backward, Connections, errorsAbout, icmpOf, queriesOf, reversedOf } from './walk-replies.js'
import type { World } from './walk-worlds.js'

/** What comes back over the connections of a question: packets as those send them who are its goal, to where the connections began. */
export function answerBack(
  hosts: Hosts,
  question: ReachQuestion,
  family: 4 | 6,
  back: Backward,
  options: ScopeOptions = {},
): Answered {
  const { grounds, whole } = groundsOf(hosts, family, options)
  const reached = grounds.flatMap(({ ground, world }) =>
    walkAll(ground, world, question).flatMap((forward) => backFrom(ground, world, forward, back)),
  )
  return answeredBy(hosts, family, whole, grounds[0]!.ground, reached)
}

function backFrom(ground: Ground, world: World, { start, ends }: Reached, back: Backward): readonly Reached[] {
  const { space } = ground
  const asking = space.bdd.or(space.bdd.not(icmpOf(space)), queriesOf(space))
  const goals = ends.flatMap(({ end, ways, goal }) => {
    const own = ways.flatMap((way): Way[] => {
      const packets = space.bdd.and(way.packets, asking)
      return packets === EMPTY ? [] : [{ ...way, packets }]
    })
    return goal && own.length > 0 ? [{ end, ways: own }] : []
  })
  const there = space.union(goals.flatMap(({ ways }) => ways.map(({ packets }) => packets)))
  if (there === EMPTY) return []
  const connections = connectionsOf(ground, start, there)
  connections.back = back
  const starts = new Map<string, Start>()
  for (const { end, ways } of goals) {
    const site = ground.site(end.place)
    const one = startBack(ground, end, connections.answering(site, end.place, reversedOf(site.math, ways)), back)
    const key = `${placeName(one.place)} ${one.generated}`
    const known = starts.get(key)
    starts.set(
      key,
      known
        ? { ...known, packets: space.bdd.or(known.packets, one.packets), groups: [...known.groups, ...one.groups] }
        : one,
    )
  }
  const home: ReachQuestion = { from: {}, to: { place: start.place } }
  return [...starts.values()].flatMap((one) => {
    if (one.packets === EMPTY) return []
    const found = new SetWalk(ground, undefined, connections).walk(one.groups)
    return [{ start: one, ends: found.map((end) => ({ end, ways: end.ways, goal: isGoal(end, home) })), ground, world }]
  })
}

/** What the namespaces on the way know of connections that begin with these packets. */
export function connectionsOf(ground: Ground, { groups }: Pick<Start, 'groups'>, packets: Node): Connections {
  const connections = new Connections()
  const begun = groups.map((group) => ({ ...group, ways: ground.site(group.place).math.into(group.ways, packets) }))
  new SetWalk(ground, undefined, connections).walk(begun)
  return connections
}

/** RFC 1918, shared (6598), loopback, link-local, unique local (4193): nobody else can answer to them. */
const PRIVATE: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  6: ['fc00::/7', 'fe80::/10'],
}

/** Answers from public addresses outside to private ones. */
function unanswered({ space, addresses, family }: Ground): Node {
  const ranges = PRIVATE[family].map((text): Range => {
    const prefix = parsePrefix(text)!
    return [firstOf(prefix), lastOf(prefix)]
  })
  return space.bdd.minus(space.in(addresses.dst, ranges), space.in(addresses.src, ranges))
}

const [SYN, ACK] = [2, 16] as const

/** Where packets set out that answer those which ended there, and which ones. */
export function startBack(
  ground: Ground,
  { place, outcome, interface: name }: End,
  headers: Node,
  back: Backward,
): Start {
  const { space } = ground
  const { bdd } = space
  const sent = outcome === 'sent' && name !== undefined
  // who tells of an error outside is anybody on the way
  const answered = sent ? bdd.minus(headers, unanswered(ground)) : headers
  const seen = back === 'errors' ? errorsAbout(space, answered, sent ? ['dst'] : ['src', 'dst']) : answered
  const shape = [
    bdd.or(bdd.not(space.equals('meta.l4proto', PROTOCOL.TCP)), space.equals('tcp.flags', SYN | ACK)),
    space.in('ip.ttl', [[64, 255]]),
    seen,
  ].reduce((all: Node, one) => bdd.and(all, one), FULL)
  const came = sent ? arriving(ground, place, name) : undefined
  const packets = bdd.and(came?.packets ?? beginning(ground, undefined), shape)
  const from: Group = came?.group ?? { ...NOTHING_BESIDE, stage: 'generate', place, ways: [] }
  return { place, generated: !sent, packets, groups: [{ ...from, ways: ground.site(place).math.plain(packets) }] }
}
