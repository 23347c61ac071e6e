/** The language of iptables, for whoever stands outside of it. */
export { toTables } from './load.js'
export { SaveRule } from './rule.js'
export { type PrintOptions, type Problem, printSave, type ReadSave, readSave, type SaveFile } from './save.js'
