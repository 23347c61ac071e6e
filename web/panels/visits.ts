import { computed } from '@preact/signals'
import { endOf, placeOf, type RuleVisit } from '../engine/answers.js'
import { at, focus, lane } from '../state.js'

/** What a rule is known by within its table. */
export const ruleKey = (chain: string, number: number): string => `${number} ${chain}`

type Visits = ReadonlyMap<number, RuleVisit>

/** One time that a base chain was consulted: the rules of each chain that were looked at, by their numbers. */
interface Pass {
  readonly step: number
  readonly chains: ReadonlyMap<string, Visits>
}

const tableKey = (place: string, backend: string, table: string): string => `${place} ${backend} ${table}`

/** Once for the whole way: a chain may have been walked through ten thousand rules. */
const passes = computed((): ReadonlyMap<string, readonly Pass[]> => {
  const found = new Map<string, Pass[]>()
  lane.value?.steps.forEach((step, index) => {
    for (const { backend, table, rules } of step.chains ?? []) {
      const chains = new Map<string, Map<number, RuleVisit>>()
      for (const rule of rules) {
        const visits = chains.get(rule.chain) ?? new Map<number, RuleVisit>()
        chains.set(rule.chain, visits.set(rule.number, rule))
      }
      const key = tableKey(placeOf(step), backend, table)
      found.set(key, [...(found.get(key) ?? []), { step: index, chains }])
    }
  })
  return found
})

const NONE: Visits = new Map()

/** How the rules of a chain of the table in focus fared: the last time before the packet came to where it stands, or else the first time after. */
export function visitsOf(chain: string): Visits {
  const [where, way] = [focus.value, lane.value]
  if (!where || !way) return NONE
  const all = (passes.value.get(tableKey(where.place, where.backend, where.table)) ?? []).filter(({ chains }) =>
    chains.has(chain),
  )
  const end = endOf(way, at.value)
  return (all.findLast(({ step }) => step < end) ?? all[0])?.chains.get(chain) ?? NONE
}
