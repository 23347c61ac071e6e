import { type Ip, printIp } from '../address/ip.js'
import { contains, type Prefix, printPrefix } from '../address/prefix.js'
import { best4, legacyTos } from './best4.js'
import { best6 } from './best6.js'
import type { Fib } from './fib.js'
import { type Flow, type Hit, isRefusal, type LookupOptions } from './flow.js'
import type { Interfaces, Vrf } from './interfaces.js'
import type { NextHop, Route, RoutingRule } from './types.js'

export type { Flow, LookupOptions } from './flow.js'

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

/** What a lookup asks of the devices. `anyLink`: routes over links without carrier always count (FIB_LOOKUP_IGNORE_LINKSTATE). */
export const optionsOf = (interfaces: Interfaces, anyLink = false): LookupOptions => ({
  ignoresLinkdown: (dev) => !anyLink && (interfaces.ignoresLinkdown?.(dev) ?? false),
  group: (dev) => interfaces.group?.(dev),
  vrf: (dev) => interfaces.vrf?.(dev),
})

/** net/core/fib_rules.c: fib_rules_lookup: rules by priority until one gives an answer. */
export function lookup(fib: Fib, flow: Flow, options: LookupOptions = {}): LookupResult {
  const vrf = vrfOf(flow, options)
  // a VRF's own device names its table, and no route leads through it
  const asked = vrf && flow.oif === vrf.name ? { ...flow, oif: undefined } : flow
  return fib.isMerged ? mergedLookup(fib, asked, options) : ruleLookup(fib, asked, options, vrf)
}

function vrfOf({ vrfOf, oif, iif }: Flow, options: LookupOptions): Vrf | undefined {
  const dev = vrfOf ?? oif ?? iif
  return dev === undefined ? undefined : options.vrf?.(dev)
}

type Found1 = Extract<Found, { is: 'route' }>

const note = (rule: RoutingRule, why: string, table?: string, route?: Route): RuleTried => ({
  text: rule.text,
  matched: true,
  why,
  table,
  route: route?.text,
})

function ruleLookup(fib: Fib, flow: Flow, options: LookupOptions, vrf: Vrf | undefined): LookupResult {
  const { rules } = fib
  const tried: RuleTried[] = []
  for (let at = 0; at < rules.length; at++) {
    const rule = rules[at]!
    const mismatch = whyNot(rule, flow, vrf)
    if (mismatch !== undefined) {
      tried.push({ text: rule.text, matched: false, why: mismatch, table: undefined, route: undefined })
      continue
    }
    const { action } = rule
    if (action.do === 'goto') {
      const target = rules.findIndex(({ priority }) => priority === action.priority)
      tried.push(note(rule, target < 0 ? `no rule has priority ${action.priority}` : `goto ${action.priority}`))
      if (target > at) at = target - 1
    } else if (action.do === 'nop') tried.push(note(rule, 'nop'))
    else if (action.do !== 'lookup') {
      tried.push(note(rule, action.do))
      return { found: { is: 'refused', rule, how: action.do }, tried }
    } else {
      const table = rule.l3mdev && vrf ? vrf.table : action.table
      const hit = inTable(fib, table, flow, options)
      const passed = passedOver({ ...action, table }, hit, options)
      tried.push(note(rule, passed ?? `table ${table}`, table, suppressedText(passed, hit)))
      if (passed === undefined) return { found: { is: 'route', rule, ...hit! }, tried }
    }
  }
  return { found: { is: 'none' }, tried }
}

/** A route that was found and did not count is named in the reason, `throw` is the route itself. */
const suppressedText = (passed: string | undefined, hit: Hit | undefined): Route | undefined =>
  passed === undefined || hit?.route.type === 'throw' ? hit?.route : undefined

/** Why what a rule's table said does not end the search. */
function passedOver(
  action: Extract<RoutingRule['action'], { do: 'lookup' }>,
  hit: Hit | undefined,
  { group }: LookupOptions,
): string | undefined {
  const { table, suppressPrefixLength: length, suppressGroup } = action
  if (!hit) return `table ${table} has no route`
  const { route, nexthop } = hit
  if (route.type === 'throw') return `table ${table}: throw`
  // fib4_rule_suppress, fib6_rule_suppress: asked where there is no error
  if (isRefusal(route)) return undefined
  if (length !== undefined && route.destination.length <= length)
    return `suppress_prefixlength ${length} refuses ${route.text}`
  const dev = (fib4Device(route) ?? nexthop)?.dev
  if (suppressGroup !== undefined && dev !== undefined && group?.(dev) === suppressGroup)
    return `suppress_ifgroup ${suppressGroup} refuses ${route.text}`
  return undefined
}

/** fib_info's fib_dev: the first next hop. IPv6's next hops are routes of their own, there it is the one that was found. */
const fib4Device = ({ destination, nexthops }: Route): NextHop | undefined =>
  typeof destination.ip === 'number' ? nexthops[0] : undefined

/** include/net/ip_fib.h: fib_lookup without custom rules: one trie for local and main, then default. */
function mergedLookup(fib: Fib, flow: Flow, options: LookupOptions): LookupResult {
  const [local, main, last] = fib.rules as readonly [RoutingRule, RoutingRule, RoutingRule]
  const hit = best4(fib.merged(flow.dst), flow, options)
  const found = (rule: RoutingRule, { route, nexthop }: Hit): Found1 => ({ is: 'route', rule, route, nexthop })
  if (hit && hit.route.table === 'local' && hit.route.type !== 'throw')
    return { found: found(local, hit), tried: [note(local, 'table local', 'local', hit.route)] }
  const longer = hit && inTable(fib, 'local', flow, options)
  const tried = [
    note(
      local,
      longer ? `table main has a longer prefix than ${longer.route.text}` : 'table local has no route',
      'local',
    ),
  ]
  if (hit && hit.route.type !== 'throw') {
    tried.push(note(main, 'table main', 'main', hit.route))
    return { found: found(main, hit), tried }
  }
  tried.push(note(main, hit ? `table ${hit.route.table}: throw` : 'table main has no route', 'main', hit?.route))
  const other = inTable(fib, 'default', flow, options)
  const passed = !other
    ? 'table default has no route'
    : other.route.type === 'throw'
      ? 'table default: throw'
      : undefined
  tried.push(note(last, passed ?? 'table default', 'default', other?.route))
  return { found: other && passed === undefined ? found(last, other) : { is: 'none' }, tried }
}

function inTable(fib: Fib, name: string, flow: Flow, options: LookupOptions): Hit | undefined {
  const table = fib.table(name)
  if (!table) return undefined
  return fib.family === 6 ? best6(table, flow, options) : best4(table.matching(flow.dst), flow, options)
}

/** Why a rule's selectors do not match, or undefined where they do (fib_rule_match, fib4_rule_match, fib6_rule_match). */
function whyNot(rule: RoutingRule, flow: Flow, vrf: Vrf | undefined): string | undefined {
  const mismatch = selectorMismatch(rule, flow, vrf)
  if (!rule.not) return mismatch
  return mismatch === undefined ? 'not: the selectors match' : undefined
}

const hex = (value: number) => `0x${value.toString(16)}`

function selectorMismatch(rule: RoutingRule, flow: Flow, vrf: Vrf | undefined): string | undefined {
  const { from, to, iif, oif, fwmark, tos, protocol, sport, dport, uidRange } = rule
  if (from && !holds(from, flow.src))
    return `from ${printPrefix(from)} does not hold ${flow.src === undefined ? 'an address not chosen yet' : printIp(flow.src)}`
  if (to && !holds(to, flow.dst)) return `to ${printPrefix(to)} does not hold ${printIp(flow.dst)}`
  if (iif !== undefined && iif !== flow.iif && iif !== vrf?.name) return `iif ${iif} ≠ ${flow.iif ?? 'none'}`
  if (oif !== undefined && oif !== flow.oif && oif !== vrf?.name) return `oif ${oif} ≠ ${flow.oif ?? 'none'}`
  const mark = flow.mark ?? 0
  if (fwmark && ((mark ^ fwmark.value) & fwmark.mask) !== 0)
    return `fwmark ${hex(mark)} ≠ ${hex(fwmark.value)}${fwmark.mask === 0xffffffff ? '' : `/${hex(fwmark.mask)}`}`
  const seen = typeof flow.dst === 'number' ? legacyTos(flow) : (flow.tos ?? 0) & 0xfc
  if (tos !== undefined && tos !== 0 && tos !== seen) return `tos ${hex(seen)} ≠ ${hex(tos)}`
  if (protocol !== undefined && protocol !== flow.protocol) return `protocol ${flow.protocol ?? 'none'} ≠ ${protocol}`
  if (sport && !within(sport, flow.sport)) return `source port ${flow.sport ?? 'none'} is not in ${sport.join('-')}`
  if (dport && !within(dport, flow.dport))
    return `destination port ${flow.dport ?? 'none'} is not in ${dport.join('-')}`
  if (uidRange && !within(uidRange, flow.uid ?? 0)) return `uid ${flow.uid ?? 0} is not in ${uidRange.join('-')}`
  if (rule.l3mdev && !vrf) return 'l3mdev: no VRF'
  return undefined
}

/** IPv4 takes an address that is not chosen yet as 0.0.0.0 (fib4_rule_match), IPv6 as none (fib6_rule_match). */
function holds(prefix: Prefix, ip: Ip | undefined): boolean {
  if (prefix.length === 0) return true
  if (ip === undefined) return typeof prefix.ip === 'number' && contains(prefix, 0)
  return contains(prefix, ip)
}

const within = ([low, high]: readonly [number, number], value: number | undefined): boolean =>
  value !== undefined && low <= value && value <= high
