import type { Family } from '../address/ip.js'
import type { Base, Chain, Table } from '../rules/program.js'
import { SaveRule } from './rule.js'
import type { SaveChain, SaveFile, SaveTable } from './save-file.js'
import { TABLES } from './tables.js'

/** The tables of a file as the walkers take them. */
export const toTables = (save: SaveFile): readonly Table[] => save.tables.map((table) => toTable(save, table))

function toTable(save: SaveFile, table: SaveTable): Table {
  const chains = new Map<string, Chain>()
  for (const chain of table.chains.values())
    chains.set(chain.name, { name: chain.name, rules: chain.rules, base: baseOf(table.name, save.backend, chain) })
  return {
    name: table.name,
    family: save.family,
    backend: save.backend,
    chains,
    needsConntrack: someRule(table, (rule) => rule.tracks),
    needsDefragmentation: someRule(table, (rule) => rule.defragments),
  }
}

/** The other way round: a file as commands change it, of those tables of one family and backend that came from one. */
export function fromTables(tables: readonly Table[], family: Family, backend: SaveFile['backend']): SaveFile {
  const own = tables.filter((table) => table.family === family && table.backend === backend && isSaved(table))
  const saved = own.map(({ name, chains }): SaveTable => {
    const made = [...chains.values()].map((chain): [string, SaveChain] => [
      chain.name,
      {
        name: chain.name,
        policy: chain.base && (chain.base.policy === 'drop' ? 'DROP' : 'ACCEPT'),
        counters: chain.base?.counters,
        rules: chain.rules as SaveRule[],
        line: 1,
      },
    ])
    return { name, chains: new Map(made), line: 1 }
  })
  return { file: '', family, backend, parts: saved, tables: saved }
}

/** It is a table of iptables, and not one that somebody else made. */
export const isSaved = ({ name, chains }: Table): boolean =>
  Object.hasOwn(TABLES, name) &&
  [...chains.values()].every(({ rules }) => rules.every((rule) => rule instanceof SaveRule))

/** iptables-nft registers `security` at 150, behind the source NAT of INPUT (iptables 1.8.9, nft.c: xtables_ipv4; seen in nft list ruleset). */
const NFT_SECURITY = 150

function baseOf(table: string, backend: SaveFile['backend'], chain: SaveChain): Base | undefined {
  // a look into an object makes V8 keep every name that it is asked for
  const place = chain.policy === undefined ? undefined : TABLES[table]?.[chain.name]
  const moved = table === 'security' && backend === 'nft' ? { priority: NFT_SECURITY } : undefined
  return place && { ...place, ...moved, policy: chain.policy === 'DROP' ? 'drop' : 'accept', counters: chain.counters }
}

/** Chains that nobody jumps to count as well: their rules are loaded all the same. */
function someRule(table: SaveTable, is: (rule: SaveRule) => boolean): boolean {
  for (const { rules } of table.chains.values()) for (const rule of rules) if (is(rule)) return true
  return false
}
