import { EMPTY } from '../../sets/bdd.js'
import { matching } from '../../sets/chains.js'
import { chainInputs, tableFlows } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const ruleOutOfPlace: LintRule = {
  id: 'rule-out-of-place',
  level: 'note',
  summary: 'no packet that comes to the chain matches the rule',
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
          if (matching(conditions, rule, space.valid) === EMPTY) continue
          yield {
            message: `no packet that comes to ${chain.name} matches this rule`,
            at: ruleSpot(table, { chain: chain.name, number: i + 1, rule }),
          }
        }
    }
  },
}
