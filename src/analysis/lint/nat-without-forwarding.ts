import { EMPTY } from '../../sets/bdd.js'
import { localAddresses } from '../witness.js'
import { isLocalAddress, targetOf, translations } from './nat.js'
import { type LintRule, ruleSpot } from './types.js'

export const natWithoutForwarding: LintRule = {
  id: 'nat-without-forwarding',
  level: 'warning',
  summary: 'a rule translates forwarded packets, and nothing is forwarded',
  *check(scope) {
    const { namespace, space, family } = scope
    const { bdd } = space
    if (!namespace.sysctls || forwards(namespace.sysctls, family)) return
    const setting = family === 4 ? 'net.ipv4.ip_forward = 0' : 'net.ipv6.conf.all.forwarding = 0'
    const local = localAddresses(scope, 'saddr')
    for (const { use, flow, table } of translations(scope, 'postrouting')) {
      if (use.packets === EMPTY || bdd.meets(use.packets, local)) continue
      yield {
        message: `${setting}: this rule translates packets that others send, and this host forwards none`,
        at: ruleSpot(table, flow.rules.get(use.rule)!),
        fix: `sysctl ${setting.replace('0', '1').replaceAll(' ', '')}`,
      }
    }
    for (const { use, flow, table } of translations(scope, 'prerouting')) {
      const target = targetOf(use)
      if (use.packets === EMPTY || !target || isLocalAddress(scope, target.address)) continue
      yield {
        message: `${setting}: this rule sends packets to another host, and this one forwards none`,
        at: ruleSpot(table, flow.rules.get(use.rule)!),
        fix: `sysctl ${setting.replace('0', '1').replaceAll(' ', '')}`,
      }
    }
  },
}

/** Unless every setting says no. A listing without the setting says nothing. */
function forwards(sysctls: ReadonlyMap<string, string>, family: 4 | 6): boolean {
  const keys = family === 4 ? ['net.ipv4.ip_forward', 'net.ipv4.conf.all.forwarding'] : ['net.ipv6.conf.all.forwarding']
  if (!keys.some((key) => sysctls.has(key))) return true
  const pattern = family === 4 ? /^net\.ipv4\.(ip_forward|conf\..*\.forwarding)$/ : /^net\.ipv6\.conf\..*\.forwarding$/
  for (const [key, value] of sysctls) if (pattern.test(key) && value.trim() !== '0') return true
  return false
}
