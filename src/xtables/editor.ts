import type { Family } from '../address/ip.js'
import type { Counters, Source } from '../rules/program.js'
import { builtinTable } from './builtin-table.js'
import { basesOf, checkTable, type TableProblem } from './check.js'
import { printCounters } from './counters.js'
import { Registry } from './known.js'
import { LineError } from './line-error.js'
import { RuleReader } from './read-rule.js'
import { SaveRule, type TablePlace } from './rule.js'
import { ReadChain } from './rule-rows.js'
import type { SaveChain, SaveFile, SaveTable } from './save-file.js'
import { Words } from './words.js'

const NONE: Counters = { packets: 0, bytes: 0 }

/** A table while it is being changed: a copy, so that the one that it was made from stays as it is. */
export class TableEditor {
  readonly name: string
  readonly #save: SaveFile
  readonly #known: SaveTable | undefined
  readonly #chains = new Map<string, SaveChain>()
  /** The rules came with counters: new ones get some too. */
  readonly #counted: boolean
  /** Lists of rules that nobody else has. */
  readonly #own = new Set<SaveRule[]>()
  /** Reads the rules of this table. */
  readonly reader: RuleReader

  constructor(save: SaveFile, name: string) {
    this.name = name
    this.#save = save
    this.#known = save.tables.find((table) => table.name === name)
    for (const chain of (this.#known ?? builtinTable(name)).chains.values())
      this.#chains.set(chain.name, chain instanceof ReadChain ? chain.whole : chain)
    const { family, backend } = save
    this.reader = new RuleReader(new Registry(), { family, table: name, backend }, (chain) => this.#chains.has(chain))
    this.#counted = save.tables.some(({ chains }) => {
      for (const { rules } of chains.values()) if (rules[0]) return rules[0].counters !== undefined
      return false
    })
  }

  /** Every rule and every user chain goes, and every counter is 0. */
  clear(): void {
    for (const chain of [...this.#chains.values()])
      if (chain.policy === undefined) this.#chains.delete(chain.name)
      else this.put({ ...chain, counters: NONE, rules: [] })
  }

  get family(): Family {
    return this.#save.family
  }

  get backend(): 'legacy' | 'nft' {
    return this.#save.backend
  }

  get chains(): ReadonlyMap<string, SaveChain> {
    return this.#chains
  }

  chain(name: string): SaveChain | undefined {
    return this.#chains.get(name)
  }

  put(chain: SaveChain): void {
    this.#chains.set(chain.name, chain)
  }

  remove(name: string): void {
    this.#chains.delete(name)
  }

  splice(chain: SaveChain, at: number, remove: number, rules: readonly SaveRule[]): void {
    const copy = [...chain.rules]
    copy.splice(at, remove, ...rules)
    this.put({ ...chain, rules: copy })
  }

  /** Behind the last rule; a chain's list is copied only once, however many come. */
  append(chain: SaveChain, rule: SaveRule): void {
    if (this.#own.has(chain.rules)) {
      chain.rules.push(rule)
      return
    }
    const rules = [...chain.rules, rule]
    this.#own.add(rules)
    this.put({ ...chain, rules })
  }

  setRules(chain: SaveChain, rules: readonly SaveRule[]): void {
    this.put({ ...chain, rules: [...rules] })
  }

  /** Does a rule lead there? */
  isReferenced(name: string): boolean {
    for (const { rules } of this.#chains.values()) for (const { jump } of rules) if (jump === name) return true
    return false
  }

  /** A rule from its text, as it stands in a file. */
  rule(text: string, counters: Counters | undefined, source: Source): SaveRule {
    return this.rules(text, counters, source)[0]!
  }

  /** The rules that a line makes, as it stands in a file. Words of a LineError are counted without the counters. */
  rules(text: string, counters: Counters | undefined, { file, line }: Source): readonly SaveRule[] {
    const shown = counters ?? (this.#counted ? NONE : undefined)
    const whole = shown ? `${printCounters(shown)} ${text}` : text
    const place = this.place(file, whole)
    const cut = new Words()
    cut.split(whole, 0, whole.length)
    const at = shown ? 1 : 0
    try {
      const draft = this.reader.read(cut.text[at + 1]!, cut, at + 2)
      const size = draft.otherFamily ? 0 : draft.size
      return Array.from({ length: size }, (_, i) => new SaveRule(place, line, 0, whole.length, i, draft))
    } catch (error) {
      throw error instanceof LineError ? new LineError(error.message, Math.max(0, error.word - at)) : error
    }
  }

  /** For rules whose lines stand in `text`. */
  place(file: string, text: string): TablePlace {
    const { family, backend } = this.#save
    return { family, table: this.name, backend, file, text, reader: this.reader, bases: () => 0 }
  }

  /** Whether rules have counters here. */
  get counted(): boolean {
    return this.#counted
  }

  /** A rule with other counters, or in a chain that is called otherwise now. */
  again(rule: SaveRule, text: string, counters: Counters | undefined): SaveRule {
    return this.rule(text, counters, rule.source)
  }

  /** Every user chain by its name: the order in which the real programs go through them; base chains first. */
  ordered(): readonly SaveChain[] {
    const all = [...this.#chains.values()]
    const base = all.filter(({ policy }) => policy !== undefined)
    const user = all.filter(({ policy }) => policy === undefined)
    return [...base, ...user.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))]
  }

  /** What only the table as a whole shows. */
  problem(): TableProblem | undefined {
    return checkTable(this.#table())[0]
  }

  #table(): SaveTable {
    return { name: this.name, chains: this.#chains, line: this.#known?.line ?? 1 }
  }

  /** The file with this table in the place of the one that it had. */
  result(): SaveFile {
    const table = this.#table()
    const bases = basesOf(table)
    const places = new Map<TablePlace, TablePlace>()
    const placed = (place: TablePlace): TablePlace => {
      const known = places.get(place) ?? { ...place, bases }
      places.set(place, known)
      return known
    }
    for (const chain of table.chains.values())
      table.chains.set(chain.name, { ...chain, rules: chain.rules.map((rule) => rule.at(placed(rule.place))) })
    const { parts, tables } = this.#save
    const swap = <T>(part: T): T | SaveTable => ((part as unknown) === this.#known ? table : part)
    return this.#known
      ? { ...this.#save, parts: parts.map(swap), tables: tables.map(swap) }
      : { ...this.#save, parts: [...parts, table], tables: [...tables, table] }
  }
}
