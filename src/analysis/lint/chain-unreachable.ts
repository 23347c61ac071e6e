import { callers, chainInputs } from './helpers.js'
import { chainSpot, type LintRule, ruleSpot } from './types.js'

export const chainUnreachable: LintRule = {
  id: 'chain-unreachable',
  level: 'note',
  summary: 'rules jump to this chain, but no packet gets there',
  *check(scope) {
    for (const table of scope.tables) {
      const called = callers(table)
      const inputs = chainInputs(scope, table)
      for (const { name, base, rules } of table.chains.values()) {
        const jumps = called.get(name)
        if (base || rules.length === 0 || !jumps || inputs.has(name)) continue
        yield {
          message: `no packet gets to chain ${name}: none matches a rule that jumps there`,
          at: chainSpot(table, name),
          related: jumps.slice(0, 3).map(({ chain, number, rule }) => ({
            ...ruleSpot(table, { chain: chain.name, number, rule }),
            how: 'jumps there',
          })),
        }
      }
    }
  },
}
