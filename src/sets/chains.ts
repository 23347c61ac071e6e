import type { Effect } from '../rules/effect.js'
import type { Chain, Rule, Table } from '../rules/program.js'
import { EMPTY, type Node } from './bdd.js'
import type { Conditions } from './conditions.js'
import { type ChainSummary, calledChain, Summaries } from './summary.js'
import type { RuleWays, Way } from './ways.js'

export { matching } from './asked.js'
export { VisitLimitError } from './ways.js'

/**
 * What happens at one rule, all visits taken together. Every set holds what is possible: where lots or unknown things decide, packets are in several. Worked out
 * when it is asked for.
 */
export interface RuleFlow {
  readonly rule: Rule
  readonly chain: string
  /** From 1. */
  readonly number: number
  /** Packets that come to it. */
  readonly reach: Node
  /** Packets that match it. */
  readonly matched: Node
  /** Is there a packet in `matched`? Builds no set. */
  readonly isMatched: boolean
  /** Packets that it ends, its own verdict or a header that it cannot read. */
  readonly accepted: Node
  readonly dropped: Node
  /** Packets that do not go on to the next rule, whichever way they went, for sure. */
  readonly gone: Node
}

/** A manip that a rule sets up. */
export interface NatUse {
  readonly rule: Rule
  readonly effect: Extract<Effect, { do: 'nat' }>
  readonly packets: Node
}

/** What comes into each chain. */
export interface ChainInputs {
  /** Does any packet? */
  has(chain: string): boolean
  get(chain: string): Node
}

/** All packets through one base chain at once. */
export interface ChainFlow {
  readonly input: Node
  readonly accepted: Node
  readonly dropped: Node
  /** What the policy decides. */
  readonly byPolicy: Node
  /** Those that packets come to. */
  readonly rules: ReadonlyMap<Rule, RuleFlow>
  readonly chains: ChainInputs
  readonly nat: readonly NatUse[]
}

/**
 * Runs all packets of `input` through a base chain and what it jumps to, as `traverse` (src/rules/traverse.ts) does with one. Here and where something of the
 * result is asked for: throws VisitLimitError, NodeLimitError.
 */
export const chainFlow = (conditions: Conditions, table: Table, base: Chain, input: Node): ChainFlow =>
  new Flow(Summaries.of(conditions), table, base, input)

/** A chain with what comes into it: sets that are put together only where that saves work. */
interface Entered {
  readonly summary: ChainSummary
  packets: Node[]
}

class Flow implements ChainFlow {
  readonly input: Node
  readonly #summaries: Summaries
  readonly #table: Table
  readonly #base: Chain
  readonly #summary: ChainSummary
  readonly #results = new Map<readonly Way[], Node>()
  #entered: ReadonlyMap<string, Entered> | undefined
  #rules: ReadonlyMap<Rule, RuleFlow> | undefined
  #nat: readonly NatUse[] | undefined

  constructor(summaries: Summaries, table: Table, base: Chain, input: Node) {
    this.#summaries = summaries
    this.#table = table
    this.#base = base
    this.input = input
    this.#summary = summaries.chain(table, base)
  }

  get accepted(): Node {
    return this.#ended(this.#summary.accepted, 'accept')
  }

  get dropped(): Node {
    return this.#ended(this.#summary.dropped, 'drop')
  }

  get byPolicy(): Node {
    return this.#image(this.#summary.returned)
  }

  get rules(): ReadonlyMap<Rule, RuleFlow> {
    this.#rules ??= new Map(
      [...this.#visited()].map(([entered, index, rule]) => [rule, new LazyRuleFlow(entered, index, rule)]),
    )
    return this.#rules
  }

  readonly chains: ChainInputs = {
    has: (chain) => this.#enter().has(chain),
    get: (chain) => {
      const entered = this.#enter().get(chain)
      if (!entered) return EMPTY
      entered.packets = [this.#summaries.math.space.union(entered.packets)]
      return entered.packets[0]!
    },
  }

  get nat(): readonly NatUse[] {
    this.#nat ??= [...this.#translations()]
    return this.#nat
  }

  #ended(ways: readonly Way[], verdict: 'accept' | 'drop'): Node {
    const packets = this.#image(ways)
    return (this.#base.base?.policy ?? 'accept') === verdict
      ? this.#summaries.math.space.bdd.or(packets, this.byPolicy)
      : packets
  }

  #image(ways: readonly Way[]): Node {
    let found = this.#results.get(ways)
    if (found === undefined) {
      found = this.#summaries.math.image(ways, this.input)
      this.#results.set(ways, found)
    }
    return found
  }

  /** Rules that packets come to, chain by chain. */
  *#visited(): Generator<readonly [Entered, number, Rule]> {
    for (const entered of this.#enter().values()) {
      const { summary, packets } = entered
      const reached = packets.reduce((most, set) => Math.max(most, summary.reached(set)), 0)
      for (let i = 0; i < reached; i++) yield [entered, i, summary.chain.rules[i]!]
    }
  }

  *#translations(): Generator<NatUse> {
    for (const [{ summary, packets }, index, rule] of this.#visited())
      for (const { effect, ways } of summary.ruleWays(index).nat) {
        const set = whatBecomes(summary, packets, index, ways)
        if (set !== EMPTY) yield { rule, effect, packets: set }
      }
  }

  /** What comes into each chain that packets come into. */
  #enter(): ReadonlyMap<string, Entered> {
    if (this.#entered) return this.#entered
    const { math } = this.#summaries
    const entered = new Map<string, Entered>()
    for (const summary of this.#callersFirst()) {
      const { name, rules } = summary.chain
      const own = entered.get(name) ?? { summary, packets: name === this.#base.name ? [this.input] : [] }
      if (own.packets.length === 0) continue
      const calls = [...rules.keys()].filter((index) => summary.ruleWays(index).calls.length > 0)
      // a chain of one or two rules that many others call: its visits are rarely asked for together
      if (own.packets.length > MOST_SETS && (rules.length > 2 || calls.length > 0)) own.packets = [math.space.union(own.packets)] // biome-ignore format: one line
      entered.set(name, own)
      for (const index of calls)
        for (const { chain, ways } of summary.ruleWays(index).calls) {
          const called = entered.get(chain) ?? {
            summary: this.#summaries.chain(this.#table, calledChain(this.#table, chain)),
            packets: [],
          }
          for (const set of setsThere(summary, own.packets, index, ways)) called.packets.push(set)
          entered.set(chain, called)
        }
    }
    for (const [name, { packets }] of entered) if (packets.length === 0) entered.delete(name)
    this.#entered = entered
    return entered
  }

  /** The chains that can be called from the base chain; who calls stands before who is called. */
  #callersFirst(): readonly ChainSummary[] {
    const found: ChainSummary[] = []
    const seen = new Set<string>()
    const visit = (summary: ChainSummary) => {
      seen.add(summary.chain.name)
      for (const index of summary.chain.rules.keys())
        for (const { chain } of summary.ruleWays(index).calls)
          if (!seen.has(chain)) visit(this.#summaries.chain(this.#table, calledChain(this.#table, chain)))
      found.push(summary)
    }
    visit(this.#summary)
    return found.reverse()
  }
}

const MOST_SETS = 8

/** What comes into a chain, by the sets of which it consists, once it has gone a way of one of the rules. */
function setsThere(
  summary: ChainSummary,
  packets: readonly Node[],
  index: number,
  ways: readonly Way[],
): readonly Node[] {
  const { math } = summary
  const { bdd } = math.space
  const wanted = summary.before(index, math.space.union(ways.map((way) => way.packets)))
  if (wanted === EMPTY) return []
  const sets = packets.map((set) => math.image(ways, summary.at(index, bdd.and(set, wanted))))
  return sets.filter((set) => set !== EMPTY)
}

const whatBecomes = (summary: ChainSummary, packets: readonly Node[], index: number, ways: readonly Way[]): Node =>
  summary.math.space.union(setsThere(summary, packets, index, ways))

class LazyRuleFlow implements RuleFlow {
  readonly rule: Rule
  readonly chain: string
  readonly number: number
  readonly #entered: Entered
  readonly #ways: RuleWays
  #reach: Node | undefined
  #matched: Node | undefined
  #isMatched: boolean | undefined
  #accepted: Node | undefined
  #dropped: Node | undefined

  constructor(entered: Entered, index: number, rule: Rule) {
    this.rule = rule
    this.chain = entered.summary.chain.name
    this.number = index + 1
    this.#entered = entered
    this.#ways = entered.summary.ruleWays(index)
  }

  get reach(): Node {
    this.#reach ??= this.#there(this.#entered.summary.math.everything)
    return this.#reach
  }

  get matched(): Node {
    this.#matched ??= this.#there(this.#entered.summary.math.plain(this.#ways.matched))
    return this.#matched
  }

  get isMatched(): boolean {
    if (this.#isMatched === undefined) {
      const { summary, packets } = this.#entered
      const { bdd } = summary.math.space
      const wanted = summary.before(this.number - 1, this.#ways.matched)
      this.#isMatched = packets.some((set) => bdd.meets(set, wanted))
    }
    return this.#isMatched
  }

  get accepted(): Node {
    this.#accepted ??= this.#there(this.#ways.ownAccepted)
    return this.#accepted
  }

  get dropped(): Node {
    this.#dropped ??= this.#there(this.#ways.ownDropped)
    return this.#dropped
  }

  get gone(): Node {
    const { math } = this.#entered.summary
    return math.space.bdd.minus(this.reach, math.image(this.#ways.next, this.reach))
  }

  #there(ways: readonly Way[]): Node {
    const { summary, packets } = this.#entered
    return ways.length === 0 ? EMPTY : whatBecomes(summary, packets, this.number - 1, ways)
  }
}
