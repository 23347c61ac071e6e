import type { Family } from '../../address/ip.js'
import type { Namespace } from '../../path/world.js'
import type { Rule, Table } from '../../rules/program.js'
import { align } from './align.js'

/** What a host's state says beside the rules: the matches that ask for it. */
const ASKS_THE_HOST = /(?:^| )(?:-m (?:set|addrtype|rpfilter|socket|devgroup|realm)|--(?:add|del|map)-set)(?: |$)/
const COMMENT = / -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)/g

/** A rule's text without its comments, which change nothing. */
export const plainText = ({ text }: Rule): string => (text.includes('--comment') ? text.replace(COMMENT, '') : text)

/** The rules that two versions of a chain have in common, in their order, and those that only one has. */
export interface ChainChange {
  /** For each rule of the new chain: its place in the old one; -1: it has none there. */
  readonly oldOf: Int32Array
  readonly onlyOld: readonly number[]
  readonly onlyNow: readonly number[]
}

/**
 * Two versions of a table, chain by chain. A rule is the same where its words are; where the hosts differ, only if it asks nothing of the host. What a packet meets that
 * touches none of the other rules is the same in both versions: it meets the same rules in the same order.
 */
export class TableChange {
  readonly old: Table | undefined
  readonly now: Table | undefined
  readonly #sameHost: boolean
  readonly #chains = new Map<string, ChainChange>()
  readonly #dirty = new Map<string, boolean>()

  constructor(old: Table | undefined, now: Table | undefined, sameHost: boolean) {
    this.old = old
    this.now = now
    this.#sameHost = sameHost
  }

  chain(name: string): ChainChange {
    let found = this.#chains.get(name)
    if (!found) {
      found = this.#compare(this.old?.chains.get(name)?.rules ?? [], this.now?.chains.get(name)?.rules ?? [])
      this.#chains.set(name, found)
    }
    return found
  }

  /** May packets fare differently in the chain, or in one that it calls? */
  isChanged(name: string): boolean {
    const known = this.#dirty.get(name)
    if (known !== undefined) return known
    // every chain that it calls, without asking twice
    const seen = new Set([name])
    const open = [name]
    let changed = false
    for (let one = open.pop(); one !== undefined && !changed; one = open.pop()) {
      const { onlyOld, onlyNow } = this.chain(one)
      changed = this.#dirty.get(one) === true || onlyOld.length > 0 || onlyNow.length > 0
      for (const called of this.#callsOf(one))
        if (!seen.has(called) && this.#dirty.get(called) !== false) {
          seen.add(called)
          open.push(called)
        }
    }
    if (changed) this.#dirty.set(name, true)
    else for (const one of seen) this.#dirty.set(one, false)
    return changed
  }

  /** What a rule that both versions have calls. A comment may look like a jump: one chain more is compared then. */
  callsOf(rule: Rule): readonly string[] {
    const found: string[] = []
    for (const [, called] of rule.text.matchAll(/ -[jg] (\S+)/g))
      if (this.old?.chains.has(called!) || this.now?.chains.has(called!)) found.push(called!)
    return found
  }

  #callsOf(name: string): ReadonlySet<string> {
    return new Set((this.now?.chains.get(name)?.rules ?? []).flatMap((rule) => this.callsOf(rule)))
  }

  #compare(old: readonly Rule[], now: readonly Rule[]): ChainChange {
    const oldOf = new Int32Array(now.length).fill(-1)
    const asksNothing = (rule: Rule) => this.#sameHost || !ASKS_THE_HOST.test(rule.text)
    const kept = new Set<number>()
    for (const [a, b] of align(old.map(plainText), now.map(plainText)))
      if (asksNothing(old[a]!)) {
        oldOf[b] = a
        kept.add(a)
      }
    return {
      oldOf,
      onlyOld: [...old.keys()].filter((i) => !kept.has(i)),
      onlyNow: [...now.keys()].filter((i) => oldOf[i] === -1),
    }
  }
}

/** Is all that rules ask of a host beside themselves the same? */
export function sameHost(old: Namespace, now: Namespace, family: Family): boolean {
  if (old.sets !== now.sets) return false
  const textOf = ({ links, routes, rules4, rules6 }: Namespace) =>
    JSON.stringify([links, routes, family === 4 ? rules4 : rules6], (_, value) =>
      typeof value === 'bigint' ? `${value}n` : value,
    )
  return textOf(old) === textOf(now)
}
