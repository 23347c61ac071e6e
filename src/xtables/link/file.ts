import type { Chain, Counters, Rule, Table } from '../../rules/program.js'
import { WordError } from '../codec.js'
import { parseCounters, printCounters } from '../counters.js'
import { LineError } from '../line-error.js'
import { printProtocol } from '../protocol.js'
import type { Problem } from '../save-file.js'
import { Words } from '../words.js'
import { BASE, type LinkMatch } from './ebtables-options.js'
import { LANGUAGES, type LinkLanguage, type LinkProgram } from './language.js'
import type { AnyLinkOption, FrameKind } from './option.js'
import { type LinkFields, type LinkGiven, LinkRule } from './rule.js'

export interface LinkChain {
  readonly name: string
  readonly policy: string
  readonly counters: Counters | undefined
  readonly rules: LinkRule[]
}

export interface LinkTable {
  readonly name: string
  readonly chains: ReadonlyMap<string, LinkChain>
}

/** What ebtables-save or arptables-save prints, taken apart. */
export interface LinkFile {
  readonly program: LinkProgram
  readonly backend: 'legacy' | 'nft'
  /** Remarks, tables, and the lines that end them, in their order. */
  readonly parts: readonly (string | LinkTable)[]
  readonly tables: readonly LinkTable[]
}

export type ReadLink =
  | { readonly ok: true; readonly file: LinkFile }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface LinkOptions {
  readonly file: string
  readonly program: LinkProgram
  readonly keepGoing?: boolean
}

/** Reads ebtables-save or arptables-save, nft or legacy. */
export function readLink(text: string, options: LinkOptions): ReadLink {
  const reader = new LinkReader(options)
  const problems: Problem[] = []
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    try {
      reader.line(line, i + 1)
    } catch (error) {
      if (!(error instanceof LineError)) throw error
      const words = new Words()
      words.split(line, 0, line.length)
      const column = (error.word < words.length ? words.at[error.word]! : line.length) + 1
      problems.push({ file: options.file, line: i + 1, column, message: error.message })
      if (!options.keepGoing) break
    }
  }
  const missing = problems.length === 0 ? reader.problem() : undefined
  if (missing) problems.push({ file: options.file, ...missing })
  return problems.length > 0 ? { ok: false, problems } : { ok: true, file: reader.result() }
}

interface OpenTable extends LinkTable {
  readonly chains: Map<string, LinkChain>
}

class LinkReader {
  readonly #language: LinkLanguage
  readonly #path: string
  readonly #parts: (string | LinkTable)[] = []
  readonly #tables: OpenTable[] = []
  readonly #words = new Words()
  #backend: 'legacy' | 'nft' = 'legacy'

  constructor({ program, file }: LinkOptions) {
    this.#language = LANGUAGES[program]
    this.#path = file
  }

  result(): LinkFile {
    const { program } = this.#language
    return { program, backend: this.#backend, parts: this.#parts, tables: this.#tables }
  }

  /** A jump to a chain that is not there. */
  problem(): Pick<Problem, 'line' | 'column' | 'message'> | undefined {
    const { verdicts } = this.#language
    for (const { chains } of this.#tables)
      for (const { rules } of chains.values())
        for (const { fields, source } of rules)
          if (fields.jump !== undefined && !fields.target && !verdicts.includes(fields.jump) && !chains.has(fields.jump))
            return { line: source.line, column: 1, message: `Chain '${fields.jump}' does not exist` }
    return undefined
  } // biome-ignore format: long lines

  line(line: string, number: number): void {
    if (/nf_tables/.test(line) && line.startsWith('# Generated')) this.#backend = 'nft'
    const first = line.trim()
    if (first === '') return
    if (first.startsWith('#') || first === 'COMMIT') this.#parts.push(first)
    else if (first.startsWith('*')) this.#begin(first.slice(1).trim())
    else if (first.startsWith(':')) this.#declare(line)
    else this.#rule(line, number)
  }

  #begin(name: string): void {
    const known = this.#language.tables[name]
    if (!known) throw new LineError(`table '${name}' does not exist`, 0)
    if (this.#tables.some((table) => table.name === name)) throw new LineError(`table ${name} stands twice`, 0)
    const table = { name, chains: new Map<string, LinkChain>() }
    this.#tables.push(table)
    this.#parts.push(table)
  }

  get #table(): OpenTable {
    const table = this.#tables.at(-1)
    if (!table) throw new LineError('this stands in no table', 0)
    return table
  }

  #declare(line: string): void {
    const words = this.#words
    words.split(line, line.indexOf(':') + 1, line.length)
    const [name, policy = '-', shown] = [0, 1, 2].map((i) => (i < words.length ? words.text[i] : undefined))
    if (name === undefined) throw new LineError('a chain has a name', 0)
    if (!['ACCEPT', 'DROP', 'RETURN', '-'].includes(policy)) throw new LineError(`bad policy "${policy}"`, 1)
    const counters = shown === undefined ? undefined : parseCounters(shown)
    if (shown !== undefined && !counters) throw new LineError(`bad counters "${shown}"`, 2)
    if (this.#table.chains.has(name)) throw new LineError(`chain ${name} stands twice`, 0)
    this.#table.chains.set(name, { name, policy, counters, rules: [] })
  }

  #rule(line: string, number: number): void {
    const words = this.#words
    words.split(line, 0, line.length)
    if (words.open >= 0) throw new LineError('this quote is never closed', words.length - 1)
    const at = words.text[0]!.startsWith('[') ? 1 : 0
    const given = at === 1 ? parseCounters(words.text[0]!) : undefined
    if (at === 1 && !given) throw new LineError(`bad counters "${words.text[0]}"`, 0)
    if (words.text[at] !== '-A') throw new LineError(`"${words.text[at] ?? ''}" is no line of ${this.#language.program}-save: -A`, at)
    const name = at + 1 < words.length ? words.text[at + 1]! : ''
    const chain = this.#table.chains.get(name)
    if (!chain) throw new LineError(`Chain '${name}' does not exist`, at + 1)
    chain.rules.push(new LinkRule(this.#fields(name, at + 2, given), this.#language, { file: this.#path, line: number }))
  } // biome-ignore format: long lines

  #fields(chain: string, from: number, counters: Counters | undefined): LinkFields {
    const { text, length } = this.#words
    const language = this.#language
    const base = new Map<string, LinkGiven>()
    const matches: { match: LinkLanguage['matches'][number]; options: Map<string, LinkGiven> }[] = []
    const options = new Map<string, LinkGiven>()
    let jump: string | undefined
    let counted = counters
    let not = -1
    let i = from
    const next = (at: number): string => {
      if (i >= length) throw new LineError(`option "${text[at]}" requires an argument`, at)
      return text[i++]!
    }
    const take = (option: AnyLinkOption, into: Map<string, LinkGiven>, at: number) => {
      const behind = !option.bare && text[i] === '!' && i < length
      if (behind) i++
      const inverted = not >= 0 || behind
      if (inverted && !option.invertible) throw new LineError(`"!" cannot stand before ${option.flag}`, at)
      if (into.has(option.flag)) throw new LineError(`${option.flag} stands twice`, at)
      into.set(option.flag, { option, value: option.bare ? true : parsed(option, next(at), i - 1), inverted })
    }
    while (i < length) {
      const at = i++
      const word = text[at]!
      if (word === '!') {
        if (not >= 0) throw new LineError('multiple consecutive ! not allowed', at)
        not = at
        continue
      }
      if (word === '-j' || word === '--jump') {
        if (jump !== undefined) throw new LineError('multiple -j flags not allowed', at)
        jump = next(at)
      } else if (word === '-c' || word === '--set-counters') {
        const [packets, bytes] = [next(at), next(at)].map(Number)
        counted = { packets: packets!, bytes: bytes! }
      } else if (word === '-m' || word === '--match') next(at)
      else {
        const own = find(language.base, word)
        const match = language.matches.find((one) => find(one.options, word))
        const target = language.targets.find(({ options: all }) => find(all, word))
        if (own) take(own, base, at)
        else if (match) {
          let use = matches.find((one) => one.match === match)
          if (!use) {
            use = { match, options: new Map() }
            matches.push(use)
          }
          take(find(match.options, word)!, use.options, at)
        } else if (target) take(find(target.options, word)!, options, at)
        else throw new LineError(word.startsWith('-') ? `unknown option "${word}"` : `Bad argument \`${word}'`, at)
      }
      not = -1
    }
    if (not >= 0) throw new LineError('"!" stands before nothing', not)
    const target = language.targets.find(({ name }) => name === jump)
    const stray = [...options.values()].find(({ option }) => !target?.options.includes(option))
    if (stray) throw new LineError(`unknown option "${stray.option.flag}"`, from)
    for (const { match, options: own } of matches) {
      const wrong = missing(match, own, base)
      if (wrong) throw new LineError(wrong, from)
    }
    return { chain, base, matches, jump, target, options, counters: counted }
  }
}

/** What a match wants besides itself, as the kernel checks it. */
function missing(match: LinkMatch, own: ReadonlyMap<string, LinkGiven>, base: ReadonlyMap<string, LinkGiven>): string | undefined {
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
    if (said && !has(own.get(option), which)) return `${said} needs ${option} with ${which.map(printProtocol).join(', ')}`
  }
  return undefined
} // biome-ignore format: long lines

const find = (options: readonly AnyLinkOption[], word: string): AnyLinkOption | undefined =>
  options.find(({ flag, aliases }) => flag === word || aliases?.includes(word))

function parsed(option: AnyLinkOption, word: string, at: number): unknown {
  try {
    return option.parse(word)
  } catch (error) {
    throw error instanceof WordError ? new LineError(error.message, at) : error
  }
}

/** As ebtables-save and arptables-save print it. */
export function printLink({ parts }: LinkFile): string {
  const lines: string[] = []
  for (const part of parts) {
    if (typeof part === 'string') {
      lines.push(part)
      continue
    }
    lines.push(`*${part.name}`)
    const chains = [...part.chains.values()]
    for (const { name, policy, counters } of chains)
      lines.push(`:${name} ${policy}${counters ? ` ${printCounters(counters)}` : ''}`)
    for (const { rules } of chains)
      for (const rule of rules) lines.push(`${rule.counters ? `${printCounters(rule.counters)} ` : ''}${rule.text}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** The tables of a bridge as frames of a kind meet them; called `bridge filter`, so that nobody takes them for those of iptables. */
export const toBridgeTables = (file: LinkFile, kind: FrameKind): readonly Table[] =>
  file.program === 'ebtables' ? toTables(file, kind, 'bridge') : []

/** Those of arptables, called `arp filter`. */
export const toArpTables = (file: LinkFile): readonly Table[] =>
  file.program === 'arptables' ? toTables(file, 'other', 'arp') : []

function toTables({ program, backend, tables }: LinkFile, kind: FrameKind, prefix: string): readonly Table[] {
  return tables.map(({ name, chains }): Table => {
    const made = [...chains.values()].map((chain): [string, Chain] => {
      const place = LANGUAGES[program].tables[name]?.[chain.name]
      const policy = chain.policy === 'DROP' ? 'drop' : 'accept'
      const base = place && ({ ...place, type: 'filter' as const, policy, counters: chain.counters } as const)
      const last = base || chain.policy === '-' || chain.policy === 'RETURN' ? [] : [endOf(chain)]
      return [chain.name, { name: chain.name, rules: [...chain.rules.map((rule) => rule.of(kind)), ...last], base }]
    })
    return {
      name: `${prefix} ${name}`,
      family: kind === 6 ? 6 : 4,
      backend,
      chains: new Map(made),
      needsConntrack: false,
    }
  })
}

/** Chains that users make have a policy in ebtables: at their end a frame does not return, but is accepted, as a rule (seen on 6.18 with ebtables-nft). */
const endOf = ({ name, policy }: LinkChain): Rule => ({
  steps: [{ do: { do: policy === 'DROP' ? 'drop' : 'accept' } }],
  text: `-P ${name} ${policy}`,
  comment: undefined,
  source: undefined,
  counters: undefined,
})
