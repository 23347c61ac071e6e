import type { Condition } from '../../rules/condition.js'
import type { Chain, Rule, Table } from '../../rules/program.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import { type RuleFlow, VisitLimitError } from '../../sets/chains.js'
import { calledChain, Summaries } from '../../sets/summary.js'
import type { Way } from '../../sets/ways.js'
import { effectsOf, type Scope } from '../scope.js'
import { NAMES, tableFlows, verdictOf } from './helpers.js'
import { type LintRule, ruleSpot, type Spot } from './types.js'

/** Rules that may be looked at again: on a ruleset where that is not enough, later rules are not judged. */
const BUDGET = 200_000

type Verdict = 'accept' | 'drop' | 'reject'

export const ruleRedundant: LintRule = {
  id: 'rule-redundant',
  level: 'note',
  summary: 'without this rule the rest of the chain decides its packets alike',
  *check(scope) {
    const budget = { left: BUDGET }
    for (const [table, flows] of tableFlows(scope))
      for (const chain of table.chains.values())
        for (let i = 0; i < chain.rules.length; i++) {
          const rule = chain.rules[i]!
          const verdict = verdictOf(rule)
          const flow = flows.get(rule)
          if (!verdict || !flow?.isMatched || hasSideEffect(rule)) continue
          if (isMissed(scope, table, chain, i, flow, verdict)) continue
          const decided = decidedLater(scope, table, chain, i, flow.outline, verdict, budget)
          if (!decided) continue
          yield {
            message: `the rule changes nothing: without it, ${decided.text} would ${NAMES[verdict]} the same packets`,
            at: ruleSpot(table, flow),
            related: decided.by.map((spot) => ({ ...spot, how: `would ${NAMES[verdict]} them as well` })),
          }
        }
  },
}

/** Does one of its packets fare otherwise without the rule? Most rules are told by one. */
function isMissed(scope: Scope, table: Table, chain: Chain, index: number, flow: RuleFlow, verdict: Verdict): boolean {
  const packet = flow.example()
  const summary = Summaries.of(scope.conditions).chain(table, chain)
  if (!packet || !summary.isPlain) return false
  const fate = summary.fateOf(packet, index + 1)
  if (fate === 'returned') return verdict === 'reject' || chain.base?.policy !== verdict
  return (fate === 'accepted') !== (verdict === 'accept')
}

/** What REJECT answers: with another answer the sender sees something else. */
const answerOf = (rule: Rule): string => JSON.stringify(effectsOf(rule))

/** Who decides these packets in the same way behind this rule; undefined where not all of them, or where something else happens to them as well. */
function decidedLater(
  scope: Scope,
  table: Table,
  chain: Chain,
  at: number,
  packets: Node,
  verdict: Verdict,
  budget: { left: number },
): { readonly text: string; readonly by: readonly Spot[] } | undefined {
  const summary = Summaries.of(scope.conditions).chain(table, chain)
  const other = {
    returned: verdict === 'reject' || chain.base?.policy !== verdict,
    accepted: verdict !== 'accept',
    dropped: verdict === 'accept',
  }
  const fates = summary.fates(packets, at + 1, other)
  if ((['returned', 'accepted', 'dropped'] as const).some((fate) => fates[fate] && other[fate])) return undefined
  const by: Spot[] = []
  const follow = (set: Node, within: Chain, first: number): boolean => {
    const own = Summaries.of(scope.conditions).chain(table, within)
    for (const { index, ways, packets: here } of own.along(set, first, within.rules.length)) {
      if (--budget.left < 0) throw new VisitLimitError('there are too many rules to try each without it')
      const rule = within.rules[index]!
      const { bdd } = scope.space
      if (hasSideEffect(rule) && bdd.meets(here, ways.matched)) return false
      const ends = (list: readonly Way[]) => list.some((way) => bdd.meets(here, way.packets))
      if (ends(ways.ownAccepted) || ends(ways.ownDropped)) {
        // a header that an ACCEPT cannot read is dropped
        if (verdictOf(rule) !== verdict || (verdict === 'accept' && ends(ways.ownDropped))) return false
        if (verdict === 'reject' && answerOf(rule) !== answerOf(chain.rules[at]!)) return false
        by.push(ruleSpot(table, { chain: within.name, number: index + 1, rule }))
      }
      for (const call of ways.calls) {
        const called = scope.space.union(call.ways.map((way) => bdd.and(here, way.packets)))
        if (called !== EMPTY && !follow(called, calledChain(table, call.chain), 0)) return false
      }
    }
    return true
  }
  if (!follow(packets, chain, at + 1)) return undefined
  const seen = [...new Map(by.map((spot) => [`${spot.chain} ${spot.number}`, spot])).values()]
  const names = seen.slice(0, 3).map(({ number, chain: where }) => `rule ${number} of ${where}`)
  const more = seen.length > 3 ? [`${seen.length - 3} more`] : []
  const policy = fates.returned ? [`the policy of ${chain.name}`] : []
  return { text: [...names, ...more, ...policy].join(', '), by: seen.slice(0, 3) }
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
