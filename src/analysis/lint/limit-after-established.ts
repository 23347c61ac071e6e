import { CT_STATE } from '../../packet/fields.js'
import { EMPTY, FULL, type Node } from '../../sets/bdd.js'
import { matching, type RuleFlow } from '../../sets/chains.js'
import { conditionsOf, type Scope, someCondition } from '../scope.js'
import { rulesText, tableFlows, verdictOf } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const limitAfterEstablished: LintRule = {
  id: 'limit-after-established',
  level: 'note',
  summary: 'a rate limit for all packets only ever counts the first of each connection',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const established = space.equals('ct.state', CT_STATE.ESTABLISHED)
    for (const [table, flows] of tableFlows(scope))
      for (const flow of flows.values()) {
        const limits = conditionsOf(flow.rule).some((condition) =>
          someCondition(
            condition,
            (one) => one.is === 'stateful' && (one.machine.kind === 'bucket' || one.machine.kind === 'buckets'),
          ),
        )
        if (!limits || !verdictOf(flow.rule) || !flow.isMatched || bdd.meets(flow.reach, established)) continue
        const meant = bdd.and(matching(scope.conditions, flow.rule, bdd.and(space.valid, space.whole)), established)
        if (meant === EMPTY) continue
        const by = takers(scope, flows.values(), flow, meant)
        if (by.length === 0) continue
        yield {
          message: `the limit counts new connections, not packets: ${rulesText(by)} ${by.length === 1 ? 'has' : 'have'} decided ESTABLISHED ones before`,
          at: ruleSpot(table, flow),
          related: by.map((one) => ({ ...ruleSpot(table, one), how: 'decides ESTABLISHED packets' })),
        }
      }
  },
}

/** The rules before it in its chain that take ESTABLISHED packets: those that do so because they are, if there are any. */
function takers(
  { space, conditions }: Scope,
  flows: Iterable<RuleFlow>,
  flow: RuleFlow,
  meant: Node,
): readonly RuleFlow[] {
  const taking = [...flows].filter(
    (one) => one.chain === flow.chain && one.number < flow.number && space.bdd.meets(one.gone, meant),
  )
  const named = taking.filter((one) => space.asks(matching(conditions, one.rule, FULL), 'ct.state'))
  return named.length > 0 ? named : taking
}
