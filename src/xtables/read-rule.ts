import { type Family, familyOf } from '../address/ip.js'
import { type AddressMask, parseAddressMask } from './address-mask.js'
import { addressProblem, BASE, type Base, ENDS, INVERTIBLE, readProtocol, withOption } from './base-options.js'
import { WordError } from './codec.js'
import { Draft, type Loading } from './draft.js'
import type { AnyExtension, Given, RuleContext } from './extension.js'
import { interfaceName } from './interface.js'
import type { KnownOption, Prepared, Registry } from './known.js'
import { LineError } from './line-error.js'
import { type Plain, plainAddress, plainInterface } from './plain.js'
import type { Words } from './words.js'

/** Extensions of iptables 1.8 that are targets and that we do not have: `-j` with one of these names is no jump to a chain. */
const OTHER_TARGETS: ReadonlySet<string> = new Set(
  'CLUSTERIP CONNSECMARK DNPT ECN HMARK IDLETIMER LED RATEEST SECMARK SET SNPT SYNPROXY TCPOPTSTRIP TPROXY ULOG'.split(
    ' ',
  ),
)

/** How many different words are kept for one kind of value. */
const KEPT = 4096

const LONG = 45

/** The options that a command line has beside those of a rule: `-A`, `-t`, `-n`. */
export interface CommandOptions {
  readonly chain: string
  /** The command has a rule, which is to be checked. */
  readonly hasRule: boolean
  /** By their long names, with the letter that stands for them. */
  readonly names: ReadonlyMap<string, string>
  /** Whether the option has a word of its own: `none`, one that is needed, or one that may be there. */
  arity(letter: string): 'none' | 'needed' | 'optional' | undefined
  /** `word`: where the option stands. `argument`: of options that have one. */
  take(letter: string, word: number, argument: string | undefined, reader: RuleReader): void
}

/** Reads the words behind `-A CHAIN`. */
export class RuleReader {
  readonly family: Family
  readonly table: string
  readonly #registry: Registry
  readonly #isChain: (name: string) => boolean
  readonly #addresses = new Map<string, Given<AddressMask>>()
  readonly #interfaces = new Map<string, Given<string>>()
  readonly #protocols = new Map<string, Given<number>>()
  readonly #draft: Draft
  /** By word: how a plain value looks where it stands (Codec.plain), of the rule read last. */
  readonly plain: (Plain | undefined)[] = []
  /** Words of the rule read last were put in the place of others. */
  respelled = false
  #words!: Words
  #at = 0
  #commands: CommandOptions | undefined

  constructor(
    registry: Registry,
    { family, table, backend }: Pick<RuleContext, 'family' | 'table' | 'backend'>,
    isChain: (name: string) => boolean,
  ) {
    this.#registry = registry
    this.family = family
    this.table = table
    this.#draft = new Draft(family, table, backend)
    this.#isChain = isChain
  }

  /** Throws LineError. What it gives is good until the next call. The rule is for the other family where `draft.otherFamily` is set (-4, -6). */
  read(chain: string, words: Words, from: number, commands?: CommandOptions): Draft {
    this.#words = words
    this.#at = from
    this.#commands = commands
    const draft = this.#draft
    draft.begin(chain)
    this.plain.length = 0
    this.respelled = false
    let not = -1
    while (this.#at < words.length) {
      const at = this.#at++
      const word = words.text[at]!
      if (word === '!') {
        if (not >= 0) throw new LineError('multiple consecutive ! not allowed', at)
        not = at
        continue
      }
      const base = word.charCodeAt(1) !== LONG || word.length < 5 ? BASE.get(word) : undefined
      if (base !== undefined) this.#base(draft, base, at, not >= 0)
      else if (!this.#option(draft, word, at, not >= 0)) this.#rare(draft, word, at, not >= 0)
      not = -1
    }
    if (not >= 0) throw new LineError('"!" stands before nothing', not)
    if (commands) draft.chain = commands.chain
    if (!commands || commands.hasRule) draft.check()
    return draft
  }

  #next(what: string, at: number): string {
    if (this.#at >= this.#words.length)
      throw new LineError(`option "${this.#words.text[at]}" requires an argument${what ? `: ${what}` : ''}`, at)
    return this.#words.text[this.#at++]!
  }

  /** For whoever reads a command's own options: the word behind one. */
  argument(at: number): string {
    return this.#next('', at)
  }

  /** The word behind an option that may do without: none where another option follows (xshared.c: xs_has_arg). */
  optional(): string | undefined {
    const word = this.#at < this.#words.length ? this.#words.text[this.#at]! : '-'
    if (word.startsWith('-') || word.startsWith('!')) return undefined
    this.#at++
    return word
  }

  /** The word behind an option, and whether it is negated: `! -s A`, or the old `-s ! A`. */
  #negated(at: number, inverted: boolean): boolean {
    if (this.#at >= this.#words.length || this.#words.text[this.#at] !== '!') return inverted
    if (inverted) throw new LineError('multiple consecutive ! not allowed', at)
    this.#at++
    return true
  }

  /** Reads the next word with `parse`, or finds what it was read as before. */
  #value<T>(
    kept: Map<string, Given<T>>,
    what: string,
    at: number,
    inverted: boolean,
    parse: (word: string) => T,
    plain?: Plain,
  ): Given<T> {
    const not = this.#negated(at, inverted)
    const word = this.#next(what, at)
    this.plain[this.#at - 1] = plain
    let given = kept.get(word)
    if (given === undefined) {
      try {
        given = { value: parse(word), inverted: false }
      } catch (error) {
        throw error instanceof WordError ? new LineError(error.message, this.#at - 1) : error
      }
      if (kept.size < KEPT) kept.set(word, given)
    }
    return not ? { value: given.value, inverted: true } : given
  }

  #base(draft: Draft, base: Base, at: number, inverted: boolean): void {
    if (inverted && !INVERTIBLE.has(base)) throw new LineError(`"!" cannot stand before ${this.#words.text[at]}`, at)
    switch (base) {
      case 'source':
      case 'destination':
        draft.once(base, at)
        if (this.#words.text[this.#at]?.includes(','))
          draft[base === 'source' ? 'sources' : 'destinations'] = this.#several(at, inverted)
        else
          draft[base === 'source' ? 'src' : 'dst'] = this.#value(
            this.#addresses,
            'an address',
            at,
            inverted,
            this.#parseAddress,
            plainAddress,
          )
        return
      case 'protocol':
        draft.once(base, at)
        draft.protocol = this.#value(this.#protocols, 'a protocol', at, inverted, readProtocol)
        if (draft.protocol.inverted && draft.protocol.value === 0)
          throw new LineError('no packet has no protocol: ! -p all', at)
        return
      case 'in':
      case 'out':
        draft.once(base, at)
        draft[base === 'in' ? 'iif' : 'oif'] = this.#value(
          this.#interfaces,
          'an interface',
          at,
          inverted,
          interfaceName.parse,
          plainInterface,
        )
        return
      case 'fragment':
        if (this.family === 6) throw new LineError('-f is not there for IPv6', at)
        draft.fragment = { value: true, inverted }
        return
      case 'match':
        this.#extension(draft, this.#next('the name of a match', at), this.#registry.matches)
        return
      case 'jump':
      case 'goto':
        this.#jump(draft, this.#next('a target', at), base === 'goto')
        return
      case 'counters':
        this.#splitCounters()
        draft.counters = { packets: this.#count(at), bytes: this.#count(at) }
        return
      case 'ipv4':
      case 'ipv6':
        if ((base === 'ipv4') !== (this.family === 4)) draft.otherFamily = true
        return
      case 'ignored':
        if (/^\d+$/.test(this.#words.text[this.#at] ?? '') && this.#at < this.#words.length) this.#at++
        return
    }
  }

  /** A word behind `-s` or `-d` of a line that was read before. */
  address(word: string): Given<AddressMask> {
    return this.#addresses.get(word) ?? { value: this.#parseAddress(word), inverted: false }
  }

  /** Behind `-i` or `-o`, likewise. */
  interface(word: string): Given<string> {
    return this.#interfaces.get(word) ?? { value: interfaceName.parse(word), inverted: false }
  }

  readonly #parseAddress = (word: string): AddressMask => {
    const parsed = parseAddressMask(word)
    if (!parsed) throw new WordError(addressProblem(word))
    if (familyOf(parsed.ip) !== this.family) throw new WordError(`${word} is not an IPv${this.family} address`)
    return parsed
  }

  /** `-s A,B`: a rule for each. */
  #several(at: number, inverted: boolean): readonly Given<AddressMask>[] {
    if (inverted) throw new LineError('"!" and several addresses exclude each other', at)
    const word = this.#next('an address', at)
    try {
      return word.split(',').map((part) => ({ value: this.#parseAddress(part), inverted: false }))
    } catch (error) {
      throw error instanceof WordError ? new LineError(error.message, this.#at - 1) : error
    }
  }

  /** `-c 5,6` is the same as `-c 5 6`. */
  #splitCounters(): void {
    const [packets, bytes, ...more] = (this.#words.text[this.#at] ?? '').split(',')
    if (packets && bytes && more.length === 0 && this.#at < this.#words.length) this.#put(this.#at, packets, bytes)
  }

  #count(at: number): number {
    if (this.#at >= this.#words.length || !/^\d+$/.test(this.#words.text[this.#at]!))
      throw new LineError('-c requires packet and byte counter', at)
    return Number(this.#words.text[this.#at++]!)
  }

  #jump(draft: Draft, name: string, goto: boolean): void {
    const at = this.#at - 1
    if (draft.target || draft.to) throw new LineError('multiple -j flags not allowed', at)
    const next = this.#words.length > this.#at ? this.#words.text[this.#at]! : ''
    const isTarget =
      this.#registry.targets.has(name) || (!this.#isChain(name) && (OTHER_TARGETS.has(name) || next.startsWith('--')))
    if (goto || !isTarget) draft.to = { chain: name, goto, at }
    else draft.target = this.#extension(draft, name, this.#registry.targets)
  }

  /** Unknown ones take every word up to the next option that is surely not theirs. */
  #extension<E extends AnyExtension>(draft: Draft, name: string, registry: Prepared<E>): Loading<E> {
    const at = this.#at - 1
    const known = registry.get(name)
    if (known) return draft.loading(known.name, known, undefined, at) as Loading<E>
    if (this.#commands) throw new LineError(`Couldn't load match \`${name}':No such file or directory`, at)
    const first = this.#at
    const { text, length } = this.#words
    while (this.#at < length) {
      const word = text[this.#at]!
      if (ENDS.has(word) || (word === '!' && this.#at + 1 < length && ENDS.has(text[this.#at + 1]!))) break
      this.#at++
    }
    return draft.loading(name, undefined, this.#words.verbatim(first, this.#at), at) as Loading<E>
  }

  /** False where no extension of this rule has an option of that name. */
  #option(draft: Draft, word: string, at: number, inverted: boolean): boolean {
    for (let i = draft.count - 1; i >= 0; i--) {
      // the one loaded last first, as xtables_merge_options puts them
      const use = draft.loaded[i]!
      const option = use.known?.options.get(word)
      if (!option) continue
      this.#take(use, option, word, at, inverted)
      return true
    }
    const known = this.#registry.impliedBy(this.family, draft.positiveProtocol)
    const option = known?.options.get(word)
    if (!known || !option) return false
    const use = draft.loading(known.name, known, undefined, at)
    this.#take(use, option, word, at, inverted)
    return true
  }

  #take(use: Loading<AnyExtension>, option: KnownOption, word: string, at: number, inverted: boolean): void {
    const { key, words, read } = option
    const not = words === 0 ? inverted : this.#negated(at, inverted)
    if (not && !option.invertible) throw new LineError(`"!" cannot stand before ${word}`, at)
    const slot = use.part > 0 && option.spec.inEveryPart ? `${key}@${use.part}` : key
    if (use.options[slot] !== undefined) throw new LineError(`${word} stands twice`, at)
    if (key === use.known?.extension.nextPart) use.part++
    let text = words === 0 || this.#isLeftOut(option) ? '' : this.#argument(option, at)
    if (words === 1) this.plain[this.#at - 1] = option.plain
    if (words === 2) text += ` ${this.#argument(option, at)}`
    let given = read.get(text)
    if (given === undefined) {
      given = this.#parsed(option, text, word, at)
      if (read.size < KEPT) read.set(text, given)
    }
    use.options[slot] = not ? { value: given.value, inverted: true } : given
  }

  /** libxt_rateest.c: rateest_parse: what begins another option is no value. */
  #isLeftOut({ spec }: KnownOption): boolean {
    if (!spec.value.optional) return false
    return this.#at >= this.#words.length || /^[-!]/.test(this.#words.text[this.#at]!)
  }

  #argument({ spec }: KnownOption, at: number): string {
    return this.#next(spec.value.metavar, at)
  }

  #parsed({ spec, words }: KnownOption, text: string, word: string, at: number): Given<unknown> {
    try {
      return { value: spec.value.parse(text), inverted: false }
    } catch (error) {
      if (!(error instanceof WordError)) throw error
      throw new LineError(withOption(error.message, word), words > 0 ? this.#at - words : at)
    }
  }

  /** Spellings that getopt_long(3) takes too: `--dport=22`, `-ptcp`, `--dpo 22`. */
  #rare(draft: Draft, word: string, at: number, inverted: boolean): void {
    if (this.#commands && this.#command(this.#commands, word, at)) return
    const other = this.#spelled(draft, word, at)
    if (other) {
      this.#insert(draft, at, inverted, ...other)
      return
    }
    const where = draft.target ? `, and neither does -j ${draft.target.name}` : ''
    throw new LineError(
      word.startsWith('-')
        ? `unknown option "${word}": no match of this rule has it${where}`
        : `Bad argument \`${word}'`,
      at,
    )
  }

  #spelled(draft: Draft, word: string, at: number): readonly string[] | undefined {
    if (!word.startsWith('-') || word.length < 3) return undefined
    if (!word.startsWith('--')) return BASE.has(word.slice(0, 2)) ? [word.slice(0, 2), word.slice(2)] : undefined
    if (BASE.has(word)) return [word]
    const equals = word.indexOf('=')
    if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)]
    const names = this.#beginning(draft, word)
    if (names.length > 1) throw new LineError(`unknown option "${word}": ${names.join(' or ')}?`, at)
    return names.length === 1 ? names : undefined
  }

  /** Other words in the place of one. */
  #put(at: number, ...instead: readonly string[]): void {
    this.respelled = true
    const { text, at: places, end: ends } = this.#words
    text.splice(at, 1, ...instead)
    places.splice(at, 1, ...instead.map(() => places[at]!))
    ends.splice(at, 1, ...instead.map(() => ends[at]!))
    this.#words.length += instead.length - 1
  }

  /** An option of the command line itself: `-t nat`, `-tnat`, `-nvL`, `--append INPUT`, `--table=nat`. */
  #command(commands: CommandOptions, word: string, at: number): boolean {
    const long = word.startsWith('--')
    const [name = '', attached] = long ? word.split(/=(.*)/s, 2) : [word[1] ?? '', word.slice(2) || undefined]
    const letter = long ? commands.names.get(name) : name
    const arity = word.startsWith('-') && letter !== undefined ? commands.arity(letter) : undefined
    if (letter === undefined || arity === undefined) return false
    if (arity === 'none') {
      commands.take(letter, at, undefined, this)
      if (long || attached === undefined) return true
      this.#words.text[at] = `-${attached}`
      this.#at = at
      return true
    }
    commands.take(letter, at, attached ?? (arity === 'needed' ? this.argument(at) : this.optional()), this)
    return true
  }

  /** Puts other words in the place of one, and reads on from there. */
  #insert(draft: Draft, at: number, inverted: boolean, ...instead: readonly string[]): void {
    this.#put(at, ...instead)
    this.#at = at + 1
    const word = instead[0]!
    if (this.#commands && this.#command(this.#commands, word, at)) return
    const base = BASE.get(word)
    if (base !== undefined) this.#base(draft, base, at, inverted)
    else if (!this.#option(draft, word, at, inverted))
      throw new LineError(`unknown option "${word}": no match of this rule has it`, at)
  }

  /** The options that begin so. */
  #beginning(draft: Draft, word: string): readonly string[] {
    const implied = this.#registry.impliedBy(this.family, draft.positiveProtocol)
    const options = [...draft.loaded.slice(0, draft.count).map(({ known }) => known), implied].flatMap((known) => [
      ...(known?.options ?? []),
    ])
    const found = new Map<unknown, string>()
    for (const [name, option] of options) if (name.startsWith(word)) found.set(option, name)
    for (const [name, base] of BASE) if (name.startsWith(word)) found.set(base, name)
    for (const [name, letter] of this.#commands?.names ?? []) if (name.startsWith(word)) found.set(letter, name)
    return [...found.values()]
  }
}
