import { callers } from './helpers.js'
import { chainSpot, type LintRule } from './types.js'

export const chainUnused: LintRule = {
  id: 'chain-unused',
  level: 'note',
  summary: 'no rule jumps to this chain',
  *check({ tables }) {
    for (const table of tables) {
      const called = callers(table)
      for (const { name, base, rules } of table.chains.values())
        if (!base && rules.length > 0 && !called.has(name))
          yield {
            message: `no rule jumps to chain ${name}: no packet comes to its ${rules.length} rule${rules.length === 1 ? '' : 's'}`,
            at: chainSpot(table, name),
          }
    }
  },
}
