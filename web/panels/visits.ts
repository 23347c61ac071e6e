import { computed } from '@preact/signals'
import { placeOf, type RuleVisit } from '../engine/answers.js'
import { focus, lane } from '../state.js'

/** What a rule is known by within its table. */
export const ruleKey = (chain: string, number: number): string => `${number} ${chain}`

interface Visits {
  /** By `ruleKey`: the last time that each was looked at. */
  readonly rules: Map<string, RuleVisit>
  /** The last rule of each chain that did not just not match. */
  readonly hits: Map<string, number>
}

const tableKey = (place: string, backend: string, table: string): string => `${place} ${backend} ${table}`

/** Once for the whole way: a chain may have been walked through ten thousand rules. */
const byTable = computed((): ReadonlyMap<string, Visits> => {
  const found = new Map<string, Visits>()
  for (const step of lane.value?.steps ?? [])
    for (const { backend, table, rules } of step.chains ?? []) {
      const key = tableKey(placeOf(step), backend, table)
      const visits = found.get(key) ?? { rules: new Map(), hits: new Map() }
      found.set(key, visits)
      for (const rule of rules) {
        visits.rules.set(ruleKey(rule.chain, rule.number), rule)
        if (rule.outcome !== 'no') visits.hits.set(rule.chain, rule.number)
      }
    }
  return found
})

const NONE: Visits = { rules: new Map(), hits: new Map() }

/** How the rules of the table in focus fared. */
export const visits = computed((): Visits => {
  const where = focus.value
  return (where && byTable.value.get(tableKey(where.place, where.backend, where.table))) ?? NONE
})
