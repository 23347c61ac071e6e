import type { Source } from '../rules/program.js'
import { builtinTable } from './builtin-table.js'
import { type CommandLine, readCommandLine } from './command-line.js'
import { TableEditor } from './editor.js'
import { LineError } from './line-error.js'
import { listRules, listTable, showRule } from './list-print.js'
import type { SaveRule } from './rule.js'
import { printRule } from './rule.js'
import type { Problem, SaveChain, SaveFile } from './save-file.js'
import { type ShellWord, shellWords } from './shell-words.js'
import { isBuiltin } from './tables.js'
import { targets } from './targets/index.js'

export type Applied =
  | {
      readonly ok: true
      readonly save: SaveFile
      /** What the real program writes to standard output. */
      readonly output: string
      /** False where it asked (-C) for a rule that is not there. */
      readonly found: boolean
      /** The table that it was about, and whether that may be another one now. */
      readonly table: string
      readonly changes: boolean
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const PROGRAM = /^(?:\S*\/)?(ip6?)tables(?:-(nft|legacy))?$/

/** Which family a command line is for, or undefined where it is no iptables command. */
export function familyOfCommand(command: string): 4 | 6 | undefined {
  const found = PROGRAM.exec(command.trim().split(/\s/)[0] ?? '')
  return found ? (found[1] === 'ip6' ? 6 : 4) : undefined
}

/** The backend that the program's name says; `iptables` alone says none. */
export function backendOfCommand(command: string): 'legacy' | 'nft' | undefined {
  return PROGRAM.exec(command.trim().split(/\s/)[0] ?? '')?.[2] as 'legacy' | 'nft' | undefined
}

/**
 * What the rules are after an iptables(8) command, and what it prints. The file given stays as it is. Refusals are worded as iptables 1.8.9 does it,
 * where the two backends differ as that of the file; problems name `file` and columns of the command.
 */
export function applyCommand(save: SaveFile, command: string, file = 'command'): Applied {
  const { words, open } = shellWords(command)
  if (open !== undefined)
    return { ok: false, problems: [{ file, line: 1, column: open, message: 'this quote is never closed' }] }
  return applyWords(save, words, file, command.length + 1)
}

/** The same for words that a shell has cut already; the first one is the program's name. */
export function applyWords(save: SaveFile, words: readonly ShellWord[], file: string, end: number): Applied {
  try {
    const program = PROGRAM.exec(words[0]?.text ?? '')
    if (!program) throw new LineError(`"${words[0]?.text ?? ''}" is not iptables`, 0)
    if ((program[1] === 'ip6') !== (save.family === 6))
      throw new LineError(`these are the rules of IPv${save.family}`, 0)
    const chainsOf = (table: string) => (save.tables.find(({ name }) => name === table) ?? builtinTable(table)).chains
    const line = readCommandLine({ family: save.family, backend: save.backend, chainsOf }, words)
    const editor = new TableEditor(save, line.table)
    const { output, found } = new Change(editor, line, { file, line: 1 }).run()
    const changes = line.zero || !'CLS'.includes(line.letter)
    return { ok: true, save: changes ? editor.result() : save, output, found, table: line.table, changes }
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    const column = words[error.word]?.column ?? end
    return { ok: false, problems: [{ file, line: 1, column, message: error.message }] }
  }
}

/** errno as iptables words it (libiptc.c: iptc_strerror; nft.c: nft_strerror). */
const NO_CHAIN = 'No chain/target/match by that name.'
const BAD_RULE = 'Bad rule (does a matching rule exist in that chain?).'
const INVALID = "Invalid argument. Run `dmesg' for more information."

/** One command at work on a table. */
export class Change {
  readonly #line: CommandLine
  readonly #source: Source
  readonly #table: TableEditor
  #output = ''
  #found = true

  /** `source`: what its rules are to say where they come from. */
  constructor(table: TableEditor, line: CommandLine, source: Source) {
    this.#line = line
    this.#source = source
    this.#table = table
  }

  /** Throws LineError. `output`: what the program prints; `found`: false where -C asked for a rule that is not there. */
  run(): { readonly output: string; readonly found: boolean } {
    this.#run()
    return { output: this.#output, found: this.#found }
  }

  get #nft(): boolean {
    return this.#table.backend === 'nft'
  }

  /** The kernel's or the program's refusal: `legacy`, and what nft says instead where it says something else. */
  #refuse(legacy: string, nft = `iptables: ${legacy}`, word = this.#line.word): never {
    const program = this.#table.family === 6 ? 'ip6tables' : 'iptables'
    const text = this.#nft ? nft : `iptables: ${legacy}`
    throw new LineError(text.replace(/^iptables\b/, program), word)
  }

  #run(): void {
    const { letter, chain } = this.#line
    switch (letter) {
      case 'A':
      case 'I':
      case 'R':
        this.#add(letter)
        return
      case 'D':
        this.#delete()
        return
      case 'C':
        this.#check()
        return
      case 'P':
        this.#policy()
        return
      case 'N':
        this.#new()
        return
      case 'X':
        this.#deleteChains()
        return
      case 'F':
        for (const one of chain === undefined ? this.#table.ordered() : [this.#chain()]) {
          this.#say(chain === undefined, `Flushing chain \`${one.name}'`)
          this.#table.setRules(one, [])
        }
        return
      case 'E':
        this.#rename()
        return
      case 'Z':
        this.#zero()
        return
      case 'L':
      case 'S':
        this.#list()
        if (this.#line.zero) this.#zero()
    }
  }

  /** With -v. */
  #say(when: boolean, text: string): void {
    if (when && this.#line.verbose) this.#output += `${text}\n`
  }

  #chain(): SaveChain {
    return this.#table.chain(this.#line.chain!) ?? this.#refuse(NO_CHAIN, undefined, this.#line.word + 1)
  }

  #rules(): readonly SaveRule[] {
    const { rules, texts } = this.#line
    return rules.map((fields, i) => this.#table.rule(texts[i]!, fields.counters, this.#source))
  }

  #add(letter: 'A' | 'I' | 'R'): void {
    const { number, rules: fields } = this.#line
    if (letter === 'R' && fields.length > 1)
      throw new LineError('Replacement rule does not specify a unique address', this.#line.word)
    const target = fields[0]?.jump
    if (target && !this.#table.chain(target.chain)) this.#noTarget(target.chain, target.goto)
    const chain = this.#chain()
    const last = chain.rules.length
    if (letter === 'R') {
      if (number! > last) this.#refuse('Index of replacement too big.', undefined, this.#line.word + 2)
    }
    if (letter === 'I' && number! > last + 1)
      this.#refuse('Index of insertion too big.', undefined, this.#line.word + 2)
    const rules = this.#rules()
    if (letter === 'A') this.#table.splice(chain, last, 0, rules)
    // each of several goes to the same place: the last one comes first
    else if (letter === 'I') this.#table.splice(chain, number! - 1, 0, [...rules].reverse())
    else this.#table.splice(chain, number! - 1, rules.length, rules)
    this.#checkTable({ A: 'APPEND', I: 'INSERT', R: 'REPLACE' }[letter])
    this.#showRules()
  }

  #noTarget(name: string, goto: boolean): never {
    if (this.#nft) throw new LineError(`Chain '${name}' does not exist`, this.#line.word)
    throw new LineError(
      goto ? `goto '${name}' is not a chain` : `Couldn't load target \`${name}':No such file or directory`,
      this.#line.word,
    )
  }

  /** What the kernel sees only in the table as a whole. */
  #checkTable(operation: string): void {
    const problem = this.#table.problem()
    if (!problem) return
    const { message, rule } = problem
    const loop = message.startsWith('a loop')
    const builtin = message.includes('is a built-in chain')
    const [legacy, nft] = loop
      ? ['Too many levels of symbolic links.', 'Too many links']
      : [INVALID, builtin ? 'Operation not supported' : 'Invalid argument']
    const chain = rule.fields.chain
    const said = `iptables v1.8.9 (nf_tables):  RULE_${operation} failed (${nft}): rule in chain ${chain}`
    this.#refuse(`${legacy} (${message})`, `${said} (${message})`)
  }

  #delete(): void {
    const { number, chain: name } = this.#line
    if (number !== undefined) {
      const chain = this.#chain()
      if (number > chain.rules.length) this.#refuse('Index of deletion too big.', undefined, this.#line.word + 2)
      this.#table.splice(chain, number - 1, 1, [])
      return
    }
    const target = this.#line.rules[0]?.jump
    if (target && !this.#table.chain(target.chain)) this.#noTarget(target.chain, target.goto)
    for (const text of this.#line.texts) {
      const chain = this.#table.chain(name!)
      const at = chain ? indexOf(chain, text) : -1
      // libiptc tells of a jump that is not there in another way
      if (!chain || at < 0) this.#refuse(target && chain ? NO_CHAIN : BAD_RULE, `iptables: ${BAD_RULE}`)
      this.#table.splice(chain, at, 1, [])
    }
    this.#showRules()
  }

  #check(): void {
    const target = this.#line.rules[0]?.jump
    if (target && !this.#table.chain(target.chain)) this.#noTarget(target.chain, target.goto)
    const chain = this.#table.chain(this.#line.chain!)
    if (!chain || this.#line.texts.some((text) => indexOf(chain, text) < 0)) {
      this.#found = false
      this.#output = ''
      return
    }
    this.#showRules()
  }

  #policy(): void {
    const { chain: name, policy } = this.#line
    const chain = this.#table.chain(name!)
    if (this.#table.name === 'nat' && policy === 'DROP')
      throw new LineError(
        'The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.',
        this.#line.word + 2,
      )
    const known = policy === 'ACCEPT' || policy === 'DROP'
    const badPolicy = () =>
      this.#refuse("Bad policy name. Run `dmesg' for more information.", undefined, this.#line.word + 2)
    if (!known && this.#nft) badPolicy()
    if (!chain || !isBuiltin(this.#table.name, chain.name))
      this.#refuse('Bad built-in chain name.', undefined, this.#line.word + 1)
    if (!known) badPolicy()
    this.#table.put({ ...chain, policy })
  }

  #new(): void {
    const name = this.#line.chain!
    if (Object.hasOwn(targets, name))
      throw new LineError('chain name may not clash with target name', this.#line.word + 1)
    if (this.#table.chain(name)) this.#refuse('Chain already exists.', undefined, this.#line.word + 1)
    this.#table.put({ name, policy: undefined, counters: { packets: 0, bytes: 0 }, rules: [], line: 1 })
  }

  /** Without a name: every user chain, or none where one of them has to stay. */
  #deleteChains(): void {
    const all = this.#line.chain === undefined
    const chains = all
      ? this.#table.ordered().filter(({ name }) => !isBuiltin(this.#table.name, name))
      : [this.#chain()]
    // the real ones go through all of them and tell of the last that stays
    for (const { name, rules, policy } of [...chains].reverse()) {
      const builtin = isBuiltin(this.#table.name, name)
      if (builtin && this.#nft && policy === 'DROP') this.#refuse('Directory not empty.')
      // nft takes an empty base chain away; it is made anew with the next rule
      if (builtin && this.#nft && rules.length === 0) return
      const busy = `iptables v1.8.9 (nf_tables):  CHAIN_DEL failed (Device or resource busy): chain ${name}`
      if (builtin) this.#refuse(INVALID, busy)
      const used = this.#table.isReferenced(name)
      if (used) this.#refuse('Too many links.', `${busy} (something jumps to it)`)
      if (rules.length > 0) this.#refuse('Directory not empty.', `${busy} (it has rules)`)
    }
    for (const { name } of chains) {
      this.#say(true, `Deleting chain \`${name}'`)
      this.#table.remove(name)
    }
  }

  #rename(): void {
    const { chain: old, newName } = this.#line
    if (this.#table.chain(newName!)) this.#refuse('File exists.', undefined, this.#line.word + 2)
    const chain = this.#chain()
    if (isBuiltin(this.#table.name, chain.name)) this.#refuse(NO_CHAIN, undefined, this.#line.word + 1)
    const chains = [...this.#table.chains.values()]
    for (const { name } of chains) this.#table.remove(name)
    // it keeps its place; what jumps to it follows
    for (const one of chains) this.#table.put(one === chain ? { ...one, name: newName! } : one)
    for (const one of [...this.#table.chains.values()]) {
      const touched = one.name === newName
      if (!touched && !one.rules.some(({ jump }) => jump === old)) continue
      const rules = one.rules.map((rule) => (touched || rule.jump === old ? this.#renamed(rule, old!, newName!) : rule))
      this.#table.setRules(one, rules)
    }
  }

  #renamed(rule: SaveRule, old: string, name: string): SaveRule {
    const { fields } = rule
    const { jump, chain, counters } = fields
    const to = jump?.chain === old ? { ...jump, chain: name } : jump
    const text = printRule({ ...fields, chain: chain === old ? name : chain, jump: to }, rule.context)
    return this.#table.again(rule, text, counters)
  }

  #zero(): void {
    const { chain: name, number } = this.#line
    if (number !== undefined && this.#line.letter === 'Z') {
      const chain =
        this.#table.chain(name!) ??
        this.#refuse(NO_CHAIN, 'iptables: Incompatible with this kernel.', this.#line.word + 1)
      const rule = chain.rules[number - 1]
      // iptables-nft does nothing and says so to nobody
      if (!rule && !this.#nft) this.#refuse('Index of counter too big.', undefined, this.#line.word + 2)
      if (rule) this.#table.splice(chain, number - 1, 1, [this.#zeroed(rule)])
      return
    }
    for (const chain of name === undefined ? this.#table.ordered() : [this.#chain()]) {
      this.#say(true, `Zeroing chain \`${chain.name}'`)
      const rules = chain.rules.map((rule) => this.#zeroed(rule))
      this.#table.put({ ...chain, counters: { packets: 0, bytes: 0 }, rules })
    }
  }

  #zeroed(rule: SaveRule): SaveRule {
    const { counters } = rule
    return counters && counters.packets + counters.bytes > 0
      ? this.#table.again(rule, rule.text, { packets: 0, bytes: 0 })
      : rule
  }

  #list(): void {
    const { chain, letter, table: name, word } = this.#line
    if (chain !== undefined && !this.#table.chain(chain))
      this.#refuse(NO_CHAIN, `chain \`${chain}' in table \`${name}' is incompatible, use 'nft' tool.`, word + 1)
    const chains = chain === undefined ? this.#table.ordered() : [this.#chain()]
    this.#output +=
      letter === 'L'
        ? listTable(this.#table, chains, this.#line)
        : listRules(chains, this.#line.number, this.#line.verbose)
  }

  /** `-v` shows the rule that was meant. */
  #showRules(): void {
    const { verbose, rules, texts } = this.#line
    if (!verbose) return
    for (const [i, fields] of rules.entries())
      this.#output += showRule(fields, this.#table.rule(texts[i]!, undefined, this.#source).context)
  }
}

/** The first rule of a chain that reads like this. */
const indexOf = (chain: SaveChain, text: string): number => chain.rules.findIndex((rule) => rule.text === text)
