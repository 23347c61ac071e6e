import { shadows } from './shadows.js'
import { type LintRule, ruleSpot } from './types.js'

export const ruleShadowed: LintRule = {
  id: 'rule-shadowed',
  level: 'warning',
  summary: 'earlier rules of the chain decide every packet that this rule matches, and decide the same',
  *check(scope) {
    for (const { table, at, by, opposite } of shadows(scope)) {
      if (opposite) continue
      const who = by.length === 1 ? `rule ${by[0]!.number}` : `rules ${by.map(({ number }) => number).join(', ')}`
      yield {
        message: `no packet gets to match this rule: ${who} before it decide${by.length === 1 ? 's' : ''} them all`,
        at: ruleSpot(table, at),
        related: by.map((one) => ({ ...ruleSpot(table, one), how: 'decides packets that this rule would match' })),
      }
    }
  },
}
