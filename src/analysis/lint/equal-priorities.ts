import type { ChainEntry } from '../../path/hooks.js'
import type { Hook } from '../../rules/program.js'
import { isUsed } from './helpers.js'
import { chainSpot, type LintRule } from './types.js'

export const equalPriorities: LintRule = {
  id: 'equal-priorities',
  level: 'note',
  summary: 'two base chains stand on one hook with the same priority: which comes first is not written down anywhere',
  *check(scope) {
    for (const hook of Object.keys(scope.hooks) as Hook[]) {
      const before: ChainEntry[] = []
      for (const entry of scope.entries(hook)) {
        if (!isUsed(entry.chain)) continue
        const other = before.find(({ table, priority }) => table !== entry.table && priority === entry.priority)
        before.push(entry)
        if (!other) continue
        yield {
          message: `${nameOf(other)} and ${nameOf(entry)} both have priority ${entry.priority} on ${hook}: the one that was loaded first comes first`,
          at: chainSpot(entry.table, entry.chain.name),
          related: [{ ...chainSpot(other.table, other.chain.name), how: 'has the same priority' }],
        }
      }
    }
  },
}

const nameOf = ({ table, chain }: ChainEntry): string => `${chain.name} of the ${table.backend} table ${table.name}`
