import type { SaveRule } from './rule.js'
import { ReadChain } from './rule-rows.js'
import type { SaveChain, SaveTable } from './save-file.js'
import { BASE_CHAINS, BASE_NAMES, baseChainBit, isBuiltin, TABLES } from './tables.js'

/** What only a whole table can tell. `word`: where on the rule's line. */
export interface TableProblem {
  readonly message: string
  readonly rule: SaveRule
  readonly word: number
}

/** Jumps to chains that do not exist, loops of jumps, and extensions that may not be reached from where they are, as the kernel refuses them. */
export function checkTable(table: SaveTable): readonly TableProblem[] {
  const graph = new Graph(table)
  if (graph.problems.length > 0) return graph.problems
  const loop = graph.findLoop()
  return loop ? [loop] : graph.misplaced()
}

/** For each chain of a table the base chains that lead to it, as bits; worked out when first asked. */
export function basesOf(table: SaveTable): (chain: string) => number {
  let graph: Graph | undefined
  return (chain) => {
    graph ??= new Graph(table)
    return graph.bases(chain)
  }
}

const jumpWord = (rule: SaveRule): number => rule.fields.jump?.at ?? 0

/**
 * Told of each rule of a chain in turn: where it jumps, the base chains that it may be reached from, whether what stands behind it counts for nothing.
 * Legacy does not look behind a rule that always ends (mark_source_chains), nft does (nft_chain_validate).
 */
type Visit = (index: number, jump: string | undefined, allowed: number, last: boolean) => void

function eachLink(chain: SaveChain, visit: Visit): void {
  if (chain instanceof ReadChain) chain.eachLink(visit)
  else
    for (const [index, { jump, allowed, ends, place }] of chain.rules.entries())
      visit(index, jump, allowed, ends && place.backend === 'legacy')
}

const NONE = -1
const [OPEN, DONE] = [1, 2]

/** Which chain leads to which. Chains and jumps are numbers: there are many of them. */
class Graph {
  readonly problems: TableProblem[] = []
  readonly #chains: readonly SaveChain[]
  readonly #numbers = new Map<string, number>()
  /** By chain: its first jump and its last, or -1. */
  readonly #first: Int32Array
  readonly #last: Int32Array
  /** By jump: where it leads, which rule of its chain it is, and the next jump of the chain or -1. */
  readonly #to: number[] = []
  readonly #by: number[] = []
  readonly #next: number[] = []
  /** By chain: the base chains that lead there, as bits. */
  readonly #reached: Uint8Array
  readonly #bases: number[] = []
  /** Rules that may not be reached from everywhere. */
  readonly #choosy: { readonly chain: number; readonly index: number; readonly allowed: number }[] = []

  constructor({ name, chains }: SaveTable) {
    this.#chains = [...chains.values()]
    for (let number = 0; number < this.#chains.length; number++) this.#numbers.set(this.#chains[number]!.name, number)
    this.#first = new Int32Array(this.#chains.length).fill(NONE)
    this.#last = new Int32Array(this.#chains.length).fill(NONE)
    this.#reached = new Uint8Array(this.#chains.length)
    for (let number = 0; number < this.#chains.length; number++) this.#link(name, number)
    for (const chain of Object.keys(TABLES[name] ?? {})) {
      const number = this.#numbers.get(chain)
      if (number !== undefined) this.#bases.push(number)
    }
    // in the order of the file, which decides which of two loops is told
    this.#bases.sort((a, b) => a - b)
    for (const number of this.#bases) this.#reach(number, baseChainBit(this.#chains[number]!.name))
  }

  #link(table: string, number: number): void {
    const chain = this.#chains[number]!
    let live = true
    eachLink(chain, (index, jump, allowed, last) => {
      if (live && allowed !== BASE_CHAINS) this.#choosy.push({ chain: number, index, allowed })
      if (last) live = false
      if (jump === undefined) return
      const to = this.#numbers.get(jump)
      if (to === undefined) this.#problem(chain, index, `chain or target "${jump}" does not exist in table ${table}`)
      else if (isBuiltin(table, jump)) this.#problem(chain, index, `${jump} is a built-in chain: nothing jumps to it`)
      else if (live && (this.#last[number]! < 0 || this.#to[this.#last[number]!] !== to)) this.#add(number, to, index)
    })
  }

  #add(from: number, to: number, by: number): void {
    const jump = this.#to.push(to) - 1
    this.#by.push(by)
    this.#next.push(NONE)
    const last = this.#last[from]!
    if (last < 0) this.#first[from] = jump
    else this.#next[last] = jump
    this.#last[from] = jump
  }

  bases(chain: string): number {
    const number = this.#numbers.get(chain)
    return number === undefined ? 0 : this.#reached[number]!
  }

  #problem(chain: SaveChain, index: number, message: string): void {
    const rule = chain.rules[index]!
    this.problems.push({ rule, word: jumpWord(rule), message })
  }

  #reach(from: number, bit: number): void {
    const queue = [from]
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      if (this.#reached[chain]! & bit) continue
      this.#reached[chain]! |= bit
      for (let jump = this.#first[chain]!; jump >= 0; jump = this.#next[jump]!) queue.push(this.#to[jump]!)
    }
  }

  /** Depth first from the base chains; a chain met again while it is being walked closes a loop. One that nothing leads to is accepted. */
  findLoop(): TableProblem | undefined {
    const marks = new Uint8Array(this.#chains.length)
    for (const start of this.#bases) {
      if (marks[start] !== 0) continue
      marks[start] = OPEN
      const path = [{ chain: start, jump: this.#first[start]! }]
      for (let frame = path.at(-1); frame; frame = path.at(-1)) {
        const { chain, jump } = frame
        if (jump < 0) {
          path.pop()
          marks[chain] = DONE
          continue
        }
        frame.jump = this.#next[jump]!
        const to = this.#to[jump]!
        if (marks[to] === OPEN) return this.#loop([...path.map((one) => one.chain), to], chain, jump)
        if (marks[to] === DONE) continue
        marks[to] = OPEN
        path.push({ chain: to, jump: this.#first[to]! })
      }
    }
    return undefined
  }

  /** `path`: chains, of which the last one stands twice. */
  #loop(path: readonly number[], chain: number, jump: number): TableProblem {
    const way = path.slice(path.indexOf(path.at(-1)!)).map((number) => this.#chains[number]!.name)
    const rule = this.#chains[chain]!.rules[this.#by[jump]!]!
    return { rule, word: jumpWord(rule), message: `a loop of jumps: ${way.join(' → ')}` }
  }

  /** Extensions that their kernel modules take only from certain base chains: also when they are reached through user chains. */
  misplaced(): readonly TableProblem[] {
    return this.#choosy.flatMap(({ chain, index, allowed }) => {
      const wrong = this.#reached[chain]! & ~allowed
      if (!wrong) return []
      const rule = this.#chains[chain]!.rules[index]!
      return [whatIsMisplaced(rule, BASE_NAMES.find((name) => wrong & baseChainBit(name))!)]
    })
  }
}

function whatIsMisplaced(rule: SaveRule, base: string): TableProblem {
  const { matches, target } = rule.fields
  for (const { name, extension, options, at } of target ? [...matches, target] : matches) {
    const chains = typeof extension?.chains === 'function' ? extension.chains(options) : extension?.chains
    if (chains && !chains.includes(base))
      return { rule, word: at, message: `${name} may only be reached from ${chains.join(', ')}, not from ${base}` }
  }
  return { rule, word: 0, message: `this rule may not be reached from ${base}` }
}
