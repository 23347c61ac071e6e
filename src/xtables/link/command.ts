import type { Source } from '../../rules/program.js'
import { LineError } from '../line-error.js'
import type { Problem } from '../save-file.js'
import type { ShellWord } from '../shell-words.js'
import { type LinkCommand, type LinkLetter, readLinkCommand } from './command-line.js'
import { LinkEditor } from './editor.js'
import { type LinkChain, type LinkFile, printLink } from './file.js'
import { commandLanguage, LANGUAGES, type LinkProgram } from './language.js'
import { arpLine, bodyOf, listArp, listBridge } from './list.js'
import { LinkRule } from './rule.js'
import { sameRule } from './same-rule.js'

export type LinkApplied =
  | {
      readonly ok: true
      readonly file: LinkFile
      /** What the real program writes to standard output. */
      readonly output: string
      /** False where it asked for a rule that is not there. */
      readonly found: boolean
      readonly table: string
      readonly changes: boolean
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const PROGRAM = /^(?:\S*\/)?(ebtables|arptables)(?:-(nft))?$/

/** Which program a command line is for, or undefined where it is neither of the two. */
export const linkProgramOf = (command: string): LinkProgram | undefined =>
  PROGRAM.exec(command.trim().split(/\s/)[0] ?? '')?.[1] as LinkProgram | undefined

/** Tables without a rule, as ebtables-nft or arptables-nft 1.8.9 has them. */
export const emptyLinkFile = (program: LinkProgram): LinkFile => ({
  program,
  language: LANGUAGES[program],
  backend: 'nft',
  parts: [],
  tables: [],
})

/**
 * What the rules are after a command of ebtables(8) or arptables(8), and what it prints. The file given stays as it is. Refusals are worded as
 * ebtables-nft and arptables-nft 1.8.9 do it; problems name `name` and columns of the command.
 */
export function applyLinkWords(file: LinkFile, words: readonly ShellWord[], name: string, end: number): LinkApplied {
  try {
    const command = readLinkCommand(commandLanguage(file.language), words)
    const editor = new LinkEditor(file, command.table)
    const { output, found } = new LinkChange(editor, command, { file: name, line: 1 }).run()
    const changes = command.zero || !'CKLS'.includes(command.letter)
    return { ok: true, file: changes ? editor.result() : file, output, found, table: command.table, changes }
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    const column = words[error.word]?.column ?? end
    return { ok: false, problems: [{ file: name, line: 1, column, message: error.message }] }
  }
}

/** The text of some tables, as the -save program prints it. */
export function linkTableText(file: LinkFile, tables: readonly string[]): string {
  const parts = file.tables.filter(({ name }) => tables.includes(name))
  return printLink({ ...file, parts, tables: parts })
}

/** errno as iptables words it (nft.c: nft_strerror). */
const NO_CHAIN = 'No chain/target/match by that name'
const BAD_RULE = 'Bad rule (does a matching rule exist in that chain?)'

class LinkChange {
  readonly #table: LinkEditor
  readonly #command: LinkCommand
  readonly #source: Source
  #output = ''
  #found = true

  constructor(table: LinkEditor, command: LinkCommand, source: Source) {
    this.#table = table
    this.#command = command
    this.#source = source
  }

  run(): { readonly output: string; readonly found: boolean } {
    this.#run()
    return { output: this.#output, found: this.#found }
  }

  get #ebtables(): boolean {
    return this.#table.language.program === 'ebtables'
  }

  #refuse(text: string, word = this.#command.word): never {
    throw new LineError(this.#ebtables ? `ebtables: ${text}` : `arptables: ${text}.`, word)
  }

  /** What the kernel refuses. */
  #failed(what: string, why: string, where: string, word = this.#command.word): never {
    throw new LineError(`${this.#table.language.program} v1.8.9 (nf_tables):  ${what} failed (${why}): ${where}`, word)
  }

  #run(): void {
    const { letter, zero } = this.#command
    const does: Readonly<Record<LinkLetter, () => void>> = {
      A: () => this.#add('A'),
      I: () => this.#add('I'),
      R: () => this.#add('R'),
      D: () => this.#delete(),
      C: () => this.#check(),
      K: () => this.#check(),
      P: () => this.#policy(),
      N: () => this.#new(),
      X: () => this.#deleteChains(),
      E: () => this.#rename(),
      F: () => this.#flush(),
      W: () => this.#table.clear(),
      Z: () => this.#zero(),
      L: () => this.#list(),
      S: () => this.#list(),
    }
    does[letter]()
    if (zero) this.#zero()
  }

  #flush(): void {
    for (const chain of this.#chains()) {
      if (this.#command.verbose) this.#output += `Flushing chain \`${chain.name}'\n`
      this.#table.put({ ...chain, rules: [] })
    }
  }

  #chain(): LinkChain {
    return this.#table.chain(this.#command.chain!) ?? this.#refuse(NO_CHAIN, this.#command.word + 1)
  }

  /** That one, or all. */
  #chains(): readonly LinkChain[] {
    return this.#command.chain === undefined ? this.#table.ordered() : [this.#chain()]
  }

  #rules(): readonly LinkRule[] {
    return this.#command.rules.map(
      (fields) => new LinkRule(this.#table.counted(fields), this.#table.language, this.#source),
    )
  }

  /** A jump to a chain that is not there is refused before all else (nft.c: assert_chain_exists). */
  #checkTarget(): void {
    const jump = this.#command.rules[0]?.jump
    const { verdicts, targets } = this.#table.language
    if (jump === undefined || verdicts.includes(jump) || targets.some(({ name }) => name === jump)) return
    if (!this.#table.chain(jump)) throw new LineError(`Chain '${jump}' does not exist`, this.#command.word)
  }

  #add(letter: 'A' | 'I' | 'R'): void {
    const { number = 1, rules: given, word } = this.#command
    if (letter === 'R' && given.length > 1)
      throw new LineError('Replacement rule does not specify a unique address', word)
    this.#checkTarget()
    const chain = this.#chain()
    const last = chain.rules.length
    if (letter === 'R' && number > last) this.#refuse('Index of replacement too big', word + 2)
    if (letter === 'I' && number > last + 1) this.#refuse('Index of insertion too big', word + 2)
    const rules = this.#rules()
    const all = [...chain.rules]
    if (letter === 'A') all.push(...rules)
    // each of several goes to the same place: the last one comes first
    else if (letter === 'I') all.splice(number - 1, 0, ...[...rules].reverse())
    else all.splice(number - 1, 1, ...rules)
    this.#table.put({ ...chain, rules: all })
    const problem = this.#table.problem()
    const where = `rule in chain ${chain.name}`
    // behind the last rule -I appends
    const does = letter === 'I' && number > 1 && number > last ? 'A' : letter
    if (problem)
      this.#failed(
        `RULE_${{ A: 'APPEND', I: 'INSERT', R: 'REPLACE' }[does]}`,
        problem.why,
        `${where} (${problem.text})`,
      )
    this.#show(rules)
  }

  /** `-v` shows the rule that was meant. */
  #show(rules: readonly LinkRule[]): void {
    if (!this.#command.verbose) return
    for (const rule of rules)
      this.#output += `${this.#ebtables ? bodyOf(rule) : arpLine(rule, this.#table.language, { numeric: true, verbose: true })}\n`
  }

  #delete(): void {
    const { number, to = number } = this.#command
    if (number !== undefined) {
      const chain = this.#chain()
      const rules = [...chain.rules]
      // of a range, every other rule: those behind one that is gone have moved up
      let at = number - 1
      do {
        if (at >= rules.length) this.#refuse('Index of deletion too big', this.#command.word + 2)
        rules.splice(at, 1)
        at++
      } while (at < to!)
      this.#table.put({ ...chain, rules })
      return
    }
    this.#checkTarget()
    for (const rule of this.#rules()) {
      const chain = this.#table.chain(this.#command.chain!)
      const at = chain?.rules.findIndex((one) => sameRule(one, rule, this.#table.language)) ?? -1
      if (!chain || at < 0) this.#refuse(BAD_RULE)
      this.#show([chain.rules[at]!])
      this.#table.put({ ...chain, rules: chain.rules.toSpliced(at, 1) })
    }
  }

  #check(): void {
    this.#checkTarget()
    const chain = this.#table.chain(this.#command.chain!)
    const { language } = this.#table
    for (const rule of this.#rules())
      if (!chain?.rules.some((one) => sameRule(one, rule, language))) this.#found = false
  }

  #policy(): void {
    const { chain: name, policy = '', word } = this.#command
    const isBase = this.#table.isBase(name!)
    if (this.#ebtables && !isBase && !BASES.has(name!)) {
      const chain = this.#table.chain(name!) ?? this.#refuse(NO_CHAIN, word + 1)
      this.#table.put({ ...chain, policy })
      return
    }
    if (this.#ebtables && policy === 'RETURN')
      throw new LineError('Policy RETURN only allowed for user defined chains', word + 2)
    if (policy !== 'ACCEPT' && policy !== 'DROP')
      throw new LineError("arptables: Bad policy name. Run `dmesg' for more information.", word + 2)
    if (!isBase) this.#refuse('Bad built-in chain name', word + 1)
    this.#table.put({ ...this.#chain(), policy })
  }

  #new(): void {
    const { chain, policy, word } = this.#command
    if (this.#table.chain(chain!)) this.#refuse('Chain already exists', word + 1)
    this.#table.add(chain!, this.#ebtables ? (policy ?? 'ACCEPT') : '-')
  }

  /** Without a name: every user chain, or none where one of them has to stay. */
  #deleteChains(): void {
    const all = this.#command.chain === undefined
    const chains = this.#chains().filter(({ name }) => !all || !this.#table.isBase(name))
    for (const { name, rules, policy } of [...chains].reverse()) {
      if (this.#table.isBase(name)) {
        if (rules.length > 0 || policy === 'DROP') this.#refuse('Directory not empty')
        return
      }
      const used = this.#table.references(name) > 0
      if (!used && rules.length === 0) continue
      const why = used ? 'something jumps to it' : 'it has rules'
      this.#failed('CHAIN_DEL', 'Device or resource busy', `chain ${name} (${why})`)
    }
    for (const { name } of chains) this.#table.remove(name)
  }

  #rename(): void {
    const { chain: old, newName, word } = this.#command
    if (this.#table.chain(newName!)) this.#refuse('File exists', word + 2)
    if (!this.#table.chain(old!) || this.#table.isBase(old!)) this.#refuse(NO_CHAIN, word + 1)
    this.#table.rename(old!, newName!)
  }

  #zero(): void {
    const { letter, number, chain: name, word } = this.#command
    if (number !== undefined && letter === 'Z' && !this.#table.chain(name!)) this.#refuse(BAD_RULE, word + 1)
    for (const chain of this.#chains()) {
      const hit = (i: number) => letter !== 'Z' || number === undefined || i === number - 1
      const rules = chain.rules.map((rule, i) => (hit(i) && rule.counters ? this.#table.zeroed(rule) : rule))
      const whole = letter !== 'Z' || number === undefined
      this.#table.put({ ...chain, rules, ...(whole && chain.counters ? { counters: { packets: 0, bytes: 0 } } : {}) })
    }
  }

  #list(): void {
    const { chain, table, letter, word } = this.#command
    if (chain !== undefined && !this.#table.chain(chain)) this.#incompatible(chain, table, word + 1)
    const chains = this.#chains()
    const isBase = (name: string) => this.#table.isBase(name)
    if (letter === 'S') this.#output += this.#listRules(chains)
    else if (this.#ebtables) this.#output += listBridge(table, chains, isBase, this.#command)
    else this.#output += listArp(chains, (name) => this.#table.references(name), this.#table.language, this.#command)
  }

  #incompatible(chain: string, table: string, word: number): never {
    throw new LineError(`chain \`${chain}' in table \`${table}' is incompatible, use 'nft' tool.`, word)
  }

  /** arptables -S */
  #listRules(chains: readonly LinkChain[]): string {
    const { number, verbose } = this.#command
    const rules = chains.flatMap((chain) => chain.rules.map((rule, i) => [rule, i + 1] as const))
    const wanted = rules.filter(([, i]) => number === undefined || i === number).map(([rule]) => rule.text)
    const heads = chains.map(({ name, policy, counters }) => {
      if (policy === '-') return `-N ${name}`
      return `-P ${name} ${policy}${verbose ? ` -c ${counters?.packets ?? 0} ${counters?.bytes ?? 0}` : ''}`
    })
    return [...(number === undefined ? heads : []), ...wanted].map((line) => `${line}\n`).join('')
  }
}

/** ebtables takes these names for base chains, whatever the table. */
const BASES: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])
