import type { Effect } from '../rules/effect.js'
import { isPure } from '../rules/interpret.js'
import type { Chain, Rule, Step, Table } from '../rules/program.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import type { Conditions } from './conditions.js'
import { untracked, written } from './effects.js'
import type { Space } from './space.js'

export type Ending = 'accept' | 'drop'

/** What happens at one rule, all visits taken together. Every set holds what is possible: where lots or unknown things decide, packets are in several. */
export interface RuleFlow {
  readonly rule: Rule
  readonly chain: string
  /** From 1. */
  readonly number: number
  /** Packets that come to it. */
  reach: Node
  /** Packets that match it. */
  matched: Node
  /** Packets that it ends, its own verdict or a header that it cannot read. */
  accepted: Node
  dropped: Node
  /** Each time that packets came to it: which did, and which went on to the next rule. */
  readonly visits: (readonly [reach: Node, next: Node])[]
}

/** Packets that do not go on to the next rule, whichever way they went, for sure. */
export const goneAt = ({ bdd }: Space, { visits }: RuleFlow): Node =>
  visits.reduce((sum: Node, [reach, next]) => bdd.or(sum, bdd.minus(reach, next)), EMPTY)

/** A manip that a rule sets up. */
export interface NatUse {
  readonly rule: Rule
  readonly effect: Extract<Effect, { do: 'nat' }>
  readonly packets: Node
}

/** All packets through one base chain at once. */
export interface ChainFlow {
  readonly input: Node
  readonly accepted: Node
  readonly dropped: Node
  /** What the policy decides. */
  readonly byPolicy: Node
  /** In the order of the first visit. */
  readonly rules: ReadonlyMap<Rule, RuleFlow>
  /** What comes into each chain. */
  readonly chains: ReadonlyMap<string, Node>
  readonly nat: readonly NatUse[]
}

/** More visits of rules than a sane ruleset makes: chains that call each other over and over. */
const MOST_VISITS = 5_000_000

export class VisitLimitError extends Error {
  override readonly name = 'VisitLimitError'
}

/** What came of a chain for some packets. */
interface Passed {
  readonly returned: Node
  readonly accepted: Node
  readonly dropped: Node
}

/** Where packets go at a run of conditions: on with the rule, to the next one, or nowhere. */
export interface Asked {
  readonly live: Node
  readonly no: Node
  readonly drop: Node
  /** The first step behind them. */
  readonly end: number
}

const NOTHING: Passed = { returned: EMPTY, accepted: EMPTY, dropped: EMPTY }

/**
 * Runs all packets of `input` through a base chain and what it jumps to, as `traverse` (src/rules/traverse.ts) does with one. Throws VisitLimitError,
 * NodeLimitError.
 */
export function chainFlow(conditions: Conditions, table: Table, base: Chain, input: Node): ChainFlow {
  const walker = new Walker(conditions, table)
  const { returned, accepted, dropped } = walker.run(base, input)
  const { bdd } = conditions.space
  const accepts = (base.base?.policy ?? 'accept') === 'accept'
  return {
    input,
    accepted: accepts ? bdd.or(accepted, returned) : accepted,
    dropped: accepts ? dropped : bdd.or(dropped, returned),
    byPolicy: returned,
    rules: walker.rules,
    chains: walker.chains,
    nat: walker.nat,
  }
}

/** The packets of `set` that can match a rule, as far as its conditions before its effects tell. */
export const matching = (conditions: Conditions, rule: Rule, set: Node): Node =>
  conditions.space.bdd.and(set, asked(conditions, rule, 0).live)

const shapes = new WeakMap<Conditions, WeakMap<Rule, Map<number, Asked>>>()

/** The conditions of a rule from step `from` on, as far as nothing else stands between them. Worked out once. */
export function asked(conditions: Conditions, rule: Rule, from: number): Asked {
  let rules = shapes.get(conditions)
  if (!rules) {
    rules = new WeakMap()
    shapes.set(conditions, rules)
  }
  let known = rules.get(rule)
  if (!known) {
    known = new Map()
    rules.set(rule, known)
  }
  let found = known.get(from)
  if (!found) {
    found = ask(conditions, rule.steps, from)
    known.set(from, found)
  }
  return found
}

function ask(conditions: Conditions, steps: readonly Step[], from: number): Asked {
  const { bdd } = conditions.space
  let [live, no, dropped]: [Node, Node, Node] = [FULL, EMPTY, EMPTY]
  let end = from
  for (let step = steps[end]; step && 'if' in step; step = steps[++end]) {
    const parts = conditions.parts(step.if)
    dropped = bdd.or(dropped, bdd.and(live, parts.drop))
    const doubtful = bdd.and(live, parts.unknown)
    const supposed = doubtful === EMPTY ? EMPTY : notRuledOut(conditions, steps, end + 1, doubtful)
    no = bdd.or(no, bdd.or(bdd.and(live, parts.no), doubtful))
    live = bdd.or(bdd.and(live, parts.yes), supposed)
  }
  return { live, no, drop: dropped, end }
}

/** Where a condition is not known, the packets that a later one does not surely keep from matching (as `laterNo` does for one). */
function notRuledOut(conditions: Conditions, steps: readonly Step[], from: number, doubtful: Node): Node {
  const { bdd } = conditions.space
  let left = doubtful
  for (const step of steps.slice(from)) {
    if (!('if' in step)) break
    if (!isPure(step.if)) continue
    const { yes, no, drop, unknown } = conditions.parts(step.if)
    left = bdd.minus(left, bdd.minus(no, bdd.or(yes, bdd.or(drop, unknown))))
  }
  return left
}

class Walker {
  readonly rules = new Map<Rule, RuleFlow>()
  readonly chains = new Map<string, Node>()
  readonly nat: NatUse[] = []
  readonly #conditions: Conditions
  readonly #table: Table
  readonly #known = new Map<string, Passed>()
  #visits = 0

  constructor(conditions: Conditions, table: Table) {
    this.#conditions = conditions
    this.#table = table
  }

  run(chain: Chain, input: Node): Passed {
    const key = `${input} ${chain.name}`
    const known = this.#known.get(key)
    if (known) return known
    const { bdd } = this.#conditions.space
    this.chains.set(chain.name, bdd.or(this.chains.get(chain.name) ?? EMPTY, input))
    const { space } = this.#conditions
    let reach = input
    // put together at the end, small sets with small ones: the sets of a long chain are large
    const ends: { readonly [K in keyof Passed]: Node[] } = { returned: [], accepted: [], dropped: [] }
    for (const [i, rule] of chain.rules.entries()) {
      if (reach === EMPTY) break
      if (++this.#visits > MOST_VISITS) throw new VisitLimitError('the chains call each other too often to be followed')
      const flow = this.#flow(rule, chain, i + 1)
      flow.reach = bdd.or(flow.reach, reach)
      const passed = this.#rule(flow, reach)
      flow.visits.push([reach, passed.next])
      reach = passed.next
      for (const way of ['returned', 'accepted', 'dropped'] as const)
        if (passed[way] !== EMPTY) ends[way].push(passed[way])
    }
    ends.returned.push(reach)
    const result = {
      returned: space.union(ends.returned),
      accepted: space.union(ends.accepted),
      dropped: space.union(ends.dropped),
    }
    this.#known.set(key, result)
    return result
  }

  #flow(rule: Rule, chain: Chain, number: number): RuleFlow {
    let flow = this.rules.get(rule)
    if (!flow) {
      flow = {
        rule,
        chain: chain.name,
        number,
        reach: EMPTY,
        matched: EMPTY,
        accepted: EMPTY,
        dropped: EMPTY,
        visits: [],
      }
      this.rules.set(rule, flow)
    }
    return flow
  }

  /** `returned`: to the caller of this chain. */
  #rule(flow: RuleFlow, reach: Node): Passed & { readonly next: Node } {
    const { bdd } = this.#conditions.space
    const { steps } = flow.rule
    let passed = NOTHING
    const add = (more: Partial<Passed>) => {
      passed = {
        returned: bdd.or(passed.returned, more.returned ?? EMPTY),
        accepted: bdd.or(passed.accepted, more.accepted ?? EMPTY),
        dropped: bdd.or(passed.dropped, more.dropped ?? EMPTY),
      }
    }
    const own = (verdict: Partial<Passed>) => {
      if (verdict.accepted !== undefined) flow.accepted = bdd.or(flow.accepted, verdict.accepted)
      if (verdict.dropped !== undefined) flow.dropped = bdd.or(flow.dropped, verdict.dropped)
      add(verdict)
    }
    // conditions as one small set each, then the large one is looked at once for each way
    let [live, next]: [Node, Node] = [reach, EMPTY]
    for (let i = 0; i < steps.length && live !== EMPTY; ) {
      const part = asked(this.#conditions, flow.rule, i)
      if (part.end > i) {
        const cut = bdd.and(live, part.drop)
        if (cut !== EMPTY) own({ dropped: cut })
        next = bdd.or(next, bdd.and(live, part.no))
        live = bdd.and(live, part.live)
        i = part.end
        continue
      }
      const step = steps[i++]!
      if ('count' in step) flow.matched = bdd.or(flow.matched, live)
      else if ('do' in step) {
        const done = this.#effect(flow, step.do, live)
        if (done.own) own(done.own)
        if (done.called) add(done.called)
        next = bdd.or(next, done.returnedHere ?? EMPTY)
        live = done.live
      }
    }
    return { ...passed, next: bdd.or(next, live) }
  }

  /** `live`: packets that go on to the rule's next step; `returnedHere`: that come back from a chain, to the next rule. */
  #effect(
    { rule }: RuleFlow,
    effect: Effect,
    live: Node,
  ): {
    readonly live: Node
    readonly own?: Partial<Passed>
    readonly called?: Partial<Passed>
    readonly returnedHere?: Node
  } {
    const { space } = this.#conditions
    switch (effect.do) {
      case 'accept':
        return { live: EMPTY, own: { accepted: live } }
      case 'drop':
      case 'reject':
        return { live: EMPTY, own: { dropped: live } }
      case 'return':
        return { live: EMPTY, own: { returned: live } }
      case 'jump':
      case 'goto': {
        const chain = this.#table.chains.get(effect.chain)
        if (!chain) throw new Error(`chain ${effect.chain} of table ${this.#table.name} does not exist`)
        const { returned, accepted, dropped } = this.run(chain, live)
        if (effect.do === 'goto') return { live: EMPTY, called: { accepted, dropped, returned } }
        return { live: EMPTY, called: { accepted, dropped }, returnedHere: returned }
      }
      case 'nat':
        this.nat.push({ rule, effect, packets: live })
        // MASQUERADE and REDIRECT drop where the interface has no address
        return { live: EMPTY, own: effect.how ? { accepted: live, dropped: live } : { accepted: live } }
      case 'set':
      case 'add':
        return { live: written(space, live, effect) }
      case 'mss':
        return { live, own: { dropped: space.bdd.minus(live, space.present('tcp.header')) } }
      case 'tcp-bits': {
        const cut = space.bdd.minus(live, space.present('tcp.urgent'))
        const field = {
          do: 'set',
          field: 'tcp.flags',
          keep: effect.keep,
          xor: { from: 'constant', value: effect.set },
        } as const
        return { live: written(space, live, field), own: { dropped: cut } }
      }
      case 'strip-options':
        return { live, own: { dropped: space.bdd.minus(live, space.present('tcp.header')) } }
      case 'map-prefix': {
        const field = effect.which === 'src' ? 'ip6.saddr' : 'ip6.daddr'
        return { live: space.forget(live, [field]), own: { dropped: live } }
      }
      case 'hash-mark':
        return { live: space.bdd.or(live, space.forget(live, ['meta.mark'])) }
      case 'to-socket': {
        const keep = ~effect.mask >>> 0
        const field = { do: 'set', field: 'meta.mark', keep, xor: { from: 'constant', value: effect.mark } } as const
        return { live: EMPTY, own: { accepted: written(space, live, field), dropped: live } }
      }
      case 'answer-syn':
        return { live, own: { accepted: live, dropped: live } }
      case 'notrack':
        return { live: untracked(space, live) }
      case 'map-set': {
        const fields = effect.to.flatMap((to) => (to === 'queue' ? [] : [`meta.${to}` as const]))
        return { live: space.bdd.or(live, space.forget(live, fields)) }
      }
      case 'log':
      case 'duplicate':
      case 'template':
      case 'change-set':
        return { live }
      case 'queue':
        return { live: effect.bypass ? live : EMPTY, own: { accepted: live, dropped: live } }
      case 'unknown':
        return { live, own: { accepted: live, dropped: live } }
    }
  }
}
