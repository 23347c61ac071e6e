import { familyOf, type Ip } from '../address/ip.js'
import { type Prefix, parsePrefix } from '../address/prefix.js'
import type { Condition } from '../rules/condition.js'
import type { Effect } from '../rules/effect.js'
import type { Rule, Table } from '../rules/program.js'
import type { Ranges } from '../rules/value.js'
import type { Bdd, Node } from '../sets/bdd.js'
import { intervalsOf } from '../sets/fib.js'
import { conditionsOf, effectsOf } from './scope.js'
import { targetFields, translating } from './translating.js'
import type { Ground, Site } from './walk-ground.js'
import type { Nat } from './walk-translations.js'

/** What rules look at behind a translation of the destination: the address itself, and where connection tracking keeps it. */
const DESTINATIONS: ReadonlySet<string> = new Set([
  'ip.daddr', 'ip6.daddr', 'ct.original.daddr', 'ct.original.daddr6', 'ct.reply.saddr', 'ct.reply.saddr6',
]) // biome-ignore format: a table

/** More sets than these, beside prefixes, are not looked at one by one: then no addresses are taken together. */
const MOST_SETS = 64

/**
 * From here on, rules that translate to addresses which nothing in the snapshot tells apart count as one rule, and packets go on with one of these addresses
 * for all of them. Where packets end stays what it is, and what they have there but for that address. Throws NodeLimitError, VisitLimitError.
 */
export function takeTogether(ground: Ground): void {
  const sites = ground.hosts.namespaces.map((place) => ground.site(place))
  const keyOf = toldApart(ground, sites)
  if (!keyOf) return
  const effects = new Map<string, Nat>()
  const keys = new Map<Ip, string>()
  const together = (effect: Nat): Nat => {
    const { to, manip, how } = effect
    const [from, last] = to.addresses ?? []
    if (from === undefined || from !== last || manip === 'src' || how || to.netmap) return effect
    let key = keys.get(from)
    if (key === undefined) {
      key = keyOf(from)
      keys.set(from, key)
    }
    const { addresses: _, ...rest } = to
    const whole = `${key}|${manip}|${JSON.stringify(rest)}`
    const known = effects.get(whole)
    if (!known) effects.set(whole, effect)
    return known ?? effect
  }
  for (const site of sites) site.together = together
}

/** Addresses with the same key are told apart by no rule, route, rule of routing, neighbour or device. Undefined: that cannot be told. */
function toldApart(ground: Ground, sites: readonly Site[]): ((ip: Ip) => string) | undefined {
  const { family, space } = ground
  const { bdd } = space
  const dst = ground.addresses.dst
  const levels = space.levelsOf(dst)
  const starts = new Set<Ip>(intervalsOf(family, prefixesOf(ground)).map(([from]) => from))
  const cut = (ranges: Ranges) => {
    for (const [from, to] of ranges) {
      starts.add(from as Ip)
      starts.add(typeof to === 'number' ? to + 1 : ((to + 1n) as Ip))
    }
  }
  const [sets, ends] = [new Set<Node>(), new Set<Node>()]
  const add = (set: Node) => {
    if (sets.size > MOST_SETS || sets.has(set)) return
    const asked = bdd.support(set)
    if (levels.some((level) => asked.has(level))) sets.add(set)
  }
  for (const { scope, existing } of sites) {
    add(existing)
    for (const rule of rulesOf(scope.tables)) {
      if (effectsOf(rule).some(hangsOnDestination)) return undefined
      for (const condition of conditionsOf(rule))
        for (const leaf of leavesOf(condition)) {
          const plain = leaf.is === 'in' && typeof leaf.value === 'string' ? leaf.value : undefined
          if (plain !== undefined && DESTINATIONS.has(plain)) cut((leaf as Compared).ranges)
          if (plain !== undefined || leaf.is === 'readable' || leaf.is === 'chance') continue
          if (leaf.is === 'in' && /"ct\.(original\.daddr|reply\.saddr)/.test(JSON.stringify(leaf.value, numbers)))
            return undefined
          for (const set of Object.values(scope.conditions.parts(leaf))) add(set)
        }
    }
    // who already has the address that a rule gives him is not translated
    for (const hook of ['prerouting', 'output'] as const)
      for (const entry of scope.hooks[hook])
        if (entry.kind === 'nat' && entry.manip === 'dst')
          for (const { table, chain } of entry.chains)
            ends.add(
              space.project(
                space.union(translating(scope, table, chain, targetFields(ground)).map(({ packets }) => packets)),
                [dst],
              ),
            )
  }
  if (sets.size > MOST_SETS) return undefined
  const sorted = [...starts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const values = new Uint8Array(space.layout.levels)
  const parts = [...new Set([...sets].flatMap((set) => [...partsAt(bdd, set, levels[0]!)]))]
  return (ip) => {
    const bits = BigInt(ip)
    for (const [i, level] of levels.entries()) values[level] = Number((bits >> BigInt(levels.length - 1 - i)) & 1n)
    if ([...ends].some((set) => bdd.contains(set, values))) return `${ip}`
    return [intervalAt(sorted, ip), ...parts.map((part) => given(bdd, part, levels.at(-1)!, values))].join(' ')
  }
}

type Compared = Extract<Condition, { is: 'in' }>

const numbers = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)

function* rulesOf(tables: readonly Table[]): Generator<Rule> {
  for (const { chains } of tables) for (const { rules } of chains.values()) yield* rules
}

function leavesOf(condition: Condition): readonly Condition[] {
  switch (condition.is) {
    case 'not':
    case 'drop-if':
      return leavesOf(condition.of)
    case 'all':
    case 'any':
      return condition.of.flatMap(leavesOf)
    default:
      return [condition]
  }
}

/** What makes something of a destination that is more than one address put in its place. */
function hangsOnDestination(effect: Effect): boolean {
  if (effect.do === 'nat') return effect.to.netmap === true
  if (effect.do === 'map-prefix') return true
  return (
    effect.do === 'set' &&
    /"(ip6?\.daddr|ct\.original\.daddr6?|ct\.reply\.saddr6?)"/.test(JSON.stringify(effect, numbers))
  )
}

/** Whatever asks for addresses by prefixes: routes, rules of routing, devices and neighbours of all namespaces. */
function prefixesOf({ hosts, family }: Ground): readonly Prefix[] {
  const whole = family === 4 ? 32 : 128
  // of its own addresses IPv6 takes the one that has the longest prefix in common
  const lengths = family === 4 ? [32] : Array.from({ length: 128 }, (_, i) => i + 1)
  const all = hosts.namespaces.flatMap(({ routes, rules4, rules6, links, neighbours }) => [
    ...routes.map(({ destination }) => destination),
    ...(family === 4 ? rules4 : rules6).flatMap(({ from, to }) => [from, to]),
    ...links.flatMap(({ addresses }) =>
      addresses.flatMap(({ prefix }) => [prefix, ...lengths.map((length) => ({ ip: prefix.ip, length }))]),
    ),
    ...neighbours.map(({ ip }) => ({ ip, length: whole })),
  ])
  return [...KINDS, ...all].flatMap((prefix) => (prefix && familyOf(prefix.ip) === family ? [prefix] : []))
}

/** Prefixes that mean something to routing and to REDIRECT (src/routing/classify.ts). */
const KINDS = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
].map((text) => parsePrefix(text)!)

/** How many of the sorted addresses are not behind this one. */
function intervalAt(sorted: readonly Ip[], ip: Ip): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! <= ip) low = middle + 1
    else high = middle
  }
  return low
}

/** What is left of the set once the variables before this one have values, whatever they are. */
function partsAt(bdd: Bdd, set: Node, first: number): ReadonlySet<Node> {
  const parts = new Set<Node>()
  const seen = new Set<Node>()
  const walk = (node: Node): void => {
    if (bdd.levelOf(node) >= first) parts.add(node)
    else if (!seen.has(node)) {
      seen.add(node)
      walk(bdd.lowOf(node))
      walk(bdd.highOf(node))
    }
  }
  walk(set)
  return parts
}

/** What the set says of everything else, once the variables up to the last one have their values. */
function given(bdd: Bdd, set: Node, last: number, values: Uint8Array): Node {
  let node = set
  for (let level = bdd.levelOf(node); level <= last; level = bdd.levelOf(node))
    node = values[level] === 1 ? bdd.highOf(node) : bdd.lowOf(node)
  return node
}
