import { setUses } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const setMissing: LintRule = {
  id: 'set-missing',
  level: 'error',
  summary: 'a rule asks for a set that does not exist',
  *check(scope) {
    const { sets } = scope.namespace
    if (!sets) return
    const names = new Set(sets.listed.map(({ name }) => name))
    for (const { use, table, ...at } of setUses(scope))
      if (!names.has(use.set))
        yield {
          message: `there is no set ${use.set}: a ruleset with this rule cannot be loaded`,
          at: ruleSpot(table, at),
        }
  },
}
