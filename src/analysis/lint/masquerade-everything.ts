import { EMPTY } from '../../sets/bdd.js'
import { translations } from './nat.js'
import { type LintRule, ruleSpot } from './types.js'

export const masqueradeEverything: LintRule = {
  id: 'masquerade-everything',
  level: 'warning',
  summary: 'MASQUERADE without a limit by interface, source or mark',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    for (const { use, flow, table } of translations(scope, 'postrouting')) {
      if (use.effect.how !== 'masquerade') continue
      // every packet of some protocol, whichever way it goes and whoever sends it
      const all = [6, 17].some((protocol) => {
        const own = bdd.and(bdd.and(flow.input, space.whole), space.equals('meta.l4proto', protocol))
        return own !== EMPTY && bdd.isWithin(own, use.packets)
      })
      if (!all) continue
      yield {
        message:
          'this MASQUERADE takes every new connection, forwarded ones into the inner networks included: they all lose their source address',
        at: ruleSpot(table, flow.rules.get(use.rule)!),
        fix: 'name the outgoing interface (-o), or the inner networks (-s)',
      }
    }
  },
}
