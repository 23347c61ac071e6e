import type { Namespace } from '../../path/world.js'
import {
  applyLinkWords,
  emptyLinkFile,
  type LinkFile,
  type LinkProgram,
  linkFiles,
  linkProgramOf,
  linkState,
  type ShellWord,
} from '../../xtables/index.js'
import { Refusal } from './refusal.js'

/** What a command of ebtables or arptables says and leaves behind. */
export interface LinkTablesChanged {
  readonly namespace: Namespace
  readonly file: LinkFile
  /** What the real program prints. */
  readonly output: string
  /** False where it asked for a rule that is not there. */
  readonly found: boolean
  readonly table: string
  readonly changes: boolean
}

/** `ebtables -A …`, `arptables -A …` on the tables of a namespace. Throws Refusal. */
export function changeLinkTables(
  namespace: Namespace,
  words: readonly ShellWord[],
  name: string,
  end: number,
): LinkTablesChanged {
  const program = linkProgramOf(words[0]?.text ?? '')!
  const files = linkFiles([...(namespace.bridgeTables ?? []), ...(namespace.arpTables ?? [])])
  const own = ownFile(files, program, words[0])
  const applied = applyLinkWords(own ?? emptyLinkFile(program), words, name, end)
  if (!applied.ok) {
    const { message, column } = applied.problems[0]!
    throw new Refusal(message, column)
  }
  const { file, output, found, table, changes } = applied
  const after = own ? files.map((one) => (one === own ? file : one)) : [...files, file]
  return { namespace: changes ? { ...namespace, ...linkState(after) } : namespace, file, output, found, table, changes }
}

/** The tables of a program; where there are several listings of them, those of nft, as in every distribution of today. */
function ownFile(files: readonly LinkFile[], program: LinkProgram, word: ShellWord | undefined): LinkFile | undefined {
  const all = files.filter((file) => file.program === program)
  const nft = all.filter(({ backend }) => backend === 'nft')
  if (/-nft$/.test(word?.text ?? '') && all.length > 0 && nft.length === 0)
    throw new Refusal(`the snapshot has legacy ${program} only`, word)
  return nft[0] ?? all[0]
}
