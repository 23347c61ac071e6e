import { EMPTY } from '../../sets/bdd.js'
import { matching } from '../../sets/chains.js'
import { chainInputs, tableFlows } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const ruleMatchesNothing: LintRule = {
  id: 'rule-matches-nothing',
  level: 'warning',
  summary: 'the conditions of a rule exclude each other',
  *check(scope) {
    const { space, conditions } = scope
    for (const [table, flows] of tableFlows(scope)) {
      const inputs = chainInputs(scope, table)
      for (const chain of table.chains.values())
        for (let i = 0; i < chain.rules.length; i++) {
          const rule = chain.rules[i]!
          const flow = flows.get(rule)
          if (!flow || flow.isMatched) continue
          if (matching(conditions, rule, inputs.outline(chain.name)) !== EMPTY) continue
          if (matching(conditions, rule, space.valid) !== EMPTY) continue
          yield {
            message: 'no packet can match this rule: its conditions exclude each other',
            at: ruleSpot(table, { chain: chain.name, number: i + 1, rule }),
          }
        }
    }
  },
}
