import type { SaveRule } from './rule.js'
import type { SaveTable } from './save-file.js'
import { BASE_CHAINS, BASE_NAMES, baseChainBit, isBuiltin } from './tables.js'

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

interface Node {
  readonly name: string
  /** The chains that it leads to, and the rule that does. */
  readonly to: Node[]
  readonly by: SaveRule[]
  /** The base chains that lead here, as bits. */
  reached: number
  mark: 'new' | 'open' | 'done'
}

const jumpWord = (rule: SaveRule): number => rule.fields.jump?.at ?? 0

/** Which chain leads to which. */
class Graph {
  readonly problems: TableProblem[] = []
  readonly #nodes = new Map<string, Node>()
  readonly #bases: Node[] = []
  /** Rules that may not be reached from everywhere. */
  readonly #choosy: { readonly rule: SaveRule; readonly node: Node }[] = []

  constructor({ name, chains }: SaveTable) {
    for (const chain of chains.values())
      this.#nodes.set(chain.name, { name: chain.name, to: [], by: [], reached: 0, mark: 'new' })
    for (const chain of chains.values()) {
      const node = this.#nodes.get(chain.name)!
      let live = true
      for (const rule of chain.rules) {
        if (live && rule.allowed !== BASE_CHAINS) this.#choosy.push({ rule, node })
        // legacy does not look behind a rule that always ends (mark_source_chains), nft does (nft_chain_validate)
        if (rule.ends && rule.place.backend === 'legacy') live = false
        const { jump } = rule
        if (jump === undefined) continue
        const to = this.#nodes.get(jump)
        if (!to) this.#problem(rule, `chain or target "${jump}" does not exist in table ${name}`)
        else if (isBuiltin(name, jump)) this.#problem(rule, `${jump} is a built-in chain: nothing jumps to it`)
        else if (live && node.to.at(-1) !== to) {
          node.to.push(to)
          node.by.push(rule)
        }
      }
    }
    for (const node of this.#nodes.values()) {
      if (!isBuiltin(name, node.name)) continue
      this.#bases.push(node)
      reach(node, baseChainBit(node.name))
    }
  }

  bases(chain: string): number {
    return this.#nodes.get(chain)?.reached ?? 0
  }

  #problem(rule: SaveRule, message: string): void {
    this.problems.push({ rule, word: jumpWord(rule), message })
  }

  /** Depth first from the base chains; a chain met again while it is being walked closes a loop. One that nothing leads to is accepted. */
  findLoop(): TableProblem | undefined {
    for (const start of this.#bases) {
      if (start.mark !== 'new') continue
      start.mark = 'open'
      const path = [{ node: start, next: 0 }]
      for (let frame = path.at(-1); frame; frame = path.at(-1)) {
        const at = frame.next++
        const to = frame.node.to[at]
        if (!to) {
          path.pop()
          frame.node.mark = 'done'
        } else if (to.mark === 'new') {
          to.mark = 'open'
          path.push({ node: to, next: 0 })
        } else if (to.mark === 'open') {
          const names = path.map(({ node }) => node.name)
          const way = [...names.slice(names.indexOf(to.name)), to.name].join(' → ')
          const rule = frame.node.by[at]!
          return { rule, word: jumpWord(rule), message: `a loop of jumps: ${way}` }
        }
      }
    }
    return undefined
  }

  /** Extensions that their kernel modules take only from certain base chains: also when they are reached through user chains. */
  misplaced(): readonly TableProblem[] {
    return this.#choosy.flatMap(({ rule, node }) => {
      const wrong = node.reached & ~rule.allowed
      return wrong ? [whatIsMisplaced(rule, BASE_NAMES.find((name) => wrong & baseChainBit(name))!)] : []
    })
  }
}

function reach(from: Node, bit: number): void {
  const queue = [from]
  for (let node = queue.pop(); node; node = queue.pop()) {
    if (node.reached & bit) continue
    node.reached |= bit
    for (const to of node.to) queue.push(to)
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
