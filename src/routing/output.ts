import type { Ip } from '../address/ip.js'
import { isLimitedBroadcast, isLoopback, isMulticast, isZero } from './classify.js'
import type { Fib } from './fib.js'
import { hasAddress, type Interfaces } from './interfaces.js'
import { type Flow, type Found, type LookupResult, lookup, type RuleTried } from './lookup.js'
import { selectAddress4, selectAddress6, sourceOf } from './source.js'

/** A routing decision for what the host itself sends. */
export type OutputRoute =
  | {
      readonly ok: true
      readonly type: 'local' | 'unicast' | 'broadcast' | 'multicast'
      readonly dev: string
      readonly gateway: Ip | undefined
      readonly source: Ip
      readonly mtu: number | undefined
      readonly found: Found
      readonly tried: readonly RuleTried[]
    }
  | {
      readonly ok: false
      readonly reason:
        | 'no-route'
        | 'unreachable'
        | 'prohibit'
        | 'blackhole'
        | 'martian-source'
        | 'bad-source'
        | 'interface-down'
      /** What the system call says. */
      readonly errno: 'ENETUNREACH' | 'EHOSTUNREACH' | 'EACCES' | 'EINVAL'
      readonly text: string
      readonly tried: readonly RuleTried[]
    }

export interface OutputOptions {
  /** A source that is not the host's own is let through (FLOWI_FLAG_ANYSRC): raw sockets with IP_HDRINCL, rerouting. */
  readonly anySource?: boolean
}

const NONE: LookupResult = { found: { is: 'none' }, tried: [] }

/** net/ipv4/route.c: ip_route_output_key_hash_rcu, __mkroute_output; net/ipv6/route.c: ip6_route_output_flags. */
export function routeOutput(fib: Fib, interfaces: Interfaces, flow: Flow, options: OutputOptions = {}): OutputRoute {
  const { dst, src, oif } = flow
  if (src !== undefined) {
    if (isMulticast(src) || isLimitedBroadcast(src))
      return refused('bad-source', 'EINVAL', 'the source is no unicast address')
    if (!options.anySource && fib.family === 4 && !isZero(src) && !isLocalSource(fib, interfaces, src))
      return refused('bad-source', 'EINVAL', 'the source is not an address of this host')
  }
  if (oif !== undefined && !interfaces.isUp(oif)) return refused('interface-down', 'ENETUNREACH', `${oif} is down`)
  if (fib.family === 4 && (isLimitedBroadcast(dst) || isMulticast(dst))) {
    const direct = onDevice(fib, interfaces, flow)
    if (direct) return direct
  }
  const result = lookup(fib, { ...flow, iif: 'lo' }, { isUsable: (dev) => interfaces.isUp(dev) })
  const { found, tried } = result
  if (found.is === 'route') return accepted(fib, interfaces, flow, found, tried)
  if (found.is === 'refused') return refusedBy(found.how, `rule ${found.rule.priority}`, tried)
  if (oif !== undefined && fib.family === 4) return made(interfaces, flow, 'unicast', oif, undefined, undefined, result)
  return { ok: false, reason: 'no-route', errno: 'ENETUNREACH', text: 'no route', tried }
}

const refused = (
  reason: Extract<OutputRoute, { ok: false }>['reason'],
  errno: 'EINVAL' | 'ENETUNREACH',
  text: string,
): OutputRoute => ({ ok: false, reason, errno, text, tried: [] })

const ERRNO = { blackhole: 'EINVAL', unreachable: 'EHOSTUNREACH', prohibit: 'EACCES' } as const

const refusedBy = (how: keyof typeof ERRNO, who: string, tried: readonly RuleTried[]): OutputRoute => ({
  ok: false,
  reason: how,
  errno: ERRNO[how],
  text: `${who}: ${how}`,
  tried,
})

/** __ip_dev_find: an address of a device, or a local route that holds it (127.0.0.0/8). */
const isLocalSource = (fib: Fib, interfaces: Interfaces, src: Ip): boolean => {
  if (hasAddress(interfaces, src)) return true
  for (const route of fib.table('local')?.matching(src) ?? []) return route.type === 'local'
  return false
}

/** Broadcast and multicast that name their device, or have a source that does: no table is asked. */
function onDevice(_fib: Fib, interfaces: Interfaces, flow: Flow): OutputRoute | undefined {
  const type = isMulticast(flow.dst) ? 'multicast' : 'broadcast'
  if (flow.oif !== undefined)
    return type === 'broadcast' || flow.dst === 0xe0000001
      ? made(interfaces, flow, type, flow.oif, undefined, undefined, NONE)
      : undefined
  const { src } = flow
  if (src === undefined || isZero(src)) return undefined
  const dev = interfaces.devices.find((name) => interfaces.addresses(name).some(({ prefix }) => prefix.ip === src))
  return dev === undefined ? undefined : made(interfaces, flow, type, dev, undefined, undefined, NONE)
}

function accepted(
  fib: Fib,
  interfaces: Interfaces,
  flow: Flow,
  found: Extract<Found, { is: 'route' }>,
  tried: readonly RuleTried[],
): OutputRoute {
  const { route, nexthop } = found
  const result = { found, tried }
  if (route.type === 'blackhole' || route.type === 'unreachable' || route.type === 'prohibit')
    return refusedBy(route.type, route.text, tried)
  if (route.type === 'local' || route.type === 'anycast') {
    const source =
      flow.src ??
      route.source ??
      (fib.family === 4 ? flow.dst : (selectAddress6(interfaces, 'lo', flow.dst as bigint) ?? flow.dst))
    return made(interfaces, { ...flow, src: source }, 'local', 'lo', undefined, route.mtu, result)
  }
  const dev = nexthop?.dev
  if (dev === undefined)
    return { ok: false, reason: 'no-route', errno: 'ENETUNREACH', text: `${route.text}: no device`, tried }
  const source = flow.src ?? sourceOf(interfaces, route, nexthop, flow.dst)
  const type = isMulticast(flow.dst)
    ? 'multicast'
    : route.type === 'broadcast' || isLimitedBroadcast(flow.dst)
      ? 'broadcast'
      : 'unicast'
  return made(interfaces, { ...flow, src: source }, type, dev, nexthop?.gateway, route.mtu, result)
}

function made(
  interfaces: Interfaces,
  flow: Flow,
  type: 'local' | 'unicast' | 'broadcast' | 'multicast',
  dev: string,
  gateway: Ip | undefined,
  mtu: number | undefined,
  { found, tried }: LookupResult,
): OutputRoute {
  const source =
    flow.src ??
    (typeof flow.dst === 'number'
      ? selectAddress4(interfaces, dev, undefined, 'link')
      : selectAddress6(interfaces, dev, flow.dst))
  if (source === undefined && typeof flow.dst === 'bigint')
    return { ok: false, reason: 'bad-source', errno: 'EINVAL', text: `${dev} has no address to send from`, tried }
  const src = source ?? 0
  if (typeof src === 'number' && isLoopback(src) && !interfaces.isLoopback(dev) && !interfaces.routeLocalnet(dev))
    return {
      ok: false,
      reason: 'martian-source',
      errno: 'EINVAL',
      text: `a loopback source may not leave through ${dev}: route_localnet=0`,
      tried,
    }
  return { ok: true, type, dev, gateway, source: src, mtu, found, tried }
}
