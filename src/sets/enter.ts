import type { Table } from '../rules/program.js'
import { EMPTY, type Node } from './bdd.js'
import { type ChainSummary, calledChain, type Summaries } from './summary.js'

/** A chain with what comes into it: sets that are put together only where that saves work. */
export interface Entered {
  readonly summary: ChainSummary
  packets: Node[]
}

const MOST_SETS = 8

/** What comes into each chain that packets of a base chain come into; `outlines`: with any value of what a chain does not ask for, which makes small sets. */
export function enter(
  summaries: Summaries,
  table: Table,
  base: ChainSummary,
  input: Node,
  outlines: boolean,
): ReadonlyMap<string, Entered> {
  const { math } = summaries
  const entered = new Map<string, Entered>()
  if (input !== EMPTY) entered.set(base.chain.name, { summary: base, packets: [input] })
  for (const summary of callersFirst(summaries, table, base)) {
    const own = entered.get(summary.chain.name)
    if (!own) continue
    // a chain of one or two rules that many others call: its visits are rarely asked for together
    const isSmall = summary.chain.rules.length <= 2 && !summary.calls
    if (own.packets.length > MOST_SETS && !isSmall) own.packets = [math.space.union(own.packets)]
    if (outlines) own.packets = own.packets.map((set) => summary.outlineOf(set))
    for (const set of own.packets)
      for (const { rule, packets } of summary.callers(set, outlines))
        for (const { chain, ways } of rule.calls) {
          const inside = math.image(ways, packets)
          if (inside === EMPTY) continue
          const called = entered.get(chain)
          if (called) called.packets.push(inside)
          else entered.set(chain, { summary: summaries.chain(table, calledChain(table, chain)), packets: [inside] })
        }
  }
  return entered
}

/** The chains that can be called from a base chain; who calls stands before who is called. */
function callersFirst(summaries: Summaries, table: Table, base: ChainSummary): readonly ChainSummary[] {
  const found: ChainSummary[] = []
  const seen = new Set<string>()
  const visit = (summary: ChainSummary) => {
    seen.add(summary.chain.name)
    for (const chain of summary.called) if (!seen.has(chain)) visit(summaries.chain(table, calledChain(table, chain)))
    found.push(summary)
  }
  visit(base)
  return found.reverse()
}
