import { CT_STATE } from '../../packet/fields.js'
import { EMPTY } from '../../sets/bdd.js'
import { goneAt, matching } from '../../sets/chains.js'
import { conditionsOf, someCondition } from '../scope.js'
import { tableFlows, verdictOf } from './helpers.js'
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
        if (!limits || !verdictOf(flow.rule) || bdd.meets(flow.reach, established) || flow.matched === EMPTY) continue
        const meant = bdd.and(matching(scope.conditions, flow.rule, bdd.and(space.valid, space.whole)), established)
        if (meant === EMPTY) continue
        const by = [...flows.values()].find(
          (one) => one.chain === flow.chain && one.number < flow.number && bdd.meets(goneAt(space, one), meant),
        )
        if (!by) continue
        yield {
          message: `the limit counts new connections, not packets: rule ${by.number} has decided ESTABLISHED ones before`,
          at: ruleSpot(table, flow),
          related: [{ ...ruleSpot(table, by), how: 'decides ESTABLISHED packets' }],
        }
      }
  },
}
