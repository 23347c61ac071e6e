import type { Outcome } from './condition.js'
import type { Effect } from './effect.js'
import { interpret, isPure, type Judgement, type Reason, type Subject } from './interpret.js'
import type { Chain, Rule, Table } from './program.js'

export type Verdict = 'accept' | 'drop' | 'stolen'

/** One look at one rule. */
export interface RuleVisit {
  readonly chain: string
  /** From 1 within its chain, as `iptables --line-numbers` counts. */
  readonly number: number
  readonly rule: Rule
  readonly outcome: Outcome
  readonly because: Reason | undefined
  /** What it did, in words of the field: `ACCEPT`, `jump DOCKER`, `mark 0x0 → 0x4000`. */
  readonly did: readonly string[]
  /** How many jumps lead here; 0 in the base chain. */
  readonly depth: number
}

/** What an effect came to: a verdict ends the base chain, `next` goes on behind it. */
export interface Performed {
  readonly did: string
  readonly verdict: Verdict | 'next'
}

/** What an outcome that is not known may be. */
export type Supposed = 'no' | 'yes' | 'drop'

const EITHER: readonly Supposed[] = ['no', 'yes']
const OR_DROP: readonly Supposed[] = ['no', 'yes', 'drop']

/** Who walks: sees the packet, carries out effects, keeps counters and the record. */
export interface RuleHost {
  readonly subject: Subject
  /** Every effect but accept, drop, return, jump and goto. */
  perform(
    effect: Exclude<Effect, ControlEffect>,
    at: { readonly chain: string; readonly number: number; readonly rule: Rule },
  ): Performed
  /** As what a rule whose outcome is not known is taken on this branch: one of `ways`. */
  suppose(
    rule: Rule,
    because: Reason | undefined,
    at: { readonly chain: string; readonly number: number },
    ways: readonly Supposed[],
  ): Supposed
  count(rule: Rule): void
  /** Left out: nobody looks at what rules were looked at. */
  readonly record?: ((visit: RuleVisit) => void) | undefined
}

type ControlEffect =
  | { readonly do: 'accept' | 'drop' | 'return' }
  | { readonly do: 'jump' | 'goto'; readonly chain: string }

export interface Traversal {
  readonly verdict: Verdict
  /** The deciding rule; without one the base chain's policy decided. */
  readonly by: RuleVisit | undefined
}

interface Frame {
  readonly chain: Chain
  next: number
  readonly depth: number
}

/** Runs a base chain and what it jumps to, as ipt_do_table (net/ipv4/netfilter/ip_tables.c) and nft_do_chain do. */
export function traverse(table: Table, base: Chain, host: RuleHost): Traversal {
  const stack: Frame[] = [{ chain: base, next: 0, depth: 0 }]
  for (;;) {
    const frame = stack.at(-1)
    if (!frame) return { verdict: base.base?.policy ?? 'accept', by: undefined }
    const rule = frame.chain.rules[frame.next]
    if (!rule) {
      stack.pop()
      continue
    }
    frame.next++
    const { visit, goes } = visitRule(rule, frame, host)
    if (visit) host.record?.(visit)
    if (goes.to === 'verdict') return { verdict: goes.verdict, by: visit }
    if (goes.to === 'return') stack.pop()
    if (goes.to === 'chain') {
      const chain = table.chains.get(goes.chain)
      if (!chain) throw new Error(`chain ${goes.chain} of table ${table.name} does not exist`)
      if (goes.instead) stack.pop()
      stack.push({ chain, next: 0, depth: frame.depth + 1 })
    }
  }
}

type Goes =
  | { readonly to: 'next' | 'return' }
  | { readonly to: 'verdict'; readonly verdict: Verdict }
  | { readonly to: 'chain'; readonly chain: string; readonly instead: boolean }

interface Visited {
  /** Undefined where nobody asks for it: the rule decided nothing, and visits are not recorded. */
  readonly visit: RuleVisit | undefined
  readonly goes: Goes
}

const NEXT: Goes = { to: 'next' }
const PASSED: Visited = { visit: undefined, goes: NEXT }

function visitRule(rule: Rule, frame: Frame, host: RuleHost): Visited {
  const did: string[] = []
  const done = ({ outcome, because }: Judgement, goes: Goes): Visited => {
    if (!host.record && goes.to !== 'verdict') return goes === NEXT ? PASSED : { visit: undefined, goes }
    const visit = { chain: frame.chain.name, number: frame.next, rule, outcome, because, did, depth: frame.depth }
    return { visit, goes }
  }
  let last: Judgement = { outcome: 'yes' }
  for (let i = 0; i < rule.steps.length; i++) {
    const step = rule.steps[i]!
    if ('if' in step) {
      const judged = interpret(step.if, host.subject)
      if (judged.outcome === 'unknown') {
        const ruledOut = judged.mayDrop ? undefined : laterNo(rule, i + 1, host.subject)
        if (ruledOut) return done(ruledOut, NEXT)
        const supposed = host.suppose(rule, judged.because, placeOf(frame, rule), judged.mayDrop ? OR_DROP : EITHER)
        if (supposed === 'drop') return done(judged, { to: 'verdict', verdict: 'drop' })
        if (supposed === 'no') return done(judged, NEXT)
        last = judged
      } else if (judged.outcome === 'no') return done(judged, NEXT)
      else if (judged.outcome === 'drop') {
        did.push('DROP (header cut off)')
        return done(judged, { to: 'verdict', verdict: 'drop' })
      } else if (last.outcome !== 'unknown') last = judged
    } else if ('count' in step) host.count(rule)
    else {
      const goes = performStep(step.do, placeOf(frame, rule), host, did)
      if (goes.to !== 'next') return done(last, goes)
    }
  }
  return done(last, NEXT)
}

const placeOf = ({ chain, next }: Frame, rule: Rule) => ({ chain: chain.name, number: next, rule })

/** A definite `no` further down makes an unknown condition unimportant, if nothing in between changes anything. */
function laterNo(rule: Rule, from: number, subject: Subject): Judgement | undefined {
  for (const step of rule.steps.slice(from)) {
    if (!('if' in step)) return undefined
    if (!isPure(step.if, subject)) continue
    const judged = interpret(step.if, subject)
    if (judged.outcome === 'no') return judged
  }
  return undefined
}

function performStep(
  effect: Effect,
  at: { chain: string; number: number; rule: Rule },
  host: RuleHost,
  did: string[],
): Goes {
  switch (effect.do) {
    case 'accept':
    case 'drop':
      did.push(effect.do.toUpperCase())
      return { to: 'verdict', verdict: effect.do }
    case 'return':
      did.push('RETURN')
      return { to: 'return' }
    case 'jump':
    case 'goto':
      did.push(`${effect.do} ${effect.chain}`)
      return { to: 'chain', chain: effect.chain, instead: effect.do === 'goto' }
    default: {
      const performed = host.perform(effect, at)
      did.push(performed.did)
      return performed.verdict === 'next' ? NEXT : { to: 'verdict', verdict: performed.verdict }
    }
  }
}
