import { CT_STATE } from '../../packet/fields.js'
import { EMPTY } from '../../sets/bdd.js'
import { localAddresses, passed, witness } from '../witness.js'
import { verdictOf, walked } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

export const acceptBySourcePort: LintRule = {
  id: 'accept-by-source-port',
  level: 'warning',
  summary: 'new connections to any port are accepted from whoever uses a certain source port',
  *check(scope) {
    const { space, family } = scope
    const { bdd } = space
    const saddr = family === 4 ? ('ip.saddr' as const) : ('ip6.saddr' as const)
    for (const { entry, table, flow } of walked(scope)) {
      if (entry.base.hook !== 'input' || entry.base.type !== 'filter') continue
      for (const one of flow.rules.values()) {
        if (verdictOf(one.rule) !== 'accept' || one.accepted === EMPTY) continue
        for (const protocol of [6, 17]) {
          const fresh = [
            one.accepted,
            space.equals('meta.l4proto', protocol),
            space.equals('ct.state', CT_STATE.NEW),
            space.whole,
          ].reduce((all, part) => bdd.and(all, part))
          if (fresh === EMPTY || space.project(fresh, ['th.sport']) === space.project(space.valid, ['th.sport']))
            continue
          // any port from any address: some source port is enough to reach everything
          if (space.project(fresh, ['th.dport']) !== space.project(space.valid, ['th.dport'])) continue
          if (space.project(fresh, [saddr]) !== space.project(space.valid, [saddr])) continue
          const packet = witness(scope, bdd.and(fresh, localAddresses(scope, 'daddr')), passed('input'), [
            space.equals('th.dport', 22),
          ])?.text
          yield {
            message: 'a sender chooses its own source port: with this one, new connections to every port are accepted',
            at: ruleSpot(table, one),
            ...(packet === undefined ? {} : { packet }),
            fix: 'accept ESTABLISHED packets instead (-m conntrack --ctstate RELATED,ESTABLISHED)',
          }
          break
        }
      }
    }
  },
}
