import type { Table } from '../../rules/program.js'
import { EMPTY } from '../../sets/bdd.js'
import { matching, type RuleFlow } from '../../sets/chains.js'
import { type Passing, Summaries } from '../../sets/summary.js'
import type { Way } from '../../sets/ways.js'
import type { Scope } from '../scope.js'
import { chainInputs, once, tableFlows, verdictOf } from './helpers.js'

/** A rule that packets come to, but none that it matches. */
export interface Shadow {
  readonly table: Table
  readonly at: RuleFlow
  /** Earlier rules of the same chain that have decided the packets that it matches. */
  readonly by: readonly RuleFlow[]
  /** Where the rule has a verdict and none of them did the same: those that did the opposite. */
  readonly opposite: readonly RuleFlow[] | undefined
}

export const shadows = once((scope): readonly Shadow[] => [...find(scope)])

function* find(scope: Scope): Generator<Shadow> {
  for (const [table, flows] of tableFlows(scope)) {
    const inputs = chainInputs(scope, table)
    for (const chain of table.chains.values())
      for (const [i, rule] of chain.rules.entries()) {
        const at = flows.get(rule)
        if (!at || at.isMatched) continue
        const wanted = matching(scope.conditions, rule, inputs.outline(chain.name))
        if (wanted === EMPTY) continue
        const summary = Summaries.of(scope.conditions).chain(table, chain)
        const { bdd } = scope.space
        // those that match some, and behind which there are fewer
        const takers = [...summary.along(wanted, 0, i)].filter(
          ({ ways, packets, left }) => bdd.meets(packets, ways.matched) && !bdd.isWithin(packets, left),
        )
        const flowOf = ({ index }: Passing): RuleFlow => flows.get(chain.rules[index]!)!
        if (takers.length === 0) continue
        yield { table, at, by: takers.map(flowOf), opposite: oppositeOf(scope, at, takers)?.map(flowOf) }
      }
  }
}

/** A rule that finds some of its packets accepted and the others dropped stands behind an exception and its rule: that is no contradiction. */
function oppositeOf({ space: { bdd } }: Scope, { rule }: RuleFlow, takers: readonly Passing[]) {
  const verdict = verdictOf(rule)
  if (!verdict) return undefined
  const [same, other] = verdict === 'accept' ? (['accepted', 'dropped'] as const) : (['dropped', 'accepted'] as const)
  const some = ({ packets }: Passing, ways: readonly Way[]) => ways.some((way) => bdd.meets(packets, way.packets))
  // what a called chain decides counts as well
  if (takers.some((one) => some(one, one.ways[same]))) return undefined
  const opposite = takers.filter((one) => some(one, one.ways[other]))
  return opposite.length > 0 ? opposite : undefined
}
