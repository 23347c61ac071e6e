import type { Family } from '../address/ip.js'
import { familyOf } from '../address/ip.js'
import type { Prefix } from '../address/prefix.js'
import { PROTOCOLS } from '../packet/fields.js'
import type { RoutingRule } from '../routing/types.js'
import { tableName } from './ip-route.js'
import { ruleText } from './ip-rule-print.js'
import { ruleObjects } from './ip-rule-text.js'
import { type Item, jsonItems } from './item.js'
import { looksLikeJson } from './words.js'

export interface Rules {
  readonly family: Family
  readonly rules: readonly RoutingRule[]
}

/** How a rule's words are read from a range that JSON gives as `sport` or as `sport_start` and `sport_end`. */
type Interval = readonly [number, number] | undefined

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(PROTOCOLS).map(([number, name]) => [name, Number(number)] as const),
  ['icmpv6', 58],
  ['ipip', 4],
])

/**
 * `ip rule show`, as JSON or text, in the order of priority. `hint`: the family where no rule shows it (without selectors only IPv4 has a rule for
 * table `default`). Throws InputError. Source: ip-rule(8); order of words: iproute2 ip/iprule.c, print_rule.
 */
export function readRules(text: string, hint: Family | undefined): Rules {
  const items = looksLikeJson(text) ? jsonItems(text) : ruleObjects(text)
  const rules = items.map(toRule)
  const shown = rules.flatMap(({ from, to }) => [from, to]).find((prefix) => prefix !== undefined && prefix.length > 0)
  const byDefault = rules.some(({ action }) => action.do === 'lookup' && action.table === 'default') ? 4 : 6
  const family = shown ? familyOf(shown.ip) : (hint ?? byDefault)
  return { family, rules: [...rules].sort((a, b) => a.priority - b.priority) }
}

function toRule(item: Item): RoutingRule {
  return {
    priority: item.need('priority', item.number('priority')),
    not: item.value['not'] !== undefined,
    from: selector(item, 'src', 'srclen'),
    to: selector(item, 'dst', 'dstlen'),
    iif: item.text('iif'),
    oif: item.text('oif'),
    fwmark: fwmarkOf(item),
    tos: item.number('tos'),
    protocol: protocolOf(item),
    sport: interval(item, 'sport'),
    dport: interval(item, 'dport'),
    uidRange: interval(item, 'uid'),
    l3mdev: item.value['l3mdev'] !== undefined,
    action: actionOf(item),
    text: ruleText(item),
  }
}

function selector(item: Item, key: string, length: string): Prefix | undefined {
  const shown = item.text(key)
  if (shown === undefined || shown === 'all') return undefined
  const prefix = item.prefix(key)!
  return item.has(length) ? { ip: prefix.ip, length: item.number(length)! } : prefix
}

function fwmarkOf(item: Item): RoutingRule['fwmark'] {
  const value = item.number('fwmark')
  const mask = item.number('fwmask')
  return value === undefined && mask === undefined ? undefined : { value: value ?? 0, mask: mask ?? 0xffffffff }
}

function protocolOf(item: Item): number | undefined {
  const name = item.has('ipproto') ? `${item.value['ipproto']}` : undefined
  if (name === undefined) return undefined
  const number = /^\d+$/.test(name) ? Number(name) : NUMBERS.get(name.replace(/^ipproto-/, ''))
  return number ?? item.fail('ipproto', `protocol "${name}" is not known`)
}

function interval(item: Item, key: string): Interval {
  const single = item.number(key)
  const from = single ?? item.number(`${key}_start`)
  return from === undefined ? undefined : [from, single ?? item.number(`${key}_end`) ?? from]
}

function actionOf(item: Item): RoutingRule['action'] {
  if (item.has('goto')) return { do: 'goto', priority: item.number('goto')! }
  if (item.value['nop'] !== undefined) return { do: 'nop' }
  const action = item.text('action')
  switch (action) {
    case 'blackhole':
    case 'unreachable':
    case 'prohibit':
    case 'nop':
      return { do: action }
    case undefined:
    case 'to_tbl':
      return lookupOf(item)
    default:
      return item.fail('action', `"${action}" is no action of a rule`)
  }
}

/** A rule for l3mdev looks in the table of the packet's VRF, which the device says, not the rule. */
function lookupOf(item: Item): RoutingRule['action'] {
  const l3mdev = item.value['l3mdev'] !== undefined
  const table = item.has('table')
    ? tableName(`${item.value['table']}`)
    : l3mdev
      ? 'l3mdev'
      : item.fail(undefined, 'a rule without an action')
  return {
    do: 'lookup',
    table,
    suppressPrefixLength: item.number('suppress_prefixlen'),
    suppressGroup: groupOf(item),
  }
}

/** `default` is the name of group 0. */
const groupOf = (item: Item): number | undefined =>
  item.value['suppress_ifgroup'] === 'default' ? 0 : item.number('suppress_ifgroup')
