import { ifName } from '../../address/ifname.js'
import { CT_STATE } from '../../packet/fields.js'
import { EMPTY } from '../../sets/bdd.js'
import { hookSpot } from './no-established-accept.js'
import type { LintRule } from './types.js'

export const loopbackDropped: LintRule = {
  id: 'loopback-dropped',
  level: 'warning',
  summary: 'INPUT drops every new TCP packet that the host sends to itself',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const fresh = [space.equals('meta.l4proto', 6), space.equals('ct.state', CT_STATE.NEW)]
    const parts = [scope.input('input'), space.whole, space.equals('meta.iifname', ifName('lo')), ...fresh]
    const own = parts.reduce((all, one) => bdd.and(all, one))
    if (own === EMPTY || scope.mayPassSome('input', own)) return
    const leaving = [space.whole, space.equals('meta.oifname', ifName('lo')), ...fresh]
    const sends = scope.mayPassSome(
      'output',
      leaving.reduce((all, one) => bdd.and(all, one)),
    )
    yield {
      message: 'INPUT drops what comes in on lo: programs of this host cannot talk to each other over TCP',
      at: hookSpot(scope, 'input', 'INPUT'),
      fix: sends
        ? '-I INPUT -i lo -j ACCEPT'
        : '-I INPUT -i lo -j ACCEPT, and -I OUTPUT -o lo -j ACCEPT: OUTPUT drops it as well',
    }
  },
}
