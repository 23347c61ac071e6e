import { LineError } from '../line-error.js'
import type { ShellWord } from '../shell-words.js'
import { chainNameProblem } from '../tables.js'
import type { LinkLanguage } from './language.js'
import { type NextWords, type OtherOptions, readRule, wrongPlace } from './read-rule.js'
import type { LinkFields } from './rule.js'

/** Commands by their letters; `K` is ebtables’ --check, `W` its --init-table. */
export type LinkLetter = 'A' | 'C' | 'D' | 'E' | 'F' | 'I' | 'K' | 'L' | 'N' | 'P' | 'R' | 'S' | 'W' | 'X' | 'Z'

/** What a command line of ebtables or arptables says. */
export interface LinkCommand {
  readonly letter: LinkLetter
  /** Where the command stands. */
  readonly word: number
  readonly chain: string | undefined
  /** Numbers of rules, from 1. `to`: of a range; -1: none was said behind the colon. */
  readonly number: number | undefined
  readonly to: number | undefined
  readonly newName: string | undefined
  readonly policy: string | undefined
  readonly table: string
  /** -L with -Z. */
  readonly zero: boolean
  readonly verbose: boolean
  readonly numeric: boolean
  readonly exact: boolean
  readonly lineNumbers: boolean
  /** --Lc */
  readonly counters: boolean
  /** Several where an address has commas. */
  readonly rules: readonly LinkFields[]
}

const SHARED: readonly (readonly [string, string])[] = [
  ['--append', 'A'], ['--delete', 'D'], ['--insert', 'I'], ['--list', 'L'], ['--flush', 'F'], ['--zero', 'Z'], ['--new-chain', 'N'], ['--delete-chain', 'X'],
  ['--rename-chain', 'E'], ['--policy', 'P'], ['--table', 't'], ['--modprobe', 'M'], ['--verbose', 'v'],
] // biome-ignore format: a table
/** Long names (xtables-eb.c: ebt_original_options; xtables-arp.c: original_opts). */
const NAMES: Readonly<Record<LinkLanguage['program'], ReadonlyMap<string, string>>> = {
  ebtables: new Map([...SHARED, ['--change-counters', 'C'], ['--check', 'K'], ['--init-table', 'W'], ['--Lc', 'Lc'], ['--Ln', 'Ln'], ['--Lx', 'Lx'], ['--Lmac2', 'Lmac2'], ['--concurrent', '']]), // biome-ignore format: a table
  arptables: new Map([...SHARED, ['--replace', 'R'], ['--check', 'C'], ['--list-rules', 'S'], ['--numeric', 'n'], ['--exact', 'x'], ['--line-numbers', '0']]), // biome-ignore format: a table
}
const LETTERS = { ebtables: 'ADINEXPLFZCtMv', arptables: 'ADINEXPLFZCRStMvnx' } as const
/** Letters without a word behind them. */
const BARE = 'vnx0W'
const WITH_RULE: Readonly<Record<LinkLanguage['program'], string>> = { ebtables: 'ADIKC', arptables: 'ADIRC' }

/** Options that a command of arptables does not take (xshared.c: commands_v_options). */
const ILLEGAL: Readonly<Record<string, string>> = {
  A: 'nx0', I: 'nx0', R: 'nx0', D: 'nx0c', C: 'nx0c', L: 'sdjioc', S: 'nsdjxio0c', F: 'nsdjxio0c', Z: 'nsdjxio0c', N: 'nsdjxio0c', X: 'nsdjxio0c', P: 'nsdjxio0', E: 'nsdjxio0c',
} // biome-ignore format: a table

const ADDRESSES: ReadonlySet<string> = new Set(['-s', '-d', '--source-ip', '--src-ip', '--destination-ip', '--dst-ip'])

/** Throws LineError, whose `word` counts the words given; the first one is the program’s name. */
export function readLinkCommand(language: LinkLanguage, words: readonly ShellWord[]): LinkCommand {
  const texts = words.map(({ text }) => text)
  const several = language.program === 'arptables' ? splitAddresses(texts) : [texts]
  const read = several.map((one) => new Options(language).read(one))
  const inverted = read[0]!.fields && ['-s', '-d'].some((flag) => read[0]!.fields!.base.get(flag)?.inverted)
  if (several.length > 1 && inverted)
    throw new LineError('! not allowed with multiple source or destination IP addresses', read[0]!.command.word)
  return { ...read[0]!.command, rules: read.flatMap(({ fields }) => fields ?? []) }
}

/** One list of words for each pair of addresses (nft-arp.c: nft_arp_add_entry): the destination changes first. */
function splitAddresses(words: readonly string[]): readonly (readonly string[])[] {
  const isAddress = (i: number) =>
    ADDRESSES.has(words[i - 1] ?? '') || (words[i - 1] === '!' && ADDRESSES.has(words[i - 2] ?? ''))
  const commas = words.flatMap((word, i) => (word.includes(',') && isAddress(i) ? [i] : []))
  // sources are gone through first
  const at = commas.find((i) => /^-(s|-s)/.test(words[i - 1] === '!' ? words[i - 2]! : words[i - 1]!)) ?? commas[0]
  if (at === undefined) return [words]
  return words[at]!.split(',').flatMap((one) => splitAddresses(words.with(at, one)))
}

class Options implements OtherOptions {
  readonly #language: LinkLanguage
  readonly #flags = new Set<string>()
  #letter: LinkLetter | undefined
  #word = 0
  #zero = false
  #chain: string | undefined
  #number: number | undefined
  #to: number | undefined
  #newName: string | undefined
  #policy: string | undefined
  #table = 'filter'

  constructor(language: LinkLanguage) {
    this.#language = language
  }

  get chain(): string {
    return this.#chain ?? ''
  }

  get #ebtables(): boolean {
    return this.#language.program === 'ebtables'
  }

  read(texts: readonly string[]): { readonly command: LinkCommand; readonly fields: LinkFields | undefined } {
    const language = this.#language
    const where = { language, chain: '', counters: undefined, others: this }
    const fields = readRule({ text: texts, length: texts.length }, 1, where)
    const letter = this.#letter ?? (this.#zero ? 'Z' : undefined)
    if (letter === undefined)
      throw new LineError(this.#ebtables ? 'No command specified' : 'no command specified', texts.length)
    if (!this.#ebtables) {
      this.#checkLegal(letter, fields)
      const place = [...fields.base.keys()]
        .map((flag) => wrongPlace(flag, this.chain, language))
        .find((problem) => problem)
      if (place && WITH_RULE.arptables.includes(letter)) throw new LineError(place, this.#word)
    }
    const has = (flag: string) => this.#flags.has(flag)
    const command: LinkCommand = {
      letter,
      word: this.#word,
      chain: this.#chain,
      number: this.#number,
      to: this.#to,
      newName: this.#newName,
      policy: this.#policy,
      table: this.#table,
      zero: this.#zero && letter !== 'Z',
      verbose: has('v'),
      numeric: has('n'),
      exact: has('x'),
      lineNumbers: has('0') || has('Ln'),
      counters: has('Lc'),
      rules: [],
    }
    const asksRule = WITH_RULE[language.program].includes(letter) && !(letter === 'D' && this.#number !== undefined)
    return { command, fields: asksRule ? { ...fields, chain: this.chain } : undefined }
  }

  #checkLegal(letter: string, { base, jump, counters }: LinkFields): void {
    const said = new Set([
      ...this.#flags,
      ...[...base.keys()].map((flag) => flag.slice(1)),
      ...(jump ? ['j'] : []),
      ...(counters ? ['c'] : []),
    ])
    // in the order of their bits
    const bad = [...'nsdjxio0c'].find((flag) => said.has(flag) && ILLEGAL[letter]?.includes(flag))
    const long = [...base.keys()].find((flag) => flag.startsWith('--'))
    if (!bad && long && !WITH_RULE.arptables.includes(letter))
      throw new LineError(`Illegal option \`${long}' with this command`, this.#word)
    if (bad)
      throw new LineError(
        `Illegal option \`${bad === '0' ? '--line-numbers' : `-${bad}`}' with this command`,
        this.#word,
      )
  }

  take(word: string, attached: string | undefined, at: number, words: NextWords): boolean {
    const { program } = this.#language
    const long = NAMES[program].get(word)
    if (long !== undefined) {
      this.#option(long, attached, at, words)
      return true
    }
    const letters = LETTERS[program]
    if (!/^-[A-Za-z]/.test(word) || !letters.includes(word[1]!)) return false
    // `-nvL CHAIN`, `-LCHAIN`
    for (let i = 1; i < word.length; i++) {
      const letter = word[i]!
      if (!letters.includes(letter)) throw new LineError(`unknown option "-${letter}"`, at)
      const rest = word.slice(i + 1)
      const bare = BARE.includes(letter)
      this.#option(letter, bare || rest === '' ? undefined : rest, at, words)
      if (!bare) break
    }
    return true
  }

  stray(word: string, at: number): never {
    throw new LineError(this.#ebtables ? `Bad argument : '${word}'` : `Bad argument \`${word}'`, at)
  }

  expectRule(_: string, at: number, own: 'base' | 'extension'): void {
    if (!this.#ebtables) return
    const letter = this.#letter
    if (own === 'extension') {
      if (!letter || !WITH_RULE.ebtables.includes(letter))
        throw new LineError('Extensions only for -A, -I, -D and -C', at)
      return
    }
    if (!letter && !this.#zero) throw new LineError('No command specified', at)
    if (!letter || !WITH_RULE.ebtables.includes(letter)) throw new LineError('Command and option do not match', at)
  }

  #option(name: string, attached: string | undefined, at: number, words: NextWords): void {
    switch (name) {
      case '':
        return
      case 'v':
      case 'n':
      case 'x':
      case '0':
        this.#flags.add(name)
        return
      case 'Lc':
      case 'Ln':
      case 'Lx':
      case 'Lmac2':
        this.#listing(name, at)
        return
      case 't':
      case 'M': {
        const word = attached ?? needed(name, at, words)
        if (name === 'M') return
        if (!Object.hasOwn(this.#language.tables, word)) throw new LineError(`table '${word}' does not exist`, at + 1)
        this.#table = word
        return
      }
      default:
        this.#command(name as LinkLetter, attached, at, words)
    }
  }

  /** How ebtables lists. */
  #listing(name: string, at: number): void {
    if (this.#flags.has(name)) throw new LineError('Multiple use of same option not allowed', at)
    if (this.#letter !== 'L') throw new LineError(`Use --${name} with -L`, at)
    const other = { Ln: 'Lx', Lx: 'Ln' }[name]
    if (other && this.#flags.has(other)) throw new LineError('--Lx is not compatible with --Ln', at)
    this.#flags.add(name)
  }

  #command(letter: LinkLetter, attached: string | undefined, at: number, words: NextWords): void {
    if (letter === 'Z' || letter === 'L' || letter === 'F' || letter === 'S') {
      this.#whole(letter, attached, at, words)
      return
    }
    // ebtables -N CHAIN -P POLICY
    if (this.#ebtables && this.#letter === 'N' && letter === 'P') {
      this.#policy = this.#readPolicy(attached ?? words.peek(), at)
      if (attached === undefined) words.next()
      return
    }
    this.#begin(letter, at)
    if (letter === 'W') return
    const optional = letter === 'X'
    const next = words.peek()
    const free = next !== undefined && !next.startsWith('-')
    const chain = attached ?? (optional ? (free ? words.next() : undefined) : needed(letter, at, words))
    if (chain !== undefined && (chain.startsWith('-') || chain === '!'))
      throw new LineError(
        this.#ebtables ? 'No chain name specified' : `chain name not allowed to start with \`${chain[0]}'`,
        at + 1,
      )
    this.#chain = chain
    this.#arguments(letter, at, words)
  }

  #begin(letter: LinkLetter, at: number): void {
    if (this.#ebtables && (this.#letter || this.#zero)) throw new LineError('Multiple commands are not allowed', at)
    if (this.#letter) throw new LineError(`Cannot use -${letter} with -${this.#letter}`, at)
    this.#letter = letter
    this.#word = at
  }

  /** Commands for one chain or for all of them. */
  #whole(letter: 'Z' | 'L' | 'F' | 'S', attached: string | undefined, at: number, words: NextWords): void {
    const alone = 'Command -Z only allowed together with command -L'
    if (letter === 'Z') {
      const listed = this.#letter === 'L' || (this.#letter === 'S' && !this.#ebtables)
      if (this.#ebtables && (this.#zero || (this.#letter && !listed))) throw new LineError(alone, at)
      if (this.#letter && !listed) throw new LineError(`Cannot use -Z with -${this.#letter}`, at)
      this.#zero = true
      if (!this.#letter) this.#word = at
    } else {
      if (this.#letter)
        throw new LineError(
          this.#ebtables ? 'Multiple commands are not allowed' : `Cannot use -${letter} with -${this.#letter}`,
          at,
        )
      if (this.#zero && letter === 'F') throw new LineError(this.#ebtables ? alone : 'Cannot use -F with -Z', at)
      this.#letter = letter
      this.#word = at
    }
    const next = words.peek()
    const chain = attached ?? (next !== undefined && !next.startsWith('-') && next !== '!' ? words.next() : undefined)
    if (chain !== undefined) this.#chain = chain
    if (!this.#ebtables && chain !== undefined && letter !== 'F') this.#number = ruleNumber(free(words), at)
  }

  /** What stands behind the chain. */
  #arguments(letter: LinkLetter, at: number, words: NextWords): void {
    switch (letter) {
      case 'I': {
        const next = words.peek()
        const said = this.#ebtables
          ? next === undefined || /^-(?!\d)/.test(next)
            ? undefined
            : words.next()
          : free(words)
        this.#number = ruleNumber(said, at) ?? 1
        return
      }
      case 'D':
        if (this.#ebtables) this.#range(at, words)
        else this.#number = ruleNumber(free(words), at)
        return
      case 'R':
        this.#number = ruleNumber(free(words), at)
        if (this.#number === undefined) throw new LineError('-R requires a rule number', at)
        return
      case 'E':
        if (this.#ebtables && words.peek(1) !== undefined) throw new LineError('No extra options allowed with -E', at)
        this.#newName = this.#ebtables ? words.peek() && words.next() : free(words)
        if (this.#newName === undefined)
          throw new LineError(
            this.#ebtables ? 'No new chain name specified' : '-E requires old-chain-name and new-chain-name',
            at,
          )
        return
      case 'P':
        this.#policy = this.#readPolicy(words.peek(), at)
        words.next()
        return
      case 'N': {
        const problem = this.#ebtables ? undefined : (chainNameProblem(this.chain) ?? clash(this.#language, this.chain))
        if (problem) throw new LineError(problem, at + 1)
        return
      }
      case 'C':
        if (this.#ebtables) throw new LineError('-C changes nothing in ebtables-nft, and is refused', at)
    }
  }

  #readPolicy(word: string | undefined, at: number): string {
    if (word === undefined)
      throw new LineError(this.#ebtables ? 'No policy specified' : '-P requires a chain and a policy', at)
    if (this.#ebtables && word === 'CONTINUE') throw new LineError("Wrong policy 'CONTINUE'", at + 2)
    if (this.#ebtables && !['ACCEPT', 'DROP', 'RETURN'].includes(word))
      throw new LineError(`Unknown policy '${word}'`, at + 2)
    return word
  }

  /** ebtables -D CHAIN FROM[:TO] */
  #range(at: number, words: NextWords): void {
    const next = words.peek()
    if (next === undefined || /^-(?!\d)/.test(next)) return
    if (words.peek(1) !== undefined) throw new LineError('No extra options allowed with -D start_nr[:end_nr]', at)
    words.next()
    const [from = '', to, ...more] = next.split(':')
    const first = from === '' ? 1 : /^\d+$/.test(from) ? Number(from) : 0
    const last = to === undefined ? first : to === '' ? -1 : /^\d+$/.test(to) ? Number(to) : 0
    if (first === 0 || last === 0 || more.length > 0)
      throw new LineError(`Problem with the specified rule number(s) '${from}'`, at + 2)
    this.#number = first
    this.#to = last
  }
}

function needed(letter: string, at: number, words: NextWords): string {
  if (words.peek() === undefined) throw new LineError(`option "-${letter}" requires an argument`, at)
  return words.next()
}

/** The next word, where it is no option. */
const free = (words: NextWords): string | undefined => {
  const next = words.peek()
  return next !== undefined && !next.startsWith('-') && next !== '!' ? words.next() : undefined
}

const clash = ({ targets, verdicts }: LinkLanguage, name: string): string | undefined =>
  verdicts.includes(name) || targets.some((target) => target.name === name)
    ? 'chain name may not clash with target name'
    : undefined

/** From 1 (xtables-eb.c: parse_rule_number; xshared.c: parse_rulenumber). */
function ruleNumber(word: string | undefined, at: number): number | undefined {
  if (word === undefined) return undefined
  const value = /^(0x[\da-f]+|\d+)$/i.test(word) ? Number(word) : 0
  if (value < 1 || value > 0x7fffffff) throw new LineError(`Invalid rule number \`${word}'`, at + 2)
  return value
}
