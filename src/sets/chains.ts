import type { Effect } from '../rules/effect.js'
import type { Chain, Rule, Table } from '../rules/program.js'
import { EMPTY, type Node } from './bdd.js'
import type { Conditions } from './conditions.js'
import { type Entered, enter } from './enter.js'
import { type ChainSummary, Summaries } from './summary.js'
import { packetsOf, type RuleWays, type Way } from './ways.js'

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
  /** Do packets of the set come to it, with any value of what neither the chain nor those that it calls ask for but the state of the connection? Builds no set of them. */
  mayMeet(set: Node): boolean
  /** A packet that matches it, by the variables of the space, where one is found without building sets. Good until the next one is asked for. */
  example(): Uint8Array | undefined
  /** Packets that it ends, its own verdict or a header that it cannot read. */
  readonly accepted: Node
  readonly dropped: Node
  /** `matched`, with any value of what neither the chain nor those that it calls ask for: it fares alike from there on. */
  readonly outline: Node
  /** Packets that do not go on to the next rule, whichever way they went, for sure. */
  readonly gone: Node
}

/** A manip that a rule sets up. */
export interface NatUse {
  readonly rule: Rule
  readonly effect: Extract<Effect, { do: 'nat' }>
  /** Not empty. Put together when it is asked for. */
  readonly packets: Node
}

/** What comes into each chain. */
export interface ChainInputs {
  /** Does any packet? */
  has(chain: string): boolean
  get(chain: string): Node
  /** With any value of what neither the chain nor those that it calls ask for. */
  outline(chain: string): Node
}

/** All packets through one base chain at once. */
export interface ChainFlow {
  readonly input: Node
  readonly accepted: Node
  readonly dropped: Node
  /** What the policy decides. */
  readonly byPolicy: Node
  /** May a packet of this set, which is within the input, be accepted? Builds as little as it can. */
  mayAccept(set: Node): boolean
  /** The packets of this set, which is within the input, that are surely not dropped. */
  undropped(set: Node): Node
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

class Flow implements ChainFlow {
  readonly input: Node
  readonly #summaries: Summaries
  readonly #table: Table
  readonly #base: Chain
  readonly #summary: ChainSummary
  readonly #results = new Map<readonly Way[], Node>()
  #exact: ReadonlyMap<string, Entered> | undefined
  #outlines: ReadonlyMap<string, Entered> | undefined
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

  mayAccept(set: Node): boolean {
    const accepts = (this.#base.base?.policy ?? 'accept') === 'accept'
    const fates = this.#summary.fates(set, 0, { accepted: true, returned: accepts })
    return fates.accepted || (accepts && fates.returned)
  }

  undropped(set: Node): Node {
    const { math } = this.#summaries
    const { bdd } = math.space
    const drops = this.#base.base?.policy === 'drop'
    if (this.#summary.isPlain) {
      const { dropped, returned } = this.#summary.dropping(set)
      return bdd.minus(set, drops ? bdd.or(dropped, returned) : dropped)
    }
    const { dropped, returned } = this.#summary
    return bdd.minus(set, packetsOf(math, drops ? [...dropped, ...returned] : dropped))
  }

  get rules(): ReadonlyMap<Rule, RuleFlow> {
    this.#rules ??= this.#ruleFlows()
    return this.#rules
  }

  #ruleFlows(): ReadonlyMap<Rule, RuleFlow> {
    const found = new Map<Rule, RuleFlow>()
    for (const [name, entered] of this.#entered('outlines')) {
      const { rules } = entered.summary.chain
      const exact = () => this.#entered('exact').get(name)
      const reached = reachedBy(entered)
      for (let i = 0; i < reached; i++) found.set(rules[i]!, new LazyRuleFlow(entered, exact, i, rules[i]!))
    }
    return found
  }

  readonly chains: ChainInputs = {
    has: (chain) => this.#entered('outlines').has(chain),
    get: (chain) => this.#united('exact', chain),
    outline: (chain) => this.#united('outlines', chain),
  }

  #united(kind: 'exact' | 'outlines', chain: string): Node {
    const entered = this.#entered(kind).get(chain)
    if (!entered) return EMPTY
    entered.packets = [this.#summaries.math.space.union(entered.packets)]
    return entered.packets[0]!
  }

  /** What comes into each chain that packets come into. */
  #entered(kind: 'exact' | 'outlines'): ReadonlyMap<string, Entered> {
    if (kind === 'exact') {
      this.#exact ??= enter(this.#summaries, this.#table, this.#summary, this.input, false)
      return this.#exact
    }
    this.#outlines ??= enter(this.#summaries, this.#table, this.#summary, this.input, true)
    return this.#outlines
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

  *#translations(): Generator<NatUse> {
    for (const [name, entered] of this.#entered('outlines')) {
      const { summary, packets } = entered
      const reached = reachedBy(entered)
      for (let index = 0; index < reached; index++)
        for (const { effect, ways } of summary.ruleWays(index).nat) {
          const wanted = summary.before(index, packetsOf(summary.math, ways))
          if (!packets.some((set) => summary.math.space.bdd.meets(set, wanted))) continue
          yield new LazyNatUse(summary.chain.rules[index]!, effect, () =>
            whatBecomes(summary, this.#entered('exact').get(name)?.packets ?? [], index, ways),
          )
        }
    }
  }
}

/** How many rules of a chain packets come to, from the first one on. */
const reachedBy = ({ summary, packets }: Entered): number =>
  packets.reduce((most, set) => Math.max(most, summary.reached(set)), 0)

class LazyNatUse implements NatUse {
  readonly rule: Rule
  readonly effect: NatUse['effect']
  readonly #find: () => Node
  #packets: Node | undefined

  constructor(rule: Rule, effect: NatUse['effect'], find: () => Node) {
    this.rule = rule
    this.effect = effect
    this.#find = find
  }

  get packets(): Node {
    this.#packets ??= this.#find()
    return this.#packets
  }
}

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
  const sets = packets.map((set) => {
    const some = bdd.and(set, wanted)
    return summary.isPlain ? some : math.image(ways, summary.at(index, some))
  })
  return sets.filter((set) => set !== EMPTY)
}

const whatBecomes = (summary: ChainSummary, packets: readonly Node[], index: number, ways: readonly Way[]): Node =>
  summary.math.space.union(setsThere(summary, packets, index, ways))

class LazyRuleFlow implements RuleFlow {
  readonly rule: Rule
  readonly chain: string
  readonly number: number
  readonly #outlines: Entered
  readonly #exact: () => Entered | undefined
  readonly #ways: RuleWays
  #reach: Node | undefined
  #matched: Node | undefined
  #isMatched: boolean | undefined
  #accepted: Node | undefined
  #dropped: Node | undefined

  constructor(outlines: Entered, exact: () => Entered | undefined, index: number, rule: Rule) {
    this.rule = rule
    this.chain = outlines.summary.chain.name
    this.number = index + 1
    this.#outlines = outlines
    this.#exact = exact
    this.#ways = outlines.summary.ruleWays(index)
  }

  get reach(): Node {
    this.#reach ??= this.#there(this.#outlines.summary.math.everything)
    return this.#reach
  }

  get matched(): Node {
    this.#matched ??= this.#there(this.#outlines.summary.math.plain(this.#ways.matched))
    return this.#matched
  }

  get isMatched(): boolean {
    if (this.#isMatched === undefined) {
      const { summary, packets } = this.#outlines
      const { bdd } = summary.math.space
      this.#isMatched = this.example() !== undefined
      if (!this.#isMatched) {
        const wanted = summary.before(this.number - 1, this.#ways.matched)
        this.#isMatched = packets.some((set) => bdd.meets(set, wanted))
      }
    }
    return this.#isMatched
  }

  example(): Uint8Array | undefined {
    const { summary, packets } = this.#outlines
    if (!summary.isPlain) return undefined
    const { space, scratch: values } = summary.math
    for (const set of packets)
      if (space.bdd.find(set, this.#ways.matched, values) && summary.leads(values, this.number - 1)) return values
    return undefined
  }

  get outline(): Node {
    const { summary, packets } = this.#outlines
    return whatBecomes(summary, packets, this.number - 1, summary.math.plain(this.#ways.matched))
  }

  mayMeet(set: Node): boolean {
    const { summary, packets } = this.#outlines
    const wanted = summary.before(this.number - 1, set)
    return packets.some((one) => summary.math.space.bdd.meets(one, wanted))
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
    const { math } = this.#outlines.summary
    return math.space.bdd.minus(this.reach, math.image(this.#ways.next, this.reach))
  }

  #there(ways: readonly Way[]): Node {
    const entered = ways.length === 0 ? undefined : this.#exact()
    return entered ? whatBecomes(entered.summary, entered.packets, this.number - 1, ways) : EMPTY
  }
}
