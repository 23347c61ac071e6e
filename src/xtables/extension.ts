import type { Family } from '../address/ip.js'
import type { Codec } from './codec.js'

export interface OptionSpec<T> {
  readonly flag: `--${string}`
  readonly aliases?: readonly `--${string}`[]
  /** `! --flag` may be said. */
  readonly invertible?: boolean
  /** May be given again in every part of the match (`nextPart`); in part n its key is `KEY@n`. */
  readonly inEveryPart?: boolean
  readonly value: Codec<T>
  readonly doc: string
}

/** What stood on the line for one option. */
export interface Given<T> {
  readonly value: T
  readonly inverted: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds options of every type; each extension's own type is kept by inference
export type OptionTable = Readonly<Record<string, OptionSpec<any>>>
export type OptionsOf<Table extends OptionTable> = {
  readonly [K in keyof Table]?: Given<Table[K] extends OptionSpec<infer T> ? T : never>
}

export type Listed = readonly [pattern: RegExp, words: (...found: readonly string[]) => string]

export interface Documentation {
  readonly summary: string
  readonly notes?: readonly string[]
  /** Where Linux does it. */
  readonly kernel: string
}

/** What `-p` says, for the context of a rule. */
export const protocolContext = (given: Given<number> | undefined): Pick<RuleContext, 'protocol' | 'protocolSaid'> => ({
  protocol: given && !given.inverted ? given.value : undefined,
  protocolSaid: given?.value,
})

/** Where a rule stands, for extensions that mean different things in different places. */
export interface RuleContext {
  readonly family: Family
  /** Protocol number of `-p`, undefined without it or where it is inverted. */
  readonly protocol: number | undefined
  /** The same, inverted or not: NAT looks at the number alone. */
  readonly protocolSaid: number | undefined
  readonly table: string
  readonly chain: string
  /** The base chains from which the rule is reached, as bits (baseChainBit). */
  readonly bases: () => number
  /** iptables-nft turns tcp, udp, limit and mark into expressions of nft, which do not drop what they cannot read. */
  readonly backend: 'legacy' | 'nft'
  /** The options of the rule's own matches of this name; only there while a rule is checked. */
  readonly beside?: (match: string) => readonly OptionsOf<OptionTable>[]
}

export interface ListContext extends RuleContext {
  /** `-n`: ports and the like as numbers. */
  readonly numeric: boolean
  /** The words as iptables-save prints them: many listings are these without the dashes. */
  readonly saved: () => string
}

/** What matches and targets have in common. */
export interface Extension<Table extends OptionTable> {
  readonly name: string
  readonly families: readonly Family[]
  /** It needs `-p` with one of these. */
  readonly protocols?: readonly number[]
  /** One of these options must be given, and no two. */
  readonly exactlyOne?: readonly (keyof Table & string)[]
  readonly required?: readonly (keyof Table & string)[]
  /** The option that begins the next part of a match whose options describe several things in a row. */
  readonly nextPart?: keyof Table & string
  /** At least one option of any kind must be given. */
  readonly needsOption?: boolean
  /** Turns connection tracking on in its namespace (nf_ct_netns_get in its checkentry). */
  readonly tracks?: boolean | ((options: OptionsOf<Table>) => boolean)
  /** Fragments are put together in its namespace, tracked or not (nf_defrag_ipv4_enable in its checkentry). */
  readonly defragments?: boolean
  /** What `check`, `print`, `tracks` and `chains` make of an option does not hang on what a plain word says (Codec.plain). */
  readonly plainWords?: boolean
  /** Only in these tables. */
  readonly tables?: readonly string[]
  /** Only reached from these base chains, by way of user chains too. A function: its checkentry asks, which under nft concerns base chains alone. */
  readonly chains?: readonly string[] | ((options: OptionsOf<Table>) => readonly string[] | undefined)
  readonly options: Table
  /** What `iptables -L -n -v` says of it, and the words that this stands for. Sticky patterns, tried in order. */
  readonly listed?: readonly Listed[]
  readonly doc: Documentation
  /** Checks options against each other; a text is what is wrong. */
  check?(options: OptionsOf<Table>, context: RuleContext): string | undefined
  /** Where the real program does not print the options one by one in their order. */
  print?(options: OptionsOf<Table>, context: RuleContext): string
  /** What a listing has in the column of targets, where that is not its name. */
  readonly listedAs?: string
  /**
   * What `iptables -L` prints of it, to the letter, blanks in front and behind included: ` tcp dpt:80`. Empty where it prints nothing
   * (`print` of libxt_*.so, which is another function than `save`).
   */
  list?(options: OptionsOf<Table>, context: ListContext): string
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyExtension = Extension<any>

/** The words as iptables-save prints them, without a leading space. */
export function printOptions<Table extends OptionTable>(
  extension: Extension<Table>,
  options: OptionsOf<Table>,
  context: RuleContext,
): string {
  if (extension.print) return extension.print(options, context)
  const words: string[] = []
  for (const key in extension.options) {
    const given = options[key]
    if (given) words.push(printOption(extension.options[key]!, given))
  }
  return words.join(' ')
}

export function printOption<T>({ flag, value }: OptionSpec<T>, given: Given<T>): string {
  const words = value.words === 0 ? flag : `${flag} ${value.print(given.value)}`
  return given.inverted ? `! ${words}` : words
}

/** What is wrong with a set of options as a whole, or undefined. */
export function problemOf(
  extension: AnyExtension,
  options: OptionsOf<OptionTable>,
  context: RuleContext,
): string | undefined {
  const { name, exactlyOne, required, families, protocols, tables } = extension
  if (!families.includes(context.family)) return `"${name}" is not there for IPv${context.family}`
  if (protocols && (context.protocol === undefined || !protocols.includes(context.protocol)))
    return `"${name}" needs -p with a protocol that it knows`
  if (tables && !tables.includes(context.table))
    return `"${name}" may only be used in the table ${tables.join(', ')}, not in ${context.table}`
  const flagOf = (key: string) => extension.options[key]?.flag
  const given = exactlyOne?.filter((key) => options[key])
  if (given && given.length > 1) return `${given.map(flagOf).join(' and ')} exclude each other`
  if (given?.length === 0) return `"${name}" needs one of ${exactlyOne!.map(flagOf).join(', ')}`
  if (extension.needsOption && Object.keys(options).length === 0) return `"${name}" needs an option`
  const missing = required?.find((key) => !options[key])
  if (missing) return `"${name}" needs ${flagOf(missing)}`
  return extension.check?.(options, context)
}
