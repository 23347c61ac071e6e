import { callers } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const jumpToEmptyChain: LintRule = {
  id: 'jump-to-empty-chain',
  level: 'note',
  summary: 'a rule jumps to a chain without rules',
  *check({ tables }) {
    for (const table of tables)
      for (const [name, jumps] of callers(table)) {
        if (table.chains.get(name)?.rules.length !== 0) continue
        for (const { chain, number, rule } of jumps)
          yield {
            message: `chain ${name} is empty: the jump does nothing`,
            at: ruleSpot(table, { chain: chain.name, number, rule }),
          }
      }
  },
}
