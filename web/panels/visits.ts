import { computed } from '@preact/signals'
import { placeOf, type RuleVisit } from '../engine/answers.js'
import { focus, lane } from '../state.js'

/** How the rules of the chain in focus fared, by their numbers: the last time that they were looked at. */
export const visits = computed((): ReadonlyMap<number, RuleVisit> => {
  const where = focus.value
  const found = new Map<number, RuleVisit>()
  if (!where) return found
  for (const step of lane.value?.steps ?? [])
    if (placeOf(step) === where.place)
      for (const chain of step.chains ?? [])
        if (chain.table === where.table && chain.backend === where.backend)
          for (const rule of chain.rules) if (rule.chain === where.chain) found.set(rule.number, rule)
  return found
})
