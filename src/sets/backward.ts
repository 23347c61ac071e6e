import type { Effect } from '../rules/effect.js'
import type { Chain, Rule, Table } from '../rules/program.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import { beforeUntracked, beforeWriting } from './before-effects.js'
import { asked } from './chains.js'
import type { Conditions } from './conditions.js'

/** What counts as getting there: packets, as they are when they are accepted, and as they are when they are dropped. */
export interface Goal {
  readonly accepted: Node
  readonly dropped: Node
}

/**
 * The packets, as they come to a base chain, that may reach the goal: what the chain writes on the way is taken back. Lots, limits and what is not known are
 * taken as going either way, so that a packet outside of the set surely does not reach it.
 */
export function mayReach(conditions: Conditions, table: Table, base: Chain, goal: Goal): Node {
  const policy = (base.base?.policy ?? 'accept') === 'accept' ? goal.accepted : goal.dropped
  return new Backward(conditions, table, goal).chain(base, policy)
}

export const EVERYTHING_ACCEPTED: Goal = { accepted: FULL, dropped: EMPTY }
export const EVERYTHING_DROPPED: Goal = { accepted: EMPTY, dropped: FULL }

class Backward {
  readonly #conditions: Conditions
  readonly #table: Table
  readonly #goal: Goal
  readonly #known = new Map<string, Node>()

  constructor(conditions: Conditions, table: Table, goal: Goal) {
    this.#conditions = conditions
    this.#table = table
    this.#goal = goal
  }

  /** `returned`: what a packet must be when the chain gives it back. */
  chain(chain: Chain, returned: Node): Node {
    const key = `${returned} ${chain.name}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    let next = returned
    for (let i = chain.rules.length - 1; i >= 0; i--) next = this.#rule(chain.rules[i]!, next, returned)
    this.#known.set(key, next)
    return next
  }

  /** `next`: what a packet must be at the next rule. */
  #rule(rule: Rule, next: Node, returned: Node): Node {
    const { bdd } = this.#conditions.space
    const { steps } = rule
    let goes = next
    for (let end = steps.length; end > 0; ) {
      const step = steps[end - 1]!
      if (!('if' in step)) {
        if ('do' in step) goes = this.#effect(step.do, goes, next, returned)
        end--
        continue
      }
      let from = end
      while (from > 0 && 'if' in steps[from - 1]!) from--
      const part = asked(this.#conditions, rule, from)
      goes = bdd.or(
        bdd.or(bdd.and(part.live, goes), bdd.and(part.no, next)),
        this.#goal.dropped === EMPTY ? EMPTY : bdd.and(part.drop, this.#goal.dropped),
      )
      end = from
    }
    return goes
  }

  /** `goes`: what a packet must be behind the effect, at the rule's next step. */
  #effect(effect: Effect, goes: Node, next: Node, returned: Node): Node {
    const { space } = this.#conditions
    const { bdd } = space
    const { accepted, dropped } = this.#goal
    switch (effect.do) {
      case 'accept':
        return accepted
      case 'drop':
      case 'reject':
        return dropped
      case 'return':
        return returned
      case 'jump':
      case 'goto': {
        const chain = this.#table.chains.get(effect.chain)
        if (!chain) throw new Error(`chain ${effect.chain} of table ${this.#table.name} does not exist`)
        return this.chain(chain, effect.do === 'jump' ? next : returned)
      }
      case 'nat':
        return effect.how ? bdd.or(accepted, dropped) : accepted
      case 'set':
      case 'add':
        return beforeWriting(space, goes, effect)
      case 'mss':
        return bdd.or(goes, bdd.minus(dropped, space.present('tcp.header')))
      case 'tcp-bits': {
        const xor = { from: 'constant', value: effect.set } as const
        const before = beforeWriting(space, goes, { do: 'set', field: 'tcp.flags', keep: effect.keep, xor })
        return bdd.or(before, bdd.minus(dropped, space.present('tcp.urgent')))
      }
      case 'strip-options':
        return bdd.or(goes, bdd.minus(dropped, space.present('tcp.header')))
      case 'map-prefix':
        return bdd.or(space.forget(goes, [effect.which === 'src' ? 'ip6.saddr' : 'ip6.daddr']), dropped)
      case 'hash-mark':
        return space.forget(goes, ['meta.mark'])
      case 'to-socket': {
        const xor = { from: 'constant', value: effect.mark } as const
        const marked = { do: 'set', field: 'meta.mark', keep: ~effect.mask >>> 0, xor } as const
        return bdd.or(beforeWriting(space, accepted, marked), dropped)
      }
      case 'answer-syn':
        return bdd.or(goes, bdd.or(accepted, dropped))
      case 'notrack':
        return beforeUntracked(space, goes)
      case 'map-set': {
        const fields = effect.to.flatMap((to) => (to === 'queue' ? [] : [`meta.${to}` as const]))
        return space.forget(goes, fields)
      }
      case 'log':
      case 'duplicate':
      case 'template':
      case 'change-set':
        return goes
      case 'queue':
        return bdd.or(bdd.or(accepted, dropped), effect.bypass ? goes : EMPTY)
      case 'unknown':
        return bdd.or(goes, bdd.or(accepted, dropped))
    }
  }
}
