import { ifName } from '../../address/ifname.js'
import { CT_STATE } from '../../packet/fields.js'
import { EMPTY } from '../../sets/bdd.js'
import { example, walked } from './helpers.js'
import { CONNECTION, translations } from './nat.js'
import { hookSpot } from './no-established-accept.js'
import { type LintRule, ruleSpot } from './types.js'

export const invalidNotTranslated: LintRule = {
  id: 'invalid-not-translated',
  level: 'note',
  summary:
    'FORWARD accepts INVALID packets of connections that POSTROUTING would translate: they leave with their inner address',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const passing = [
      scope.surelyPassed('forward'),
      space.equals('ct.state', CT_STATE.INVALID),
      space.equals('meta.l4proto', 6),
      space.whole,
      bdd.not(space.equals('meta.iifname', ifName('lo'))),
    ].reduce((all, one) => bdd.and(all, one))
    if (passing === EMPTY) return
    for (const { use, flow, table } of translations(scope, 'postrouting')) {
      // the rule sees packets of connections; what it would do to this one hangs on addresses, ports and interfaces alone
      const wouldBe = space.forget(use.packets, [
        'ct.state',
        'ct.direction',
        'ct.status',
        'ct.mark',
        'meta.mark',
        'meta.iifname',
        ...CONNECTION,
      ])
      const set = bdd.and(passing, wouldBe)
      if (set === EMPTY || use.effect.manip !== 'src') continue
      const accepting = walked(scope)
        .filter(({ entry }) => entry.base.hook === 'forward' && entry.base.type === 'filter')
        .flatMap((one) =>
          [...one.flow.rules.values()]
            .filter(({ accepted }) => bdd.meets(accepted, set))
            .map((rule) => ruleSpot(one.table, rule)),
        )
      const packet = example(scope, set)
      yield {
        message:
          'a packet that connection tracking calls INVALID is not translated by this rule; FORWARD accepts it, so that it leaves with the address that was to be hidden',
        at: ruleSpot(table, flow.rules.get(use.rule)!),
        related: (accepting.length > 0 ? accepting.slice(0, 3) : [hookSpot(scope, 'forward', 'FORWARD')]).map(
          (spot) => ({ ...spot, how: 'accepts INVALID packets' }),
        ),
        ...(packet === undefined ? {} : { packet }),
        fix: '-I FORWARD -m conntrack --ctstate INVALID -j DROP',
      }
    }
  },
}
