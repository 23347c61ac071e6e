import { printIp } from '../address/ip.js'
import { isLimitedBroadcast, isLocalMulticast, isLoopback, isMulticast, isZero } from './classify.js'
import type { Fib } from './fib.js'
import { isGood } from './flow.js'
import { hasJoined } from './groups.js'
import { forwardOff, type InputFlow, type InputRoute, invalid, type Looked, martian, NOTHING } from './input-route.js'
import type { Interfaces } from './interfaces.js'
import { type Found, lookup, optionsOf } from './lookup.js'
import { waysOf } from './multipath.js'
import type { NextHop } from './types.js'
import { validateSource } from './validate.js'

/** net/ipv4/route.c: ip_route_input_rcu, ip_route_input_slow. */
export function routeInput4(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
  const { src, dst, iif } = flow
  if (isMulticast(dst)) return multicast4(fib, interfaces, flow)
  if (isMulticast(src) || isLimitedBroadcast(src))
    return martian('source', `${printIp(src)} is no address to send from`)
  if (isLimitedBroadcast(dst) || (isZero(src) && isZero(dst))) return broadcast(fib, interfaces, flow, NOTHING)
  if (isZero(src)) return martian('source', '0.0.0.0 is no address to send from')
  if (isZero(dst)) return martian('destination', '0.0.0.0 is no address to send to')
  if (isLoopback(dst) || isLoopback(src)) {
    const which = isLoopback(dst) ? 'destination' : 'source'
    if (!interfaces.routeLocalnet(iif)) return martian(which, `a loopback ${which} on ${iif}: route_localnet=0`)
  }
  const result = lookup(fib, flow, optionsOf(interfaces))
  const { found } = result
  const base = { ...result, validation: undefined }
  if (
    found.is !== 'route' ||
    found.route.type === 'blackhole' ||
    found.route.type === 'unreachable' ||
    found.route.type === 'prohibit'
  )
    return unroutable(interfaces, flow, base)
  const { route, nexthop } = found
  if (route.type === 'broadcast') return broadcast(fib, interfaces, flow, base)
  if (route.type === 'local') {
    const validation = validateSource(fib, interfaces, flow, undefined)
    return validation.ok ? { ...base, validation, to: 'local', type: 'local' } : invalid(base, validation)
  }
  if (!interfaces.forwards(4, iif)) return forwardOff(base, iif)
  if (route.type !== 'unicast' || nexthop?.dev === undefined)
    return {
      ...base,
      to: 'nowhere',
      reason: 'martian-destination',
      text: `a route of type ${route.type}`,
      icmp: undefined,
    }
  return forward4(fib, interfaces, flow, base, found)
}

type FoundRoute = Extract<Found, { is: 'route' }>

/** ip_mkroute_input, __mkroute_input. */
function forward4(fib: Fib, interfaces: Interfaces, flow: InputFlow, base: Looked, found: FoundRoute): InputRoute {
  const { route } = found
  const options = optionsOf(interfaces)
  const isUsable = (hop: NextHop) => isGood(route, hop, undefined, options)
  const ways =
    route.nexthops.length > 1
      ? waysOf(route, { isGood: isUsable, sourceOf: () => undefined })
      : [{ nexthop: found.nexthop!, weight: 1 }]
  const tried = ways.map(({ nexthop, weight }) => ({
    dev: nexthop.dev!,
    gateway: nexthop.gateway,
    weight,
    validation: validateSource(fib, interfaces, flow, nexthop.dev),
  }))
  const first = tried.find(({ validation }) => validation.ok)
  if (!first) return invalid(base, tried[0]!.validation)
  const { dev, gateway, validation } = first
  const redirect = dev === flow.iif && validation.direct && interfaces.sendsRedirects(dev)
  const decision = { ...base, validation, to: 'forward', dev, gateway, mtu: route.mtu, redirect } as const
  if (ways.length < 2) return decision
  const shown = [first, ...tried.filter((way) => way !== first)]
  return {
    ...decision,
    ways: shown.map(({ validation: own, ...way }) => ({ ...way, refused: own.ok ? undefined : own })),
  }
}

function broadcast(fib: Fib, interfaces: Interfaces, flow: InputFlow, base: Looked): InputRoute {
  if (isZero(flow.src)) return { ...base, to: 'local', type: 'broadcast' }
  const validation = validateSource(fib, interfaces, { ...flow, dst: 0 }, undefined)
  return validation.ok ? { ...base, validation, to: 'local', type: 'broadcast' } : invalid(base, validation)
}

function multicast4(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
  const { src, dst, iif } = flow
  if (!hasJoined(interfaces, iif, dst))
    return {
      ...NOTHING,
      to: 'nowhere',
      reason: 'multicast-not-joined',
      text: `nobody here is known to have joined ${printIp(dst)}`,
      icmp: undefined,
    }
  if (isMulticast(src) || isLimitedBroadcast(src))
    return martian('source', `${printIp(src)} is no address to send from`)
  if (isLoopback(src) && !interfaces.routeLocalnet(iif))
    return martian('source', `a loopback source on ${iif}: route_localnet=0`)
  if (isZero(src))
    return isLocalMulticast(dst)
      ? { ...NOTHING, to: 'local', type: 'multicast' }
      : martian('source', '0.0.0.0 is no address to send from')
  const validation = validateSource(fib, interfaces, { ...flow, dst: 0 }, undefined)
  return validation.ok ? { ...NOTHING, validation, to: 'local', type: 'multicast' } : invalid(NOTHING, validation)
}

/** Codes of ICMP "destination unreachable" (net/ipv4/route.c: ip_error). */
const ICMP = { 'no-route': 0, unreachable: 1, prohibit: 13 } as const

function unroutable(interfaces: Interfaces, { iif, dst }: InputFlow, base: Looked): InputRoute {
  const { found } = base
  const how =
    found.is === 'refused'
      ? found.how
      : found.is === 'route'
        ? (found.route.type as 'blackhole' | 'unreachable' | 'prohibit')
        : 'no-route'
  if (!interfaces.forwards(4, iif)) return forwardOff(base, iif)
  const text =
    how === 'no-route'
      ? `no route to ${printIp(dst)}`
      : found.is === 'route'
        ? `the route says ${how}: ${found.route.text}`
        : `a rule says ${how}`
  // fib4_rule_action: a rule that says unreachable means the net, a route that says it the host
  const icmp = how === 'blackhole' ? undefined : found.is === 'refused' && how === 'unreachable' ? 0 : ICMP[how]
  return { ...base, to: 'nowhere', reason: how, text, icmp }
}
