import { Change } from './command.js'
import { readCommandLine } from './command-line.js'
import { parseCounters } from './counters.js'
import { TableEditor } from './editor.js'
import { LineError } from './line-error.js'
import { SaveRule, type TablePlace } from './rule.js'
import type { Problem, SaveFile } from './save-file.js'
import { chainNameProblem, isBuiltin, TABLES } from './tables.js'
import { Words } from './words.js'

export interface RestoreOptions {
  readonly file: string
  /** -n: what is there stays. */
  readonly noflush?: boolean
  /** -c: counters are taken over as well. */
  readonly counters?: boolean
  /** -T: only this table. */
  readonly table?: string
}

export type Restored =
  | {
      readonly ok: true
      readonly save: SaveFile
      /** What commands like -L in it print. */
      readonly output: string
      /** The tables that it was about. */
      readonly tables: readonly string[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * What the rules are after `iptables-restore` has read a text: rules and chains, and whatever commands stand among them. The file given stays as it
 * is; where something is refused, nothing is changed (the real program keeps the tables that came before).
 */
export function restore(save: SaveFile, text: string, options: RestoreOptions): Restored {
  const reader = new RestoreReader(save, text, options)
  const problem = reader.read()
  if (problem) return { ok: false, problems: [problem] }
  return { ok: true, save: reader.save, output: reader.output, tables: reader.tables }
}

const COLON = 58
const BRACKET = 91

class RestoreReader {
  save: SaveFile
  output = ''
  readonly tables: string[] = []
  readonly #text: string
  readonly #options: RestoreOptions
  readonly #words = new Words()
  #table: TableEditor | undefined
  #place!: TablePlace
  /** Within a table that is not asked for. */
  #skipped = false
  #declared = new Set<string>()
  #line = 0
  #from = 0
  #to = 0

  constructor(save: SaveFile, text: string, options: RestoreOptions) {
    this.save = save
    this.#text = text
    this.#options = options
  }

  read(): Problem | undefined {
    const text = this.#text
    for (let from = 0; from < text.length; ) {
      const found = text.indexOf('\n', from)
      const end = found < 0 ? text.length : found
      this.#line++
      this.#from = from
      this.#to = text.charCodeAt(end - 1) === 13 && end > from ? end - 1 : end
      try {
        this.#readLine()
      } catch (error) {
        if (!(error instanceof LineError)) throw error
        this.#words.split(text, this.#from, this.#to)
        return this.#problem(error.message.replace(/^ip6?tables: /, ''), this.#columnOf(error.word))
      }
      from = end + 1
    }
    return this.#table ? this.#problem(`COMMIT expected at line ${this.#line + 1}`, 1) : undefined
  }

  #problem(message: string, column: number): Problem {
    return { file: this.#options.file, line: this.#line, column, message }
  }

  #columnOf(word: number): number {
    const { at, length } = this.#words
    return (word < length ? at[word]! : this.#to) - this.#from + 1
  }

  #readLine(): void {
    const first = this.#text[this.#from]
    if (this.#from >= this.#to || first === '#') return
    if (first === '*') {
      this.#begin(this.#text.slice(this.#from + 1, this.#to).trim())
      return
    }
    const word = this.#text.slice(this.#from, this.#to).trim()
    if (word === '') return
    if (word === 'COMMIT') this.#commit()
    else if (this.#skipped) return
    else if (!this.#table) throw new LineError(`line ${this.#line} failed`, 0)
    else if (first === ':') this.#declare(this.#table)
    else this.#rule(this.#table)
  }

  #begin(name: string): void {
    if (this.#table) throw new LineError(`table ${name} begins before table ${this.#table.name} was committed`, 0)
    if (this.#options.table !== undefined && name !== this.#options.table) {
      this.#skipped = true
      return
    }
    if (!Object.hasOwn(TABLES, name))
      throw new LineError(
        this.save.backend === 'nft' ? `table name '${name}' invalid` : `unable to initialize table '${name}'`,
        0,
      )
    this.#table = new TableEditor(this.save, name)
    this.#place = this.#table.place(this.#options.file, this.#text)
    this.#declared = new Set()
    if (!this.#options.noflush) this.#table.clear()
  }

  #commit(): void {
    this.#skipped = false
    const table = this.#table
    if (!table) return
    const problem = table.problem()
    if (problem) {
      const { rule, word } = problem
      if (rule.source.file === this.#options.file) this.#line = rule.line
      throw new LineError(problem.message, word)
    }
    this.save = table.result()
    this.tables.push(table.name)
    this.#table = undefined
  }

  /** `:CHAIN POLICY [packets:bytes]`. A user chain that is there is emptied. */
  #declare(table: TableEditor): void {
    const words = this.#words
    words.split(this.#text, this.#from + 1, this.#to)
    const [name, policy, shown] = [0, 1, 2].map((i) => (i < words.length ? words.text[i] : undefined))
    if (name === undefined) throw new LineError(`line ${this.#line} chain name invalid`, 0)
    if (policy === undefined) throw new LineError(`line ${this.#line} policy invalid`, 0)
    const given = shown === undefined ? undefined : parseCounters(shown)
    if (shown !== undefined && !given) throw new LineError('invalid policy counters', 2)
    const counters = (this.#options.counters ? given : undefined) ?? { packets: 0, bytes: 0 }
    const known = table.chain(name)
    if (isBuiltin(table.name, name)) {
      if (policy !== '-' && policy !== 'ACCEPT' && policy !== 'DROP')
        throw new LineError(`Can't set policy \`${policy}' on \`${name}' line ${this.#line}: Bad policy name`, 1)
      if (policy !== '-') table.put({ ...known!, policy, counters })
      return
    }
    const wrong = chainNameProblem(name)
    if (wrong) throw new LineError(wrong, 0)
    if (policy !== '-' && this.save.backend === 'legacy')
      throw new LineError(`Can't set policy \`${policy}' on \`${name}' line ${this.#line}: Bad built-in chain name`, 1)
    if (this.#declared.has(name) && this.save.backend === 'legacy' && !this.#options.noflush)
      throw new LineError(`error creating chain '${name}':File exists`, 0)
    this.#declared.add(name)
    table.put({ name, policy: undefined, counters, rules: [], line: this.#line })
  }

  #rule(table: TableEditor): void {
    const words = this.#words
    words.split(this.#text, this.#from, this.#to)
    if (words.open >= 0) throw new LineError('this quote is never closed', words.length - 1)
    const at = words.text[0]!.charCodeAt(0) === BRACKET ? 1 : 0
    const given = at === 1 ? parseCounters(words.text[0]!) : undefined
    if (at === 1 && !given) throw new LineError(`bad counters "${words.text[0]}": [packets:bytes]`, 0)
    const taken = given === undefined || this.#options.counters === true
    const chain = words.text[at] === '-A' && at + 1 < words.length ? table.chain(words.text[at + 1]!) : undefined
    if (chain && taken && (given !== undefined || !table.counted)) {
      // most lines: what is read stays where it stands
      const draft = table.reader.read(chain.name, words, at + 2)
      const size = draft.otherFamily ? 0 : draft.size
      for (let i = 0; i < size; i++)
        table.append(table.chain(chain.name)!, new SaveRule(this.#place, this.#line, this.#from, this.#to, i, draft))
      return
    }
    if (chain) {
      const source = { file: this.#options.file, line: this.#line }
      const text = this.#text.slice(words.at[at], this.#to)
      for (const rule of this.#moved(at, () => table.rules(text, taken ? given : undefined, source)))
        table.append(table.chain(chain.name)!, rule)
      return
    }
    this.#command(table, at, taken ? given : undefined)
  }

  /** What is read from the `at`-th word on. */
  #moved<T>(at: number, read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw error instanceof LineError ? new LineError(error.message, error.word + at) : error
    }
  }

  /** Any other line is a command without the program's name. */
  #command(table: TableEditor, at: number, counters: ReturnType<typeof parseCounters>): void {
    const { text, at: places, length } = this.#words
    const said = Array.from({ length: length - at }, (_, i) => ({
      text: text[at + i]!,
      column: places[at + i]! - this.#from + 1,
    }))
    if (said[0]?.text.charCodeAt(0) === COLON) throw new LineError(`Bad argument \`${said[0].text}'`, at)
    const { family, backend } = this.save
    const place = { family, backend, chainsOf: () => table.chains, table: table.name }
    try {
      const line = readCommandLine(place, [{ text: 'iptables', column: 1 }, ...said])
      const counted = counters && { ...line, rules: line.rules.map((fields) => ({ ...fields, counters })) }
      this.output += new Change(table, counted ?? line, { file: this.#options.file, line: this.#line }).run().output
    } catch (error) {
      throw error instanceof LineError ? new LineError(error.message, Math.max(0, error.word - 1) + at) : error
    }
  }
}
