import type { Rule, Table } from '../../rules/program.js'
import { EMPTY, FULL, type Node } from '../../sets/bdd.js'
import { goneAt, matching, type RuleFlow } from '../../sets/chains.js'
import type { Scope } from '../scope.js'
import { chainInputs, tableFlows, verdictOf } from './helpers.js'

/** A rule that packets come to, but none that it matches. */
export interface Shadow {
  readonly table: Table
  readonly at: RuleFlow
  /** Earlier rules of the same chain that have decided the packets that it matches. */
  readonly by: readonly RuleFlow[]
  /** Where the rule has a verdict and none of them did the same: those that did the opposite. */
  readonly opposite: readonly RuleFlow[] | undefined
}

const known = new WeakMap<Scope, readonly Shadow[]>()

export function shadows(scope: Scope): readonly Shadow[] {
  let found = known.get(scope)
  if (!found) {
    found = [...find(scope)]
    known.set(scope, found)
  }
  return found
}

function* find(scope: Scope): Generator<Shadow> {
  const { bdd } = scope.space
  for (const [table, flows] of tableFlows(scope)) {
    const inputs = chainInputs(scope, table)
    for (const chain of table.chains.values()) {
      const input = inputs.get(chain.name) ?? EMPTY
      for (const [i, rule] of chain.rules.entries()) {
        const at = flows.get(rule)
        if (!at || at.matched !== EMPTY) continue
        const wanted = matching(scope.conditions, rule, input)
        if (wanted === EMPTY) continue
        const by: RuleFlow[] = []
        let left = wanted
        for (const earlier of chain.rules.slice(0, i)) {
          const flow = flows.get(earlier)
          // what it can match at all is a smaller set than what it got to match
          if (!flow || !bdd.meets(left, matching(scope.conditions, earlier, FULL))) continue
          const gone = goneAt(scope.space, flow)
          if (!bdd.meets(left, gone)) continue
          by.push(flow)
          left = bdd.minus(left, gone)
        }
        if (by.length === 0) continue
        yield { table, at, by, opposite: oppositeOf(scope, rule, by, wanted, flows.values()) }
      }
    }
  }
}

/** A rule that finds some of its packets accepted and the others dropped stands behind an exception and its rule: that is no contradiction. */
function oppositeOf(
  { space: { bdd } }: Scope,
  rule: Rule,
  by: readonly RuleFlow[],
  wanted: Node,
  flows: Iterable<RuleFlow>,
): Shadow['opposite'] {
  const verdict = verdictOf(rule)
  if (!verdict) return undefined
  const [same, other] = verdict === 'accept' ? (['accepted', 'dropped'] as const) : (['dropped', 'accepted'] as const)
  if (by.some((one) => bdd.meets(wanted, one[same]))) return undefined
  const own = by.filter((one) => bdd.meets(wanted, one[other]))
  if (own.length === by.length) return own
  // the others jump: what became of the packets there?
  const within = [...flows].filter(({ chain }) => chain !== by[0]!.chain)
  return within.some((one) => bdd.meets(wanted, one[same])) ? undefined : by
}
