import type { Family } from '../address/ip.js'
import { familyOf } from '../address/ip.js'
import type { Field, FieldValue } from '../packet/fields.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import type { Range } from '../rules/value.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import { blocksOf } from '../sets/blocks.js'
import { describe, rangeText } from '../sets/describe.js'
import { type Example, exampleOf } from './reach-example.js'
import type { ReachQuestion } from './reach-question.js'
import { answerBack } from './reach-replies.js'
import { type Answered, type Arrival, answer } from './reach-walk.js'
import type { ScopeOptions } from './scope.js'
import { notFrom, ownedAddresses } from './walk-begin.js'
import type { Ground } from './walk-ground.js'
import type { Backward } from './walk-replies.js'

export type { ReachQuestion } from './reach-question.js'

/** The packets that get from one place to another. */
export interface ReachWay {
  readonly family: Family
  /** Where they set out: `gw`, and whether that sends them or they come in there from outside. */
  readonly from: string
  readonly sent: boolean
  /** Where they end; with an interface: they leave the snapshot by it. */
  readonly to: string
  readonly leaves: string | undefined
  /** Those that surely get there: blocks without a packet in common, as they set out. */
  readonly packets: readonly string[]
  /** Those of which it is not sure, and what else may become of them. */
  readonly perhaps: readonly string[]
  readonly hangs: readonly string[]
  readonly more: boolean
  /** The source addresses that the receiver sees. */
  readonly sources: readonly string[]
  readonly example: Example | undefined
}

export interface ReachResult {
  /** `some`: an example walks there. `none`: no packet can, all were looked at. `unknown`: some may, but of none that was tried is it sure. */
  readonly answer: 'some' | 'none' | 'unknown'
  readonly ways: readonly ReachWay[]
  /** Of all ways together: those that may get there, and one example for each way. */
  readonly packets: readonly string[]
  readonly more: boolean
  readonly examples: readonly { readonly packet: string; readonly sees: string }[]
  readonly assumptions: readonly string[]
  /** Packets that were not followed to their end, and why. */
  readonly open: readonly string[]
}

export interface ReachOptions extends ScopeOptions {
  readonly families?: readonly Family[]
}

/**
 * Which first packets of connections get from here to there, over all packets and over all hosts of the snapshot. `packets` of a way is a proof, and so is an
 * empty answer. Throws NodeLimitError, VisitLimitError.
 */
export function reach(hosts: Hosts, question: ReachQuestion, options: ReachOptions = {}): ReachResult {
  const { address } = question.to
  const { prefix } = question.from
  const families = options.families ?? [address !== undefined ? familyOf(address) : prefix ? familyOf(prefix.ip) : 4]
  const answered = families.map((family) => answer(hosts, question, family, options))
  const exampleFor = (ground: Ground, arrival: Arrival) => exampleOf(ground, hosts, arrival, question)
  return resultOf(hosts, answered, exampleFor)
}

/** What comes back over connections. */
export interface Replies {
  /** The connections: their first packets. */
  readonly begun: ReachResult
  /** Packets of the other side. */
  readonly established: ReachResult
  /** ICMP errors about the connections' packets, of the other side. */
  readonly related: ReachResult
}

/**
 * Which packets come back over the connections that `question` is about, as their senders send them: each belongs to some connection whose first packet gets
 * there. Throws NodeLimitError, VisitLimitError.
 */
export function reachBack(hosts: Hosts, question: ReachQuestion, options: ReachOptions = {}): Replies {
  const { address } = question.to
  const families = options.families ?? [address === undefined ? 4 : familyOf(address)]
  const begun = reach(hosts, question, { ...options, families })
  const back = (kind: Backward) =>
    resultOf(
      hosts,
      families.map((family) => answerBack(hosts, question, family, kind, options)),
      () => undefined,
      ({ space }) => space.whole,
    )
  return { begun, established: back('replies'), related: back('errors') }
}

function resultOf(
  hosts: Hosts,
  answered: readonly Answered[],
  exampleFor: (ground: Ground, arrival: Arrival) => Example | undefined,
  within = (_ground: Ground, { start }: Arrival): Node => start.packets,
): ReachResult {
  const ways = answered.flatMap(({ ground, arrivals }) =>
    arrivals.map((arrival) => wayOf(ground, arrival, exampleFor(ground, arrival), within(ground, arrival))),
  )
  const lines = ways.flatMap(({ packets, perhaps }) => [...packets, ...perhaps])
  const examples = ways.flatMap(({ example }) => (example ? [{ packet: example.packet, sees: example.sees }] : []))
  const sure = ways.some(({ packets, example }) => packets.length > 0 || example?.certain)
  const open = [...new Set([...hosts.namespaces.flatMap(unknownOf), ...answered.flatMap((one) => one.open)])]
  return {
    answer: sure ? 'some' : ways.length === 0 && open.length === 0 ? 'none' : 'unknown',
    ways,
    packets: lines,
    more: ways.some(({ more }) => more),
    examples,
    open,
    assumptions: [...new Set(answered.flatMap((one: Answered) => one.assumptions))],
  }
}

/** Rules alone do not tell where a host sends packets. */
const unknownOf = (place: Namespace): readonly string[] =>
  place.links.length === 0 && place.routes.length === 0
    ? [`${placeName(place)}: which addresses and routes it has is not known`]
    : []

const MOST_BLOCKS = 40
const MOST_SOURCES = 8

/** `within`: what is known of all packets beforehand, and not told again. */
function wayOf(ground: Ground, arrival: Arrival, example: Example | undefined, within: Node): ReachWay {
  const { start, place, outcome, possible, sure, seen, hangs } = arrival
  const { space } = ground
  const { bdd } = space
  const shown: readonly Field[] = [
    'meta.l4proto',
    ground.addresses.src,
    ground.addresses.dst,
    'th.dport',
    'th.sport',
    'meta.iifname',
  ]
  // what is shown of sure packets must be so whatever is not shown of them
  const hidden = hiddenOf(ground, start.packets, sure, shown)
  const certain = bdd.minus(sure, bdd.exists(bdd.minus(start.packets, sure), hidden))
  const rest = bdd.minus(possible, bdd.exists(certain, hidden))
  const holes = start.generated ? [] : holesOf(ground)
  const text = (set: Node) =>
    set === EMPTY
      ? { lines: [], more: false }
      : describe(space, filled(ground, set, holes), shown, MOST_BLOCKS, filled(ground, within, holes))
  const [packets, perhaps] = [text(certain), text(rest)]
  return {
    family: ground.family,
    from: placeName(start.place),
    sent: start.generated,
    to: placeName(place),
    leaves: outcome === 'sent' ? arrival.interface : undefined,
    packets: packets.lines,
    perhaps: perhaps.lines,
    hangs: perhaps.lines.length > 0 ? hangs : [],
    more: packets.more || perhaps.more,
    sources: sourcesOf(ground, seen),
    example,
  }
}

/** Sources that nobody outside can have: blocks do not tell them apart from their neighbours. */
export function holesOf({ hosts, family }: Ground): readonly Range[] {
  const broadcasts = hosts.namespaces.flatMap(({ routes }) =>
    routes.flatMap(({ type, destination: { ip } }) => (type === 'broadcast' && familyOf(ip) === family ? [ip] : [])),
  )
  const single = [...ownedAddresses(hosts, family), ...broadcasts].map((ip): Range => [ip, ip])
  const sorted = [...single, ...notFrom(family)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const joined: [FieldValue, FieldValue][] = []
  for (const [from, to] of sorted) {
    const last = joined.at(-1)
    if (!last || BigInt(from) > BigInt(last[1]) + 1n) joined.push([from, to])
    else if (to > last[1]) last[1] = to
  }
  return joined
}

/** The set with what it holds beside each hole in the hole as well. */
export function filled({ space, addresses, family }: Ground, set: Node, holes: readonly Range[]): Node {
  const own = (value: bigint): FieldValue => (family === 4 ? Number(value) : value)
  return holes.reduce((all: Node, [from, to]) => {
    const beside = BigInt(from) > 0n ? own(BigInt(from) - 1n) : own(BigInt(to) + 1n)
    const there = space.in(addresses.src, [[from, to]])
    const slice = space.bdd.and(space.beforeAssigning(all, addresses.src, beside), there)
    return space.bdd.or(space.bdd.minus(all, there), slice)
  }, set)
}

/** The variables that `set` asks for and that are not among these fields. */
function hiddenOf({ space }: Ground, among: Node, set: Node, shown: readonly Field[]): number {
  const kept = new Set(shown.flatMap((field) => space.levelsOf(field)))
  const asked = [...space.bdd.support(set), ...space.bdd.support(among)]
  return space.bdd.variables([...new Set(asked)].filter((level) => !kept.has(level)).sort((a, b) => a - b))
}

/** Source addresses for people. */
export function sourcesOf({ space, addresses, family }: Ground, set: Node): readonly string[] {
  const values = blocksOf(space, space.project(set, [addresses.src]), [addresses.src], 1).blocks[0]?.get(addresses.src)
  if (!values) return set === EMPTY ? [] : ['any']
  const own = (value: FieldValue) => (family === 4 ? Number(value) : BigInt(value))
  const texts = values.slice(0, MOST_SOURCES).map(([from, to]) => rangeText(own(from), own(to)))
  return values.length > MOST_SOURCES ? [...texts, '…'] : texts
}
