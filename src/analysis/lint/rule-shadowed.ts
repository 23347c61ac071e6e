import { rulesText } from './helpers.js'
import { shadows } from './shadows.js'
import { type LintRule, ruleSpot } from './types.js'

export const ruleShadowed: LintRule = {
  id: 'rule-shadowed',
  level: 'warning',
  summary: 'earlier rules of the chain decide every packet that this rule matches, and decide the same',
  *check(scope) {
    for (const { table, at, by, opposite } of shadows(scope)) {
      if (opposite) continue
      yield {
        message: `no packet gets to match this rule: ${rulesText(by)} before it let${by.length === 1 ? 's' : ''} none of them past`,
        at: ruleSpot(table, at),
        related: by.map((one) => ({ ...ruleSpot(table, one), how: 'decides packets that this rule would match' })),
      }
    }
  },
}
