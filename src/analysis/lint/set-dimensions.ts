import { setUses } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const setDimensions: LintRule = {
  id: 'set-dimensions',
  level: 'warning',
  summary: 'a rule gives a set fewer or more of src and dst than its type has parts',
  *check(scope) {
    const types = new Map(scope.namespace.sets?.listed.map(({ name, type }) => [name, type]))
    for (const { use, table, ...at } of setUses(scope)) {
      const type = types.get(use.set)
      // the sets of a list may be of several types
      if (type === undefined || type === 'list:set') continue
      const given = use.directions.length
      const parts = type.slice(type.indexOf(':') + 1).split(',').length
      if (given === parts) continue
      const effect =
        given < parts ? 'nothing is ever found in it' : `only ${use.directions.slice(0, parts).join(',')} counts`
      yield {
        message: `set ${use.set} is of type ${type}, and the rule says ${use.directions.join(',')}: ${effect}`,
        at: ruleSpot(table, at),
      }
    }
  },
}
