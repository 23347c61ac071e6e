import type { Family } from '../address/ip.js'
import { type Hosts, placeName } from '../path/world.js'
import { EMPTY, NodeLimitError } from '../sets/bdd.js'
import { type Cell, cellsOf, type Walked } from './matrix-cells.js'
import { addressOf, type Target, targetsOf } from './matrix-targets.js'
import { type ReachQuestion, startsOf } from './reach-question.js'
import { groundsOf } from './reach-walk.js'
import type { ScopeOptions } from './scope.js'
import { targetSets } from './target-sets.js'
import { SetWalk } from './walk.js'
import { takeTogether } from './walk-alike.js'
import type { Ground } from './walk-ground.js'

export type { Cell } from './matrix-cells.js'
export { addressOf, type Target, targetsOf } from './matrix-targets.js'

/** Who asks: a namespace, or everybody outside. */
export interface Asker {
  readonly label: string
  readonly from: ReachQuestion['from']
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

/** Who reaches what, over all packets: one walk for each asker, with the packets to all targets. Throws NodeLimitError, VisitLimitError. */
export function matrix(hosts: Hosts, options: MatrixOptions = {}): Matrix {
  const family = options.family ?? 4
  const prepared = () => {
    const { grounds } = groundsOf(hosts, family, options)
    for (const { ground } of grounds) takeTogether(ground)
    return grounds
  }
  let grounds = prepared()
  const askers = options.askers ?? askersOf(hosts, family)
  const targets = options.targets ?? targetsOf(grounds[0]!.ground)
  const rowOf = ({ from }: Asker): readonly Cell[] => {
    const walked = grounds.map(({ ground, world }) => walkTargets(ground, world.hosts, from, targets))
    return cellsOf(hosts, walked, targets, options.examples === true)
  }
  const cells = askers.map((asker, i) => {
    try {
      return rowOf(asker)
    } catch (error) {
      // what the walks before have left behind takes the room
      if (i === 0 || !(error instanceof NodeLimitError)) throw error
      grounds = prepared()
      return rowOf(asker)
    }
  })
  return { family, askers: askers.map(({ label }) => label), targets: targets.map(({ label }) => label), cells }
}

function walkTargets(ground: Ground, hosts: Hosts, from: ReachQuestion['from'], targets: readonly Target[]): Walked {
  const { space } = ground
  const place = from.place && hosts.namespaces.find((one) => placeName(one) === placeName(from.place!))
  const { bdd } = space
  const to = targetSets(ground, targets).root?.wanted ?? EMPTY
  const wanted = bdd.and(bdd.and(to, space.present('th.dport')), space.valid)
  const walk = new SetWalk(ground)
  const starts = startsOf(ground, { from: place ? { place } : from, to: {} }).map((start) => {
    const groups = start.groups.map((group) => ({
      ...group,
      ways: ground.site(group.place).math.into(group.ways, wanted),
    }))
    return { start, ends: walk.walk(groups) }
  })
  return { ground, starts }
}

/** Everybody who has an address that others can reach, and the internet. */
export const askersOf = ({ namespaces }: Hosts, family: Family): readonly Asker[] => [
  { label: 'internet', from: { outside: true } },
  ...namespaces.flatMap((place) =>
    addressOf(place, family) === undefined ? [] : [{ label: placeName(place), from: { place } }],
  ),
]
