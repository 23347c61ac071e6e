import { ifName } from '../../address/ifname.js'
import type { Ip } from '../../address/ip.js'
import type { Field } from '../../packet/fields.js'
import { addressType } from '../../path/addresses.js'
import { Fib } from '../../routing/fib.js'
import { lookup } from '../../routing/lookup.js'
import type { Hook } from '../../rules/program.js'
import type { Node } from '../../sets/bdd.js'
import type { NatUse } from '../../sets/chains.js'
import type { Scope } from '../scope.js'
import { type Walked, walked } from './helpers.js'

export interface Translation extends Walked {
  readonly use: NatUse
}

/** What rules translate on a hook. */
export const translations = (scope: Scope, hook: Hook): readonly Translation[] =>
  walked(scope)
    .filter(({ entry }) => entry.base.hook === hook && entry.base.type === 'nat')
    .flatMap((one) => one.flow.nat.map((use) => ({ ...one, use })))

export const addressField = (scope: Scope, end: 'saddr' | 'daddr'): Field =>
  scope.family === 4 ? `ip.${end}` : `ip6.${end}`

/** One address, and one port where the rule names any. */
export interface Target {
  readonly address: Ip
  readonly port: number | undefined
}

/** Where a DNAT rule with a single target sends its packets; undefined for others. */
export function targetOf({ effect: { manip, how, to } }: NatUse): Target | undefined {
  const { addresses, ports, basePort, netmap } = to
  if (manip !== 'dst' || how || netmap || !addresses || addresses[0] !== addresses[1] || basePort !== undefined)
    return undefined
  if (ports && ports[0] !== ports[1]) return undefined
  return { address: addresses[0], port: ports?.[0] }
}

/** The packets as they are behind the translation. */
export function translated(scope: Scope, set: Node, { address, port }: Target): Node {
  const { space } = scope
  const moved = space.assigned(set, addressField(scope, 'daddr'), address)
  return port === undefined ? moved : space.assigned(moved, 'th.dport', port)
}

/** The packets that are in `set` once they are translated. */
export function beforeTranslation(scope: Scope, set: Node, { address, port }: Target): Node {
  const { space } = scope
  const moved = space.beforeAssigning(set, addressField(scope, 'daddr'), address)
  return port === undefined ? moved : space.beforeAssigning(moved, 'th.dport', port)
}

const fibs = new WeakMap<Scope, Fib>()

export function fibOf(scope: Scope): Fib {
  let fib = fibs.get(scope)
  if (!fib) {
    const { namespace, family } = scope
    fib = new Fib(family, family === 4 ? namespace.rules4 : namespace.rules6, namespace.routes)
    fibs.set(scope, fib)
  }
  return fib
}

const LOCAL = 2
export const isLocalAddress = (scope: Scope, ip: Ip): boolean => addressType(fibOf(scope), ip, undefined) === LOCAL

/** The packets that leave through the interfaces to which the routes for an address lead, whichever next hop is drawn; undefined where there is no route. */
export function leavingTowards(scope: Scope, ip: Ip): Node | undefined {
  const { found } = lookup(fibOf(scope), { dst: ip })
  if (found.is !== 'route' || found.route.type !== 'unicast') return undefined
  const devices = [found.nexthop, ...found.route.nexthops].flatMap((hop) => (hop?.dev === undefined ? [] : [hop.dev]))
  return scope.space.union([...new Set(devices)].map((dev) => scope.space.equals('meta.oifname', ifName(dev))))
}

/** Everything that connection tracking knows but state and status. */
export const CONNECTION: readonly Field[] = [
  'ct.original.saddr', 'ct.original.daddr', 'ct.original.saddr6', 'ct.original.daddr6', 'ct.original.sport', 'ct.original.dport',
  'ct.reply.saddr', 'ct.reply.daddr', 'ct.reply.saddr6', 'ct.reply.daddr6', 'ct.reply.sport', 'ct.reply.dport',
] // biome-ignore format: a table
