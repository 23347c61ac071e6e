import type { FieldValue } from '../packet/fields.js'
import type { Chain, Rule, Table } from '../rules/program.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import { Block } from './block.js'
import type { Conditions } from './conditions.js'
import { type Context, contextsOf } from './context.js'
import { ROOMS } from './layout.js'
import type { Space } from './space.js'
import {
  type Called,
  type End,
  NO_WAYS,
  packetsOf,
  type RuleWays,
  ruleWays,
  VisitLimitError,
  type Way,
  WayMath,
} from './ways.js'

const FATES = ['accepted', 'dropped', 'returned'] as const

/** In shorter chains a smaller set does not save what it costs. */
const WORTH_OUTLINING = 8

const NOTHING_ASKED: ReadonlySet<number> = new Set()

/** What a chain makes of packets, whatever packets they are: worked out once, and then asked for any of them. */
export class ChainSummary implements Called {
  readonly chain: Chain
  readonly math: WayMath
  /** Out of the chain without a verdict. */
  readonly returned: readonly Way[]
  /** None of its rules does more than decide and call. */
  readonly quiet: boolean
  /** Nothing is written to packets, in the chain or in those that it calls. */
  readonly isPlain: boolean
  /** Each packet goes one way. */
  readonly isExact: boolean
  readonly #root: Block | undefined
  #asked: { readonly levels: ReadonlySet<number> | undefined } | undefined

  constructor(chain: Chain, math: WayMath, waysOf: (rule: Rule) => RuleWays) {
    this.chain = chain
    this.math = math
    const { rules } = chain
    const build = (first: number, end: number): Block => {
      if (end - first === 1) return new Block(math, first, end, waysOf(rules[first]!))
      const middle = (first + end) >> 1
      return new Block(math, first, end, [build(first, middle), build(middle, end)])
    }
    this.#root = rules.length > 0 ? build(0, rules.length) : undefined
    this.returned = this.#root ? math.union(this.#root.next, this.#root.returned) : math.everything
    this.quiet = this.#root?.quiet ?? true
    this.isPlain = this.#root?.isPlain ?? true
    this.isExact = this.#root?.isExact ?? true
  }

  get accepted(): readonly Way[] {
    return this.#root?.accepted ?? NO_WAYS
  }

  get dropped(): readonly Way[] {
    return this.#root?.dropped ?? NO_WAYS
  }

  /** May packets come to this end? */
  mayEnd(what: End): boolean {
    return what === 'returned' || (this.#root?.mayEnd(what) ?? false)
  }

  /** Does any of its rules call? */
  get calls(): boolean {
    return this.#root?.calls ?? false
  }

  /** The chains that its rules call. */
  get called(): ReadonlySet<string> {
    const found = new Set<string>()
    const walk = (block: Block): void => {
      if (!block.calls) return
      for (const { chain } of block.rule?.calls ?? []) found.add(chain)
      block.halves?.forEach(walk)
    }
    if (this.#root) walk(this.#root)
    return found
  }

  /** The variables that the rules of the chain and of those it calls ask for; undefined: any. */
  get asked(): ReadonlySet<number> | undefined {
    this.#asked ??= { levels: this.#root ? this.#root.askedAtOnce() : NOTHING_ASKED }
    return this.#asked.levels
  }

  /** The packets of `set`, with any value of what the chain does not ask for. */
  outlineOf(set: Node): Node {
    if (set === EMPTY || set === FULL || this.chain.rules.length < WORTH_OUTLINING) return set
    const { asked } = this
    if (!asked) return set
    const { bdd } = this.math.space
    // whether a connection exists is asked of everything
    const state = this.math.space.levelsOf('ct.state')
    const others = [...bdd.support(set)].filter((level) => !asked.has(level) && !state.includes(level))
    return others.length === 0 ? set : bdd.exists(set, bdd.variables(others))
  }

  /** What may become of packets at one rule. */
  ruleWays(index: number): RuleWays {
    let block = this.#root!
    while (block.halves) block = index < block.halves[0].end ? block.halves[0] : block.halves[1]
    return block.rule!
  }

  /** What comes to rules that call, of packets that come into the chain; `outlines`: with any value of what none of the rules asks for from there on, nor chains that they call. */
  *callers(set: Node, outlines: boolean): Generator<{ readonly rule: RuleWays; readonly packets: Node }> {
    const { math } = this
    const { bdd } = math.space
    function* walk(block: Block, packets: Node): Generator<{ readonly rule: RuleWays; readonly packets: Node }> {
      if (!block.calls) return
      const { rule, halves, calling } = block
      const isWhole = outlines && halves !== undefined && block.asksUnlike
      const some = !isWhole ? bdd.and(packets, calling) : bdd.meets(packets, calling) ? packets : EMPTY
      if (some === EMPTY) return
      if (rule) {
        yield { rule, packets: some }
        return
      }
      const [left, right] = halves!
      if (left.calls) yield* walk(left, outlines ? block.outlinesInto(0, some) : some)
      if (right.calls) yield* walk(right, outlines ? block.outlinesInto(1, some) : math.image(left.next, some))
    }
    if (this.#root) yield* walk(this.#root, set)
  }

  /** The packets, as they come into the chain, that may be in `set` when they come to the rule with this index. */
  before(index: number, set: Node): Node {
    const walk = (block: Block): Node => {
      if (!block.halves) return set
      const [left, right] = block.halves
      if (index < left.end) return walk(left)
      const inRight = walk(right)
      return inRight === EMPTY ? EMPTY : this.math.before(left.next, inRight)
    }
    return this.#root ? walk(this.#root) : set
  }

  /** What packets that come into the chain are when they come to the rule with this index. */
  at(index: number, set: Node): Node {
    let packets = set
    for (let block = this.#root; block?.halves && packets !== EMPTY; ) {
      const [left, right] = block.halves
      if (index >= left.end) packets = this.math.image(left.next, packets)
      block = index < left.end ? left : right
    }
    return packets
  }

  /** May one packet, as it comes into a chain that writes nothing, come to the rule with this index? */
  leads(values: Uint8Array, index: number): boolean {
    for (let block = this.#root; block?.halves; ) {
      const left: Block = block.halves[0]
      if (index < left.end) block = left
      else {
        if (!this.#holds(left.next, values)) return false
        block = block.halves[1]
      }
    }
    return true
  }

  /** What becomes of one packet, as it is at the rule `from`, in a chain that writes nothing; where several things may, one of them. */
  fateOf(values: Uint8Array, from: number): keyof Fates {
    const walk = (block: Block): keyof Fates | undefined => {
      if (block.end <= from || (block.first >= from && this.#holds(block.next, values))) return undefined
      const { rule, halves } = block
      if (halves) return walk(halves[0]) ?? walk(halves[1])
      if (this.#holds(rule!.next, values)) return undefined
      if (this.#holds(rule!.returned, values)) return 'returned'
      if (this.#holds(rule!.ownAccepted, values)) return 'accepted'
      const call = rule!.calls.find(({ ways }) => this.#holds(ways, values))
      return call ? (call.called as ChainSummary).fateOf(values, 0) : 'dropped'
    }
    return (this.#root && walk(this.#root)) ?? 'returned'
  }

  #holds(ways: readonly Way[], values: Uint8Array): boolean {
    const { bdd } = this.math.space
    for (let i = 0; i < ways.length; i++) if (bdd.contains(ways[i]!.packets, values)) return true
    return false
  }

  /** How many rules these packets come to, from the first one on. */
  reached(set: Node): number {
    let packets = set
    let block = this.#root
    if (!block || set === EMPTY) return 0
    const last = block.end - 1
    // most often some packet that the others do not look at comes to the end
    const { space, scratch } = this.math
    if (this.isPlain && space.bdd.find(set, this.ruleWays(last).touched, scratch) && this.leads(scratch, last))
      return block.end
    if (this.math.space.bdd.meets(set, this.before(last, FULL))) return block.end
    while (block.halves) {
      const [left, right]: readonly [Block, Block] = block.halves
      if (!this.#goOn(left, packets)) block = left
      else {
        packets = this.math.image(left.next, packets)
        block = right
      }
    }
    return block.end
  }

  #goOn({ next }: Block, packets: Node): boolean {
    const { bdd } = this.math.space
    return next.some((way) => bdd.meets(packets, way.packets))
  }

  /** What may become of packets, as they are at the rule `from`, there and behind it. No more is found out once something of `enough` is. */
  fates(set: Node, from: number, enough: Partial<Fates> = {}): Fates {
    const found: Fates = { accepted: false, dropped: false, returned: false }
    this.#fates(set, from, found, enough)
    return found
  }

  #fates(set: Node, from: number, found: Fates, enough: Partial<Fates>): void {
    const { bdd } = this.math.space
    let packets = set
    const isDone = () =>
      (found.accepted && found.dropped && found.returned) || FATES.some((fate) => found[fate] && enough[fate])
    const walk = (block: Block): void => {
      if (block.end <= from || isDone()) return
      if (block.first >= from && block.passes(packets)) return
      const { rule, halves } = block
      const some = (ways: readonly Way[]) => ways.some((way) => bdd.meets(packets, way.packets))
      if (halves && block.first >= from && !block.calls) {
        for (const fate of FATES) found[fate] ||= some(block[fate])
        if (!isDone()) packets = this.math.image(block.next, packets)
        return
      }
      if (halves) {
        walk(halves[0])
        walk(halves[1])
        return
      }
      found.accepted ||= some(rule!.ownAccepted)
      found.dropped ||= some(rule!.ownDropped)
      found.returned ||= some(rule!.returned)
      for (const { ways, called } of rule!.calls) {
        if (isDone()) return
        // what comes back is in `next` or `returned` of the rule
        const within = { ...found, returned: true }
        const inside = this.math.image(ways, packets)
        if (inside !== EMPTY) (called as ChainSummary).#fates(inside, 0, within, { ...enough, returned: false })
        found.accepted = within.accepted
        found.dropped = within.dropped
      }
      if (!isDone()) packets = this.math.image(rule!.next, packets)
    }
    if (this.#root) walk(this.#root)
    if (!isDone() && packets !== EMPTY) found.returned = true
  }

  /** The packets of `set` that may be dropped, of a chain that writes nothing; they are not followed any further once they are. */
  dropping(set: Node): { readonly dropped: Node; readonly returned: Node } {
    const { bdd } = this.math.space
    let [packets, dropped, returned]: [Node, Node, Node] = [set, EMPTY, EMPTY]
    const drop = (some: Node) => {
      dropped = bdd.or(dropped, some)
      packets = bdd.minus(packets, some)
    }
    const walk = (block: Block): void => {
      if (block.passes(packets)) return
      const { rule, halves } = block
      if (halves) {
        walk(halves[0])
        walk(halves[1])
        return
      }
      drop(bdd.and(packets, packetsOf(this.math, rule!.ownDropped)))
      for (const { ways, called } of rule!.calls)
        drop((called as ChainSummary).dropping(bdd.and(packets, packetsOf(this.math, ways))).dropped)
      returned = bdd.or(returned, bdd.and(packets, packetsOf(this.math, rule!.returned)))
      packets = bdd.and(packets, packetsOf(this.math, rule!.next))
    }
    if (this.#root) walk(this.#root)
    return { dropped, returned: bdd.minus(bdd.or(returned, packets), dropped) }
  }

  /** Follows packets, as they are at the rule `from`, over the rules before `end`: each rule that does something with some of them. */
  *along(set: Node, from: number, end: number): Generator<Passing> {
    const { math } = this
    let packets = set
    function* walk(block: Block): Generator<Passing> {
      if (block.end <= from || block.first >= end || packets === EMPTY) return
      if (block.first >= from && block.end <= end && block.passes(packets)) return
      if (block.halves) {
        yield* walk(block.halves[0])
        yield* walk(block.halves[1])
        return
      }
      const ways = block.rule!
      const left = math.image(ways.next, packets)
      yield { index: block.first, ways, packets, left }
      packets = left
    }
    if (this.#root) yield* walk(this.#root)
  }
}

/** What may become of packets in a chain; `returned`: they leave it without a verdict. */
export interface Fates {
  accepted: boolean
  dropped: boolean
  returned: boolean
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
  /** By what is known of packets. */
  readonly #given = new Map<Context, number>()
  readonly #contexts = new WeakMap<Table, ReadonlyMap<Chain, Context>>()
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
      const given = this.#givenTo(table, chain)
      const call = (name: string): Called => this.chain(table, calledChain(table, name))
      const waysOf = (rule: Rule) => ruleWays(this.#conditions, this.math, rule, given, call)
      const made = new ChainSummary(chain, this.math, waysOf)
      chains.set(chain.name, made)
      return made
    } finally {
      if (chains.get(chain.name) === 'under way') chains.delete(chain.name)
    }
  }

  /** What is known of all packets that come into a chain. */
  #givenTo(table: Table, chain: Chain): number | undefined {
    let known = this.#contexts.get(table)
    if (!known) {
      known = contextsOf(table)
      this.#contexts.set(table, known)
    }
    const context = known.get(chain)
    if (!context || (!context.header && context.values.size === 0)) return undefined
    let given = this.#given.get(context)
    if (given === undefined) {
      given = knownValues(this.math.space, context)
      this.#given.set(context, given)
    }
    return given
  }
}

/** For `Bdd.assign`. */
function knownValues(space: Space, { values, header }: Context): number {
  const bits = (levels: readonly number[], value: FieldValue) =>
    levels.map((level, i) => [level, Number((BigInt(value) >> BigInt(levels.length - 1 - i)) & 1n) as 0 | 1] as const)
  return space.bdd.values([
    ...[...values].flatMap(([field, value]) => bits(space.levelsOf(field), value)),
    ...(header ? bits(space.layout.cell('room'), ROOMS.length - 1) : []),
  ])
}

export function calledChain(table: Table, name: string): Chain {
  const chain = table.chains.get(name)
  if (!chain) throw new Error(`chain ${name} of table ${table.name} does not exist`)
  return chain
}
