import { chainInputs, tableFlows } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const catchAllNotLast: LintRule = {
  id: 'catch-all-not-last',
  level: 'warning',
  summary: 'rules stand behind one at which every packet ends',
  *check(scope) {
    for (const [table, flows] of tableFlows(scope)) {
      const inputs = chainInputs(scope, table)
      for (const chain of table.chains.values()) {
        if (!inputs.has(chain.name)) continue
        const dead = chain.rules.findIndex((rule) => !flows.has(rule))
        const last = flows.get(chain.rules[dead - 1]!)
        if (dead < 1 || !last) continue
        const rule = chain.rules[dead]!
        const count = chain.rules.length - dead
        yield {
          message: `no packet comes here: all that get as far as rule ${dead} end there, and ${count === 1 ? 'this rule stands' : `these ${count} rules stand`} behind it`,
          at: ruleSpot(table, { chain: chain.name, number: dead + 1, rule }),
          related: [{ ...ruleSpot(table, last), how: 'every packet that is left ends here' }],
        }
      }
    }
  },
}
