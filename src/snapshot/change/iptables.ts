import type { Namespace } from '../../path/world.js'
import {
  applyWords,
  backendOfCommand,
  familyOfCommand,
  fromTables,
  isSaved,
  type SaveFile,
  type ShellWord,
  toTables,
} from '../../xtables/index.js'
import { Refusal } from './refusal.js'

/** What an iptables command says and leaves behind. */
export interface TablesChanged {
  readonly namespace: Namespace
  readonly save: SaveFile
  /** What the real program prints. */
  readonly output: string
  /** False where -C asked for a rule that is not there. */
  readonly found: boolean
  readonly table: string
  readonly changes: boolean
}

/** `iptables -A …` and its like on the tables of a namespace. Throws Refusal. */
export function changeTables(
  namespace: Namespace,
  words: readonly ShellWord[],
  file: string,
  end: number,
): TablesChanged {
  const program = words[0]?.text ?? ''
  const family = familyOfCommand(program)!
  const backend = backendOfCommand(program) ?? backendOf(namespace, family)
  const applied = applyWords(fromTables(namespace.tables, family, backend), words, file, end)
  if (!applied.ok) {
    const { message, column } = applied.problems[0]!
    throw new Refusal(message, column)
  }
  const { save, output, found, table, changes } = applied
  return { namespace: changes ? withSave(namespace, save) : namespace, save, output, found, table, changes }
}

/** `iptables` is the nft one wherever that one is in use, as in every distribution of today; where only legacy tables are there it must be the other. */
export function backendOf(namespace: Namespace, family: 4 | 6): 'legacy' | 'nft' {
  const own = namespace.tables.filter((table) => table.family === family)
  const others = own.length > 0 ? own : namespace.tables
  return others.length > 0 && others.every(({ backend }) => backend === 'legacy') ? 'legacy' : 'nft'
}

/** The namespace with these tables in the place of those of the same family and backend. */
export function withSave(namespace: Namespace, save: SaveFile): Namespace {
  const { family, backend } = save
  const made = toTables(save)
  const isOwn = (table: Namespace['tables'][number]) =>
    table.family === family && table.backend === backend && isSaved(table)
  const kept = namespace.tables.map((table) => (isOwn(table) ? made.find(({ name }) => name === table.name)! : table))
  const added = made.filter(({ name }) => !namespace.tables.some((table) => isOwn(table) && table.name === name))
  const all = [...kept, ...added]
  const legacy = all.filter((table) => table.backend === 'legacy')
  return { ...namespace, tables: [...legacy, ...all.filter((table) => table.backend === 'nft')] }
}
