import { ifName } from '../../address/ifname.js'
import { CT_STATE } from '../../packet/fields.js'
import { hookSpot } from './no-established-accept.js'
import type { LintRule } from './types.js'

/** RFC 4861. */
const MESSAGES = [
  [135, 'neighbour solicitations'],
  [136, 'neighbour advertisements'],
] as const

export const ndpBlocked: LintRule = {
  id: 'ndp-blocked',
  level: 'error',
  summary: 'the ICMPv6 messages by which IPv6 neighbours find each other are dropped',
  *check(scope) {
    if (scope.family !== 6) return
    const { space } = scope
    const { bdd } = space
    // connection tracking leaves them alone (nf_conntrack_icmpv6_error); where there is none, a state reads INVALID
    const untracked = space.in('ct.state', [
      [CT_STATE.INVALID, CT_STATE.INVALID],
      [CT_STATE.UNTRACKED, CT_STATE.UNTRACKED],
    ])
    for (const hook of ['input', 'output'] as const) {
      const end = hook === 'input' ? 'meta.iifname' : 'meta.oifname'
      const parts = [
        scope.input(hook),
        space.whole,
        bdd.not(space.equals(end, ifName('lo'))),
        space.equals('meta.l4proto', 58),
        untracked,
      ]
      const icmp = parts.reduce((all, one) => bdd.and(all, one))
      const blocked = MESSAGES.filter(
        ([type]) => !scope.mayPassSome(hook, bdd.and(icmp, space.equals('icmp.type', type))),
      )
      if (blocked.length === 0) continue
      const name = hook.toUpperCase()
      yield {
        message: `${name} drops IPv6 ${blocked.map(([, what]) => what).join(' and ')}: no neighbour can be reached over IPv6`,
        at: hookSpot(scope, hook, name),
        fix: `-I ${name} -p ipv6-icmp -m icmp6 --icmpv6-type ${blocked[0]![0]} -j ACCEPT`,
      }
    }
  },
}
