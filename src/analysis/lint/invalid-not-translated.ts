import { ifName } from '../../address/ifname.js'
import { printIp } from '../../address/ip.js'
import { CT_STATE } from '../../packet/fields.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import type { Sample } from '../../sets/sample.js'
import type { Scope } from '../scope.js'
import { witness } from '../witness.js'
import { walked as walkedChains } from './helpers.js'
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
    const late = [
      space.equals('ct.state', CT_STATE.INVALID),
      space.equals('meta.l4proto', 6),
      space.whole,
      bdd.not(space.equals('meta.iifname', ifName('lo'))),
    ].reduce((all, one) => bdd.and(all, one))
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
      if (use.effect.manip !== 'src') continue
      const passing = scope.passingOf('forward', bdd.and(late, wouldBe))
      const set = space.forget(passing, ['meta.oifname'])
      if (set === EMPTY) continue
      const seen = witness(scope, set, (branches, { src }) =>
        branches.some(({ outcome, final }) => outcome === 'sent' && final.src === printIp(src)),
      )
      if (!seen) continue
      const own = packetOf(scope, seen.sample)
      const accepting = walkedChains(scope)
        .filter(({ entry }) => entry.base.hook === 'forward' && entry.base.type === 'filter')
        .flatMap((one) =>
          [...one.flow.rules.values()]
            .filter(({ accepted }) => bdd.meets(accepted, bdd.and(own, passing)))
            .map((rule) => ruleSpot(one.table, rule)),
        )
      yield {
        message:
          'connection tracking calls some packets INVALID (late ones, say); this rule does not translate them, and FORWARD lets them out with the address that was to be hidden',
        at: ruleSpot(table, flow.rules.get(use.rule)!),
        related: (accepting.length > 0 ? accepting.slice(0, 3) : [hookSpot(scope, 'forward', 'FORWARD')]).map(
          (spot) => ({
            ...spot,
            how: 'accepts INVALID packets',
          }),
        ),
        packet: seen.text,
        fix: '-I FORWARD -m conntrack --ctstate INVALID -j DROP',
      }
    }
  },
}

/** Packets with these addresses and ports, arriving there. */
function packetOf({ space, family }: Scope, { protocol, src, dst, sport, dport, iif }: Sample): Node {
  const [saddr, daddr] = family === 4 ? (['ip.saddr', 'ip.daddr'] as const) : (['ip6.saddr', 'ip6.daddr'] as const)
  const parts = [
    space.equals('meta.l4proto', protocol),
    space.equals(saddr, src),
    space.equals(daddr, dst),
    space.equals('meta.iifname', ifName(iif)),
    ...(sport === undefined ? [] : [space.equals('th.sport', sport), space.equals('th.dport', dport!)]),
  ]
  return parts.reduce((all, one) => space.bdd.and(all, one))
}
