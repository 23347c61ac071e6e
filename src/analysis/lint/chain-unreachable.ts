import { callers, chainInputs, unknownChains } from './helpers.js'
import { chainSpot, type LintRule, ruleSpot } from './types.js'

export const chainUnreachable: LintRule = {
  id: 'chain-unreachable',
  level: 'note',
  summary: 'rules jump to this chain, but no packet gets there',
  *check(scope) {
    for (const table of scope.tables) {
      const called = callers(table)
      const inputs = chainInputs(scope, table)
      for (const chain of table.chains.values()) {
        const { name, base, rules } = chain
        if (unknownChains(scope).has(chain)) continue
        const jumps = called.get(name)
        if (base || rules.length === 0 || !jumps || inputs.has(name)) continue
        yield {
          message: `no packet gets to chain ${name}: none matches a rule that jumps there`,
          at: chainSpot(table, name),
          related: jumps.slice(0, 3).map(({ chain: caller, number, rule }) => ({
            ...ruleSpot(table, { chain: caller.name, number, rule }),
            how: 'jumps there',
          })),
        }
      }
    }
  },
}
