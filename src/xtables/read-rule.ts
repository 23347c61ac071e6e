import type { Family } from '../address/ip.js'
import { familyOf } from '../address/ip.js'
import type { Counters } from '../rules/program.js'
import { type AddressMask, parseAddressMask } from './address-mask.js'
import { WordError } from './codec.js'
import {
  type AnyExtension,
  type Given,
  type OptionsOf,
  type OptionTable,
  optionNamed,
  problemOf,
  type RuleContext,
} from './extension.js'
import { interfaceName } from './interface.js'
import type { AnyMatch } from './match.js'
import { matches as MATCHES } from './matches/index.js'
import { parseProtocol } from './protocol.js'
import type { RuleFields, Use } from './rule-fields.js'
import type { AnyTarget } from './target.js'
import { targets as TARGETS } from './targets/index.js'

/** What is wrong with a line, and at which word (from 0). */
export class LineError extends Error {
  readonly word: number

  constructor(message: string, word: number) {
    super(message)
    this.word = word
  }
}

/** A match or target while its options are being read. */
interface Loading<E extends AnyExtension> {
  readonly name: string
  readonly extension: E | undefined
  readonly options: Record<string, Given<unknown>>
  readonly raw: string[]
  readonly at: number
}

type Base =
  | 'source'
  | 'destination'
  | 'protocol'
  | 'in'
  | 'out'
  | 'fragment'
  | 'match'
  | 'jump'
  | 'goto'
  | 'counters'
  | 'family'
  | 'ignored'

const BASE: ReadonlyMap<string, Base> = new Map<string, Base>([
  ['-s', 'source'], ['--source', 'source'], ['--src', 'source'], ['-d', 'destination'], ['--destination', 'destination'], ['--dst', 'destination'],
  ['-p', 'protocol'], ['--protocol', 'protocol'], ['--proto', 'protocol'], ['-i', 'in'], ['--in-interface', 'in'], ['-o', 'out'],
  ['--out-interface', 'out'], ['-f', 'fragment'], ['--fragment', 'fragment'], ['--fragments', 'fragment'], ['-m', 'match'], ['--match', 'match'],
  ['-j', 'jump'], ['--jump', 'jump'], ['-g', 'goto'], ['--goto', 'goto'], ['-c', 'counters'], ['--set-counters', 'counters'],
  ['-4', 'family'], ['--ipv4', 'family'], ['-6', 'family'], ['--ipv6', 'family'], ['-w', 'ignored'], ['--wait', 'ignored'],
]) // biome-ignore format: a table

/** Extensions of iptables 1.8 that are targets: a jump to one of these names is no jump to a chain. */
const OTHER_TARGETS: ReadonlySet<string> = new Set(
  'AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNSECMARK DNPT DSCP ECN HMARK IDLETIMER LED NETMAP NFQUEUE RATEEST SECMARK SET SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY ULOG'.split(
    ' ',
  ),
)

/** Reads the words behind `-A CHAIN`. Several rules where `-s` or `-d` lists several addresses. */
export class RuleReader {
  readonly #family: Family
  readonly #table: string
  readonly #isChain: (name: string) => boolean
  #words: readonly string[] = []
  #at = 0

  constructor(family: Family, table: string, isChain: (name: string) => boolean) {
    this.#family = family
    this.#table = table
    this.#isChain = isChain
  }

  /** Throws LineError. `undefined`: the rule is for the other family (-4, -6). */
  read(
    chain: string,
    words: readonly string[],
    from: number,
    counters: Counters | undefined,
  ): readonly RuleFields[] | undefined {
    this.#words = words
    this.#at = from
    const draft = new Draft(this.#family, this.#table)
    let inverted = -1
    while (this.#at < words.length) {
      const at = this.#at
      const word = words[this.#at++]!
      if (word === '!') {
        if (inverted >= 0) throw new LineError('"!" twice', at)
        inverted = at
        continue
      }
      const base = BASE.get(word)
      if (base !== undefined) this.#base(draft, base, word, at, inverted >= 0)
      else this.#option(draft, word, at, inverted >= 0)
      inverted = -1
    }
    if (inverted >= 0) throw new LineError('"!" stands before nothing', inverted)
    return draft.finish(chain, draft.counters ?? counters)
  }

  #next(what: string, at: number): string {
    const word = this.#words[this.#at]
    if (word === undefined) throw new LineError(`"${this.#words[at]}" needs ${what}`, at)
    this.#at++
    return word
  }

  /** The word behind an option, and whether it is negated: `! -s A`, or the old `-s ! A`. */
  #value(what: string, at: number, inverted: boolean): Given<string> {
    const word = this.#next(what, at)
    if (word !== '!') return { value: word, inverted }
    if (inverted) throw new LineError('"!" twice', at)
    return { value: this.#next(what, at), inverted: true }
  }

  #base(draft: Draft, base: Base, word: string, at: number, inverted: boolean): void {
    const cannot = () => {
      if (inverted) throw new LineError(`"!" cannot stand before ${word}`, at)
    }
    switch (base) {
      case 'source':
      case 'destination':
        draft.addresses(base, this.#value('an address', at, inverted), this.#at - 1)
        return
      case 'protocol':
        draft.setProtocol(this.#value('a protocol', at, inverted), this.#at - 1)
        return
      case 'in':
      case 'out': {
        const given = this.#value('an interface', at, inverted)
        draft.setInterface(base, given, this.#at - 1)
        return
      }
      case 'fragment':
        if (this.#family === 6) throw new LineError('-f is not there for IPv6', at)
        draft.fragment = { value: true, inverted }
        return
      case 'match':
        cannot()
        draft.matches.push(this.#extension(this.#next('the name of a match', at), MATCHES, this.#at - 1))
        return
      case 'jump':
      case 'goto':
        cannot()
        this.#jump(draft, this.#next('a target', at), base === 'goto', this.#at - 1)
        return
      case 'counters':
        draft.counters = { packets: this.#count(at), bytes: this.#count(at) }
        return
      case 'family':
        if (word.includes('4') !== (this.#family === 4)) draft.otherFamily = true
        return
      case 'ignored':
        return
    }
  }

  #count(at: number): number {
    const word = this.#next('packets and bytes', at)
    if (!/^\d+$/.test(word)) throw new LineError(`bad counter "${word}"`, this.#at - 1)
    return Number(word)
  }

  #jump(draft: Draft, name: string, goto: boolean, at: number): void {
    if (draft.target || draft.jump) throw new LineError('a rule has one target', at)
    if (goto || (this.#isChain(name) && !(name in TARGETS))) {
      draft.jump = { chain: name, goto, at }
      return
    }
    if (name in TARGETS || OTHER_TARGETS.has(name)) draft.target = this.#extension(name, TARGETS, at)
    else if (this.#words[this.#at]?.startsWith('--')) draft.target = this.#extension(name, TARGETS, at)
    else draft.jump = { chain: name, goto, at }
  }

  /** Unknown ones take every word up to the next -m, -j or -g. */
  #extension<E extends AnyExtension>(name: string, registry: Readonly<Record<string, E>>, at: number): Loading<E> {
    const extension = Object.hasOwn(registry, name) ? registry[name] : undefined
    const raw: string[] = []
    if (!extension)
      while (
        this.#at < this.#words.length &&
        !['-m', '-j', '-g', '--match', '--jump', '--goto'].includes(this.#words[this.#at]!)
      )
        raw.push(this.#words[this.#at++]!)
    return { name, extension, options: {}, raw, at }
  }

  #option(draft: Draft, word: string, at: number, inverted: boolean): void {
    const found = draft.owner(word) ?? this.#implied(draft, word)
    if (!found) {
      const where = draft.target ? `, and neither does -j ${draft.target.name}` : ''
      throw new LineError(
        word.startsWith('-')
          ? `unknown option "${word}": no match of this rule has it${where}`
          : `"${word}" does not belong here`,
        at,
      )
    }
    const { use, key } = found
    const spec = use.extension!.options[key]!
    const given: { value: string; inverted: boolean } = { value: '', inverted }
    for (let i = 0; i < spec.value.words; i++) {
      const next = this.#value(spec.value.metavar, at, i === 0 ? inverted : false)
      given.inverted = given.inverted || next.inverted
      given.value = i === 0 ? next.value : `${given.value} ${next.value}`
    }
    if (given.inverted && !spec.invertible) throw new LineError(`"!" cannot stand before ${word}`, at)
    if (use.options[key]) throw new LineError(`${word} stands twice`, at)
    try {
      use.options[key] = { value: spec.value.parse(given.value), inverted: given.inverted }
    } catch (error) {
      if (error instanceof WordError)
        throw new LineError(`${word}: ${error.message}`, spec.value.words > 0 ? at + 1 : at)
      throw error
    }
  }

  /** `-p tcp --dport 22`: the protocol's own match comes along. */
  #implied(draft: Draft, word: string): { use: Loading<AnyExtension>; key: string } | undefined {
    const protocol = draft.protocol && !draft.protocol.inverted ? draft.protocol.value : undefined
    if (protocol === undefined) return undefined
    for (const match of Object.values(MATCHES)) {
      if (!match.impliedBy?.includes(protocol) || !match.families.includes(this.#family)) continue
      const key = optionNamed(match, word)
      if (key === undefined) continue
      const use: Loading<AnyMatch> = { name: match.name, extension: match, options: {}, raw: [], at: this.#at - 1 }
      draft.matches.push(use)
      return { use, key }
    }
    return undefined
  }
}

/** A rule while its words are being read. */
class Draft {
  readonly #family: Family
  readonly #table: string
  readonly #addresses: Record<'source' | 'destination', readonly Given<AddressMask>[]> = { source: [], destination: [] }
  protocol: Given<number> | undefined
  in: Given<string> | undefined
  out: Given<string> | undefined
  fragment: Given<true> | undefined
  readonly matches: Loading<AnyMatch>[] = []
  target: Loading<AnyTarget> | undefined
  jump: { readonly chain: string; readonly goto: boolean; readonly at: number } | undefined
  counters: Counters | undefined
  otherFamily = false

  constructor(family: Family, table: string) {
    this.#family = family
    this.#table = table
  }

  addresses(end: 'source' | 'destination', { value, inverted }: Given<string>, at: number): void {
    if (this.#addresses[end].length > 0) throw new LineError(`two ${end} options`, at)
    const parts = value.includes(',') ? value.split(',') : [value]
    if (inverted && parts.length > 1) throw new LineError('"!" and several addresses exclude each other', at)
    this.#addresses[end] = parts.map((part) => {
      const parsed = parseAddressMask(part)
      if (!parsed)
        throw new LineError(`bad address "${part}"${/^[a-z]/i.test(part) ? ': names are not looked up' : ''}`, at)
      if (familyOf(parsed.ip) !== this.#family) throw new LineError(`${part} is not an IPv${this.#family} address`, at)
      return { value: parsed, inverted }
    })
  }

  setProtocol({ value, inverted }: Given<string>, at: number): void {
    const protocol = parseProtocol(value)
    if (protocol === undefined) throw new LineError(`unknown protocol "${value}"`, at)
    if (protocol === 0 && inverted) throw new LineError('no packet has no protocol: ! -p all', at)
    this.protocol = { value: protocol, inverted }
  }

  setInterface(which: 'in' | 'out', { value, inverted }: Given<string>, at: number): void {
    try {
      this[which] = { value: interfaceName.parse(value), inverted }
    } catch (error) {
      throw error instanceof WordError ? new LineError(error.message, at) : error
    }
  }

  /** The extension that has this option: the one loaded last first, as xtables_merge_options puts them. */
  owner(word: string): { use: Loading<AnyExtension>; key: string } | undefined {
    const uses: Loading<AnyExtension>[] = this.target ? [...this.matches, this.target] : this.matches
    for (let i = uses.length - 1; i >= 0; i--) {
      const use = uses[i]!
      const key = use.extension && optionNamed(use.extension, word)
      if (key !== undefined) return { use, key }
    }
    return undefined
  }

  finish(chain: string, counters: Counters | undefined): readonly RuleFields[] | undefined {
    if (this.otherFamily) return undefined
    const protocol = this.protocol && !this.protocol.inverted ? this.protocol.value : undefined
    const context: RuleContext = { family: this.#family, table: this.#table, protocol }
    for (const use of this.matches) check(use, context)
    if (this.target) check(this.target, context)
    const { source, destination } = this.#addresses
    const fields = (src: Given<AddressMask> | undefined, dst: Given<AddressMask> | undefined): RuleFields => ({
      chain,
      src,
      dst,
      iif: this.in,
      oif: this.out,
      protocol: this.protocol,
      fragment: this.fragment,
      matches: this.matches.map(used),
      target: this.target && used(this.target),
      jump: this.jump,
      counters,
    })
    if (source.length < 2 && destination.length < 2) return [fields(source[0], destination[0])]
    return (source.length > 0 ? source : [undefined]).flatMap((src) =>
      (destination.length > 0 ? destination : [undefined]).map((dst) => fields(src, dst)),
    )
  }
}

function check({ extension, options, at }: Loading<AnyExtension>, context: RuleContext): void {
  const problem = extension && problemOf(extension, options as OptionsOf<OptionTable>, context)
  if (problem) throw new LineError(problem, at)
}

const used = <E extends AnyExtension>({ name, extension, options, raw }: Loading<E>): Use<E> => ({
  name,
  extension,
  options: options as OptionsOf<OptionTable>,
  raw: extension ? undefined : raw.map(requote).join(' '),
})

/** Words of an extension that we do not know, quoted where they must be. */
const requote = (word: string): string => (/^[^\s"\\']+$/.test(word) ? word : `"${word.replace(/["\\']/g, '\\$&')}"`)
