import { isPure } from '../rules/interpret.js'
import type { Rule, Step } from '../rules/program.js'
import { type Bdd, EMPTY, FULL, type Node } from './bdd.js'
import type { Conditions, Parts } from './conditions.js'
import type { Space } from './space.js'

/** Where packets go at a run of conditions: on with the rule, to the next one, or nowhere. */
export interface Asked {
  readonly live: Node
  readonly no: Node
  readonly drop: Node
  /** Is there a packet in `drop`? */
  readonly drops: boolean
  /** Those in `live` and in `drop`. */
  readonly touched: Node
  /** No packet is in two of `live`, `no` and `drop`. */
  readonly isExact: boolean
  /** The first step behind them. */
  readonly end: number
}

/** Every packet is in one of `live`, `drop` and the others: the complement of `touched`. */
class Split implements Asked {
  readonly isExact = true
  readonly live: Node
  readonly touched: Node
  readonly end: number
  readonly #bdd: Bdd

  constructor(bdd: Bdd, live: Node, touched: Node, end: number) {
    this.#bdd = bdd
    this.live = live
    this.touched = touched
    this.end = end
  }

  get no(): Node {
    return this.#bdd.not(this.touched)
  }

  get drops(): boolean {
    return this.touched !== this.live
  }

  get drop(): Node {
    return this.#bdd.minus(this.touched, this.live)
  }
}

/** The packets of `set` that can match a rule, as far as its conditions before its effects tell. */
export const matching = (conditions: Conditions, rule: Rule, set: Node): Node =>
  conditions.space.bdd.and(set, asked(conditions, rule, 0).live)

/** `whole`: from the first step on, with nothing known beforehand; the others by both. */
interface Shapes {
  readonly whole: Map<Rule, Asked>
  readonly others: Map<Rule, Map<number, Asked>>
}

const shapes = new WeakMap<Conditions, Shapes>()

/**
 * The conditions of a rule from step `from` on, as far as nothing else stands between them. Worked out once. `given` (`Bdd.values`): what is known of the packets
 * beforehand; what comes out for others is of no use.
 */
export function asked(conditions: Conditions, rule: Rule, from: number, given?: number): Asked {
  let known = shapes.get(conditions)
  if (!known) {
    known = { whole: new Map(), others: new Map() }
    shapes.set(conditions, known)
  }
  if (from === 0 && given === undefined) {
    let found = known.whole.get(rule)
    if (!found) {
      found = ask(conditions, rule.steps, from, given)
      known.whole.set(rule, found)
    }
    return found
  }
  let others = known.others.get(rule)
  if (!others) {
    others = new Map()
    known.others.set(rule, others)
  }
  const key = from + ((given ?? -1) + 1) * MOST_STEPS
  let found = others.get(key)
  if (!found) {
    found = ask(conditions, rule.steps, from, given)
    others.set(key, found)
  }
  return found
}

/** More than any rule has. */
const MOST_STEPS = 1 << 16

function ask(conditions: Conditions, steps: readonly Step[], from: number, given: number | undefined): Asked {
  const { bdd } = conditions.space
  const partsOf = (step: Step): Parts => {
    const parts = conditions.parts((step as Extract<Step, { if: unknown }>).if)
    if (given === undefined) return parts
    const of = (set: Node) => bdd.assign(set, given)
    const { yes, no, drop, unknown, mayDrop, isSplit } = parts
    return {
      yes: of(yes),
      no: of(no),
      drop: of(drop),
      unknown: of(unknown),
      ...(mayDrop === undefined ? {} : { mayDrop: of(mayDrop) }),
      ...(isSplit === undefined ? {} : { isSplit }),
    }
  }
  const all: Parts[] = []
  let end = from
  for (let step = steps[end]; step && 'if' in step; step = steps[++end]) all.push(partsOf(step))
  if (all.every((parts) => isSplit(bdd, parts))) return split(conditions.space, all, end)
  return askInTurn(bdd, steps.slice(from, end), all, end)
}

/** Each packet comes out in one way: yes, no, or drop. */
function isSplit(bdd: Bdd, { yes, no, drop, unknown, isSplit: known }: Parts): boolean {
  if (known || unknown !== EMPTY) return known === true
  return (drop === EMPTY ? yes : bdd.meets(yes, drop) ? undefined : bdd.or(yes, drop)) === bdd.not(no)
}

/** Nothing has to be built for each condition then: what matters is who fulfils all, and who fulfils all before one that drops. */
function split(space: Space, asked: readonly Parts[], end: number): Asked {
  const { bdd } = space
  const live = space.intersection(asked.map(({ yes }) => yes))
  if (asked.every(({ drop }) => drop === EMPTY)) return new Split(bdd, live, live, end)
  let touched: Node = FULL
  let group: Node[] = []
  for (const { yes, drop } of asked.toReversed()) {
    if (drop === EMPTY) group.push(yes)
    else {
      const behind = space.intersection([touched, ...group])
      touched = bdd.or(drop, bdd.and(yes, behind))
      group = []
    }
  }
  touched = space.intersection([touched, ...group])
  return new Split(bdd, live, touched, end)
}

function askInTurn(bdd: Bdd, steps: readonly Step[], all: readonly Parts[], end: number): Asked {
  let [live, no, dropped]: [Node, Node, Node] = [FULL, EMPTY, EMPTY]
  for (const [i, parts] of all.entries()) {
    const perhaps = bdd.and(live, parts.mayDrop ?? EMPTY)
    dropped = bdd.or(dropped, bdd.or(bdd.and(live, parts.drop), perhaps))
    const doubtful = bdd.and(live, parts.unknown)
    const left = bdd.minus(doubtful, perhaps)
    const supposed = left === EMPTY ? perhaps : bdd.or(perhaps, notRuledOut(bdd, steps, all, i + 1, left))
    no = bdd.or(no, bdd.or(bdd.and(live, parts.no), doubtful))
    live = bdd.or(bdd.and(live, parts.yes), supposed)
  }
  return { live, no, drop: dropped, drops: dropped !== EMPTY, touched: bdd.or(live, dropped), isExact: false, end }
}

/** Where a condition is not known, the packets that a later one does not surely keep from matching (as `laterNo` does for one). */
function notRuledOut(bdd: Bdd, steps: readonly Step[], all: readonly Parts[], from: number, doubtful: Node): Node {
  let left = doubtful
  for (const [i, { yes, no, drop, unknown }] of all.entries()) {
    const step = steps[i]!
    if (i < from || !('if' in step) || !isPure(step.if)) continue
    left = bdd.minus(left, bdd.minus(no, bdd.or(yes, bdd.or(drop, unknown))))
  }
  return left
}
