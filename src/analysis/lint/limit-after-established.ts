import { CT_STATE } from '../../packet/fields.js'
import type { Rule, Table } from '../../rules/program.js'
import { EMPTY, FULL, type Node } from '../../sets/bdd.js'
import { matching, type RuleFlow } from '../../sets/chains.js'
import { calledChain, Summaries } from '../../sets/summary.js'
import { conditionsOf, type Scope, someCondition } from '../scope.js'
import { chainInputs, rulesText, tableFlows, verdictOf } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const limitAfterEstablished: LintRule = {
  id: 'limit-after-established',
  level: 'note',
  summary: 'a rate limit for all packets only ever counts the first of each connection',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const established = space.equals('ct.state', CT_STATE.ESTABLISHED)
    for (const [table, flows] of tableFlows(scope)) {
      const inputs = chainInputs(scope, table)
      for (const flow of flows.values()) {
        const limits = conditionsOf(flow.rule).some((condition) =>
          someCondition(
            condition,
            (one) => one.is === 'stateful' && (one.machine.kind === 'bucket' || one.machine.kind === 'buckets'),
          ),
        )
        if (!limits || !verdictOf(flow.rule) || !flow.isMatched || flow.mayMeet(established)) continue
        const meant = bdd.and(matching(scope.conditions, flow.rule, bdd.and(space.valid, space.whole)), established)
        if (meant === EMPTY) continue
        const by = takers(scope, table, flows, flow, bdd.and(meant, inputs.outline(flow.chain)))
        if (by.length === 0) continue
        yield {
          message: `the limit counts new connections, not packets: ${rulesText(by)} ${by.length === 1 ? 'has' : 'have'} decided ESTABLISHED ones before`,
          at: ruleSpot(table, flow),
          related: by.map((one) => ({ ...ruleSpot(table, one), how: 'decides ESTABLISHED packets' })),
        }
      }
    }
  },
}

/** The rules before it in its chain that take ESTABLISHED packets: those that do so because they are, if there are any. */
function takers(
  { space, conditions }: Scope,
  table: Table,
  flows: ReadonlyMap<Rule, RuleFlow>,
  flow: RuleFlow,
  meant: Node,
): readonly RuleFlow[] {
  const chain = calledChain(table, flow.chain)
  const passing = Summaries.of(conditions)
    .chain(table, chain)
    .along(meant, 0, flow.number - 1)
  const taking = [...passing].flatMap(({ index, packets, left }) =>
    space.bdd.isWithin(packets, left) ? [] : [flows.get(chain.rules[index]!)!],
  )
  const named = taking.filter((one) => space.asks(matching(conditions, one.rule, FULL), 'ct.state'))
  return named.length > 0 ? named : taking
}
