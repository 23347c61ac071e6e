import type { Family } from '../address/ip.js'
import type { Chain, Table } from '../rules/program.js'
import { baseOf } from './base-of.js'
import { SaveRule } from './rule.js'
import { ReadChain } from './rule-rows.js'
import type { SaveChain, SaveFile, SaveTable } from './save-file.js'
import { TABLES } from './tables.js'

/** The tables of a file as the walkers take them. */
export const toTables = (save: SaveFile): readonly Table[] => save.tables.map((table) => toTable(save, table))

function toTable(save: SaveFile, table: SaveTable): Table {
  const place = { table: table.name, backend: save.backend }
  const chains = new Map<string, Chain>()
  for (const chain of table.chains.values())
    chains.set(
      chain.name,
      chain instanceof ReadChain ? chain : { name: chain.name, rules: chain.rules, base: baseOf(place, chain) },
    )
  return {
    name: table.name,
    family: save.family,
    backend: save.backend,
    chains,
    needsConntrack: someRule(table, 'tracks'),
    needsDefragmentation: someRule(table, 'defragments'),
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

/** Chains that nobody jumps to count as well: their rules are loaded all the same. */
function someRule({ chains }: SaveTable, is: 'tracks' | 'defragments'): boolean {
  for (const chain of chains.values())
    if (chain instanceof ReadChain ? chain[is] : chain.rules.some((rule) => rule[is])) return true
  return false
}
