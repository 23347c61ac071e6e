import type { Family } from '../address/ip.js'
import { basesOf } from './check.js'
import { quote } from './codec.js'
import { protocolContext } from './extension.js'
import { Registry } from './known.js'
import { LineError } from './line-error.js'
import { type CommandOptions, RuleReader } from './read-rule.js'
import { printRule } from './rule.js'
import type { RuleFields } from './rule-fields.js'
import type { SaveChain, SaveTable } from './save-file.js'
import type { ShellWord } from './shell-words.js'
import { chainNameProblem, TABLES } from './tables.js'
import { Words } from './words.js'

/** The commands of iptables(8), by their letters. */
export type Letter = 'A' | 'C' | 'D' | 'E' | 'F' | 'I' | 'L' | 'N' | 'P' | 'R' | 'S' | 'X' | 'Z'

/** The long names of the options that are not those of a rule (iptables/iptables.c: original_opts). */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['--append', 'A'], ['--check', 'C'], ['--delete', 'D'], ['--rename-chain', 'E'], ['--flush', 'F'], ['--insert', 'I'], ['--list', 'L'],
  ['--new-chain', 'N'], ['--policy', 'P'], ['--replace', 'R'], ['--list-rules', 'S'], ['--delete-chain', 'X'], ['--zero', 'Z'],
  ['--table', 't'], ['--verbose', 'v'], ['--numeric', 'n'], ['--exact', 'x'], ['--line-numbers', '--line-numbers'], ['--modprobe', 'M'],
]) // biome-ignore format: a table

const ARITY: Readonly<Record<string, 'none' | 'needed' | 'optional'>> = {
  A: 'needed', C: 'needed', D: 'needed', E: 'needed', I: 'needed', N: 'needed', P: 'needed', R: 'needed', t: 'needed', M: 'needed',
  F: 'optional', L: 'optional', S: 'optional', X: 'optional', Z: 'optional', v: 'none', n: 'none', x: 'none', '--line-numbers': 'none',
} // biome-ignore format: a table

/** Options of a rule and of a listing that a command does not take (xshared.c: commands_v_options). */
const ILLEGAL: Readonly<Record<Letter, string>> = {
  A: 'nx0', I: 'nx0', R: 'nx0', D: 'nx0c', C: 'nx0c', L: 'sdpjiocf', S: 'nsdpjxio0cf', F: 'nsdpjxio0cf', Z: 'nsdpjxio0cf', N: 'nsdpjxio0cf',
  X: 'nsdpjxio0cf', P: 'nsdpjxio0f', E: 'nsdpjxio0cf',
} // biome-ignore format: a table

const WITH_RULE = 'ACDIR'

/** What a command line says. `…Word`: where, for complaints. */
export interface CommandLine {
  readonly letter: Letter
  /** Where the command stands. */
  readonly word: number
  /** -L or -S with -Z. */
  readonly zero: boolean
  /** The chain, or undefined for all of them. */
  readonly chain: string | undefined
  /** From 1. */
  readonly number: number | undefined
  readonly newName: string | undefined
  readonly policy: string | undefined
  readonly table: string
  readonly numeric: boolean
  readonly verbose: boolean
  readonly exact: boolean
  readonly lineNumbers: boolean
  /** The rules that its words make, of commands that have some. */
  readonly rules: readonly RuleFields[]
  /** As they stand in a file. */
  readonly texts: readonly string[]
}

/** The rules that a command works on. */
export interface CommandPlace {
  readonly family: Family
  readonly backend: 'legacy' | 'nft'
  chainsOf(table: string): ReadonlyMap<string, SaveChain>
  /** Of a line of iptables-restore: -t is not allowed there. */
  readonly table?: string
}

/** Throws LineError, whose `word` counts the words given; the first one is the program's name. */
export function readCommandLine(save: CommandPlace, words: readonly ShellWord[]): CommandLine {
  const cut = new CutWords(words)
  try {
    if (save.table !== undefined) return new Options(save.table).read(save, cut.words())
    const first = new Options('filter')
    // which table decides how the rest is read: once more where -t says another
    const guessed = words.findIndex(({ text }) => text === '-t' || text === '--table')
    const name = guessed < 0 ? 'filter' : (words[guessed + 1]?.text ?? 'filter')
    const options = Object.hasOwn(TABLES, name) ? new Options(name) : first
    const read = options.read(save, cut.words())
    return options.table === read.table ? read : new Options(read.table).read(save, cut.words())
  } catch (error) {
    throw error instanceof LineError ? new LineError(error.message, cut.wordAt(error.word)) : error
  }
}

/** The words of a shell as the reader of rules takes them, and back. */
class CutWords {
  readonly #text: string
  readonly #starts: number[] = []
  #words = new Words()

  constructor(words: readonly ShellWord[]) {
    let text = ''
    for (const word of words) {
      this.#starts.push(text.length)
      text += `${quoted(word.text)} `
    }
    this.#text = text
  }

  words(): Words {
    this.#words = new Words()
    this.#words.split(this.#text, 0, this.#text.length)
    return this.#words
  }

  /** Which of the shell's words the n-th one came from; behind the last where there are fewer. */
  wordAt(word: number): number {
    const at = word < this.#words.length ? this.#words.at[word]! : this.#text.length
    const found = this.#starts.findLastIndex((start) => start <= at)
    return at >= this.#text.length ? this.#starts.length : found
  }
}

/** A word of a command as it stands in a file. */
const quoted = (word: string): string => (/^[^\s"\\']+$/.test(word) ? word : quote(word))

class Options implements CommandOptions {
  readonly names = NAMES
  /** For which table the words are read. */
  readonly table: string
  chain = ''
  #letter: Letter | undefined
  #word = 0
  #zero = false
  #named = false
  #number: number | undefined
  #newName: string | undefined
  #policy: string | undefined
  #said = 'filter'
  #fixed = false
  #saidAt = 0
  /** Options of a listing, with their letters. */
  readonly #flags = new Set<string>()

  constructor(table: string) {
    this.table = table
  }

  get hasRule(): boolean {
    return WITH_RULE.includes(this.#letter ?? '-')
  }

  arity(letter: string): 'none' | 'needed' | 'optional' | undefined {
    return ARITY[letter]
  }

  take(letter: string, word: number, argument: string | undefined, reader: RuleReader): void {
    switch (letter) {
      case 't':
        if (this.#fixed) throw new LineError('The -t option cannot be used in iptables-restore.', word)
        this.#said = argument!
        this.#saidAt = word + 1
        return
      case 'v':
      case 'n':
      case 'x':
        this.#flags.add(letter)
        return
      case '--line-numbers':
        this.#flags.add('0')
        return
      case 'M':
        return
    }
    this.#begin(letter as Letter, word)
    if (argument !== undefined) {
      this.chain = argument
      this.#named = true
    }
    this.#arguments(letter as Letter, word, reader)
  }

  #begin(letter: Letter, word: number): void {
    const before = this.#letter
    const both = `${before ?? ''}${letter}`
    if (both === 'LZ' || both === 'SZ') {
      this.#zero = true
      return
    }
    if (before !== undefined && !(before === 'Z' && (letter === 'L' || letter === 'S')))
      throw new LineError(`Cannot use -${letter} with -${before}`, word)
    this.#zero = before === 'Z'
    this.#letter = letter
    this.#word = word
  }

  /** What stands behind the chain. */
  #arguments(letter: Letter, word: number, reader: RuleReader): void {
    switch (letter) {
      case 'I':
        this.#number = ruleNumber(reader.optional(), word) ?? 1
        return
      case 'R':
        this.#number = ruleNumber(reader.optional(), word)
        if (this.#number === undefined) throw new LineError('-R requires a rule number', word)
        return
      case 'D':
        this.#number = ruleNumber(reader.optional(), word)
        return
      case 'L':
      case 'S':
      case 'Z':
        if (this.#named) this.#number = ruleNumber(reader.optional(), word)
        return
      case 'E':
        this.#newName = reader.optional()
        if (this.#newName === undefined) throw new LineError('-E requires old-chain-name and new-chain-name', word)
        return
      case 'P':
        this.#policy = reader.optional()
        if (this.#policy === undefined) throw new LineError('-P requires a chain and a policy', word)
        return
      case 'N': {
        const problem = chainNameProblem(this.chain)
        if (problem) throw new LineError(problem, word + 1)
        return
      }
    }
  }

  read(save: CommandPlace, words: Words): CommandLine {
    const { family, backend } = save
    if (save.table !== undefined) this.#said = save.table
    this.#fixed = save.table !== undefined
    const chains = save.chainsOf(this.table)
    const where = { family, table: this.table, backend }
    const reader = new RuleReader(new Registry(), where, (name) => chains.has(name))
    const draft = reader.read('', words, 1, this)
    if (!Object.hasOwn(TABLES, this.#said))
      throw new LineError(
        backend === 'nft'
          ? `table '${this.#said}' does not exist`
          : `can't initialize iptables table \`${this.#said}': Table does not exist (do you need to insmod?)`,
        this.#saidAt,
      )
    if (draft.otherFamily)
      throw new LineError(`these are the rules of IPv${family}: -4 and -6 change nothing`, words.length)
    const letter = this.#letter
    if (letter === undefined) throw new LineError('no command specified', words.length)
    const given: readonly (readonly [string, unknown])[] = [
      ...[...this.#flags].map((flag) => [flag, true] as const),
      ['s', draft.src ?? draft.sources], ['d', draft.dst ?? draft.destinations], ['p', draft.protocol], ['j', draft.target ?? draft.to],
      ['i', draft.iif], ['o', draft.oif], ['f', draft.fragment], ['c', draft.counters],
    ] // biome-ignore format: a table
    for (const [option, value] of given)
      if (value !== undefined && ILLEGAL[letter].includes(option))
        throw new LineError(`Illegal option \`-${option}' with this command`, this.#word)
    const count = this.hasRule ? draft.size : 0
    const rules = Array.from({ length: count }, (_, index) => draft.fields(index, undefined))
    const table: SaveTable = { name: this.table, chains: new Map(chains), line: 1 }
    const bases = basesOf(table)
    const texts = rules.map((fields) =>
      printRule(fields, {
        ...where,
        chain: fields.chain,
        bases: () => bases(fields.chain),
        ...protocolContext(fields.protocol),
      }),
    )
    return {
      letter,
      word: this.#word,
      zero: this.#zero,
      chain: this.#named ? this.chain : undefined,
      number: this.#number,
      newName: this.#newName,
      policy: this.#policy,
      table: this.#said,
      numeric: this.#flags.has('n'),
      verbose: this.#flags.has('v'),
      exact: this.#flags.has('x'),
      lineNumbers: this.#flags.has('0'),
      rules,
      texts,
    }
  }
}

/** xshared.c: parse_rulenumber: from 1. */
function ruleNumber(word: string | undefined, at: number): number | undefined {
  if (word === undefined) return undefined
  const value = /^(0x[\da-f]+|\d+)$/i.test(word) ? Number(word) : 0
  if (value < 1 || value > 0x7fffffff) throw new LineError(`Invalid rule number \`${word}'`, at + 2)
  return value
}
