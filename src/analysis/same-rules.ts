import type { Family } from '../address/ip.js'
import type { Namespace } from '../path/world.js'
import type { Chain, Table } from '../rules/program.js'

/** A base chain with its table. */
export interface BaseChain {
  readonly table: Table
  readonly chain: Chain
}

/** What a host's state says beside the rules: the matches that ask for it. */
const ASKS_THE_HOST = /(?:^| )(?:-m (?:set|addrtype|rpfilter|socket|devgroup|realm)|--(?:add|del|map)-set)(?: |$)/

/**
 * Do both base chains do the same, for the reason that they and all chains that they call have the same rules word for word? That is found without looking
 * at any packet. Where a rule asks for routes, addresses or named sets, `sameHost` must be true.
 */
export function sameRules(old: BaseChain, now: BaseChain, sameHost: boolean): boolean {
  if (old.table.backend !== now.table.backend || old.chain.base?.policy !== now.chain.base?.policy) return false
  const seen = new Set<string>([old.chain.name])
  const open = [old.chain.name]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const [one, other] = [old.table.chains.get(name), now.table.chains.get(name)]
    if (!one || !other || one.rules.length !== other.rules.length) return false
    for (const [i, { text }] of one.rules.entries()) {
      if (text !== other.rules[i]!.text) return false
      if (!sameHost && ASKS_THE_HOST.test(text)) return false
      // a comment may look like a jump: one chain more is compared then
      for (const [, called] of text.matchAll(/ -[jg] (\S+)/g)) {
        if (seen.has(called!) || !old.table.chains.has(called!)) continue
        seen.add(called!)
        open.push(called!)
      }
    }
  }
  return true
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
