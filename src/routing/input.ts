import { type Ip, printIp } from '../address/ip.js'
import { isLimitedBroadcast, isLinkLocal6, isLocalMulticast, isLoopback, isMulticast, isZero } from './classify.js'
import type { Fib } from './fib.js'
import { hasAddress, type Interfaces } from './interfaces.js'
import { type Flow, type Found, isGood, lookup, optionsOf, type RuleTried } from './lookup.js'
import { waysOf } from './multipath.js'
import type { NextHop } from './types.js'

/** A received packet as routing sees it. */
export interface InputFlow extends Flow {
  readonly src: Ip
  readonly iif: string
}

export interface Validation {
  readonly ok: boolean
  /** `rp-filter`: the way back leads elsewhere; `martian-source`: nobody outside may have this address. */
  readonly reason: 'rp-filter' | 'martian-source' | undefined
  readonly mode: number
  /** The source is reached without a gateway. */
  readonly direct: boolean
  /** The reverse lookup, where one was made. */
  readonly found: Found | undefined
  readonly tried: readonly RuleTried[]
  readonly text: string
}

export type InputRoute = {
  readonly tried: readonly RuleTried[]
  readonly found: Found
  readonly validation: Validation | undefined
} & (
  | { readonly to: 'local'; readonly type: 'local' | 'broadcast' | 'multicast' }
  | {
      readonly to: 'forward'
      readonly dev: string
      readonly gateway: Ip | undefined
      readonly mtu: number | undefined
      readonly redirect: boolean
      /** Where the kernel draws among next hops: all of them, this one first. */
      readonly ways?: readonly InputWay[]
    }
  /** `icmp`: the code of "destination unreachable" that the sender is told, if any. */
  | { readonly to: 'nowhere'; readonly reason: string; readonly text: string; readonly icmp: number | undefined }
)

export interface InputWay {
  readonly dev: string
  readonly gateway: Ip | undefined
  /** Of 1. */
  readonly weight: number
  /** Source validation hangs on the device as well: this way ends there. */
  readonly refused: Validation | undefined
}

const NOTHING = { tried: [], found: { is: 'none' }, validation: undefined } as const

/** net/ipv4/route.c: ip_route_input_slow; IPv6: net/ipv6/route.c: ip6_route_input, ip6_forward's own conditions. */
export function routeInput(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
  return fib.family === 4 ? input4(fib, interfaces, flow) : input6(fib, interfaces, flow)
}

const martian = (which: 'source' | 'destination', text: string): InputRoute => ({
  ...NOTHING,
  to: 'nowhere',
  reason: `martian-${which}`,
  text,
  icmp: undefined,
})

function input4(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
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

type Looked = Pick<InputRoute, 'tried' | 'found' | 'validation'>

const invalid = (base: Looked, validation: Validation): InputRoute => ({
  ...base,
  validation,
  to: 'nowhere',
  reason: validation.reason!,
  text: validation.text,
  icmp: undefined,
})

const forwardOff = (base: Looked, iif: string): InputRoute => ({
  ...base,
  to: 'nowhere',
  reason: 'ip-forward-off',
  text: `the packet is not for this host, and forwarding is off on ${iif}`,
  icmp: undefined,
})

function broadcast(fib: Fib, interfaces: Interfaces, flow: InputFlow, base: Looked): InputRoute {
  if (isZero(flow.src)) return { ...base, to: 'local', type: 'broadcast' }
  const validation = validateSource(fib, interfaces, { ...flow, dst: 0 }, undefined)
  return validation.ok ? { ...base, validation, to: 'local', type: 'broadcast' } : invalid(base, validation)
}

/** Only the group of all hosts is joined for sure (igmp); others are not known from a snapshot. */
const ALL_HOSTS = 0xe0000001

function multicast4(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
  const { src, dst, iif } = flow
  if (dst !== ALL_HOSTS)
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

const PASSED: Omit<Validation, 'mode' | 'text'> = {
  ok: true,
  reason: undefined,
  direct: false,
  found: undefined,
  tried: [],
}

/** net/ipv4/fib_frontend.c: fib_validate_source, __fib_validate_source. `oif`: where the packet will leave; undefined for this host. */
export function validateSource(fib: Fib, interfaces: Interfaces, flow: InputFlow, oif: string | undefined): Validation {
  const { src, iif } = flow
  const mode = interfaces.rpFilter(iif)
  const fast = mode === 0 && (iif !== oif || !interfaces.sendsRedirects(iif))
  if (fast && interfaces.acceptLocal(iif)) return { ...PASSED, mode, text: 'rp_filter=0, accept_local=1' }
  if (fast && !fib.hasCustomRules && !fib.hasCustomLocalRoutes) {
    if (!hasAddress(interfaces, src)) return { ...PASSED, mode, text: 'rp_filter=0' }
    return {
      ...PASSED,
      ok: false,
      reason: 'martian-source',
      mode,
      text: `${printIp(src)} is an address of this host itself`,
    }
  }
  return reverseLookup(fib, interfaces, flow, oif, mode)
}

function reverseLookup(
  fib: Fib,
  interfaces: Interfaces,
  flow: InputFlow,
  oif: string | undefined,
  mode: number,
): Validation {
  const { src, dst, iif } = flow
  const mark = interfaces.srcValidMark(iif) ? (flow.mark ?? 0) : 0
  const reverse: Flow = {
    dst: src,
    src: dst,
    iif: oif ?? 'lo',
    mark,
    tos: flow.tos ?? 0,
    protocol: flow.protocol,
    sport: flow.dport,
    dport: flow.sport,
  }
  const options = optionsOf(interfaces)
  const { found, tried } = lookup(fib, reverse, options)
  const result = { found, tried, mode, direct: false }
  const spoofed = (text: string): Validation => ({ ...result, ok: false, reason: 'rp-filter', text })
  const lastResort = (text: string): Validation =>
    mode === 0 ? { ...result, ok: true, reason: undefined, text: 'rp_filter=0' } : spoofed(text)
  const refusal =
    found.is !== 'route' ||
    (found.nexthop === undefined && found.route.type !== 'local' && found.route.type !== 'broadcast')
  if (refusal) return lastResort(`rp_filter=${mode}: no way back to ${printIp(src)}`)
  const { route } = found
  if (route.type !== 'unicast' && (route.type !== 'local' || !interfaces.acceptLocal(iif)))
    return {
      ...result,
      ok: false,
      reason: 'martian-source',
      text: `${printIp(src)} is a ${route.type} address of this host`,
    }
  const matching = route.nexthops.find(({ dev }) => dev === iif)
  if (matching || (route.type === 'local' && interfaces.isLoopback(iif)))
    return {
      ...result,
      ok: true,
      reason: undefined,
      direct: matching !== undefined && matching.gateway === undefined,
      text: `rp_filter=${mode}: the way back to ${printIp(src)} leads through ${iif}`,
    }
  const via = route.nexthops[0]?.dev ?? 'nowhere'
  if (!interfaces.addresses(iif).some(({ prefix }) => typeof prefix.ip === 'number'))
    return lastResort(`rp_filter=${mode}: ${iif} has no address`)
  if (mode === 1) return spoofed(`rp_filter=1: the way back to ${printIp(src)} leads through ${via}, not ${iif}`)
  const loose = lookup(fib, { ...reverse, oif: iif }, optionsOf(interfaces, true)).found
  const direct = loose.is === 'route' && loose.route.type === 'unicast' && loose.nexthop?.gateway === undefined
  return {
    ...result,
    ok: true,
    reason: undefined,
    direct,
    text: `rp_filter=${mode}: there is a way back to ${printIp(src)} (through ${via})`,
  }
}

const ALL_NODES6 = [(0xff01n << 112n) | 1n, (0xff02n << 112n) | 1n]
const SOLICITED_NODE6 = (0xff02n << 112n) | 0x1ff000000n

function input6(fib: Fib, interfaces: Interfaces, flow: InputFlow): InputRoute {
  const [src, dst] = [flow.src as bigint, flow.dst as bigint]
  if (isLoopback(src) && !interfaces.isLoopback(flow.iif)) return martian('source', `a loopback source on ${flow.iif}`)
  if (isLoopback(dst) && !interfaces.isLoopback(flow.iif))
    return martian('destination', `a loopback destination on ${flow.iif}`)
  if (isMulticast(dst)) return multicast6(interfaces, flow, dst)
  const scoped = isLinkLocal6(dst) ? { ...flow, oif: flow.iif } : flow
  const result = lookup(fib, flow, optionsOf(interfaces))
  const { found } = result
  const base = { ...result, validation: undefined }
  if (found.is === 'route' && (found.route.type === 'local' || found.route.type === 'anycast'))
    return { ...base, to: 'local', type: 'local' }
  const linkLocal = scoped === flow ? result : lookup(fib, scoped, optionsOf(interfaces))
  const hit = linkLocal.found
  if (hit.is !== 'route' || hit.route.type !== 'unicast' || hit.nexthop?.dev === undefined) return unroutable6(base)
  if (!interfaces.forwards(6, flow.iif)) return forwardOff(base, flow.iif)
  if (isZero(src) || isMulticast(src)) return martian('source', `${printIp(src)} is no address to send from`)
  if (isLinkLocal6(src))
    return {
      ...base,
      to: 'nowhere',
      reason: 'beyond-scope',
      text: `the link-local ${printIp(src)} is not forwarded`,
      icmp: 2,
    }
  const { dev, gateway } = hit.nexthop
  return { ...base, to: 'forward', dev, gateway, mtu: hit.route.mtu, redirect: false }
}

function unroutable6(base: Looked): InputRoute {
  const { found } = base
  const type = found.is === 'refused' ? found.how : found.is === 'route' ? found.route.type : 'no-route'
  const silent = type === 'blackhole'
  return {
    ...base,
    to: 'nowhere',
    reason: type,
    text: type === 'no-route' ? 'no route' : `the route says ${type}`,
    icmp: silent ? undefined : type === 'prohibit' ? 1 : 0,
  }
}

function multicast6(interfaces: Interfaces, { iif }: InputFlow, dst: bigint): InputRoute {
  const solicited = interfaces
    .addresses(iif)
    .some(({ prefix }) => typeof prefix.ip === 'bigint' && (SOLICITED_NODE6 | (prefix.ip & 0xffffffn)) === dst)
  if (ALL_NODES6.includes(dst) || solicited) return { ...NOTHING, to: 'local', type: 'multicast' }
  return {
    ...NOTHING,
    to: 'nowhere',
    reason: 'multicast-not-joined',
    text: `nobody here is known to have joined ${printIp(dst)}`,
    icmp: undefined,
  }
}
