import { ifName } from '../../address/ifname.js'
import { parseIpv4 } from '../../address/ip.js'
import { firstOf, lastOf } from '../../address/prefix.js'
import { CT_STATE, CT_STATUS } from '../../packet/fields.js'
import { EMPTY } from '../../sets/bdd.js'
import { sampleOf, sampleText } from '../../sets/sample.js'
import { masked } from '../../sets/space.js'
import { passed, walked } from '../witness.js'
import { translations } from './nat.js'
import type { LintRule } from './types.js'

const LOCALHOST = parseIpv4('127.0.0.1')!
const LOOPBACK = [[parseIpv4('127.0.0.0')!, parseIpv4('127.255.255.255')!]] as const

export const routeLocalnet: LintRule = {
  id: 'route-localnet',
  level: 'warning',
  summary: 'route_localnet lets neighbours send to 127.0.0.1, and no rule drops it',
  *check(scope) {
    const { namespace, space, family } = scope
    const { bdd } = space
    if (family !== 4 || !namespace.sysctls) return
    const notTranslated = space.bitsIn(masked(space.bitsOf('ct.status'), CT_STATUS.DST_NAT), [[0, 0]])
    for (const { name, kind } of namespace.links) {
      if (kind === 'loopback') continue
      const keys = ['all', name.replaceAll('.', '/')].map((dev) => `net.ipv4.conf.${dev}.route_localnet`)
      const key = keys.find((one) => namespace.sysctls!.get(one)?.trim() === '1')
      if (!key) continue
      const parts = [
        space.equals('meta.iifname', ifName(name)),
        space.in('ip.daddr', LOOPBACK),
        bdd.not(space.in('ip.saddr', LOOPBACK)),
        space.equals('meta.l4proto', 6),
        space.equals('ct.state', CT_STATE.NEW),
        space.whole,
        notTranslated,
        scope.surelyPassed('prerouting'),
        scope.surelyPassed('input'),
      ]
      const moved = space.union(translations(scope, 'prerouting').map(({ use }) => use.packets))
      const open = bdd.minus(
        parts.reduce((all, one) => bdd.and(all, one)),
        moved,
      )
      if (open === EMPTY) continue
      const near = namespace.links
        .find((link) => link.name === name)!
        .addresses.flatMap(({ prefix }) =>
          typeof prefix.ip === 'number' && prefix.length < 31
            ? [
                bdd.minus(
                  space.in('ip.saddr', [[firstOf(prefix), lastOf(prefix)]]),
                  space.equals('ip.saddr', prefix.ip),
                ),
              ]
            : [],
        )
      const sample = sampleOf(space, open, [space.equals('ip.daddr', LOCALHOST), ...near])
      const text = sample && sampleText(sample)
      const branches = text === undefined ? undefined : walked(scope, text)
      if (!branches || !passed('input')(branches)) continue
      yield {
        message: `${key} = 1: hosts on the link of ${name} can reach what listens on 127.0.0.1 only, and no rule drops their packets`,
        at: { chain: undefined, number: undefined, text: `${key} = 1`, source: undefined },
        packet: text!,
        fix: `-t raw -A PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP`,
      }
      if (key.includes('.all.')) return
    }
  },
}
