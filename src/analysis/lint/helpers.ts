import type { ChainEntry } from '../../path/hooks.js'
import type { Chain, Rule, Table } from '../../rules/program.js'
import type { NamedUse } from '../../rules/set-use.js'
import { type Bdd, EMPTY, type Node } from '../../sets/bdd.js'
import type { ChainFlow, ChainInputs, RuleFlow } from '../../sets/chains.js'
import { effectsOf, type Scope, someCondition } from '../scope.js'

/** Found out once for each scope. */
export function once<T>(find: (scope: Scope) => T): (scope: Scope) => T {
  const known = new WeakMap<Scope, { readonly found: T }>()
  return (scope) => {
    let one = known.get(scope)
    if (!one) {
      one = { found: find(scope) }
      known.set(scope, one)
    }
    return one.found
  }
}

/** One base chain that has been walked with all packets. */
export interface Walked {
  readonly entry: ChainEntry
  readonly table: Table
  readonly flow: ChainFlow
}

/** Every base chain that has rules, but for those whose sets are too large. */
export const walked = once((scope): readonly Walked[] =>
  scope.allEntries
    .filter(({ chain }) => chain.rules.length > 0 && !scope.tooLarge.has(chain))
    .map((entry) => ({ entry, table: entry.table, flow: scope.flow(entry) })),
)

/** The chains of which it is not known what comes into them: base chains whose sets are too large, and what those call. */
export const unknownChains = once((scope): ReadonlySet<Chain> => {
  const found = new Set<Chain>()
  const visit = (table: Table, chain: Chain | undefined): void => {
    if (!chain || found.has(chain)) return
    found.add(chain)
    for (const rule of chain.rules)
      for (const effect of effectsOf(rule))
        if (effect.do === 'jump' || effect.do === 'goto') visit(table, table.chains.get(effect.chain))
  }
  for (const { table, chain } of scope.allEntries) if (scope.tooLarge.has(chain)) visit(table, chain)
  return found
})

/** What happened at each rule of a table, with all base chains of the table together: a user chain is often called from several. */
export const tableFlows = once((scope): ReadonlyMap<Table, ReadonlyMap<Rule, RuleFlow>> => {
  const tables = new Map<Table, Map<Rule, RuleFlow>>()
  for (const { table, flow } of walked(scope)) {
    const rules = tables.get(table) ?? new Map<Rule, RuleFlow>()
    tables.set(table, rules)
    const unknown = unknownChains(scope)
    for (const [rule, one] of flow.rules) {
      if (unknown.size > 0 && unknown.has(table.chains.get(one.chain)!)) continue
      const before = rules.get(rule)
      rules.set(rule, before ? new JoinedFlow(scope.space.bdd, before, one) : one)
    }
  }
  return tables
})

/** One rule in two base chains. */
class JoinedFlow implements RuleFlow {
  readonly rule: Rule
  readonly chain: string
  readonly number: number
  readonly #bdd: Bdd
  readonly #one: RuleFlow
  readonly #other: RuleFlow

  constructor(bdd: Bdd, one: RuleFlow, other: RuleFlow) {
    this.rule = one.rule
    this.chain = one.chain
    this.number = one.number
    this.#bdd = bdd
    this.#one = one
    this.#other = other
  }

  get reach(): Node {
    return this.#bdd.or(this.#one.reach, this.#other.reach)
  }
  get matched(): Node {
    return this.#bdd.or(this.#one.matched, this.#other.matched)
  }
  get isMatched(): boolean {
    return this.#one.isMatched || this.#other.isMatched
  }
  get accepted(): Node {
    return this.#bdd.or(this.#one.accepted, this.#other.accepted)
  }
  get dropped(): Node {
    return this.#bdd.or(this.#one.dropped, this.#other.dropped)
  }
  mayMeet(set: Node): boolean {
    return this.#one.mayMeet(set) || this.#other.mayMeet(set)
  }
  example(): Uint8Array | undefined {
    return this.#one.example() ?? this.#other.example()
  }
  get outline(): Node {
    return this.#bdd.or(this.#one.outline, this.#other.outline)
  }
  get gone(): Node {
    return this.#bdd.or(this.#one.gone, this.#other.gone)
  }
}

/** What comes into the chains of a table, from all base chains. */
export function chainInputs(scope: Scope, table: Table): ChainInputs {
  const { bdd } = scope.space
  const flows = walked(scope).filter((one) => one.table === table)
  return {
    has: (chain) =>
      !unknownChains(scope).has(table.chains.get(chain)!) && flows.some(({ flow }) => flow.chains.has(chain)),
    get: (chain) => flows.reduce((all: Node, { flow }) => bdd.or(all, flow.chains.get(chain)), EMPTY),
    outline: (chain) => flows.reduce((all: Node, { flow }) => bdd.or(all, flow.chains.outline(chain)), EMPTY),
  }
}

interface Caller {
  readonly chain: Chain
  readonly number: number
  readonly rule: Rule
}

const knownCallers = new WeakMap<Table, ReadonlyMap<string, readonly Caller[]>>()

/** The chains that rules of a table jump or go to. */
export function callers(table: Table): ReadonlyMap<string, readonly Caller[]> {
  let known = knownCallers.get(table)
  if (!known) {
    known = findCallers(table)
    knownCallers.set(table, known)
  }
  return known
}

function findCallers(table: Table): ReadonlyMap<string, readonly Caller[]> {
  const found = new Map<string, Caller[]>()
  for (const chain of table.chains.values())
    chain.rules.forEach((rule, i) => {
      for (const effect of effectsOf(rule))
        if (effect.do === 'jump' || effect.do === 'goto') {
          const list = found.get(effect.chain)
          if (list) list.push({ chain, number: i + 1, rule })
          else found.set(effect.chain, [{ chain, number: i + 1, rule }])
        }
    })
  return found
}

/** The verdict that ends the packet's way through the base chain, for rules that have one and do nothing else. */
export function verdictOf(rule: Rule): 'accept' | 'drop' | 'reject' | undefined {
  const effects = effectsOf(rule)
  const only = effects[0]
  if (effects.length !== 1 || !only) return undefined
  return only.do === 'accept' || only.do === 'drop' || only.do === 'reject' ? only.do : undefined
}

export const NAMES: Readonly<Record<'accept' | 'drop' | 'reject', string>> = {
  accept: 'ACCEPT',
  drop: 'DROP',
  reject: 'REJECT',
}

/** All rules of the tables with their places. */
export function* everyRule(
  scope: Scope,
): Generator<{ readonly table: Table; readonly chain: string; readonly number: number; readonly rule: Rule }> {
  for (const table of scope.tables)
    for (const chain of table.chains.values())
      for (const [i, rule] of chain.rules.entries()) yield { table, chain: chain.name, number: i + 1, rule }
}

interface SetUse {
  readonly table: Table
  readonly chain: string
  readonly number: number
  readonly rule: Rule
  readonly use: NamedUse
}

/** Every use of a set (ipset) in a rule. */
export const setUses = once((scope): readonly SetUse[] => {
  const found: SetUse[] = []
  const use = (table: Table, chain: string, rule: Rule, i: number) => {
    const add = (one: NamedUse) => found.push({ table, chain, number: i + 1, rule, use: one })
    for (let k = 0; k < rule.steps.length; k++) {
      const step = rule.steps[k]!
      if ('if' in step)
        someCondition(step.if, (part) => {
          if (part.is === 'named-set') add(part.use)
          return false
        })
    }
    for (let k = 0; k < rule.steps.length; k++) {
      const step = rule.steps[k]!
      if ('do' in step && 'use' in step.do) add(step.do.use)
    }
  }
  for (const table of scope.tables)
    for (const { name, rules } of table.chains.values())
      for (let i = 0; i < rules.length; i++) use(table, name, rules[i]!, i)
  return found
})

/** Has it rules, or a policy that drops? */
export const isUsed = ({ rules, base }: Chain): boolean => rules.length > 0 || base?.policy === 'drop'

/** `rule 3`, `rules 3, 5`, `rules 3, 5, 6, 9 and 12 more`. */
export function rulesText(rules: readonly { readonly number: number }[]): string {
  const numbers = rules.map(({ number }) => number)
  if (numbers.length < 2) return `rule ${numbers[0]}`
  const more = numbers.length - MOST_NAMED
  return `rules ${numbers.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const MOST_NAMED = 5
