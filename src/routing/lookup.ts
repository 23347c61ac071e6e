import { type Ip, printIp } from '../address/ip.js'
import { contains, type Prefix, printPrefix } from '../address/prefix.js'
import type { Fib } from './fib.js'
import type { NextHop, Route, RoutingRule } from './types.js'

/** What a routing decision depends on (struct flowi4, flowi6). */
export interface Flow {
  readonly dst: Ip
  /** Absent: not chosen yet; no `from` selector but `all` matches. */
  readonly src?: Ip | undefined
  /** `lo` for what the host itself sends. */
  readonly iif?: string | undefined
  /** Only routes through this device count. */
  readonly oif?: string | undefined
  readonly mark?: number
  readonly tos?: number
  readonly protocol?: number | undefined
  readonly sport?: number | undefined
  readonly dport?: number | undefined
  readonly uid?: number | undefined
}

/** One rule of the policy as it was tried. */
export interface RuleTried {
  readonly text: string
  readonly matched: boolean
  /** Why it did not match, or what its table said. */
  readonly why: string
  readonly table: string | undefined
  readonly route: string | undefined
}

export type Found =
  | { readonly is: 'route'; readonly rule: RoutingRule; readonly route: Route; readonly nexthop: NextHop | undefined }
  /** A rule of action blackhole, unreachable or prohibit. */
  | { readonly is: 'refused'; readonly rule: RoutingRule; readonly how: 'blackhole' | 'unreachable' | 'prohibit' }
  | { readonly is: 'none' }

export interface LookupResult {
  readonly found: Found
  readonly tried: readonly RuleTried[]
}

export interface LookupOptions {
  /** For devices with `ignore_routes_with_linkdown`, and devices that are down. */
  isUsable?(dev: string): boolean
}

/** net/core/fib_rules.c: fib_rules_lookup: rules by priority until one gives an answer. */
export function lookup(fib: Fib, flow: Flow, options: LookupOptions = {}): LookupResult {
  const tried: RuleTried[] = []
  let from = Number.NEGATIVE_INFINITY
  for (const rule of fib.rules) {
    if (rule.priority < from) continue
    const mismatch = whyNot(rule, flow)
    if (mismatch !== undefined) {
      tried.push({ text: rule.text, matched: false, why: mismatch, table: undefined, route: undefined })
      continue
    }
    const note = (why: string, table?: string, route?: Route) =>
      tried.push({ text: rule.text, matched: true, why, table, route: route?.text })
    const { action } = rule
    if (action.do === 'goto') {
      from = action.priority
      note(`goto ${action.priority}`)
    } else if (action.do === 'nop') note('nop')
    else if (action.do !== 'lookup') {
      note(action.do)
      return { found: { is: 'refused', rule, how: action.do }, tried }
    } else {
      const hit = best(fib, action.table, flow, options)
      if (!hit) note(`table ${action.table} has no route`, action.table)
      else if (hit.route.type === 'throw') note(`table ${action.table}: throw`, action.table, hit.route)
      else if (suppressed(action.suppressPrefixLength, hit.route))
        note(`suppress_prefixlength ${action.suppressPrefixLength} refuses ${hit.route.text}`, action.table)
      else {
        note(`table ${action.table}`, action.table, hit.route)
        return { found: { is: 'route', rule, ...hit }, tried }
      }
    }
  }
  return { found: { is: 'none' }, tried }
}

/** net/ipv4/fib_rules.c: fib4_rule_suppress: routes with a prefix that long or shorter do not count. */
const suppressed = (limit: number | undefined, route: Route): boolean =>
  limit !== undefined && route.nexthops.length > 0 && route.destination.length <= limit

/** The best route of a table: longest prefix, TOS, metric; a route whose device cannot be used makes way for the next. */
function best(
  fib: Fib,
  table: string,
  flow: Flow,
  options: LookupOptions,
): { route: Route; nexthop: NextHop | undefined } | undefined {
  for (const route of fib.table(table)?.matching(flow.dst) ?? []) {
    if (fib.family === 4 && route.tos !== 0 && route.tos !== ((flow.tos ?? 0) & 0x1c)) continue
    if (route.nexthops.length === 0 || isRefusal(route)) return { route, nexthop: undefined }
    const nexthop = route.nexthops.find(
      (hop) =>
        !hop.dead &&
        (flow.oif === undefined || hop.dev === flow.oif) &&
        (hop.dev === undefined || (options.isUsable?.(hop.dev) ?? true)),
    )
    if (nexthop) return { route, nexthop }
  }
  return undefined
}

const isRefusal = ({ type }: Route): boolean =>
  type === 'blackhole' || type === 'unreachable' || type === 'prohibit' || type === 'throw'

/** Why a rule's selectors do not match, or undefined where they do (fib_rule_match, fib4_rule_match, fib6_rule_match). */
function whyNot(rule: RoutingRule, flow: Flow): string | undefined {
  const mismatch = selectorMismatch(rule, flow)
  if (!rule.not) return mismatch
  return mismatch === undefined ? 'not: the selectors match' : undefined
}

const hex = (value: number) => `0x${value.toString(16)}`

function selectorMismatch(rule: RoutingRule, flow: Flow): string | undefined {
  const { from, to, iif, oif, fwmark, tos, protocol, sport, dport, uidRange } = rule
  if (from && !holds(from, flow.src))
    return `from ${printPrefix(from)} does not hold ${flow.src === undefined ? 'an address not chosen yet' : printIp(flow.src)}`
  if (to && !holds(to, flow.dst)) return `to ${printPrefix(to)} does not hold ${printIp(flow.dst)}`
  if (iif !== undefined && iif !== flow.iif) return `iif ${iif} ≠ ${flow.iif ?? 'none'}`
  if (oif !== undefined && oif !== flow.oif) return `oif ${oif} ≠ ${flow.oif ?? 'none'}`
  const mark = flow.mark ?? 0
  if (fwmark && ((mark ^ fwmark.value) & fwmark.mask) !== 0)
    return `fwmark ${hex(mark)} ≠ ${hex(fwmark.value)}${fwmark.mask === 0xffffffff ? '' : `/${hex(fwmark.mask)}`}`
  if (tos !== undefined && tos !== 0 && tos !== ((flow.tos ?? 0) & 0xfc))
    return `tos ${hex(flow.tos ?? 0)} ≠ ${hex(tos)}`
  if (protocol !== undefined && protocol !== flow.protocol) return `protocol ${flow.protocol ?? 'none'} ≠ ${protocol}`
  if (sport && !within(sport, flow.sport)) return `source port ${flow.sport ?? 'none'} is not in ${sport.join('-')}`
  if (dport && !within(dport, flow.dport))
    return `destination port ${flow.dport ?? 'none'} is not in ${dport.join('-')}`
  if (uidRange && !within(uidRange, flow.uid ?? 0)) return `uid ${flow.uid ?? 0} is not in ${uidRange.join('-')}`
  if (rule.l3mdev) return 'l3mdev: no VRF'
  return undefined
}

const holds = (prefix: Prefix, ip: Ip | undefined): boolean =>
  prefix.length === 0 || (ip !== undefined && contains(prefix, ip))
const within = ([low, high]: readonly [number, number], value: number | undefined): boolean =>
  value !== undefined && low <= value && value <= high
