import { printIp } from '../address/ip.js'
import type { Fib } from './fib.js'
import type { Flow } from './flow.js'
import type { InputFlow, Validation } from './input-route.js'
import { hasAddress, type Interfaces } from './interfaces.js'
import { lookup, optionsOf } from './lookup.js'

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
    vrfOf: iif,
    mark,
    tos: flow.tos ?? 0,
    protocol: flow.protocol,
    sport: flow.dport,
    dport: flow.sport,
  }
  const options = optionsOf(interfaces)
  const { found, tried } = lookup(fib, reverse, options)
  const result = { found, tried, mode, direct: false }
  const spoofed = (text: string): Validation => ({ ...result, ok: false, reason: 'rp_filter', text })
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
  const matching = route.nexthops.find(
    ({ dev }) => dev === iif || (dev !== undefined && interfaces.vrf?.(dev)?.name === iif),
  )
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
