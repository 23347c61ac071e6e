/** The language of iptables, for whoever stands outside of it. */
export { type Applied, applyCommand, applyWords, backendOfCommand, familyOfCommand } from './command.js'
export { applyLinkWords, emptyLinkFile, type LinkApplied, linkProgramOf, linkTableText } from './link/command.js'
export { type LinkFile, printLink, type ReadLink, readLink } from './link/file.js'
export type { LinkProgram } from './link/language.js'
export { type LinkState, linkFiles, linkState } from './link/state.js'
export { howSure, isList, type ReadListings, readList, readListings, tableOfChains } from './list.js'
export { fromTables, isSaved, toTables } from './load.js'
export { type Restored, type RestoreOptions, restore } from './restore.js'
export { SaveRule } from './rule.js'
export {
  isGenerated,
  isSave,
  loaded,
  type PrintOptions,
  type Problem,
  printRules,
  printSave,
  type ReadOptions,
  type ReadSave,
  readSave,
  type SaveFile,
} from './save.js'
export { type ShellWord, shellWords } from './shell-words.js'
