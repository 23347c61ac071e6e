import type { Counters } from '../../rules/program.js'
import { WordError } from '../codec.js'
import { LineError } from '../line-error.js'
import { printProtocol } from '../protocol.js'
import { BASE, type LinkMatch } from './ebtables-options.js'
import type { LinkTarget } from './ebtables-targets.js'
import type { LinkLanguage } from './language.js'
import type { AnyLinkOption } from './option.js'
import type { LinkFields, LinkGiven } from './rule.js'

/** Options that are none of a rule: those of a command. */
export interface OtherOptions {
  /** False where it is none of them. `attached`: the word behind `=`, or behind a letter. */
  take(word: string, attached: string | undefined, at: number, words: NextWords): boolean
  /** What stands there and is no option. */
  stray?(word: string, at: number): never
  /** Options of a rule are not expected here: throws. */
  expectRule(word: string, at: number, own: 'base' | 'extension'): void
  /** The chain, as far as it is known. */
  readonly chain: string
}

/** The words that follow an option. */
export interface NextWords {
  /** The next one stays where it is. */
  peek(ahead?: number): string | undefined
  next(): string
}

interface Where {
  readonly language: LinkLanguage
  readonly chain: string
  readonly counters: Counters | undefined
  readonly others?: OtherOptions
}

interface Cut {
  readonly text: readonly string[]
  readonly length: number
}

/** The rule that the words from `from` on make. Throws LineError, whose `word` counts the words. */
export function readRule(words: Cut, from: number, where: Where): LinkFields {
  return new RuleReader(words, where).read(from)
}

class RuleReader implements NextWords {
  readonly #words: Cut
  readonly #where: Where
  readonly #base = new Map<string, LinkGiven>()
  readonly #matches: { match: LinkMatch; options: Map<string, LinkGiven> }[] = []
  readonly #options = new Map<string, LinkGiven>()
  #jump: string | undefined
  #counters: Counters | undefined
  #countersSaid = false
  /** Where a `!` stands that waits for its option. */
  #not = -1
  #at = 0

  constructor(words: Cut, where: Where) {
    this.#words = words
    this.#where = where
    this.#counters = where.counters
  }

  read(from: number): LinkFields {
    const { text, length } = this.#words
    this.#at = from
    while (this.#at < length) {
      const at = this.#at++
      if (text[at] === '!') {
        if (this.#not >= 0) throw new LineError("Double use of '!' not allowed", at)
        this.#not = at
        continue
      }
      this.#option(text[at]!, at)
      this.#not = -1
    }
    if (this.#not >= 0) throw new LineError('"!" stands before nothing', this.#not)
    const { language } = this.#where
    const chain = this.#chain
    const target = language.targets.find(({ name }) => name === this.#jump)
    this.#check(target, from)
    const shared = { base: this.#base, matches: this.#matches, options: this.#options }
    return { chain, ...shared, jump: this.#jump, target, counters: this.#counters }
  }

  #option(said: string, at: number): void {
    const { language } = this.#where
    // getopt_long(3): `--option=word`
    const [word, value] = /^(--[^=]+)=(.*)$/s.exec(said)?.slice(1) ?? [said]
    const { others } = this.#where
    if (others?.take(word!, value, at, this)) return
    others?.expectRule(word!, at, BASIC.has(word!) || find(language.base, word!) ? 'base' : 'extension')
    if (word === '-j' || word === '--jump') {
      if (this.#jump !== undefined) throw twice(language, word, at)
      this.#jump = this.#word(said, at, value)
      return
    }
    if (word === '-c' || word === '--set-counters') {
      if (this.#countersSaid) throw twice(language, '-c', at)
      this.#countersSaid = true
      this.#counters = this.#countersFrom(at, value)
      return
    }
    if (word === '-m' || word === '--match') {
      this.#word(said, at, value)
      return
    }
    const own = find(language.base, word!)
    const match = language.matches.find((one) => find(one.options, word!))
    const target = language.targets.find(({ options }) => find(options, word!))
    if (own) this.#take(own, this.#base, at, value)
    else if (match) {
      this.#checkNflog(match, at)
      this.#take(find(match.options, word!)!, this.#ofMatch(match), at, value, match.again)
    } else if (target) this.#take(find(target.options, word!)!, this.#options, at, value)
    else if (word!.startsWith('-')) throw new LineError(`unknown option "${word}"`, at)
    else if (others?.stray) others.stray(word!, at)
    else throw new LineError(`Bad argument : '${word}'`, at)
  }

  /** nflog is asked about the options of every match that stands behind it, and takes no `!` (xtables-eb.c: ebt_command_default, up to 1.8.10). */
  #checkNflog(match: LinkMatch, at: number): void {
    const { others, language } = this.#where
    const behind = this.peek() === '!' || this.#not >= 0
    if (!others || !behind || language.not !== 'behind') return
    const [nflog, own] = ['nflog', match.name].map((name) => this.#matches.findIndex((one) => one.match.name === name))
    if (nflog! >= 0 && (own! < 0 || own! > nflog!))
      throw new LineError("The use of '!' makes no sense for the nflog watcher", at)
  }

  peek(ahead = 0): string | undefined {
    const { text, length } = this.#words
    return this.#at + ahead < length ? text[this.#at + ahead] : undefined
  }

  next(): string {
    return this.#words.text[this.#at++]!
  }

  get #chain(): string {
    return this.#where.others?.chain ?? this.#where.chain
  }

  #ofMatch(match: LinkMatch): Map<string, LinkGiven> {
    const known = this.#matches.find((one) => one.match === match)
    if (known) return known.options
    const options = new Map<string, LinkGiven>()
    this.#matches.push({ match, options })
    return options
  }

  /** `-c PACKETS BYTES`; arptables has `PACKETS,BYTES` too. */
  #countersFrom(at: number, value: string | undefined): Counters {
    const first = this.#word('-c', at, value)
    const [packets, bytes] = first.includes(',') ? first.split(',') : [first, this.#word('-c', at, undefined)]
    if (!/^\d+$/.test(packets!)) throw new LineError(`Packet counter '${packets}' invalid`, at + 1)
    if (!/^\d+$/.test(bytes!)) throw new LineError(`Packet counter '${bytes}' invalid`, at + 2)
    return { packets: Number(packets), bytes: Number(bytes) }
  }

  #word(option: string, at: number, value: string | undefined): string {
    if (value !== undefined) return value
    const { text, length } = this.#words
    if (this.#at >= length) throw new LineError(`option "${option}" requires an argument`, at)
    return text[this.#at++]!
  }

  #take(
    option: AnyLinkOption,
    into: Map<string, LinkGiven>,
    at: number,
    value: string | undefined,
    again = false,
  ): void {
    const { text, length } = this.#words
    const { language } = this.#where
    const behind = !option.bare && value === undefined && this.#at < length && text[this.#at] === '!'
    if (behind && this.#not >= 0) throw new LineError("Double use of '!' not allowed", this.#at)
    if (behind) this.#at++
    const inverted = this.#not >= 0 || behind
    if (inverted && !option.invertible) throw new LineError(`"!" cannot stand before ${option.flag}`, at)
    if (into.has(option.flag) && !again) throw twice(language, option.flag, at)
    // a command of arptables looks at the whole of it first
    const later = this.#where.others && language.program === 'arptables'
    const place = later ? undefined : wrongPlace(option.flag, this.#chain, language)
    if (place) throw new LineError(place, at)
    const word = option.bare ? '' : this.#word(option.flag, at, value)
    const parsed = option.bare ? true : parse(option, word, this.#at - 1)
    // any device: not a word of it is kept
    if (word === '+' && !inverted && INTERFACES.has(option.flag)) return
    into.set(option.flag, { option, value: parsed, inverted: inverted || (into.get(option.flag)?.inverted ?? false) })
  }

  /** What options want of each other. */
  #check(target: LinkTarget | undefined, at: number): void {
    const stray = [...this.#options.values()].find(({ option }) => !target?.options.includes(option))
    if (stray) throw new LineError(`unknown option "${stray.option.flag}"`, at)
    const wrong = target?.problem?.(this.#options, this.#base)
    if (wrong) throw new LineError(wrong, at)
    for (const { match, options } of this.#matches) {
      const problem = missing(match, options, this.#base)
      if (problem) throw new LineError(problem, at)
      const kept = match.keep?.(options)
      for (const flag of [...options.keys()]) if (kept && !kept.includes(flag)) options.delete(flag)
    }
  }
}

const BASIC: ReadonlySet<string> = new Set(['-j', '--jump', '-c', '--set-counters'])
const INTERFACES: ReadonlySet<string> = new Set(['-i', '-o', '--logical-in', '--logical-out'])

const twice = ({ program }: LinkLanguage, flag: string, at: number): LineError =>
  new LineError(
    program === 'ebtables' ? 'Multiple use of same option not allowed' : `multiple ${flag} flags not allowed`,
    at,
  )

/** A device that no frame has on that hook (xtables-eb.c: do_commandeb; xshared.c: do_parse). */
export function wrongPlace(flag: string, chain: string, { program }: LinkLanguage): string | undefined {
  const leaving = chain === 'OUTPUT' || chain === 'POSTROUTING'
  const arriving = chain === 'INPUT' || chain === 'PREROUTING'
  const wrong =
    flag === '-i' || flag === '--logical-in' ? leaving : (flag === '-o' || flag === '--logical-out') && arriving
  if (!wrong) return undefined
  if (program === 'arptables') return `Can't use ${flag} with ${chain}`
  const where = leaving ? 'INPUT, FORWARD, PREROUTING and BROUTING' : 'OUTPUT, FORWARD and POSTROUTING'
  return `Use ${flag} only in ${where} chains`
}

/** What a match wants besides itself, as the kernel checks it. */
function missing(
  match: LinkMatch,
  own: ReadonlyMap<string, LinkGiven>,
  base: ReadonlyMap<string, LinkGiven>,
): string | undefined {
  const has = (given: LinkGiven | undefined, values: readonly number[]) =>
    given !== undefined && !given.inverted && values.includes(given.value as number)
  const { protocols, wants = [], options } = match
  const first = options.find(({ flag }) => own.has(flag))!.flag
  if (protocols && !has(base.get('-p'), protocols)) {
    const option = BASE.find(({ flag }) => flag === '-p')!
    return `${first} needs -p ${protocols.map((one) => option.print(one)).join(' or ')}`
  }
  for (const { flags, option, protocols: which } of wants) {
    const said = flags.find((flag) => own.has(flag))
    if (said && !has(own.get(option), which))
      return `${said} needs ${option} with ${which.map(printProtocol).join(', ')}`
  }
  return undefined
}

const find = (options: readonly AnyLinkOption[], word: string): AnyLinkOption | undefined =>
  options.find(({ flag, aliases }) => flag === word || aliases?.includes(word))

function parse(option: AnyLinkOption, word: string, at: number): unknown {
  try {
    return option.parse(word)
  } catch (error) {
    throw error instanceof WordError ? new LineError(error.message, at) : error
  }
}
