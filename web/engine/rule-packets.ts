import { Scope } from '../../src/analysis/scope.js'
import { existingInterfaces, localAddresses, walked, witness } from '../../src/analysis/witness.js'
import type { Branch } from '../../src/path/trail.js'
import { type Hosts, type Namespace, placeName } from '../../src/path/world.js'
import type { Hook, Rule } from '../../src/rules/program.js'
import { EMPTY, type Node } from '../../src/sets/bdd.js'
import { shownFields } from '../../src/sets/blocks.js'
import { describe } from '../../src/sets/describe.js'
import { pickOne, sampleText } from '../../src/sets/sample.js'
import type { ChainAddress } from './protocol.js'

/** Which packets come to a rule, which of them match it, and one of those. */
export interface RulePackets {
  readonly reach: Packets
  readonly match: Packets
  /** As `trace` reads it: a packet that matches the rule on its walk; null where none that was tried does. */
  readonly example: string | null
}

export interface Packets {
  readonly lines: readonly string[]
  readonly more: boolean
}

const MOST_BLOCKS = 24

/** Undefined where there is no such rule. Throws NodeLimitError, VisitLimitError. */
export function rulePackets(
  hosts: Hosts,
  namespace: Namespace,
  address: ChainAddress,
  number: number,
): RulePackets | undefined {
  const scope = new Scope(hosts, namespace, address.family)
  const table = namespace.tables.find(
    ({ name, family, backend }) => name === address.table && family === address.family && backend === address.backend,
  )
  const rule = table?.chains.get(address.chain)?.rules[number - 1]
  if (!table || !rule) return undefined
  const { space } = scope
  const { bdd } = space
  let [reached, matched, input]: [Node, Node, Node] = [EMPTY, EMPTY, EMPTY]
  let example: string | null = null
  for (const entry of scope.allEntries) {
    if (entry.table !== table) continue
    const flow = scope.flow(entry)
    const at = flow.rules.get(rule)
    if (!at) continue
    reached = bdd.or(reached, at.reach)
    matched = bdd.or(matched, at.matched)
    input = bdd.or(input, flow.input)
    if (at.matched !== EMPTY) example ??= exampleOf(scope, at.matched, rule, entry.base.hook)
  }
  const fields = shownFields(address.family)
  // what cannot be told apart by all of them may be by the first
  const shown = (set: Node, count = fields.length): Packets => {
    if (set === EMPTY) return { lines: [], more: false }
    const { lines, more } = describe(space, set, fields.slice(0, count), MOST_BLOCKS, input)
    return lines.length === 0 && count > 1 ? shown(set, count - 1) : { lines, more }
  }
  return { reach: shown(reached), match: shown(matched), example }
}

/** Does the walker lead it to the rule, and does it match there? */
function exampleOf(scope: Scope, set: Node, rule: Rule, hook: Hook): string | null {
  const matches = (branches: readonly Branch[]) =>
    branches.some(({ steps }) =>
      steps.some(
        (step) =>
          step.kind === 'hook' &&
          step.chains.some(({ visits }) => visits.some((visit) => visit.rule === rule && visit.outcome === 'yes')),
      ),
    )
  const local = localAddresses(scope, 'daddr')
  const wishes = hook === 'input' ? [local] : hook === 'forward' ? [scope.space.bdd.not(local)] : []
  const arriving = witness(scope, set, matches, wishes)
  if (arriving) return arriving.text
  // what this host sends itself
  const own = pickOne(scope.space, set, [existingInterfaces(scope)])
  if (!own) return null
  for (const text of [sampleText(own.sample), sampleText(own.sample, placeName(scope.namespace))]) {
    const branches = walked(scope, text)
    if (branches && matches(branches)) return text
  }
  return null
}
