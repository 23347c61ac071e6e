import { ifName } from '../../address/ifname.js'
import { hookSpot } from './no-established-accept.js'
import type { LintRule } from './types.js'

export const pathMtuBlocked: LintRule = {
  id: 'path-mtu-blocked',
  level: 'warning',
  summary: 'the ICMP messages that path MTU discovery needs are dropped',
  *check(scope) {
    const { space, family } = scope
    const { bdd } = space
    // RFC 1191: destination unreachable, fragmentation needed; RFC 8201: packet too big
    const message =
      family === 4
        ? [space.equals('meta.l4proto', 1), space.equals('icmp.type', 3), space.equals('icmp.code', 4)]
        : [space.equals('meta.l4proto', 58), space.equals('icmp.type', 2)]
    for (const hook of ['input', 'forward'] as const) {
      const parts = [scope.input(hook), space.whole, bdd.not(space.equals('meta.iifname', ifName('lo'))), ...message]
      const needed = parts.reduce((all, one) => bdd.and(all, one))
      const others = bdd.and(space.equals('meta.l4proto', 6), space.whole)
      if (scope.mayPassSome(hook, needed) || !scope.mayPassSome(hook, others)) continue
      const name = hook.toUpperCase()
      yield {
        message: `${name} drops ${family === 4 ? 'ICMP "fragmentation needed"' : 'ICMPv6 "packet too big"'}: connections over a path with a smaller MTU hang once they send large packets`,
        at: hookSpot(scope, hook, name),
        fix: `accept RELATED packets in ${name}`,
      }
    }
  },
}
