import type { Family } from '../address/ip.js'
import type { Counters, Rule, Source, Step } from '../rules/program.js'
import { type AddressMask, printAddressMask } from './address-mask.js'
import { type Given, printOptions, type RuleContext } from './extension.js'
import { interfaceName } from './interface.js'
import { lowerRule } from './lower.js'
import { printProtocol } from './protocol.js'
import type { RuleFields } from './rule-fields.js'

/** Where a whole ruleset's rules stand: shared by all rules of a table. */
export interface TablePlace {
  readonly family: Family
  readonly table: string
  readonly file: string
  readonly backend: 'legacy' | 'nft'
}

/** One rule: its words, taken apart. What it means and how it prints are worked out when asked. */
export class SaveRule implements Rule {
  readonly fields: RuleFields
  readonly place: TablePlace
  readonly line: number
  #steps: readonly Step[] | undefined

  constructor(fields: RuleFields, place: TablePlace, line: number) {
    this.fields = fields
    this.place = place
    this.line = line
  }

  get context(): RuleContext {
    const { protocol } = this.fields
    return {
      family: this.place.family,
      table: this.place.table,
      protocol: protocol && !protocol.inverted ? protocol.value : undefined,
    }
  }

  get steps(): readonly Step[] {
    this.#steps ??= lowerRule(this.fields, this.context, this.place.backend)
    return this.#steps
  }

  get text(): string {
    return printRule(this.fields, this.context)
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
}

const not = (given: { readonly inverted: boolean }): string => (given.inverted ? '! ' : '')
const isAll = ({ value, inverted }: Given<AddressMask>) => value.length === 0 && !inverted

/** As iptables-save prints it, without counters (iptables/iptables.c: print_rule4; nft prints the same). */
export function printRule(fields: RuleFields, context: RuleContext): string {
  const { chain, src, dst, iif, oif, protocol, fragment, matches, target, jump } = fields
  let text = `-A ${chain}`
  if (src && !isAll(src)) text += ` ${not(src)}-s ${printAddressMask(src.value)}`
  if (dst && !isAll(dst)) text += ` ${not(dst)}-d ${printAddressMask(dst.value)}`
  if (iif) text += ` ${not(iif)}-i ${interfaceName.print(iif.value)}`
  if (oif) text += ` ${not(oif)}-o ${interfaceName.print(oif.value)}`
  if (protocol && protocol.value !== 0) text += ` ${not(protocol)}-p ${printProtocol(protocol.value)}`
  if (fragment) text += ` ${not(fragment)}-f`
  for (const { name, extension, options, raw } of matches) {
    const words = extension ? printOptions(extension, options, context) : raw
    text += words ? ` -m ${name} ${words}` : ` -m ${name}`
  }
  if (jump) return `${text} -${jump.goto ? 'g' : 'j'} ${jump.chain}`
  if (!target) return text
  const words = target.extension ? printOptions(target.extension, target.options, context) : target.raw
  return words ? `${text} -j ${target.name} ${words}` : `${text} -j ${target.name}`
}
