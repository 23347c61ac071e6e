import type { Effect } from '../rules/effect.js'
import type { Rule, Table } from '../rules/program.js'
import { FULL, type Node } from '../sets/bdd.js'
import type { Conditions } from '../sets/conditions.js'
import { type ChainSummary, calledChain, Summaries } from '../sets/summary.js'
import { NO_WAYS, type Way, type WayMath } from '../sets/ways.js'

export type Nat = Extract<Effect, { do: 'nat' }>

/** The packets, as they come into a chain, that a rule of it or of those it calls translates. */
export interface TranslatedWay {
  readonly rule: Rule
  readonly effect: Nat
  readonly ways: readonly Way[]
}

/** What a nat chain does: whom it translates, whom it accepts as they are, whom it drops (but where MASQUERADE or REDIRECT finds no address). */
export interface Translations {
  readonly translated: readonly TranslatedWay[]
  readonly accepted: readonly Way[]
  readonly dropped: readonly Way[]
}

interface Piece extends Translations {
  /** Packets, as they come to the first rule, with which one of the rules may do anything. */
  readonly touched: Node
  readonly next: readonly Way[]
}

const known = new WeakMap<ChainSummary, Translations>()

/** Worked out as chains are: halves of halves, each chain once, always with the same `together`: rules with the same effect then count as one. Throws NodeLimitError, VisitLimitError. */
export function translationsOf(
  conditions: Conditions,
  table: Table,
  summary: ChainSummary,
  together: (effect: Nat) => Nat = (effect) => effect,
): Translations {
  const found = known.get(summary)
  if (found) return found
  const { math, chain } = summary
  const result = chain.rules.length === 0 ? NONE : pieceOf(0, chain.rules.length)
  known.set(summary, result)
  return result

  function pieceOf(first: number, end: number): Piece {
    if (end - first === 1) return ofRule(first)
    const middle = (first + end) >> 1
    const [left, right] = [pieceOf(first, middle), pieceOf(middle, end)]
    const { bdd } = math.space
    const [only, ...more] = left.next
    const isPlain = more.length === 0 && only?.transform === math.transforms.identity
    const touched = isPlain ? bdd.or(left.touched, right.touched) : FULL
    // what rules do that stand behind others which ask for other packets is done to all that come
    const apart = isPlain && bdd.isWithin(right.touched, only.packets)
    if (apart)
      return {
        touched,
        next: math.sequence(left.next, right.next),
        translated: joined(math, left.translated, right.translated),
        accepted: math.union(left.accepted, right.accepted),
        dropped: math.union(left.dropped, right.dropped),
      }
    return {
      touched,
      next: math.sequence(left.next, right.next),
      translated: joined(math, left.translated, behind(math, left.next, right.translated)),
      accepted: math.union(left.accepted, math.sequence(left.next, right.accepted)),
      dropped: math.union(left.dropped, math.sequence(left.next, right.dropped)),
    }
  }

  function ofRule(index: number): Piece {
    const { next, nat, calls, ownAccepted, ownDropped, touched } = summary.ruleWays(index)
    const rule = chain.rules[index]!
    let translated: readonly TranslatedWay[] = nat.map(({ effect, ways }) => ({ rule, effect: together(effect), ways }))
    let accepted = nat.length > 0 ? NO_WAYS : ownAccepted
    let dropped = nat.some(({ effect }) => effect.how) ? NO_WAYS : ownDropped
    for (const call of calls) {
      const called = Summaries.of(conditions).chain(table, calledChain(table, call.chain))
      const inside = translationsOf(conditions, table, called, together)
      translated = joined(math, translated, behind(math, call.ways, inside.translated))
      accepted = math.union(accepted, math.sequence(call.ways, inside.accepted))
      dropped = math.union(dropped, math.sequence(call.ways, inside.dropped))
    }
    return { touched, next, translated, accepted, dropped }
  }
}

const NONE: Translations = { translated: [], accepted: NO_WAYS, dropped: NO_WAYS }

const behind = (math: WayMath, ways: readonly Way[], all: readonly TranslatedWay[]): readonly TranslatedWay[] =>
  all.flatMap((one) => {
    const both = math.sequence(ways, one.ways)
    return both.length === 0 ? [] : [{ ...one, ways: both }]
  })

function joined(
  math: WayMath,
  one: readonly TranslatedWay[],
  other: readonly TranslatedWay[],
): readonly TranslatedWay[] {
  if (one.length === 0) return other
  if (other.length === 0) return one
  const all = new Map<Nat, TranslatedWay>(one.map((way) => [way.effect, way]))
  for (const way of other) {
    const known = all.get(way.effect)
    all.set(way.effect, known ? { ...known, ways: math.union(known.ways, way.ways) } : way)
  }
  return [...all.values()]
}
