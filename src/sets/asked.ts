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
  /** Those in `live` and in `drop`. */
  readonly touched: Node
  /** The first step behind them. */
  readonly end: number
}

/** Every packet is in one of `live`, `drop` and the others: the complement of `touched`. */
class Split implements Asked {
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

  get drop(): Node {
    return this.#bdd.minus(this.touched, this.live)
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
  const asked: Parts[] = []
  let end = from
  for (let step = steps[end]; step && 'if' in step; step = steps[++end]) asked.push(conditions.parts(step.if))
  const { bdd } = conditions.space
  return asked.every((parts) => isSplit(bdd, parts))
    ? split(conditions.space, asked, end)
    : askInTurn(conditions, steps, from, end)
}

/** Each packet comes out in one way: yes, no, or drop. */
const isSplit = (bdd: Bdd, { yes, no, drop, unknown }: Parts): boolean =>
  unknown === EMPTY && !bdd.meets(yes, drop) && bdd.or(yes, drop) === bdd.not(no)

/** Nothing has to be built for each condition then: what matters is who fulfils all, and who fulfils all before one that drops. */
function split(space: Space, asked: readonly Parts[], end: number): Asked {
  const { bdd } = space
  const live = space.intersection(asked.map(({ yes }) => yes))
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

function askInTurn(conditions: Conditions, steps: readonly Step[], from: number, end: number): Asked {
  const { bdd } = conditions.space
  let [live, no, dropped]: [Node, Node, Node] = [FULL, EMPTY, EMPTY]
  for (let i = from; i < end; i++) {
    const parts = conditions.parts((steps[i] as Extract<Step, { if: unknown }>).if)
    dropped = bdd.or(dropped, bdd.and(live, parts.drop))
    const doubtful = bdd.and(live, parts.unknown)
    const supposed = doubtful === EMPTY ? EMPTY : notRuledOut(conditions, steps, i + 1, doubtful)
    no = bdd.or(no, bdd.or(bdd.and(live, parts.no), doubtful))
    live = bdd.or(bdd.and(live, parts.yes), supposed)
  }
  return { live, no, drop: dropped, touched: bdd.or(live, dropped), end }
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
