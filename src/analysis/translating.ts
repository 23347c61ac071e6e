import type { Field } from '../packet/fields.js'
import type { Chain, Rule, Table } from '../rules/program.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import type { Block } from '../sets/blocks.js'
import type { Space } from '../sets/space.js'
import { type ChainSummary, calledChain, Summaries } from '../sets/summary.js'
import type { Way } from '../sets/ways.js'
import type { Scope } from './scope.js'
import type { Ground } from './walk-ground.js'

/** By what packets are told apart that go to different targets. */
export const targetFields = ({ addresses }: Ground): readonly Field[] => ['meta.l4proto', addresses.dst, 'th.dport']

/** Packets, as far as some fields go, whose destination a rule may translate. */
export interface Translating {
  readonly rule: Rule
  readonly packets: Node
}

const known = new WeakMap<Scope, Map<string, readonly Translating[]>>()

/**
 * The packets whose destination the rules of a base chain translate, as far as these fields go, in the order of the rules. What rules before them take away is not
 * taken away here. Where a chain translates all packets to one target, its other rules are not looked at. Throws NodeLimitError, VisitLimitError.
 */
export function translating(
  scope: Scope,
  table: Table,
  chain: Chain,
  fields: readonly Field[],
): readonly Translating[] {
  const key = `${table.family} ${table.name} ${chain.name} ${fields.join(' ')}`
  const own = known.get(scope) ?? new Map<string, readonly Translating[]>()
  known.set(scope, own)
  let found = own.get(key)
  if (!found) {
    found = [...walk(scope, table, Summaries.of(scope.conditions).chain(table, chain), fields)]
    own.set(key, found)
  }
  return found
}

function* walk(scope: Scope, table: Table, base: ChainSummary, fields: readonly Field[]): Generator<Translating> {
  const { space } = scope
  const { bdd } = space
  const summaries = Summaries.of(scope.conditions)
  const seen = new Map<string, boolean>()
  const points = new Map<Node, boolean>()
  const isPoint = (set: Node): boolean => {
    const is = points.get(set) ?? pointOf(space, set, fields) !== undefined
    points.set(set, is)
    return is
  }
  /** Are all packets to one target translated? */
  function* into(summary: ChainSummary, set: Node): Generator<Translating, boolean> {
    const key = `${summary.chain.name} ${set}`
    const before = seen.get(key)
    if (before !== undefined) return before
    const whole = yield* over(summary, set)
    seen.set(key, whole)
    return whole
  }
  function* over(summary: ChainSummary, set: Node): Generator<Translating, boolean> {
    const inside = (ways: readonly Way[]) =>
      bdd.and(set, space.union(ways.map((way) => space.project(way.packets, fields))))
    const isEnough = (packets: Node) => packets === set && isPoint(set)
    for (const index of summary.chain.rules.keys()) {
      const { nat, calls } = summary.ruleWays(index)
      for (const { effect, ways } of nat) {
        const packets = effect.manip === 'src' ? EMPTY : inside(ways)
        if (packets !== EMPTY) yield { rule: summary.chain.rules[index]!, packets }
        if (isEnough(packets)) return true
      }
      for (const { chain, ways } of calls) {
        const packets = inside(ways)
        const whole = packets !== EMPTY && (yield* into(summaries.chain(table, calledChain(table, chain)), packets))
        if (whole && isEnough(packets)) return true
      }
    }
    return false
  }
  yield* into(base, FULL)
}

/** The one value of each field that the set allows, if there is no more in it. */
export function pointOf(space: Space, set: Node, fields: readonly Field[]): Block | undefined {
  const { bdd } = space
  const bits = new Map<number, 0 | 1>()
  for (let node = set; node !== FULL; ) {
    const [low, high] = [bdd.lowOf(node), bdd.highOf(node)]
    if (node === EMPTY || (low !== EMPTY && high !== EMPTY)) return undefined
    bits.set(bdd.levelOf(node), low === EMPTY ? 1 : 0)
    node = low === EMPTY ? high : low
  }
  const levels = fields.map((field) => space.levelsOf(field))
  if (bits.size !== levels.flat().length || levels.some((own) => own.some((level) => !bits.has(level))))
    return undefined
  return new Map(
    fields.map((field, i) => {
      const value = levels[i]!.reduce((sum, level) => (sum << 1n) | BigInt(bits.get(level)!), 0n)
      return [field, [[value, value]]]
    }),
  )
}
