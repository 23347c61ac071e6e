import type { Hook } from '../rules/program.js'
import { type RuleHost, type RuleVisit, traverse } from '../rules/traverse.js'
import type { Cursor } from './cursor.js'
import { perform } from './effects.js'
import type { Fate } from './fate.js'
import type { ChainEntry } from './hooks.js'
import { SkbSubject } from './subject.js'
import type { ChainVisit } from './trail.js'

/** What a rule did that the hook must know about once the chain is through. */
export interface ChainRun {
  readonly visit: ChainVisit
  readonly verdict: 'accept' | 'drop' | 'stolen'
  /** What REJECT does: carried out once the chain's visit is on record, since the answer's own walk comes behind it. */
  readonly afterwards: (() => Fate) | undefined
  readonly decidedBy: RuleVisit | undefined
}

/** Runs one base chain over the packet; records nothing but counters. `more`: bytes that are counted besides. */
export function runChain(cursor: Cursor, entry: ChainEntry, more = 0): ChainRun {
  const { netns, skb } = cursor
  const { silent } = cursor.run.options
  const visits: RuleVisit[] = []
  let afterwards: (() => Fate) | undefined
  const host: RuleHost = {
    subject: new SkbSubject(cursor),
    count: (rule) => netns.countRule(rule, skb.packet.bytes.length + more),
    record: silent ? undefined : (visit) => visits.push(visit),
    suppose(rule, because, { chain, number }, ways) {
      const weights = ways.map(() => 1 / ways.length)
      const about = `${entry.table.name}/${chain} rule ${number}: ${because?.text ?? rule.text}`
      return ways[cursor.run.options.chooser.choose({ kind: 'unknown', weights, about })]!
    },
    perform(effect) {
      const performed = perform(cursor, effect)
      afterwards = performed.afterwards ?? afterwards
      return performed
    },
  }
  const { verdict, by } = traverse(entry.table, entry.chain, host)
  if (!by) netns.countPolicy(entry, skb.packet.bytes.length + more)
  const decidedBy = { chain: by?.chain ?? entry.chain.name, number: by?.number, rule: by?.rule }
  return {
    visit: { ...describeChain(entry), visits, verdict, decidedBy, skipped: undefined },
    verdict,
    afterwards,
    decidedBy: by,
  }
}

const describeChain = ({ table, chain, base }: ChainEntry) => ({
  table: table.name,
  backend: table.backend,
  family: table.family,
  chain: chain.name,
  priority: base.priority,
  type: base.type,
})

/** A chain that stands on the hook and is not asked. */
export const skippedChain = (entry: ChainEntry, why: string): ChainVisit => ({
  ...describeChain(entry),
  visits: [],
  verdict: 'accept',
  decidedBy: { chain: entry.chain.name, number: undefined, rule: undefined },
  skipped: why,
})

/** Adds a chain's visit to the hook's step if nothing else happened since, else to a new one. */
export function recordChain(cursor: Cursor, hook: Hook, visit: ChainVisit): void {
  if (cursor.run.options.silent) return
  const last = cursor.steps.at(-1)
  const { iif, oif } = cursor.skb
  if (last?.kind === 'hook' && last.hook === hook && last.iif === iif && last.oif === oif) {
    cursor.steps.pop()
    cursor.record({ kind: 'hook', hook, iif, oif, chains: [...last.chains, visit] })
  } else cursor.record({ kind: 'hook', hook, iif, oif, chains: [visit] })
}
