import type { Condition } from '../../rules/condition.js'
import type { Chain, Rule, Table } from '../../rules/program.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import { chainFlow, VisitLimitError } from '../../sets/chains.js'
import { effectsOf, type Scope } from '../scope.js'
import { NAMES, tableFlows, verdictOf } from './helpers.js'
import { type LintRule, ruleSpot, type Spot } from './types.js'

/** Rules that may be looked at again: on a ruleset where that is not enough, later rules are not judged. */
const BUDGET = 50_000

export const ruleRedundant: LintRule = {
  id: 'rule-redundant',
  level: 'note',
  summary: 'without this rule the rest of the chain decides its packets alike',
  *check(scope) {
    let left = BUDGET
    for (const [table, flows] of tableFlows(scope))
      for (const chain of table.chains.values())
        for (const [i, rule] of chain.rules.entries()) {
          const verdict = verdictOf(rule)
          const flow = flows.get(rule)
          if (!verdict || !flow || flow.matched === EMPTY || hasSideEffect(rule)) continue
          left -= chain.rules.length - i
          if (left < 0) throw new VisitLimitError('there are too many rules to try each without it')
          const decided = decidedLater(scope, table, chain, i + 1, flow.matched, verdict)
          if (!decided) continue
          yield {
            message: `the rule changes nothing: without it, ${decided.text} would ${NAMES[verdict]} the same packets`,
            at: ruleSpot(table, flow),
            related: decided.by.map((spot) => ({ ...spot, how: `would ${NAMES[verdict]} them as well` })),
          }
        }
  },
}

/** Who decides these packets in the same way behind this rule; undefined where not all of them, or where something else happens to them as well. */
function decidedLater(
  scope: Scope,
  table: Table,
  chain: Chain,
  from: number,
  packets: Node,
  verdict: 'accept' | 'drop' | 'reject',
): { readonly text: string; readonly by: readonly Spot[] } | undefined {
  const rest: Chain = { name: chain.name, rules: chain.rules.slice(from), base: chain.base }
  const { rules, byPolicy } = chainFlow(scope.conditions, table, rest, packets)
  const by: Spot[] = []
  for (const [later, { accepted, dropped, matched, chain: name, number }] of rules) {
    if (matched !== EMPTY && hasSideEffect(later)) return undefined
    if (accepted === EMPTY && dropped === EMPTY) continue
    // a header that an ACCEPT cannot read is dropped
    if (verdictOf(later) !== verdict || (verdict === 'accept' && dropped !== EMPTY)) return undefined
    by.push(ruleSpot(table, { chain: name, number: name === chain.name ? number + from : number, rule: later }))
  }
  if (byPolicy !== EMPTY && (verdict === 'reject' || chain.base?.policy !== verdict)) return undefined
  const names = by.slice(0, 3).map(({ number, chain: where }) => `rule ${number} of ${where}`)
  const more = by.length > 3 ? [`${by.length - 3} more`] : []
  const policy = byPolicy === EMPTY ? [] : [`the policy of ${chain.name}`]
  return { text: [...names, ...more, ...policy].join(', '), by: by.slice(0, 3) }
}

/** Does it do more than decide: write, log, count in a state of its own? */
const hasSideEffect = (rule: Rule): boolean =>
  effectsOf(rule).some(({ do: kind }) => !['accept', 'drop', 'reject', 'return', 'jump', 'goto'].includes(kind)) ||
  rule.steps.some((step) => 'if' in step && !pure(step.if))

function pure(condition: Condition): boolean {
  switch (condition.is) {
    case 'stateful':
    case 'chance':
    case 'unknown':
      return false
    case 'not':
    case 'drop-if':
      return pure(condition.of)
    case 'all':
    case 'any':
      return condition.of.every(pure)
    default:
      return true
  }
}
