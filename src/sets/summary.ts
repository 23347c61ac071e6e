import type { Chain, Rule, Table } from '../rules/program.js'
import { EMPTY, type Node } from './bdd.js'
import type { Conditions } from './conditions.js'
import { type Called, type RuleWays, ruleWays, VisitLimitError, type Way, WayMath, type Ways } from './ways.js'

/** Rules in a row, from the first up to `end`: what may become of packets that come to the first. Halves of halves, so that small sets meet small ones. */
interface Block {
  readonly first: number
  readonly end: number
  readonly ways: Ways
  /** None of the rules does more than decide and call. */
  readonly quiet: boolean
  readonly halves: readonly [Block, Block] | undefined
}

/** What a chain makes of packets, whatever packets they are: worked out once, and then asked for any of them. */
export class ChainSummary {
  readonly chain: Chain
  readonly math: WayMath
  /** Out of the chain without a verdict. */
  readonly returned: readonly Way[]
  readonly accepted: readonly Way[]
  readonly dropped: readonly Way[]
  /** None of its rules does more than decide and call. */
  readonly quiet: boolean
  readonly #root: Block | undefined

  constructor(chain: Chain, math: WayMath, waysOf: (rule: Rule) => RuleWays) {
    this.chain = chain
    this.math = math
    const { rules } = chain
    const build = (first: number, end: number): Block => {
      if (end - first === 1) {
        const ways = waysOf(rules[first]!)
        return { first, end, ways, quiet: ways.quiet, halves: undefined }
      }
      const middle = (first + end) >> 1
      const halves = [build(first, middle), build(middle, end)] as const
      const [left, right] = halves
      return { first, end, ways: math.composed(left.ways, right.ways), quiet: left.quiet && right.quiet, halves }
    }
    this.#root = rules.length > 0 ? build(0, rules.length) : undefined
    const ways: Ways = this.#root?.ways ?? { next: math.everything, returned: [], accepted: [], dropped: [] }
    this.returned = math.union(ways.next, ways.returned)
    this.accepted = ways.accepted
    this.dropped = ways.dropped
    this.quiet = this.#root?.quiet ?? true
  }

  /** What may become of packets at one rule. */
  ruleWays(index: number): RuleWays {
    let block = this.#root!
    while (block.halves) block = index < block.halves[0].end ? block.halves[0] : block.halves[1]
    return block.ways as RuleWays
  }

  /** The packets, as they come into the chain, that may be in `set` when they come to the rule with this index. */
  before(index: number, set: Node): Node {
    const walk = (block: Block): Node => {
      if (!block.halves) return set
      const [left, right] = block.halves
      if (index < left.end) return walk(left)
      const inRight = walk(right)
      return inRight === EMPTY ? EMPTY : this.math.before(left.ways.next, inRight)
    }
    return this.#root ? walk(this.#root) : set
  }

  /** What packets that come into the chain are when they come to the rule with this index. */
  at(index: number, set: Node): Node {
    let packets = set
    for (let block = this.#root; block?.halves && packets !== EMPTY; ) {
      const [left, right] = block.halves
      if (index >= left.end) packets = this.math.image(left.ways.next, packets)
      block = index < left.end ? left : right
    }
    return packets
  }

  /** How many rules these packets come to, from the first one on. */
  reached(set: Node): number {
    let packets = set
    let block = this.#root
    if (!block || set === EMPTY) return 0
    if (this.#goOn(block, packets)) return block.end
    while (block.halves) {
      const [left, right]: readonly [Block, Block] = block.halves
      if (!this.#goOn(left, packets)) block = left
      else {
        packets = this.math.image(left.ways.next, packets)
        block = right
      }
    }
    return block.end
  }

  #goOn({ ways: { next } }: Block, packets: Node): boolean {
    const { bdd } = this.math.space
    return next.some((way) => bdd.meets(packets, way.packets))
  }

  /** What may become of packets, as they are at the rule `from`, there and behind it. */
  fates(set: Node, from: number): Fates {
    const { bdd } = this.math.space
    const found = { accepted: false, dropped: false, returned: false }
    let packets = set
    const walk = (block: Block): void => {
      if (packets === EMPTY || block.end <= from) return
      if (block.first < from && block.halves) {
        walk(block.halves[0])
        walk(block.halves[1])
        return
      }
      const { ways } = block
      for (const fate of ['accepted', 'dropped', 'returned'] as const)
        found[fate] ||= ways[fate].some((way) => bdd.meets(packets, way.packets))
      packets = this.math.image(ways.next, packets)
    }
    if (this.#root) walk(this.#root)
    if (packets !== EMPTY) found.returned = true
    return found
  }

  /** Follows packets, as they are at the rule `from`, over the rules before `end`: each rule at which something may become of some of them. */
  *along(set: Node, from: number, end: number): Generator<Passing> {
    const { math } = this
    const { bdd } = math.space
    let packets = set
    const isUntouched = ({ quiet, ways: { next, returned, accepted, dropped } }: Block): boolean => {
      if (!quiet) return false
      const [only, ...more] = next
      if (!only || more.length > 0 || only.transform !== math.transforms.identity) return false
      if (!bdd.isWithin(packets, only.packets)) return false
      return ![returned, accepted, dropped].some((ways) => ways.some((way) => bdd.meets(packets, way.packets)))
    }
    function* walk(block: Block): Generator<Passing> {
      if (packets === EMPTY || block.end <= from || block.first >= end) return
      if (block.first >= from && block.end <= end && block.halves && isUntouched(block)) return
      if (block.halves) {
        yield* walk(block.halves[0])
        yield* walk(block.halves[1])
        return
      }
      const ways = block.ways as RuleWays
      const left = math.image(ways.next, packets)
      if (left !== packets || bdd.meets(packets, ways.matched)) yield { index: block.first, ways, packets, left }
      packets = left
    }
    if (this.#root) yield* walk(this.#root)
  }
}

/** What may become of packets in a chain; `returned`: they leave it without a verdict. */
export interface Fates {
  readonly accepted: boolean
  readonly dropped: boolean
  readonly returned: boolean
}

/** Packets at a rule of a chain, and what of them goes on to the next. */
export interface Passing {
  readonly index: number
  readonly ways: RuleWays
  readonly packets: Node
  readonly left: Node
}

/** The chains of one set of conditions, each worked out when it is first asked for. */
export class Summaries {
  readonly math: WayMath
  readonly #conditions: Conditions
  readonly #tables = new WeakMap<Table, Map<string, ChainSummary | 'under way'>>()

  private constructor(conditions: Conditions) {
    this.#conditions = conditions
    this.math = new WayMath(conditions.space)
  }

  static #all = new WeakMap<Conditions, Summaries>()

  static of(conditions: Conditions): Summaries {
    let found = Summaries.#all.get(conditions)
    if (!found) {
      found = new Summaries(conditions)
      Summaries.#all.set(conditions, found)
    }
    return found
  }

  /** Throws NodeLimitError, VisitLimitError. */
  chain(table: Table, chain: Chain): ChainSummary {
    let chains = this.#tables.get(table)
    if (!chains) {
      chains = new Map()
      this.#tables.set(table, chains)
    }
    const known = chains.get(chain.name)
    if (known === 'under way') throw new VisitLimitError('the chains call each other in a circle')
    if (known?.chain === chain) return known
    chains.set(chain.name, 'under way')
    try {
      const call = (name: string): Called => this.chain(table, calledChain(table, name))
      const waysOf = (rule: Rule) => ruleWays(this.#conditions, this.math, rule, call)
      const made = new ChainSummary(chain, this.math, waysOf)
      chains.set(chain.name, made)
      return made
    } finally {
      if (chains.get(chain.name) === 'under way') chains.delete(chain.name)
    }
  }
}

export function calledChain(table: Table, name: string): Chain {
  const chain = table.chains.get(name)
  if (!chain) throw new Error(`chain ${name} of table ${table.name} does not exist`)
  return chain
}
