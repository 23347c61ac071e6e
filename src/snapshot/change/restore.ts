import type { Namespace } from '../../path/world.js'
import { fromTables, type Problem, restore, type SaveFile, type ShellWord } from '../../xtables/index.js'
import { backendOf, withSave } from './iptables.js'
import { Refusal } from './refusal.js'

const PROGRAM = /^(?:\S*\/)?(ip6?)tables(?:-(nft|legacy))?-restore$/

export const isRestore = (program: string): boolean => PROGRAM.test(program)

/** What a command line of iptables-restore(8) says. */
export interface RestoreCommand {
  readonly family: 4 | 6
  readonly backend: 'legacy' | 'nft' | undefined
  readonly noflush: boolean
  readonly counters: boolean
  readonly test: boolean
  readonly table: string | undefined
  /** The file that it reads; undefined: standard input. */
  readonly path: string | undefined
}

/** Throws Refusal. `< FILE` is the same as FILE. */
export function readRestoreCommand(words: readonly ShellWord[]): RestoreCommand {
  const [, ip, backend] = PROGRAM.exec(words[0]!.text) ?? []
  const flags = new Set<string>()
  let table: string | undefined
  let path: string | undefined
  for (let i = 1; i < words.length; i++) {
    const { text } = words[i]!
    const letter = LONG[text] ?? (/^-[nctvwT]$/.test(text) ? text[1]! : undefined)
    if (letter === 'T') table = words[++i]?.text
    else if (text.startsWith('--table=')) table = text.slice('--table='.length)
    else if (letter === 'w') {
      if (/^\d+$/.test(words[i + 1]?.text ?? '')) i++
    } else if (letter !== undefined) flags.add(letter)
    else if (text === '<') path = words[++i]?.text
    else if (text.startsWith('-') && text !== '-') throw new Refusal(`unknown option "${text}"`, words[i])
    else if (path === undefined) path = text.replace(/^</, '')
    else throw new Refusal(`Unknown arguments found on commandline`, words[i])
  }
  return {
    family: ip === 'ip6' ? 6 : 4,
    backend: backend as 'legacy' | 'nft' | undefined,
    noflush: flags.has('n'),
    counters: flags.has('c'),
    test: flags.has('t'),
    table,
    path: path === '-' ? undefined : path,
  }
}

const LONG: Readonly<Record<string, string>> = {
  '--noflush': 'n', '--counters': 'c', '--test': 't', '--verbose': 'v', '--wait': 'w', '--table': 'T',
} // biome-ignore format: a table

export type TablesRestored =
  | {
      readonly ok: true
      readonly namespace: Namespace
      readonly save: SaveFile
      readonly output: string
      readonly tables: readonly string[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** `iptables-restore` on the tables of a namespace; with --test they stay as they are. `file`: what rules and problems name. */
export function restoreTables(
  namespace: Namespace,
  command: RestoreCommand,
  text: string,
  file: string,
): TablesRestored {
  const { family, noflush, counters, test, table } = command
  const save = fromTables(namespace.tables, family, command.backend ?? backendOf(namespace, family))
  const done = restore(save, text, { file, noflush, counters, ...(table === undefined ? {} : { table }) })
  if (!done.ok) return done
  return { ...done, namespace: test ? namespace : withSave(namespace, done.save) }
}
