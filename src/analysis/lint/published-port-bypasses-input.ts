import { ifName } from '../../address/ifname.js'
import { CT_STATE, CT_STATUS } from '../../packet/fields.js'
import { EMPTY } from '../../sets/bdd.js'
import { masked } from '../../sets/space.js'
import { passed, witness } from '../witness.js'
import { beforeTranslation, CONNECTION, isLocalAddress, leavingTowards, targetOf, translations } from './nat.js'
import { type LintRule, ruleSpot } from './types.js'

export const publishedPortBypassesInput: LintRule = {
  id: 'published-port-bypasses-input',
  level: 'warning',
  summary: 'INPUT drops packets to a port that destination NAT sends elsewhere: they pass through FORWARD instead',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const outside = bdd.minus(scope.input('prerouting'), space.equals('meta.iifname', ifName('lo')))
    const fresh = space.equals('ct.state', CT_STATE.NEW)
    for (const { use, flow, table } of translations(scope, 'prerouting')) {
      const target = targetOf(use)
      if (!target || isLocalAddress(scope, target.address)) continue
      const out = leavingTowards(scope, target.address)
      if (out === undefined) continue
      const isTranslated = space.bitsIn(masked(space.bitsOf('ct.status'), CT_STATUS.DST_NAT), [
        [CT_STATUS.DST_NAT, CT_STATUS.DST_NAT],
      ])
      const passes = space.forAll(bdd.or(scope.surelyPassed('forward'), bdd.not(space.valid)), CONNECTION)
      const let_ = space.forget(bdd.and(bdd.and(passes, isTranslated), bdd.and(out, scope.input('forward'))), [
        'meta.oifname',
        'ct.status',
      ])
      const denied = space.forget(scope.surelyDropped('input'), ['meta.oifname'])
      const set = [use.packets, outside, fresh, denied, space.whole, beforeTranslation(scope, let_, target)].reduce(
        (all, one) => bdd.and(all, one),
      )
      if (set === EMPTY) continue
      const seen = witness(scope, set, passed('forward'))
      if (!seen) continue
      yield {
        message:
          'INPUT drops what comes to this port from outside, but INPUT never sees it: this rule sends it on, and FORWARD accepts it',
        at: ruleSpot(table, flow.rules.get(use.rule)!),
        packet: seen.text,
      }
    }
  },
}
