import { ifName } from '../../address/ifname.js'
import { type Ip, printIp } from '../../address/ip.js'
import { parsePrefix } from '../../address/prefix.js'
import type { Route } from '../../routing/types.js'
import { sampleOf, sampleText } from '../../sets/sample.js'
import { fromOutside, walked } from '../witness.js'
import type { LintRule } from './types.js'

/** RFC 5737: nobody's address, for what comes from far away. */
const SOMEBODY = parsePrefix('198.51.100.77/32')!.ip
/** Routes that are tried for each interface. */
const MOST_TRIED = 64

export const oneWayRoute: LintRule = {
  id: 'one-way-route',
  level: 'warning',
  summary: 'source validation drops what comes in by an interface that routes lead out by',
  *check(scope) {
    const { namespace, space, family } = scope
    // IPv6 has no source validation outside of the rules
    if (family !== 4) return
    for (const { name, kind, up, addresses } of namespace.links) {
      const own = addresses.find(({ prefix }) => typeof prefix.ip === 'number')?.prefix.ip
      if (kind === 'loopback' || !up || own === undefined) continue
      const through = namespace.routes.filter((route) => leadsOut(route, name)).slice(0, MOST_TRIED)
      for (const route of through) {
        const source = sourceBehind(route)
        const parts = [
          space.equals('meta.iifname', ifName(name)),
          space.equals('ip.saddr', source),
          space.equals('ip.daddr', own),
          space.equals('meta.l4proto', 6),
        ]
        const set = parts.reduce((all, one) => space.bdd.and(all, one), fromOutside(scope))
        const sample = sampleOf(space, set)
        const packet = sample && sampleText(sample, scope.place)
        const dropped = packet && walked(scope, packet)?.find(({ where }) => where.reason === 'rp_filter')
        if (!packet || !dropped) continue
        yield {
          message: `a route of table ${route.table} leads out by ${name} (${route.text}), but what comes in there from ${printIp(source)} is dropped: ${dropped.where.text}`,
          at: {
            chain: undefined,
            number: undefined,
            text: `interface ${name}`,
            source: undefined,
          },
          packet,
        }
        break
      }
    }
  },
}

const leadsOut = ({ type, destination, nexthops }: Route, name: string): boolean =>
  type === 'unicast' && typeof destination.ip === 'number' && nexthops.some(({ dev }) => dev === name)

/** Somebody whom packets reach by this route. */
function sourceBehind({ destination: { ip, length } }: Route): Ip {
  if (length === 0) return SOMEBODY
  return length < 31 ? (ip as number) + 1 : ip
}
