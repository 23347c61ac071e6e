import { ifName } from '../../address/ifname.js'
import { CT_STATE } from '../../packet/fields.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import type { Scope } from '../scope.js'
import type { LintRule, Spot } from './types.js'

/** The range from which the kernel takes ports for its own connections (net.ipv4.ip_local_port_range). */
const EPHEMERAL = [32768, 60999] as const

export const noEstablishedAccept: LintRule = {
  id: 'no-established-accept',
  level: 'warning',
  summary: 'connections may be opened, but every reply to them is dropped',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const own = replies(scope, 'input', space.in('th.dport', [EPHEMERAL]))
    const fresh = bdd.and(space.equals('meta.l4proto', 6), space.equals('ct.state', CT_STATE.NEW))
    if (own !== EMPTY && !scope.mayPassSome('input', own) && scope.mayPassSome('output', fresh))
      yield {
        message:
          'INPUT drops every reply to the TCP connections that this host opens: no rule accepts ESTABLISHED packets',
        at: hookSpot(scope, 'input', 'INPUT'),
      }
    const forwarded = replies(scope, 'forward', scope.input('forward'))
    if (!scope.mayPassSome('forward', forwarded) && scope.mayPassSome('forward', bdd.and(fresh, space.whole)))
      yield {
        message: 'FORWARD lets new TCP connections through, but drops every reply: no rule accepts ESTABLISHED packets',
        at: hookSpot(scope, 'forward', 'FORWARD'),
      }
  },
}

function replies(scope: Scope, hook: 'input' | 'forward', set: Node): Node {
  const { space } = scope
  const { bdd } = space
  const parts = [
    scope.input(hook),
    set,
    space.whole,
    space.equals('meta.l4proto', 6),
    space.equals('ct.state', CT_STATE.ESTABLISHED),
    space.equals('ct.direction', 1),
    bdd.not(space.equals('meta.iifname', ifName('lo'))),
  ]
  return parts.reduce((all, one) => bdd.and(all, one))
}

/** The filtering chain of a hook. */
export function hookSpot(scope: Scope, hook: 'input' | 'forward' | 'output', name: string): Spot {
  const entries = scope.entries(hook).filter(({ base }) => base.type === 'filter')
  const entry = entries.find(({ table }) => table.name === 'filter') ?? entries[0]
  const table = entry?.table.name ?? 'filter'
  return {
    chain: `${table}/${name}`,
    number: undefined,
    text: `chain ${name} of table ${table}`,
    source: entry?.chain.rules[0]?.source,
  }
}
