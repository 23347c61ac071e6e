import type { Ip } from '../address/ip.js'
import { best4 } from './best4.js'
import { isLimitedBroadcast, isLocalMulticast, isLoopback, isMulticast, isZero } from './classify.js'
import type { Fib } from './fib.js'
import { type Flow, isGood } from './flow.js'
import type { Interfaces } from './interfaces.js'
import { type LookupResult, lookup, optionsOf } from './lookup.js'
import { type Way, waysOf } from './multipath.js'
import { type OutputOptions, type OutputRoute, refusalOf, refused } from './output-route.js'
import { selectAddress4, sourceOf } from './source.js'
import type { NextHop, Route } from './types.js'

const NONE: LookupResult = { found: { is: 'none' }, tried: [] }

const LOOPBACK4 = 0x7f000001

/** net/ipv4/route.c: ip_route_output_key_hash_rcu. `flow.src` undefined: to be chosen. */
export function routeOutput4(fib: Fib, interfaces: Interfaces, flow: Flow, { anySource }: OutputOptions): OutputRoute {
  const { dst, src, oif } = flow
  const toAll = isLimitedBroadcast(dst) || isMulticast(dst)
  if (src !== undefined) {
    if (isMulticast(src) || isLimitedBroadcast(src))
      return refused('bad-source', 'EINVAL', 'the source is no unicast address')
    const owner = localDevice(fib, interfaces, src)
    if (owner === undefined && (!anySource || (oif === undefined && toAll)))
      return refused('bad-source', 'ENETUNREACH', 'the source is not an address of this host')
    if (oif === undefined && toAll) return made(interfaces, flow, { type: 'unicast', dev: owner! }, NONE)
  }
  if (oif !== undefined) {
    if (!interfaces.devices.includes(oif)) return refused('interface-down', 'ENODEV', `there is no ${oif}`)
    if (!interfaces.isUp(oif)) return refused('interface-down', 'ENETUNREACH', `${oif} is down`)
    if (isLocalMulticast(dst) || isLimitedBroadcast(dst))
      return made(interfaces, withSource(interfaces, flow, oif, 'link'), { type: 'unicast', dev: oif }, NONE)
  }
  const filled =
    oif === undefined || !(isMulticast(dst) || isZero(dst))
      ? flow
      : withSource(interfaces, flow, oif, isZero(dst) ? 'host' : 'global')
  if (isZero(dst)) {
    const self = filled.src ?? LOOPBACK4
    return made(interfaces, { ...filled, dst: self, src: self }, { type: 'local', dev: 'lo' }, NONE)
  }
  const result = lookup(fib, { ...filled, iif: 'lo' }, optionsOf(interfaces))
  const refusal = refusalOf(result)
  const isVrf = oif !== undefined && interfaces.vrf?.(oif)?.name === oif
  if (!refusal) return accepted(fib, interfaces, isVrf ? { ...filled, oif: undefined } : filled, result)
  // "apparently, routing tables are wrong": whoever names a device gets it, but not a VRF
  if (oif !== undefined && !isVrf)
    return made(
      interfaces,
      withSource(interfaces, filled, oif, 'link'),
      { type: 'unicast', dev: oif },
      { ...NONE, tried: result.tried },
    )
  return refusal
}

const withSource = (interfaces: Interfaces, flow: Flow, dev: string, scope: 'link' | 'host' | 'global'): Flow =>
  flow.src === undefined ? { ...flow, src: selectAddress4(interfaces, dev, undefined, scope) } : flow

/**
 * __ip_dev_find: the device with this address, or of the local route that holds it (127.0.0.0/8). Of several with one address the kernel takes the one
 * that got it last (inet_hash_insert); a snapshot has no such order, the later device is the better guess.
 */
function localDevice(fib: Fib, interfaces: Interfaces, ip: Ip): string | undefined {
  const owner = interfaces.devices.findLast((dev) => interfaces.addresses(dev).some(({ prefix }) => prefix.ip === ip))
  if (owner !== undefined) return owner
  // without custom rules the local table is the main one as well
  const routes = fib.isMerged ? fib.merged(ip) : fib.table('local')?.matching(ip)
  const hit = routes && best4(routes, { dst: ip }, optionsOf(interfaces))
  return hit?.route.type === 'local' ? hit.nexthop?.dev : undefined
}

function accepted(fib: Fib, interfaces: Interfaces, flow: Flow, result: LookupResult): OutputRoute {
  const { found } = result
  if (found.is !== 'route' || found.nexthop?.dev === undefined)
    return refused('no-route', 'ENETUNREACH', 'the route has no device', result.tried)
  const { route, nexthop } = found
  if (route.type === 'local') {
    const source = flow.src ?? route.source ?? flow.dst
    return made(interfaces, { ...flow, src: source }, { type: 'local', dev: 'lo', mtu: route.mtu }, result)
  }
  const options = optionsOf(interfaces)
  const ways: readonly Way[] =
    route.nexthops.length > 1 && flow.oif === undefined
      ? waysOf(
          route,
          {
            isGood: (hop) => isGood(route, hop, undefined, options),
            sourceOf: (hop) => sourceOf(interfaces, { ...route, source: undefined }, hop, flow.dst),
          },
          flow.src,
        )
      : [{ nexthop, weight: 1 }]
  const first = ways[0]!.nexthop
  const answer = through(fib, interfaces, flow, result, route, first)
  if (ways.length < 2 || !answer.ok) return answer
  return {
    ...answer,
    found: { ...found, nexthop: first },
    ways: ways.map(({ nexthop: hop, weight }) => {
      const { dev, gateway, source } = through(fib, interfaces, flow, result, route, hop) as typeof answer
      return { dev, gateway, source, weight }
    }),
  }
}

function through(fib: Fib, interfaces: Interfaces, flow: Flow, result: LookupResult, route: Route, hop: NextHop) {
  const source = flow.src ?? sourceOf(interfaces, route, hop, flow.dst)
  const type = route.type === 'broadcast' || route.type === 'multicast' ? route.type : 'unicast'
  // __mkroute_output: a multicast packet takes the device of a default route, not its gateway
  const gateway = isMulticast(flow.dst) && route.destination.length < 4 ? undefined : hop.gateway
  return made(
    interfaces,
    { ...flow, src: source },
    { type, dev: hop.dev!, gateway: fib.family === 4 ? gateway : hop.gateway, mtu: route.mtu },
    result,
  )
}

interface Decision {
  readonly type: 'local' | 'unicast' | 'broadcast' | 'multicast'
  readonly dev: string
  readonly gateway?: Ip | undefined
  readonly mtu?: number | undefined
}

/** net/ipv4/route.c: __mkroute_output. */
function made(interfaces: Interfaces, flow: Flow, decision: Decision, { found, tried }: LookupResult): OutputRoute {
  const { dev, mtu } = decision
  const { dst } = flow
  const src = flow.src ?? 0
  if (isLoopback(src) && !interfaces.isLoopback(dev) && !interfaces.routeLocalnet(dev))
    return refused(
      'martian-source',
      'EINVAL',
      `a loopback source may not leave through ${dev}: route_localnet=0`,
      tried,
    )
  if (isZero(dst)) return refused('martian-destination', 'EINVAL', '0.0.0.0 is no address to send to', tried)
  const type = isLimitedBroadcast(dst) ? 'broadcast' : isMulticast(dst) ? 'multicast' : decision.type
  const gateway = type === 'broadcast' ? undefined : decision.gateway
  return { ok: true, type, dev, gateway, source: src, mtu, found, tried }
}
