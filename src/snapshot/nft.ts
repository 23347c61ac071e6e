import type { Table } from '../rules/program.js'
import { type Item, jsonItem } from './item.js'
import { linesOf, looksLikeJson } from './words.js'

/** A base chain of an nft ruleset. */
export interface BaseChain {
  /** `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`. */
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook: string
  /** As it is printed: a number, or `filter - 10`. */
  readonly priority: string
  readonly policy: string
  readonly rules: number
}

/** The base chains of `nft list ruleset` or `nft -j list ruleset`. Rules are counted, not read. Throws InputError where it is no JSON. */
export function readBaseChains(text: string): readonly BaseChain[] {
  return looksLikeJson(text) ? fromJson(jsonItem(text)) : fromText(text)
}

function fromJson(root: Item): readonly BaseChain[] {
  const objects = root.items('nftables')
  const rules = objects.flatMap((object) => object.item('rule') ?? [])
  return objects
    .flatMap((object) => object.item('chain') ?? [])
    .filter((chain) => chain.has('hook'))
    .map((chain) => {
      const [family, table, name] = ['family', 'table', 'name'].map((key) => chain.need(key, chain.text(key))) as [
        string,
        string,
        string,
      ]
      const own = ({ value }: Item) => value['family'] === family && value['table'] === table && value['chain'] === name
      return {
        family,
        table,
        name,
        hook: chain.need('hook', chain.text('hook')),
        priority: `${chain.value['prio'] ?? 0}`,
        policy: chain.text('policy') ?? 'accept',
        rules: rules.filter(own).length,
      }
    })
}

const TABLE = /^\s*table (\w+) (\S+) \{/
const CHAIN = /^\s*chain (\S+) \{/
const HOOK = /^\s*type \w+ hook (\w+) .*?\bpriority ([^;]+);(?:.*\bpolicy (\w+);)?/

/** Line by line, as nft prints it: a chain ends where a line holds nothing but the closing brace. */
function fromText(text: string): readonly BaseChain[] {
  const found: BaseChain[] = []
  let [family, table, chain] = ['', '', '']
  let base: Omit<BaseChain, 'rules'> | undefined
  let rules = 0
  for (const { text: line } of linesOf(text)) {
    const tableLine = TABLE.exec(line)
    const chainLine = CHAIN.exec(line)
    const hook = HOOK.exec(line)
    if (tableLine) [family, table] = [tableLine[1]!, tableLine[2]!]
    else if (chainLine) {
      chain = chainLine[1]!
      base = undefined
      rules = 0
    } else if (hook && chain !== '') {
      base = { family, table, name: chain, hook: hook[1]!, priority: hook[2]!.trim(), policy: hook[3] ?? 'accept' }
    } else if (/^\s*\}\s*$/.test(line)) {
      if (base) found.push({ ...base, rules })
      chain = ''
      base = undefined
    } else if (chain !== '') rules++
  }
  return found
}

/**
 * The base chains that nothing in the snapshot stands for: those that iptables-nft made are in iptables-save too, and a chain without rules and
 * with policy accept does nothing.
 */
export function nativeChains(chains: readonly BaseChain[], tables: readonly Table[]): readonly BaseChain[] {
  return chains.filter(({ family, table, name, policy, rules }) => {
    if (rules === 0 && policy === 'accept') return false
    const twin = tables.find(
      (one) => one.backend === 'nft' && one.name === table && family === (one.family === 4 ? 'ip' : 'ip6'),
    )
    return !twin?.chains.get(name)?.base
  })
}
