import type { Table } from '../../rules/program.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import { matching, type RuleFlow } from '../../sets/chains.js'
import { type ChainSummary, type Passing, Summaries } from '../../sets/summary.js'
import type { Way } from '../../sets/ways.js'
import type { Scope } from '../scope.js'
import { chainInputs, once, tableFlows, verdictOf } from './helpers.js'

/** A rule that packets come to, but none that it matches. */
export interface Shadow {
  readonly table: Table
  readonly at: RuleFlow
  /** Earlier rules of the same chain that together let none of the packets past that it matches; no more of them than are needed. */
  readonly by: readonly RuleFlow[]
  /** Where the rule has a verdict and none of them did the same: those that did the opposite. */
  readonly opposite: readonly RuleFlow[] | undefined
}

export const shadows = once((scope): readonly Shadow[] => [...find(scope)])

function* find(scope: Scope): Generator<Shadow> {
  for (const [table, flows] of tableFlows(scope)) {
    const inputs = chainInputs(scope, table)
    for (const chain of table.chains.values())
      for (let i = 0; i < chain.rules.length; i++) {
        const rule = chain.rules[i]!
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
        const needed = enough(scope, summary, wanted, takers)
        const opposite = oppositeOf(scope, at, takers)
        const named = opposite?.filter((one) => needed.includes(one))
        yield { table, at, by: needed.map(flowOf), opposite: (named?.length ? named : opposite)?.map(flowOf) }
      }
  }
}

/**
 * Without those that take only what a later one would take as well: a copy of the rule alone, whatever else stands before it, and no rule that merely drops
 * headers that are cut off.
 */
function enough(
  { space: { bdd } }: Scope,
  summary: ChainSummary,
  wanted: Node,
  takers: readonly Passing[],
): readonly Passing[] {
  if (takers.length < 2 || !summary.isPlain) return takers
  const taken = takers.map(({ ways }) => bdd.minus(wanted, summary.math.image(ways.next, wanted)))
  const behind: Node[] = [EMPTY]
  for (const one of [...taken].reverse()) behind.push(bdd.or(behind.at(-1)!, one))
  let kept: Node = EMPTY
  return takers.filter((_, i) => {
    if (bdd.isWithin(wanted, bdd.or(kept, behind[takers.length - 1 - i]!))) return false
    kept = bdd.or(kept, taken[i]!)
    return true
  })
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
