import type { LinkChain, LinkFile, LinkTable } from './file.js'
import { commandLanguage, LANGUAGES, type LinkLanguage } from './language.js'
import { type LinkFields, LinkRule } from './rule.js'
import { type TableProblem, tableProblem } from './table-problem.js'

/** A table of ebtables or arptables while it is being changed; the file that it was made from stays as it is. */
export class LinkEditor {
  readonly language: LinkLanguage
  readonly #file: LinkFile
  readonly #name: string
  readonly #chains = new Map<string, LinkChain>()

  constructor(file: LinkFile, name: string) {
    this.language = commandLanguage(file.language)
    this.#file = file
    this.#name = name
    const known = file.tables.find((table) => table.name === name)
    for (const chain of this.#bases())
      this.#chains.set(
        chain,
        known?.chains.get(chain) ?? { name: chain, policy: 'ACCEPT', counters: undefined, rules: [] },
      )
    for (const chain of known?.chains.values() ?? []) this.#chains.set(chain.name, chain)
  }

  /** arptables-nft has no FORWARD; legacy arptables has. */
  #bases(): readonly string[] {
    const all = Object.keys(LANGUAGES[this.language.program].tables[this.#name] ?? {})
    return this.language.program === 'arptables' && this.#file.backend === 'nft'
      ? all.filter((one) => one !== 'FORWARD')
      : all
  }

  isBase(name: string): boolean {
    return this.#bases().includes(name)
  }

  chain(name: string): LinkChain | undefined {
    return this.#chains.get(name)
  }

  /** Base chains, then those of users by their names, as nft lists them. */
  ordered(): readonly LinkChain[] {
    const bases = this.#bases()
    const own = [...this.#chains.values()].filter(({ name }) => !bases.includes(name))
    if (this.#file.backend === 'nft') own.sort((a, b) => (a.name < b.name ? -1 : 1))
    return [...bases.map((name) => this.#chains.get(name)!), ...own]
  }

  put(chain: LinkChain): void {
    this.#chains.set(chain.name, chain)
  }

  add(name: string, policy: string): void {
    this.put({ name, policy, counters: undefined, rules: [] })
  }

  remove(name: string): void {
    this.#chains.delete(name)
  }

  /** Every rule and every user chain goes, and policies are ACCEPT. */
  clear(): void {
    for (const chain of [...this.#chains.values()])
      if (this.isBase(chain.name)) this.put({ ...chain, policy: 'ACCEPT', rules: [] })
      else this.remove(chain.name)
  }

  references(name: string): number {
    return [...this.#chains.values()].flatMap(({ rules }) => rules).filter(({ fields }) => fields.jump === name).length
  }

  /** What jumps to the chain follows. */
  rename(old: string, name: string): void {
    const chains = [...this.#chains.values()]
    this.#chains.clear()
    for (const chain of chains) {
      const own = chain.name === old ? name : chain.name
      const rules = chain.rules.map((rule) => {
        const jump = rule.fields.jump === old ? name : rule.fields.jump
        return own === rule.fields.chain && jump === rule.fields.jump ? rule : this.#again(rule, { chain: own, jump })
      })
      this.put({ ...chain, name: own, rules })
    }
  }

  #again(rule: LinkRule, changed: Partial<LinkFields>): LinkRule {
    return new LinkRule({ ...rule.fields, ...changed }, this.language, rule.source)
  }

  zeroed(rule: LinkRule): LinkRule {
    return this.#again(rule, { counters: { packets: 0, bytes: 0 } })
  }

  /** Where the file has counters, a new rule gets some too. */
  counted(fields: LinkFields): LinkFields {
    return fields.counters || !this.#file.counted ? fields : { ...fields, counters: { packets: 0, bytes: 0 } }
  }

  problem(): TableProblem | undefined {
    return tableProblem(this.#name, this.#chains, this.language)
  }

  result(): LinkFile {
    const table: LinkTable = { name: this.#name, chains: new Map(this.ordered().map((chain) => [chain.name, chain])) }
    const known = this.#file.tables.find(({ name }) => name === this.#name)
    const swap = <T>(list: readonly T[], own: T) =>
      known ? list.map((one) => ((one as unknown) === known ? own : one)) : [...list, own]
    return {
      ...this.#file,
      parts: swap<string | LinkTable>(this.#file.parts, table),
      tables: swap<LinkTable>(this.#file.tables, table),
    }
  }
}
