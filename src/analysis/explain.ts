import type { Family } from '../address/ip.js'
import type { Branch } from '../path/trail.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import type { Hook, Rule, Table } from '../rules/program.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import { shownFields } from '../sets/blocks.js'
import { matching } from '../sets/chains.js'
import { type Described, describe } from '../sets/describe.js'
import { pickOne, sampleText } from '../sets/sample.js'
import { effectsOf, Scope, type ScopeOptions } from './scope.js'
import { existingInterfaces, localAddresses, walked, witness } from './witness.js'

export interface RuleAddress {
  readonly place: Namespace
  readonly family: Family
  readonly table: string
  /** Where a host has tables of both. */
  readonly backend?: 'legacy' | 'nft'
  readonly chain: string
  /** From 1, as `iptables --line-numbers` counts. */
  readonly number: number
}

/** A rule that stands before it and takes packets that it would match. */
export interface Taker {
  readonly chain: string
  readonly number: number
  readonly text: string
  readonly file: string | undefined
  readonly line: number | undefined
  readonly packets: Described
}

/** What one rule does, over all packets that can be on its hook. */
export interface Explanation {
  readonly rule: Rule
  /** Base chains from which it is reached; none: no packet comes to it. */
  readonly hooks: readonly string[]
  readonly comes: Described
  readonly matches: Described
  /** What it ends itself: accepts, drops, rejects, translates. */
  readonly decides: Described
  /** Those that its conditions fit and that do not come to it. */
  readonly missed: Described
  readonly takers: readonly Taker[]
  readonly moreTakers: boolean
  /** A packet that matches it on its walk, as `trace` reads it. */
  readonly example: string | undefined
}

const MOST_BLOCKS = 24
const MOST_TAKERS = 20

/** Undefined where there is no such rule. Throws NodeLimitError, VisitLimitError. */
export function explain(hosts: Hosts, address: RuleAddress, options: ScopeOptions = {}): Explanation | undefined {
  const { place, family, backend } = address
  const table = place.tables.find(
    (one) => one.name === address.table && one.family === family && (!backend || one.backend === backend),
  )
  const rule = table?.chains.get(address.chain)?.rules[address.number - 1]
  if (!table || !rule) return undefined
  const scope = new Scope(hosts, place, family, { ...options, listedSets: true })
  const { bdd } = scope.space
  let [comes, matches, decides, missed, input]: [Node, Node, Node, Node, Node] = [EMPTY, EMPTY, EMPTY, EMPTY, EMPTY]
  const takers: Taker[] = []
  const hooks: string[] = []
  let example: string | undefined
  for (const entry of scope.allEntries) {
    if (entry.table !== table) continue
    const flow = scope.flow(entry)
    const wanted = calls(table, entry.chain.name, address.chain) ? matching(scope.conditions, rule, flow.input) : EMPTY
    if (wanted === EMPTY) continue
    input = bdd.or(input, flow.input)
    const at = flow.rules.get(rule)
    if (at && at.reach !== EMPTY) hooks.push(entry.chain.name)
    const reached = at?.reach ?? EMPTY
    comes = bdd.or(comes, reached)
    matches = bdd.or(matches, at?.matched ?? EMPTY)
    decides = bdd.or(decides, at ? bdd.or(at.accepted, at.dropped) : EMPTY)
    const lost = bdd.minus(wanted, reached)
    missed = bdd.or(missed, lost)
    for (const { rule: other, chain, number, accepted, dropped, gone } of flow.rules.values()) {
      if (other === rule || lost === EMPTY) continue
      const ends = effectsOf(other).some((effect) => effect.do === 'return') ? gone : bdd.or(accepted, dropped)
      const taken = bdd.and(ends, lost)
      if (taken === EMPTY) continue
      const { file, line } = other.source ?? {}
      takers.push({ chain, number, text: other.text, file, line, packets: shown(scope, taken, flow.input) })
    }
    if (at && at.matched !== EMPTY) example ??= exampleOf(scope, at.matched, rule, entry.base.hook)
  }
  const of = (set: Node) => shown(scope, set, input)
  return {
    rule,
    hooks,
    comes: of(comes),
    matches: of(matches),
    decides: of(decides),
    missed: of(missed),
    takers: takers.slice(0, MOST_TAKERS),
    moreTakers: takers.length > MOST_TAKERS,
    example,
  }
}

/** Can a packet get from one chain to another? */
function calls(table: Table, from: string, to: string, seen = new Set<string>()): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return (table.chains.get(from)?.rules ?? []).some((rule) =>
    effectsOf(rule).some(
      (effect) => (effect.do === 'jump' || effect.do === 'goto') && calls(table, effect.chain, to, seen),
    ),
  )
}

/** Blocks by the fields that people tell packets apart by; where those make too many, by fewer. */
function shown({ space, family }: Scope, set: Node, input: Node): Described {
  if (set === EMPTY) return { lines: [], more: false }
  const fields = shownFields(family)
  for (let count = fields.length; count > 1; count--) {
    const found = describe(space, set, fields.slice(0, count), MOST_BLOCKS, input)
    if (found.lines.length > 0) return found
  }
  return describe(space, set, fields.slice(0, 1), MOST_BLOCKS, input)
}

/** A packet that the walker leads to the rule, and that matches there. */
function exampleOf(scope: Scope, set: Node, rule: Rule, hook: Hook): string | undefined {
  const isMatched = (branches: readonly Branch[]) =>
    branches.some(({ steps }) =>
      steps.some(
        (step) =>
          step.kind === 'hook' &&
          step.chains.some(({ visits }) => visits.some((visit) => visit.rule === rule && visit.outcome === 'yes')),
      ),
    )
  const local = localAddresses(scope, 'daddr')
  const wishes = hook === 'input' ? [local] : hook === 'forward' ? [scope.space.bdd.not(local)] : []
  const arriving = witness(scope, set, isMatched, wishes)
  if (arriving) return arriving.text
  const own = pickOne(scope.space, set, [existingInterfaces(scope)])
  if (!own) return undefined
  for (const text of [
    sampleText(own.sample),
    `${sampleText({ ...own.sample, iif: '' })} from ${placeName(scope.namespace)}`,
  ]) {
    const branches = walked(scope, text)
    if (branches && isMatched(branches)) return text
  }
  return undefined
}
