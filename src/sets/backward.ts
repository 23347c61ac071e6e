import type { Chain, Table } from '../rules/program.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import type { Conditions } from './conditions.js'
import { Summaries } from './summary.js'

/** What counts as getting there: packets, as they are when they are accepted, and as they are when they are dropped. */
export interface Goal {
  readonly accepted: Node
  readonly dropped: Node
}

/**
 * The packets, as they come to a base chain, that may reach the goal: what the chain writes on the way is taken back. Lots, limits and what is not known are
 * taken as going either way, so that a packet outside of the set surely does not reach it. Throws NodeLimitError, VisitLimitError.
 */
export function mayReach(conditions: Conditions, table: Table, base: Chain, { accepted, dropped }: Goal): Node {
  const summaries = Summaries.of(conditions)
  const { math } = summaries
  const chain = summaries.chain(table, base)
  const policy = (base.base?.policy ?? 'accept') === 'accept' ? accepted : dropped
  return math.space.union([
    math.before(chain.accepted, accepted),
    math.before(chain.dropped, dropped),
    math.before(chain.returned, policy),
  ])
}

export const EVERYTHING_ACCEPTED: Goal = { accepted: FULL, dropped: EMPTY }
export const EVERYTHING_DROPPED: Goal = { accepted: EMPTY, dropped: FULL }
