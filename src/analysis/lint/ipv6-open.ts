import { ifName } from '../../address/ifname.js'
import { firstOf, lastOf, parsePrefix } from '../../address/prefix.js'
import { CT_STATE } from '../../packet/fields.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import { blocksOf, type Values } from '../../sets/blocks.js'
import type { Scope } from '../scope.js'
import { localAddresses, passed, witness } from '../witness.js'
import type { LintRule } from './types.js'

const PROTOCOLS = [
  ['tcp', 6],
  ['udp', 17],
] as const
const GLOBAL = parsePrefix('2000::/3')!

export const ipv6Open: LintRule = {
  id: 'ipv6-open',
  level: 'warning',
  summary: 'INPUT lets packets in over IPv6 to ports that it drops over IPv4, whoever sends them',
  *check(scope) {
    const four = scope.family === 6 ? scope.other : undefined
    if (!four || !scope.namespace.known.rules4 || !scope.namespace.known.rules6 || !hasGlobalAddress(scope)) return
    const { space } = scope
    const { bdd } = space
    const source = space.in('ip6.saddr', [[firstOf(GLOBAL), lastOf(GLOBAL)]])
    for (const [name, protocol] of PROTOCOLS) {
      const closed = closedPorts(four, protocol)
      if (closed.length === 0) continue
      const open = [
        newFromOutside(scope, protocol),
        scope.surelyPassed('input'),
        source,
        space.bitsIn(space.bitsOf('th.dport'), closed),
      ].reduce((all, one) => bdd.and(all, one))
      if (open === EMPTY) continue
      const ports = portsText(
        blocksOf(space, open, ['th.dport']).blocks.flatMap((block) => block.get('th.dport') ?? [[0, 65535]]),
      )
      const seen = witness(scope, bdd.and(open, localAddresses(scope, 'daddr')), passed('input'))
      if (!seen) continue
      const entry = scope.entries('input').find(({ chain, base }) => base.type === 'filter' && chain.name === 'INPUT')
      yield {
        message: `IPv6 INPUT lets ${name} in to ${ports}, which IPv4 drops from everywhere`,
        at: { chain: 'filter/INPUT', number: undefined, text: 'IPv6 INPUT', source: entry?.chain.rules[0]?.source },
        packet: seen.text,
      }
    }
  },
}

function newFromOutside(scope: Scope, protocol: number): Node {
  const { space } = scope
  const { bdd } = space
  const parts = [
    scope.input('input'),
    bdd.not(space.equals('meta.iifname', ifName('lo'))),
    space.equals('meta.l4proto', protocol),
    space.equals('ct.state', CT_STATE.NEW),
    space.whole,
  ]
  return parts.reduce((all, one) => bdd.and(all, one))
}

/** The destination ports of which no new packet from outside can pass INPUT. */
function closedPorts(scope: Scope, protocol: number): Values {
  const { space } = scope
  const { bdd } = space
  const passing = space.project(bdd.and(newFromOutside(scope, protocol), scope.mayPass('input')), ['th.dport'])
  const closed = bdd.not(passing)
  return closed === EMPTY
    ? []
    : blocksOf(space, closed, ['th.dport']).blocks.flatMap((block) => block.get('th.dport') ?? [[0, 65535]])
}

function hasGlobalAddress({ namespace }: Scope): boolean {
  return namespace.links.some(
    ({ addresses, kind }) =>
      kind !== 'loopback' && addresses.some(({ prefix: { ip } }) => typeof ip === 'bigint' && ip >> 118n !== 0x3fan),
  )
}

export function portsText(values: Values): string {
  const shown = values.slice(0, 8).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`))
  const text = `${shown.join(', ')}${values.length > 8 ? ', …' : ''}`
  return values.length === 1 && values[0]![0] === values[0]![1] ? `port ${text}` : `ports ${text}`
}
