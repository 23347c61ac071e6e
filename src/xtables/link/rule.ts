import type { Family } from '../../address/ip.js'
import { all, type Condition, invertedIf } from '../../rules/condition.js'
import type { Effect } from '../../rules/effect.js'
import type { Counters, Rule, Source, Step } from '../../rules/program.js'
import type { LinkMatch, LinkTarget } from './ebtables-options.js'
import type { LinkLanguage } from './language.js'
import type { AnyLinkOption } from './option.js'

export interface LinkGiven {
  readonly option: AnyLinkOption
  readonly value: unknown
  readonly inverted: boolean
}

/** A rule of ebtables or arptables, taken apart. */
export interface LinkFields {
  readonly chain: string
  readonly base: ReadonlyMap<string, LinkGiven>
  /** In the order in which they were first spoken of. */
  readonly matches: readonly { readonly match: LinkMatch; readonly options: ReadonlyMap<string, LinkGiven> }[]
  /** A verdict, the name of a chain, or of a target; undefined: the next rule. */
  readonly jump: string | undefined
  readonly target: LinkTarget | undefined
  readonly options: ReadonlyMap<string, LinkGiven>
  readonly counters: Counters | undefined
}

/** ebtables has its `!` behind the option, arptables in front of it. */
function printGiven({ option, value, inverted }: LinkGiven, { program }: LinkLanguage): string {
  const word = option.bare ? '' : option.print(value)
  const before = inverted && program === 'arptables' ? '! ' : ''
  const behind = inverted && program === 'ebtables' ? '! ' : ''
  return option.bare ? `${before}${behind}${option.flag}` : `${before}${option.flag} ${behind}${word}`
}

function printAll(options: readonly AnyLinkOption[], given: ReadonlyMap<string, LinkGiven>, language: LinkLanguage): readonly string[] {
  return options.flatMap((option) => {
    const one = given.get(option.flag)
    if (!one || (!one.inverted && language.usual[option.flag] === option.print(one.value))) return []
    return [printGiven(one, language)]
  })
} // biome-ignore format: one long line

/** Options that a match always prints, in their places. */
function printMatch({ match, options }: LinkFields['matches'][number], language: LinkLanguage): readonly string[] {
  const filled = new Map(options)
  for (const [flag, word] of match.always ?? []) {
    const option = match.options.find((one) => one.flag === flag)!
    if (!filled.has(flag)) filled.set(flag, { option, value: option.parse(word), inverted: false })
  }
  // the bare `--log` is what its level stands for
  return printAll(match.options.filter(({ flag }) => flag !== '--log'), filled, language)
} // biome-ignore format: one long line

function printTarget({ target, options }: LinkFields, language: LinkLanguage): string {
  if (!target) return ''
  const own = target.options.filter(({ flag }) => flag !== target.verdict)
  const said = options.get(target.verdict)
  const word = said ? `${said.value}` : target.usual
  const verdict = target.verdict !== '' && (target.shown || word !== target.usual) ? [`${target.verdict} ${word}`] : []
  return ` ${[...printAll(own, options, language), ...verdict].join(' ')}`
}

/** As ebtables-save and arptables-save (nft) 1.8.9 print it, without counters. */
export function printLinkRule(fields: LinkFields, language: LinkLanguage): string {
  const { chain, base, matches, jump } = fields
  const words = printAll(language.base, base, language)
  if (language.program === 'arptables') {
    const own = [...(jump === undefined ? [] : [`-j ${jump}`]), ...words].join(' ')
    return `-A ${chain} ${own}${printTarget(fields, language).trimEnd()}`
  }
  const asked = [...words, ...matches.flatMap((one) => printMatch(one, language))]
  return `${[`-A ${chain}`, ...asked, `-j ${jump ?? 'CONTINUE'}`].join(' ')}${printTarget(fields, language)}`
}

const unknown = (text: string): Condition => ({ is: 'unknown', text, needs: 'this is not evaluated on a bridge' })

/** What a rule asks of an IP packet that a bridge sees, and does with it. */
function lower(fields: LinkFields, language: LinkLanguage, family: Family): readonly Step[] {
  const { base, matches, jump, target, options } = fields
  const asked = (given: LinkGiven): Condition => {
    const lowered = given.option.lower?.(given.value, family)
    return lowered ? invertedIf(given.inverted, lowered) : unknown(printGiven(given, language))
  }
  const conditions = [
    ...[...base.values()].map(asked),
    ...matches.filter(({ match }) => !match.watcher).flatMap((one) => [...one.options.values()].map(asked)),
  ]
  const step: readonly Step[] = conditions.length === 0 ? [] : [{ if: all(...conditions) }]
  return [...step, { count: 'rule' }, ...effects(jump, target, options).map((effect) => ({ do: effect }))]
}

function effects(jump: string | undefined, target: LinkTarget | undefined, options: LinkFields['options']): readonly Effect[] {
  if (target) {
    const first = target.name === 'mark' ? markEffect(options) : undefined
    const then = verdictEffects(`${options.get(target.verdict)?.value ?? target.usual}`)
    if (first) return [first, ...then]
    return [{ do: 'unknown', text: `-j ${target.name}`, needs: 'frames are not rewritten by bridge rules here' }]
  }
  return jump === undefined ? [] : verdictEffects(jump)
} // biome-ignore format: one long line

function verdictEffects(word: string): readonly Effect[] {
  switch (word) {
    case 'ACCEPT':
      return [{ do: 'accept' }]
    case 'DROP':
      return [{ do: 'drop' }]
    case 'RETURN':
      return [{ do: 'return' }]
    case 'CONTINUE':
      return []
    default:
      return [{ do: 'jump', chain: word }]
  }
}

/** ebt_mark.c: ebt_mark_tg. */
function markEffect(options: LinkFields['options']): Effect | undefined {
  const value = (flag: string) => options.get(flag)?.value as number | undefined
  const set = (keep: number, xor: number): Effect => ({ do: 'set', field: 'meta.mark', keep: keep >>> 0, xor: { from: 'constant', value: xor >>> 0 } }) // biome-ignore format: one line
  const [to, or, and, xor] = ['set', 'or', 'and', 'xor'].map((how) => value(`--mark-${how}`))
  if (to !== undefined) return set(0, to)
  if (or !== undefined) return set(~or, or)
  if (and !== undefined) return set(and, 0)
  return xor === undefined ? undefined : set(0xffffffff, xor)
}

export class LinkRule implements Rule {
  readonly fields: LinkFields
  readonly source: Source
  readonly #language: LinkLanguage
  readonly #family: Family
  #steps: readonly Step[] | undefined

  constructor(fields: LinkFields, language: LinkLanguage, source: Source, family: Family = 4) {
    this.fields = fields
    this.source = source
    this.#language = language
    this.#family = family
  }

  /** The same rule as packets of a family meet it. */
  of(family: Family): LinkRule {
    return family === this.#family ? this : new LinkRule(this.fields, this.#language, this.source, family)
  }

  get steps(): readonly Step[] {
    this.#steps ??= lower(this.fields, this.#language, this.#family)
    return this.#steps
  }

  get text(): string {
    return printLinkRule(this.fields, this.#language)
  }

  get comment(): string | undefined {
    return undefined
  }

  get counters(): Counters | undefined {
    return this.fields.counters
  }
}
