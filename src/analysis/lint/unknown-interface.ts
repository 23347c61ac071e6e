import { printIfName } from '../../address/ifname.js'
import type { Condition } from '../../rules/condition.js'
import { conditionsOf } from '../scope.js'
import { everyRule } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const unknownInterface: LintRule = {
  id: 'unknown-interface',
  level: 'note',
  summary: 'a rule names an interface that does not exist',
  *check(scope) {
    const existing = new Set(scope.namespace.links.map(({ name }) => name))
    if (existing.size === 0) return
    for (const { table, ...at } of everyRule(scope))
      for (const name of conditionsOf(at.rule).flatMap(namesOf))
        if (!existing.has(name))
          yield { message: `there is no interface ${name}: the rule matches nothing now`, at: ruleSpot(table, at) }
  },
}

/** The single name that a condition asks for. */
function namesOf(condition: Condition): readonly string[] {
  if (condition.is !== 'in' || (condition.value !== 'meta.iifname' && condition.value !== 'meta.oifname')) return []
  const [range] = condition.ranges
  if (condition.ranges.length !== 1 || !range || range[0] !== range[1] || range[0] === 0n) return []
  return [printIfName(BigInt(range[0]))]
}
