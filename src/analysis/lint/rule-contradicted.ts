import { NAMES, rulesText, verdictOf } from './helpers.js'
import { shadows } from './shadows.js'
import { type LintRule, ruleSpot } from './types.js'

export const ruleContradicted: LintRule = {
  id: 'rule-contradicted',
  level: 'error',
  summary: 'earlier rules of the chain decide every packet that this rule matches, and decide the opposite',
  *check(scope) {
    for (const { table, at, by, opposite } of shadows(scope)) {
      if (!opposite) continue
      const verdict = NAMES[verdictOf(at.rule)!]
      const done = verdict === 'ACCEPT' ? 'drop' : 'accept'
      yield {
        message: `this ${verdict} never happens: ${rulesText(opposite)} ${opposite.length === 1 ? `${done}s` : done} the packets before it`,
        at: ruleSpot(table, at),
        related: by.map((one) => ({
          ...ruleSpot(table, one),
          how: opposite.includes(one)
            ? `${done}s packets that this rule would ${verdict}`
            : 'decides packets that this rule would match',
        })),
        fix: `put the rule before rule ${opposite[0]!.number}, or delete it`,
      }
    }
  },
}
