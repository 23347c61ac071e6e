import { hookSpot } from './no-established-accept.js'
import type { LintRule } from './types.js'

export const flushLocksOut: LintRule = {
  id: 'flush-locks-out',
  level: 'note',
  summary: 'the policy of INPUT is DROP: flushing the rules locks everybody out',
  *check(scope) {
    for (const { table, chain, base } of scope.entries('input')) {
      if (base.type !== 'filter' || base.policy !== 'drop' || chain.rules.length === 0) continue
      const program = `${scope.family === 4 ? 'iptables' : 'ip6tables'}${table.name === 'filter' ? '' : ` -t ${table.name}`}`
      yield {
        message: `${program} -F leaves the policy DROP of ${chain.name} and takes away every rule that accepts: remote sessions end there`,
        at: { ...hookSpot(scope, 'input', chain.name), chain: `${table.name}/${chain.name}` },
        fix: `${program} -P ${chain.name} ACCEPT before ${program} -F; or a last rule that drops, with policy ACCEPT`,
      }
    }
  },
}
