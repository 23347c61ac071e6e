import type { Family } from '../address/ip.js'
import type { Table } from '../rules/program.js'
import { readSave, toTables } from '../xtables/index.js'
import type { InputFile, Problem } from './problem.js'

export type ReadTables =
  | { readonly ok: true; readonly tables: readonly Table[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** The tables of an iptables-save or ip6tables-save file. `iptables-legacy-save` says so in its header, or by its name. */
export function readTables({ path, text }: InputFile, family: Family): ReadTables {
  const backend = /legacy/.test(path.slice(path.lastIndexOf('/') + 1)) ? { backend: 'legacy' as const } : {}
  const read = readSave(text, { file: path, family, ...backend })
  return read.ok ? { ok: true, tables: toTables(read.save) } : read
}
