import { basesOf, checkTable } from './check.js'
import { quote } from './codec.js'
import { Registry } from './known.js'
import { LineError } from './line-error.js'
import { RuleReader } from './read-rule.js'
import { SaveRule } from './rule.js'
import type { Problem, SaveChain, SaveFile, SaveTable } from './save-file.js'
import { type ShellWord, shellWords } from './shell-words.js'
import { chainNameProblem, isBuiltin, TABLES } from './tables.js'
import { Words } from './words.js'

export type Applied =
  | { readonly ok: true; readonly save: SaveFile }
  | { readonly ok: false; readonly problems: readonly Problem[] }

type Letter = 'A' | 'I' | 'R' | 'D' | 'P' | 'N' | 'X' | 'F' | 'E' | 'Z'

const COMMANDS: ReadonlyMap<string, Letter> = new Map<string, Letter>([
  ['-A', 'A'], ['--append', 'A'], ['-I', 'I'], ['--insert', 'I'], ['-R', 'R'], ['--replace', 'R'], ['-D', 'D'], ['--delete', 'D'],
  ['-P', 'P'], ['--policy', 'P'], ['-N', 'N'], ['--new', 'N'], ['--new-chain', 'N'], ['-X', 'X'], ['--delete-chain', 'X'],
  ['-F', 'F'], ['--flush', 'F'], ['-E', 'E'], ['--rename-chain', 'E'], ['-Z', 'Z'], ['--zero', 'Z'],
]) // biome-ignore format: a table

const PROGRAM = /^(?:\S*\/)?(ip6?)tables(?:-nft|-legacy)?$/

/** Which family a command line is for, or undefined where it is no iptables command. */
export function familyOfCommand(command: string): 4 | 6 | undefined {
  const found = PROGRAM.exec(command.trim().split(/\s/)[0] ?? '')
  return found ? (found[1] === 'ip6' ? 6 : 4) : undefined
}

/**
 * What the rules are after `iptables [-t TABLE] -A|-I|-R|-D|-P|-N|-X|-F|-E|-Z …`. The file given stays as it is. Problems name
 * `file` and columns of the command.
 */
export function applyCommand(save: SaveFile, command: string, file = 'command'): Applied {
  const problem = (message: string, column: number): Applied => ({
    ok: false,
    problems: [{ file, line: 1, column, message }],
  })
  const { words, open } = shellWords(command)
  if (open !== undefined) return problem('this quote is never closed', open)
  const change = new Change(save, words, file)
  try {
    return { ok: true, save: change.apply() }
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    return problem(error.message, words[error.word]?.column ?? command.length + 1)
  }
}

/** One command at work. Words are counted over the whole command line. */
class Change {
  readonly #save: SaveFile
  readonly #words: readonly ShellWord[]
  readonly #file: string
  /** Those that are neither the program's name nor `-t TABLE` nor waiting: word numbers. */
  readonly #left: number[] = []
  #tableName = 'filter'
  #chains = new Map<string, SaveChain>()

  constructor(save: SaveFile, words: readonly ShellWord[], file: string) {
    this.#save = save
    this.#words = words
    this.#file = file
  }

  apply(): SaveFile {
    this.#options()
    const known = this.#save.tables.find(({ name }) => name === this.#tableName)
    this.#chains = known ? new Map(known.chains) : builtinChains(this.#tableName)
    const at = this.#left.findIndex((word) => COMMANDS.has(this.#text(word)))
    if (at < 0)
      throw new LineError(
        'a command is needed: -A, -I, -R, -D, -P, -N, -X, -F, -E or -Z',
        this.#left[0] ?? this.#words.length,
      )
    const [command] = this.#left.splice(at, 1)
    // whatever stood before the command belongs to the rule: `iptables -p tcp -A INPUT`
    const before = this.#left.splice(0, at)
    const arguments_ = this.#arguments(this.#left, before)
    this.#run(COMMANDS.get(this.#text(command!))!, command!, arguments_)
    const table: SaveTable = { name: this.#tableName, chains: this.#chains, line: known?.line ?? 1 }
    this.#check(table, command!)
    return this.#with(table, known)
  }

  #text(word: number): string {
    return this.#words[word]?.text ?? ''
  }

  #options(): void {
    const program = PROGRAM.exec(this.#text(0))
    if (!program) throw new LineError(`"${this.#text(0)}" is not iptables`, 0)
    if ((program[1] === 'ip6') !== (this.#save.family === 6))
      throw new LineError(`these are the rules of IPv${this.#save.family}`, 0)
    for (let i = 1; i < this.#words.length; i++) {
      const word = this.#text(i)
      if (word === '-t' || word === '--table') this.#setTable(++i)
      else if (word === '-w' || word === '--wait') {
        if (/^\d+$/.test(this.#text(i + 1))) i++
      } else if (word !== '-n' && word !== '-v' && word !== '--verbose' && word !== '--numeric') this.#left.push(i)
    }
  }

  #setTable(word: number): void {
    const name = this.#text(word)
    if (!Object.hasOwn(TABLES, name))
      throw new LineError(`there is no table "${name}": ${Object.keys(TABLES).join(', ')}`, word)
    this.#tableName = name
  }

  /** The words behind the command that are no options, up to two, and the rest. */
  #arguments(
    words: readonly number[],
    before: readonly number[],
  ): { readonly own: readonly number[]; readonly rule: readonly number[] } {
    const first = words.findIndex((word) => /^[-!]/.test(this.#text(word)))
    const own = first < 0 ? words : words.slice(0, first)
    return { own, rule: [...before, ...(first < 0 ? [] : words.slice(first))] }
  }

  #run(
    letter: Letter,
    command: number,
    { own, rule }: { readonly own: readonly number[]; readonly rule: readonly number[] },
  ): void {
    const [first, second] = own
    const most = { A: 1, I: 2, R: 2, D: 2, P: 2, N: 1, X: 1, F: 1, E: 2, Z: 2 }[letter]
    if (own.length > most) throw new LineError(`"${this.#text(own[most]!)}" does not belong here`, own[most]!)
    if (rule.length > 0 && !'AIRD'.includes(letter))
      throw new LineError(`"${this.#text(rule[0]!)}" does not go with this command`, rule[0]!)
    switch (letter) {
      case 'A':
        this.#splice(this.#chain(first, command), Number.POSITIVE_INFINITY, 0, this.#rules(first!, rule))
        return
      case 'I': {
        const chain = this.#chain(first, command)
        const at = second === undefined ? 1 : this.#number(second, chain.rules.length + 1)
        this.#splice(chain, at - 1, 0, [...this.#rules(first!, rule)].reverse())
        return
      }
      case 'R': {
        const chain = this.#chain(first, command)
        if (second === undefined) throw new LineError('the number of a rule is needed', this.#words.length)
        const rules = this.#rules(first!, rule)
        if (rules.length !== 1) throw new LineError('one rule cannot be replaced by several', command)
        this.#splice(chain, this.#number(second, chain.rules.length) - 1, 1, rules)
        return
      }
      case 'D':
        this.#delete(this.#chain(first, command), second, rule, command)
        return
      case 'P':
        this.#policy(this.#chain(first, command), first!, second)
        return
      case 'N':
        this.#new(first, command)
        return
      case 'X':
        this.#deleteChain(first)
        return
      case 'F':
        for (const chain of first === undefined ? [...this.#chains.values()] : [this.#chain(first, command)])
          this.#put({ ...chain, rules: [] })
        return
      case 'E':
        this.#rename(this.#chain(first, command), second, command)
        return
      case 'Z':
        return
    }
  }

  #chain(word: number | undefined, command: number): SaveChain {
    if (word === undefined) throw new LineError('the name of a chain is needed', command)
    const chain = this.#chains.get(this.#text(word))
    if (!chain) throw new LineError(`chain ${this.#text(word)} of table ${this.#tableName} does not exist`, word)
    return chain
  }

  #put(chain: SaveChain): void {
    this.#chains.set(chain.name, chain)
  }

  #splice(chain: SaveChain, at: number, remove: number, rules: readonly SaveRule[]): void {
    const copy = [...chain.rules]
    copy.splice(Math.min(at, copy.length), remove, ...rules)
    this.#put({ ...chain, rules: copy })
  }

  #number(word: number, last: number): number {
    const text = this.#text(word)
    const value = /^\d+$/.test(text) ? Number(text) : 0
    if (value < 1 || value > last) throw new LineError(`there is no rule number "${text}": 1 to ${last}`, word)
    return value
  }

  /** The rules that the words make, as if they stood in a file behind `-A CHAIN`. */
  #rules(chain: number, words: readonly number[]): readonly SaveRule[] {
    const text = ['-A', this.#text(chain), ...words.map((word) => this.#text(word))].map(quoted).join(' ')
    const { family, backend } = this.#save
    const where = { family, table: this.#tableName, backend }
    const reader = new RuleReader(new Registry(), where, (name) => this.#chains.has(name))
    const table: SaveTable = { name: this.#tableName, chains: this.#chains, line: 1 }
    const place = { ...where, file: this.#file, text, reader, bases: basesOf(table) }
    const cut = new Words()
    cut.split(text, 0, text.length)
    try {
      const draft = reader.read(this.#text(chain), cut, 2)
      if (draft.otherFamily) return []
      return Array.from({ length: draft.size }, (_, i) => new SaveRule(place, 1, 0, text.length, i, draft))
    } catch (error) {
      if (!(error instanceof LineError)) throw error
      throw new LineError(error.message, error.word < 2 ? chain : (words[error.word - 2] ?? this.#words.length))
    }
  }

  #delete(chain: SaveChain, number: number | undefined, words: readonly number[], command: number): void {
    if (number !== undefined) {
      this.#splice(chain, this.#number(number, chain.rules.length) - 1, 1, [])
      return
    }
    const [rule] = this.#rules(
      this.#words.findIndex(({ text }) => text === chain.name),
      words,
    )
    const at = chain.rules.findIndex(({ text }) => text === rule?.text)
    if (at < 0) throw new LineError(`no rule of ${chain.name} is like that`, command)
    this.#splice(chain, at, 1, [])
  }

  #policy(chain: SaveChain, name: number, policy: number | undefined): void {
    if (!isBuiltin(this.#tableName, chain.name))
      throw new LineError(`${chain.name} is not a built-in chain: it has no policy`, name)
    const text = policy === undefined ? '' : this.#text(policy)
    if (text !== 'ACCEPT' && text !== 'DROP')
      throw new LineError(`bad policy "${text}": ACCEPT or DROP`, policy ?? this.#words.length)
    this.#put({ ...chain, policy: text })
  }

  #new(name: number | undefined, command: number): void {
    if (name === undefined) throw new LineError('the name of a chain is needed', command)
    const text = this.#text(name)
    const problem = chainNameProblem(text) ?? (this.#chains.has(text) ? `chain ${text} is there already` : undefined)
    if (problem) throw new LineError(problem, name)
    this.#put({ name: text, policy: undefined, counters: undefined, rules: [], line: 1 })
  }

  /** Without a name: every user chain that nothing jumps to and that has no rules. */
  #deleteChain(name: number | undefined): void {
    const used = new Set([...this.#chains.values()].flatMap(({ rules }) => rules.map(({ jump }) => jump)))
    if (name === undefined) {
      for (const chain of [...this.#chains.values()])
        if (!isBuiltin(this.#tableName, chain.name) && !used.has(chain.name) && chain.rules.length === 0)
          this.#chains.delete(chain.name)
      return
    }
    const chain = this.#chain(name, name)
    if (isBuiltin(this.#tableName, chain.name)) throw new LineError(`${chain.name} is a built-in chain: it stays`, name)
    if (used.has(chain.name)) throw new LineError(`something jumps to ${chain.name}: it stays`, name)
    if (chain.rules.length > 0) throw new LineError(`${chain.name} has rules: flush it first (-F)`, name)
    this.#chains.delete(chain.name)
  }

  #rename(chain: SaveChain, name: number | undefined, command: number): void {
    this.#new(name, command)
    if (isBuiltin(this.#tableName, chain.name))
      throw new LineError(`${chain.name} is a built-in chain: its name stays`, command)
    const to = this.#text(name!)
    if ([...this.#chains.values()].some(({ rules }) => rules.some(({ jump }) => jump === chain.name)))
      throw new LineError(`something jumps to ${chain.name}: renaming it is not supported`, command)
    if (chain.rules.length > 0) throw new LineError(`${chain.name} has rules: renaming it is not supported`, command)
    this.#chains.delete(chain.name)
    this.#put({ ...chain, name: to })
  }

  /** What the table as a whole must hold. */
  #check(table: SaveTable, command: number): void {
    const [problem] = checkTable(table)
    if (problem) throw new LineError(problem.message, command)
  }

  #with(table: SaveTable, known: SaveTable | undefined): SaveFile {
    const { parts, tables } = this.#save
    const swap = <T>(part: T): T | SaveTable => ((part as unknown) === known ? table : part)
    return known
      ? { ...this.#save, parts: parts.map(swap), tables: tables.map(swap) }
      : { ...this.#save, parts: [...parts, table], tables: [...tables, table] }
  }
}

/** A word of the command as it stands in a file. */
const quoted = (word: string): string => (/^[^\s"\\']+$/.test(word) ? word : quote(word))

const builtinChains = (table: string): Map<string, SaveChain> =>
  new Map(
    Object.keys(TABLES[table]!).map((name) => [
      name,
      { name, policy: 'ACCEPT', counters: undefined, rules: [], line: 1 },
    ]),
  )
