import { all, type Condition, invertedIf } from '../../rules/condition.js'
import type { Effect } from '../../rules/effect.js'
import type { Counters, Rule, Source, Step } from '../../rules/program.js'
import type { LinkMatch } from './ebtables-options.js'
import type { LinkTarget } from './ebtables-targets.js'
import type { LinkLanguage } from './language.js'
import type { AnyLinkOption, FrameKind } from './option.js'

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

function printGiven({ option, value, inverted }: LinkGiven, { not }: LinkLanguage): string {
  const word = option.bare ? '' : option.print(value)
  const before = inverted && not === 'before' ? '! ' : ''
  const behind = inverted && not === 'behind' ? '! ' : ''
  return option.bare ? `${before}${behind}${option.flag}` : `${before}${option.flag} ${behind}${word}`
}

function printAll(
  options: readonly AnyLinkOption[],
  given: ReadonlyMap<string, LinkGiven>,
  language: LinkLanguage,
): readonly string[] {
  return options.flatMap((option) => {
    const one = given.get(option.flag)
    if (!one || (!one.inverted && language.usual[option.flag] === option.print(one.value))) return []
    return [printGiven(one, language)]
  })
}

/** Options that a match always prints, in their places. */
function printMatch({ match, options }: LinkFields['matches'][number], language: LinkLanguage): readonly string[] {
  const usual = { ...language.usual, ...match.usual }
  // the bare `--log` and `--nflog` are what the options stand for that are always printed
  const own = match.options.filter(({ flag }) => flag !== '--log' && flag !== '--nflog')
  return printAll(own, filled(match, options), { ...language, usual })
}

/** With the options that are always printed. */
function filled(
  { options, always = [] }: Pick<LinkMatch, 'options' | 'always'>,
  given: ReadonlyMap<string, LinkGiven>,
): ReadonlyMap<string, LinkGiven> {
  const all = new Map(given)
  for (const [flag, word] of always) {
    const option = options.find((one) => one.flag === flag)!
    if (!all.has(flag)) all.set(flag, { option, value: option.parse(word), inverted: false })
  }
  return all
}

function printTarget({ target, options }: LinkFields, language: LinkLanguage): string {
  if (!target) return ''
  const own = target.options.filter(({ flag }) => flag !== target.verdict)
  const said = options.get(target.verdict)
  const word = said ? `${said.value}` : target.usual
  const verdict = target.verdict !== '' && (target.shown || word !== target.usual) ? [`${target.verdict} ${word}`] : []
  return ` ${[...printAll(own, filled(target, options), language), ...verdict].join(' ')}`
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

/** Its matches and its target, without what every rule may ask, and without what only tells. */
export function printParts(fields: LinkFields, language: LinkLanguage): string {
  const asked = fields.matches.filter(({ match }) => !match.watcher).flatMap((one) => printMatch(one, language))
  return `${asked.join(' ')} -j ${fields.jump ?? ''}${printTarget(fields, language)}`
}

const unknown = (text: string): Condition => ({ is: 'unknown', text, needs: 'this is not evaluated on a bridge' })

/** What a rule asks of a frame, and does with it. */
function lower(fields: LinkFields, language: LinkLanguage, kind: FrameKind): readonly Step[] {
  const { base, matches, jump, target } = fields
  const asked = (given: LinkGiven): Condition => {
    const lowered = given.option.lower?.(given.value, kind)
    return lowered ? invertedIf(given.inverted, lowered) : unknown(printGiven(given, language))
  }
  const usual = language.implied.filter(([flag]) => !base.has(flag)).map(([, condition]) => condition)
  const conditions = [
    ...usual,
    ...[...base.values()].map(asked),
    ...matches
      .filter(({ match }) => !match.watcher)
      .flatMap(({ match, options: own }) => {
        const whole = match.lower?.(own, kind)
        return whole ? [whole] : [...own.values()].map(asked)
      }),
  ]
  const step: readonly Step[] = conditions.length === 0 ? [] : [{ if: all(...conditions) }]
  const told = matches
    .filter(({ match }) => match.watcher)
    .map(({ match }): Step => ({ do: { do: 'log', prefix: '', what: match.name } }))
  const does = target ? targetSteps(target, fields) : effectSteps(jump === undefined ? [] : verdictEffects(jump))
  return [...step, ...told, { count: 'rule' }, ...does]
}

const effectSteps = (effects: readonly Effect[]): readonly Step[] => effects.map((effect) => ({ do: effect }))

function targetSteps(target: LinkTarget, { options }: LinkFields): readonly Step[] {
  const then = effectSteps(verdictEffects(`${options.get(target.verdict)?.value ?? target.usual}`))
  const steps = target.lower(new Map([...options].map(([flag, { value }]) => [flag, value])))
  return [...steps, ...then]
}

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

export class LinkRule implements Rule {
  readonly fields: LinkFields
  readonly source: Source
  readonly #language: LinkLanguage
  readonly #kind: FrameKind
  #steps: readonly Step[] | undefined

  constructor(fields: LinkFields, language: LinkLanguage, source: Source, kind: FrameKind = 4) {
    this.fields = fields
    this.source = source
    this.#language = language
    this.#kind = kind
  }

  /** The same rule as frames of a kind meet it. */
  of(kind: FrameKind): LinkRule {
    return kind === this.#kind ? this : new LinkRule(this.fields, this.#language, this.source, kind)
  }

  get steps(): readonly Step[] {
    this.#steps ??= lower(this.fields, this.#language, this.#kind)
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
