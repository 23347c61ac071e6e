import { PRIORITY } from '../../path/hooks.js'
import { conditionsOf, someCondition } from '../scope.js'
import { walked } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const stateBeforeTracking: LintRule = {
  id: 'state-before-tracking',
  level: 'warning',
  summary: 'a rule of the table raw asks for the state of a connection that is not tracked yet',
  *check(scope) {
    const seen = new Set<unknown>()
    for (const { entry, table, flow } of walked(scope)) {
      const { hook, priority } = entry.base
      if ((hook !== 'prerouting' && hook !== 'output') || priority >= PRIORITY.conntrack) continue
      for (const one of flow.rules.values()) {
        const asks = conditionsOf(one.rule).some((condition) => someCondition(condition, isAboutConnections))
        if (!asks || seen.has(one.rule)) continue
        seen.add(one.rule)
        yield {
          message: `connection tracking has not seen the packet here: it is INVALID to this rule, unless it came back through lo`,
          at: ruleSpot(table, one),
          fix: 'ask in the table mangle or filter',
        }
      }
    }
  },
}

function isAboutConnections(condition: Parameters<typeof someCondition>[0]): boolean {
  if (condition.is !== 'in') return false
  let { value } = condition
  while (typeof value !== 'string' && (value.from === 'masked' || value.from === 'shifted')) value = value.of
  return typeof value === 'string' && value.startsWith('ct.')
}
