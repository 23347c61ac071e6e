import type { Effect } from '../../rules/effect.js'
import { effectsOf } from '../scope.js'
import { walked } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

/** Of priority 0 and later nothing behind it routes again, but for a changed destination. */
const BEHIND_NAT = 0

export const markAfterRouting: LintRule = {
  id: 'mark-after-routing',
  level: 'warning',
  summary: 'a rule sets a mark that ip rule asks for, when the packet has its route already',
  *check(scope) {
    const { namespace, family } = scope
    const rules = (family === 4 ? namespace.rules4 : namespace.rules6).filter(({ fwmark }) => fwmark)
    if (rules.length === 0) return
    for (const { entry, table, flow } of walked(scope)) {
      const { hook, type, priority } = entry.base
      const late =
        hook === 'input' ||
        hook === 'forward' ||
        hook === 'postrouting' ||
        (hook === 'output' && type === 'filter' && priority >= BEHIND_NAT)
      if (!late) continue
      for (const one of flow.rules.values()) {
        if (!one.isMatched) continue
        const mark = effectsOf(one.rule).flatMap(constantMark)[0]
        const asked =
          mark &&
          rules.find(
            ({ fwmark }) =>
              (fwmark!.mask & ~mark.bits) === 0 &&
              ((mark.value ^ fwmark!.value) & fwmark!.mask) === 0 &&
              fwmark!.mask !== 0,
          )
        if (!asked) continue
        yield {
          message: `this mark comes too late for "${asked.text.replace(/\s+/g, ' ').trim()}": a packet in ${hook.toUpperCase()} has its route already${hook === 'output' ? ', and only the table mangle has it routed again' : ''}`,
          at: ruleSpot(table, one),
          fix: hook === 'output' ? 'mark in -t mangle OUTPUT' : 'mark in -t mangle PREROUTING',
        }
      }
    }
  },
}

/** The mark that it leaves, and which of its bits are sure. */
function constantMark(effect: Effect): readonly { readonly value: number; readonly bits: number }[] {
  if (
    effect.do !== 'set' ||
    effect.field !== 'meta.mark' ||
    typeof effect.xor === 'string' ||
    effect.xor.from !== 'constant'
  )
    return []
  return [{ value: Number(effect.xor.value), bits: ~Number(effect.keep) }]
}
