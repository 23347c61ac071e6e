import type { Family } from '../../address/ip.js'
import type { Namespace } from '../../path/world.js'
import type { Rule, Table } from '../../rules/program.js'
import { align, type Common } from './align.js'

/** What a host's state says beside the rules: the matches that ask for it. */
const ASKS_THE_HOST = /(?:^| )(?:-m (?:set|addrtype|rpfilter|socket|devgroup|realm)|--(?:add|del|map)-set)(?: |$)/
const COMMENT = / -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)/g

/** A rule's text without its comments, which change nothing. */
export const plainText = ({ text }: Rule): string => uncommented(text)

/** The words that a rule was read from, likewise; two rules with the same ones are the same, others may be. */
export const plainWords = (rule: Rule): string => uncommented(rule.written ?? rule.text)

const uncommented = (text: string): string => (text.includes('--comment') ? text.replace(COMMENT, '') : text)

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
    if (rule.written !== undefined) return rule.jump === undefined ? [] : [rule.jump]
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
    const kept = new Uint8Array(old.length)
    for (const [a, b] of this.#common(old, now))
      if (asksNothing(old[a]!)) {
        oldOf[b] = a
        kept[a] = 1
      }
    return {
      oldOf,
      onlyOld: [...old.keys()].filter((i) => kept[i] === 0),
      onlyNow: [...now.keys()].filter((i) => oldOf[i] === -1),
    }
  }

  /** The rules that both have, in the same order. Of those with the same words at both ends nothing has to be worked out. */
  #common(old: readonly Rule[], now: readonly Rule[]): Common {
    if (this.old?.backend !== this.now?.backend) return []
    const [olds, news] = [old.map(plainWords), now.map(plainWords)]
    let first = 0
    while (first < olds.length && first < news.length && olds[first] === news[first]) first++
    let last = 0
    const shorter = Math.min(olds.length, news.length) - first
    while (last < shorter && olds[olds.length - 1 - last] === news[news.length - 1 - last]) last++
    const texts = (rules: readonly Rule[]) => rules.slice(first, rules.length - last).map(plainText)
    return [
      ...Array.from({ length: first }, (_, i) => [i, i] as const),
      ...align(texts(old), texts(now)).map(([a, b]) => [a + first, b + first] as const),
      ...Array.from({ length: last }, (_, i) => [olds.length - last + i, news.length - last + i] as const),
    ]
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
