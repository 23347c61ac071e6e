import { CT_STATE } from '../../packet/fields.js'
import { EMPTY } from '../../sets/bdd.js'
import { conditionsOf, someCondition } from '../scope.js'
import { localAddresses } from '../witness.js'
import { isLocalAddress, targetOf, translations } from './nat.js'
import { type LintRule, ruleSpot } from './types.js'

export const redirectLoop: LintRule = {
  id: 'redirect-loop',
  level: 'warning',
  summary: 'OUTPUT redirects connections to a program of this host, its own connections as well',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const elsewhere = bdd.not(localAddresses(scope, 'daddr'))
    for (const { use, flow, table } of translations(scope, 'output')) {
      const target = targetOf(use)
      const here = use.effect.how === 'redirect' || (target !== undefined && isLocalAddress(scope, target.address))
      const { ports } = use.effect.to
      if (!here || !ports || ports[0] !== ports[1]) continue
      const one = flow.rules.get(use.rule)!
      // what could tell the program's own packets apart: who sends them, their mark, where they come from, or something that is not known
      const told = (['socket.uid', 'socket.gid', 'meta.mark', addressOf(scope.family)] as const).some((field) =>
        space.asks(use.packets, field),
      )
      const unknown = conditionsOf(use.rule).some((condition) =>
        someCondition(condition, ({ is }) => is === 'unknown' || is === 'stateful' || is === 'chance'),
      )
      const set = [use.packets, elsewhere, space.whole, space.equals('ct.state', CT_STATE.NEW)].reduce((all, part) =>
        bdd.and(all, part),
      )
      if (told || unknown || set === EMPTY) continue
      yield {
        message: `the program that listens on port ${ports[0]} cannot make such connections itself: its own packets come back to it`,
        at: ruleSpot(table, one),
        fix: 'leave its user out: -m owner ! --uid-owner USER',
      }
    }
  },
}

const addressOf = (family: 4 | 6) => (family === 4 ? 'ip.saddr' : 'ip6.saddr')
