import type { Family } from '../address/ip.js'
import type { Counters, Rule, Source, Step } from '../rules/program.js'
import { type AddressMask, printAddressMask } from './address-mask.js'
import { parseCounters, printCounters } from './counters.js'
import type { Endings } from './endings.js'
import { type Given, printOptions, protocolContext, type RuleContext } from './extension.js'
import { interfaceName } from './interface.js'
import { lowerRule } from './lower.js'
import { printProtocol } from './protocol.js'
import type { RuleReader } from './read-rule.js'
import type { RuleFields } from './rule-fields.js'
import { Words } from './words.js'

/** What the rules of one table of one file share. */
export interface TablePlace {
  readonly family: Family
  readonly table: string
  readonly file: string
  readonly backend: 'legacy' | 'nft'
  /** The whole file. */
  readonly text: string
  readonly reader: RuleReader
  /** The base chains that lead to a chain, as bits. */
  readonly bases: (chain: string) => number
  /** Of large files: what their rules mean, as far as many mean the same. */
  readonly endings?: Endings
  /** Lines are printed as they stand: another version of the program wrote them, in its own way. */
  readonly verbatim?: boolean
}

/** What was found out about a rule when it was read for the first time. */
export interface Findings {
  /** The chain that it jumps or goes to. */
  readonly jump: string | undefined
  readonly tracks: boolean
  readonly defragments: boolean
  /** The base chains that it may be reached from, as bits (baseChainBit). */
  readonly allowed: number
  /** It matches everything and has a verdict. */
  readonly ends: boolean
}

const words = new Words()

/**
 * One rule: where its line stands. A line is read and checked when its file is, then forgotten; what it means and how it prints are
 * worked out again when asked: most rules of a large ruleset are never looked at.
 */
export class SaveRule implements Rule {
  readonly place: TablePlace
  readonly line: number
  readonly jump: string | undefined
  readonly tracks: boolean
  readonly defragments: boolean
  readonly allowed: number
  readonly ends: boolean
  readonly #from: number
  readonly #to: number
  /** Which of the rules that its line makes: `-s A,B` makes two. */
  readonly #index: number
  #steps: readonly Step[] | undefined = undefined

  constructor(place: TablePlace, line: number, from: number, to: number, index: number, findings: Findings) {
    this.place = place
    this.line = line
    this.jump = findings.jump
    this.tracks = findings.tracks
    this.defragments = findings.defragments
    this.allowed = findings.allowed
    this.ends = findings.ends
    this.#from = from
    this.#to = to
    this.#index = index
  }

  get fields(): RuleFields {
    const { text, reader } = this.place
    words.split(text, this.#from, this.#to)
    const at = words.text[0]!.startsWith('[') ? 1 : 0
    return reader
      .read(words.text[at + 1]!, words, at + 2)
      .fields(this.#index, at === 1 ? parseCounters(words.text[0]!) : undefined)
  }

  get steps(): readonly Step[] {
    if (this.#steps === undefined) {
      const { endings } = this.place
      this.#steps = (this.#index === 0 ? endings?.steps(this.#from, this.#to) : undefined) ?? this.#lowered(endings)
    }
    return this.#steps
  }

  #lowered(endings: Endings | undefined): readonly Step[] {
    const { fields } = this
    const context = contextOf(fields, this.place)
    endings?.learn(fields, context)
    return lowerRule(fields, context)
  }

  get context(): RuleContext {
    return contextOf(this.fields, this.place)
  }

  get text(): string {
    const { fields } = this
    return printRule(fields, contextOf(fields, this.place))
  }

  get written(): string {
    const line = this.place.text.slice(this.#from, this.#to)
    const words = line.startsWith('[') ? line.replace(/^\[\d+:\d+\] */, '') : line
    return this.#index === 0 ? words : `${words} #${this.#index}`
  }

  get counters(): Counters | undefined {
    return this.fields.counters
  }

  get source(): Source {
    return { file: this.place.file, line: this.line }
  }

  /** Of the first comment, or of whichever match calls an option `comment`. */
  get comment(): string | undefined {
    for (const { options } of this.fields.matches) {
      const given = options['comment']?.value
      if (typeof given === 'string') return given
    }
    return undefined
  }

  /** The same rule in a table that has changed around it. */
  at(place: TablePlace): SaveRule {
    return new SaveRule(place, this.line, this.#from, this.#to, this.#index, this)
  }

  /** Where the n-th word of its line stands, from 1. */
  columnOf(word: number): number {
    words.split(this.place.text, this.#from, this.#to)
    return (words.at[word] ?? this.#from) - this.#from + 1
  }

  /** The text with words before the target, where `iptables -S -v` has the counters. */
  textWith(words: string): string {
    const { fields } = this
    return printRule(fields, contextOf(fields, this.place), ` ${words}`)
  }

  /** As iptables-save prints it, counters in front where it came with some. */
  print(counters?: Counters): string {
    if (this.place.verbatim) {
      const line = this.place.text.slice(this.#from, this.#to)
      return counters ? `${printCounters(counters)} ${line.replace(/^\[\d+:\d+\] */, '')}` : line
    }
    const { fields } = this
    const text = printRule(fields, contextOf(fields, this.place))
    const shown = counters ?? fields.counters
    return shown ? `${printCounters(shown)} ${text}` : text
  }
}

const contextOf = ({ chain, protocol }: RuleFields, { family, table, backend, bases }: TablePlace): RuleContext => ({
  family,
  table,
  chain,
  backend,
  bases: () => bases(chain),
  ...protocolContext(protocol),
})

const not = (given: { readonly inverted: boolean }): string => (given.inverted ? '! ' : '')
/** `+` alone is any interface; nft keeps its inversion in sight. */
const isShown = ({ value, inverted }: Given<string>, { backend }: RuleContext): boolean =>
  value !== '+' || (inverted && backend === 'nft')
const isAll = ({ value, inverted }: Given<AddressMask>) => value.length === 0 && !inverted

/** As iptables-save prints it, without counters (iptables/iptables.c: print_rule4; nft prints the same). */
export function printRule(fields: RuleFields, context: RuleContext, beforeTarget = ''): string {
  const { chain, src, dst, iif, oif, protocol, fragment, matches, target, jump } = fields
  let text = `-A ${chain}`
  if (src && !isAll(src)) text += ` ${not(src)}-s ${printAddressMask(src.value)}`
  if (dst && !isAll(dst)) text += ` ${not(dst)}-d ${printAddressMask(dst.value)}`
  if (iif && isShown(iif, context)) text += ` ${not(iif)}-i ${interfaceName.print(iif.value)}`
  if (oif && isShown(oif, context)) text += ` ${not(oif)}-o ${interfaceName.print(oif.value)}`
  if (protocol && protocol.value !== 0) text += ` ${not(protocol)}-p ${printProtocol(protocol.value)}`
  if (fragment) text += ` ${not(fragment)}-f`
  for (const { name, extension, options, raw } of matches) {
    const words = extension ? printOptions(extension, options, context) : raw
    text += words ? ` -m ${name} ${words}` : ` -m ${name}`
  }
  text += beforeTarget
  if (jump) return `${text} -${jump.goto ? 'g' : 'j'} ${jump.chain}`
  if (!target) return text
  const words = target.extension ? printOptions(target.extension, target.options, context) : target.raw
  return words ? `${text} -j ${target.name} ${words}` : `${text} -j ${target.name}`
}
