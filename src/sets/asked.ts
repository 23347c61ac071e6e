import { isPure } from '../rules/interpret.js'
import type { Rule, Step } from '../rules/program.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import type { Conditions } from './conditions.js'

/** Where packets go at a run of conditions: on with the rule, to the next one, or nowhere. */
export interface Asked {
  readonly live: Node
  readonly no: Node
  readonly drop: Node
  /** The first step behind them. */
  readonly end: number
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
