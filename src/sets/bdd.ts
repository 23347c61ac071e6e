import { Diagrams, EMPTY, FULL, type Node, STRIDE } from './diagrams.js'

export { EMPTY, FULL, type Node, NodeLimitError } from './diagrams.js'

const AND = 1
const EXISTS = 2
const FLIP = 3
const ASSIGN = 4
const APART = 5
/** And the number of the variables. */
const AND_EXISTS = 16

/** More variables than any space has. */
const LEVELS = 1 << 13

/** Eight million nodes are about 160 MB. */
export const DEFAULT_NODE_LIMIT = 8_000_000

/**
 * Reduced ordered binary decision diagrams over variables numbered by their level, 0 on top. All diagrams of one question live and die with one `Bdd`
 * (an arena): nodes are never freed one by one. Every function gives a node of this arena; a node of another one is nonsense.
 * A set and its complement are one diagram: the last bit of a `Node` says which of them is meant, so that `not` costs nothing.
 * Throws NodeLimitError where `limit` nodes do not suffice; what was built before stays usable.
 */
export class Bdd extends Diagrams {
  /** By diagram: which look at supports has seen it last. */
  #seen = new Int32Array(0)
  /** By level, likewise. */
  readonly #asked = new Int32Array(LEVELS)
  #looks = 0
  readonly #varSets: Uint8Array[] = []
  readonly #varSetNames = new Map<string, number>()

  constructor(limit = DEFAULT_NODE_LIMIT) {
    super(limit)
  }

  /** The packets in which a variable has this value. */
  literal(level: number, value: boolean): Node {
    return this.make(level, EMPTY, FULL) ^ (value ? 0 : 1)
  }

  and(a: Node, b: Node): Node {
    if (a === b || b === FULL) return a
    if (a === FULL) return b
    if (a === EMPTY || b === EMPTY || (a ^ b) === 1) return EMPTY
    if (a > b) [a, b] = [b, a]
    const known = this.recall(AND, a, b)
    if (known >= 0) return known
    const nodes = this.nodes
    const atA = (a >> 1) * STRIDE
    const atB = (b >> 1) * STRIDE
    const la = nodes[atA]!
    const lb = nodes[atB]!
    const level = la < lb ? la : lb
    let a0 = a
    let a1 = a
    let b0 = b
    let b1 = b
    if (la === level) {
      a0 = nodes[atA + 1]! ^ (a & 1)
      a1 = nodes[atA + 2]! ^ (a & 1)
    }
    if (lb === level) {
      b0 = nodes[atB + 1]! ^ (b & 1)
      b1 = nodes[atB + 2]! ^ (b & 1)
    }
    return this.keep(AND, a, b, this.node(level, this.and(a0, b0), this.and(a1, b1)))
  }

  or(a: Node, b: Node): Node {
    return this.and(a ^ 1, b ^ 1) ^ 1
  }

  /** What is in `a` and not in `b`. */
  minus(a: Node, b: Node): Node {
    return this.and(a, b ^ 1)
  }

  not(a: Node): Node {
    return a ^ 1
  }

  /** Is every packet of `a` in `b`? */
  isWithin(a: Node, b: Node): boolean {
    return !this.meets(a, b ^ 1)
  }

  /** Is there a packet in both? Builds no node, and ends at the first packet. */
  meets(a: Node, b: Node): boolean {
    if (a === EMPTY || b === EMPTY || (a ^ b) === 1) return false
    if (a === FULL || b === FULL || a === b) return true
    if (a > b) [a, b] = [b, a]
    const met = this.recall(AND, a, b)
    if (met >= 0) return met !== EMPTY
    if (this.recall(APART, a, b) >= 0) return false
    const nodes = this.nodes
    const atA = (a >> 1) * STRIDE
    const atB = (b >> 1) * STRIDE
    const la = nodes[atA]!
    const lb = nodes[atB]!
    const level = la < lb ? la : lb
    let a0 = a
    let a1 = a
    let b0 = b
    let b1 = b
    if (la === level) {
      a0 = nodes[atA + 1]! ^ (a & 1)
      a1 = nodes[atA + 2]! ^ (a & 1)
    }
    if (lb === level) {
      b0 = nodes[atB + 1]! ^ (b & 1)
      b1 = nodes[atB + 2]! ^ (b & 1)
    }
    if (this.meets(a0, b0) || this.meets(a1, b1)) return true
    this.keep(APART, a, b, EMPTY)
    return false
  }

  /** A packet that is in both sets, if there is one: its values by level go to `values`. Builds no node. */
  find(a: Node, b: Node, values: Uint8Array): boolean {
    // most often the first way down that does not end at once leads there
    return this.#descend(a, b, values) || this.#search(a, b, values)
  }

  #descend(a: Node, b: Node, values: Uint8Array): boolean {
    const nodes = this.nodes
    for (;;) {
      if (a === EMPTY || b === EMPTY || (a ^ b) === 1) return false
      if (a === FULL && b === FULL) return true
      const atA = (a >> 1) * STRIDE
      const atB = (b >> 1) * STRIDE
      const la = nodes[atA]!
      const lb = nodes[atB]!
      const level = la < lb ? la : lb
      const lowA = la === level ? nodes[atA + 1]! ^ (a & 1) : a
      const lowB = lb === level ? nodes[atB + 1]! ^ (b & 1) : b
      if (lowA !== EMPTY && lowB !== EMPTY && (lowA ^ lowB) !== 1) {
        values[level] = 0
        a = lowA
        b = lowB
      } else {
        values[level] = 1
        if (la === level) a = nodes[atA + 2]! ^ (a & 1)
        if (lb === level) b = nodes[atB + 2]! ^ (b & 1)
      }
    }
  }

  #search(a: Node, b: Node, values: Uint8Array): boolean {
    if (a === EMPTY || b === EMPTY || (a ^ b) === 1) return false
    if (a === FULL && b === FULL) return true
    if (a > b) [a, b] = [b, a]
    if (this.recall(APART, a, b) >= 0) return false
    const la = this.levelOf(a)
    const lb = this.levelOf(b)
    const level = Math.min(la, lb)
    values[level] = 0
    if (this.#search(la === level ? this.lowOf(a) : a, lb === level ? this.lowOf(b) : b, values)) return true
    values[level] = 1
    if (this.#search(la === level ? this.highOf(a) : a, lb === level ? this.highOf(b) : b, values)) return true
    this.keep(APART, a, b, EMPTY)
    return false
  }

  /** A set of variables to be named in `exists` and `flip`; the same levels give the same number. */
  variables(levels: Iterable<number>): number {
    const sorted = [...new Set(levels)].sort((x, y) => x - y)
    return this.#named(sorted.map((level) => [level, 1]))
  }

  /** Values of variables (0, 1, or `turned`: the other one) to be named in `assign`. */
  values(of: Iterable<readonly [level: number, value: 0 | 1 | 'turned']>): number {
    const sorted = [...of].sort(([x], [y]) => x - y)
    return this.#named(sorted.map(([level, value]) => [level, value === 'turned' ? 4 : value + 2]))
  }

  #named(sorted: readonly (readonly [level: number, code: number])[]): number {
    const name = sorted.join(' ')
    let id = this.#varSetNames.get(name)
    if (id === undefined) {
      id = this.#varSets.length
      const bits = new Uint8Array((sorted.at(-1)?.[0] ?? -1) + 1)
      for (const [level, code] of sorted) bits[level] = code
      this.#varSets.push(bits)
      this.#varSetNames.set(name, id)
    }
    return id
  }

  /** Packets that are in `a` for some values of these variables: it says nothing about them any more. */
  exists(a: Node, variables: number): Node {
    const bits = this.#varSets[variables]!
    const walk = (node: Node): Node => {
      const level = this.levelOf(node)
      if (level >= bits.length) return node
      const known = this.recall(EXISTS, node, variables)
      if (known >= 0) return known
      const low = walk(this.lowOf(node))
      // FULL cannot become more
      const result =
        bits[level] === 1 && low === FULL
          ? FULL
          : bits[level] === 1
            ? this.or(low, walk(this.highOf(node)))
            : this.node(level, low, walk(this.highOf(node)))
      return this.keep(EXISTS, node, variables, result)
    }
    return walk(a)
  }

  /** `exists` of what is in both, without building that. */
  andExists(a: Node, b: Node, variables: number): Node {
    const bits = this.#varSets[variables]!
    const operation = AND_EXISTS + variables
    const walk = (a: Node, b: Node): Node => {
      if (a === EMPTY || b === EMPTY || (a ^ b) === 1) return EMPTY
      if (a === FULL || a === b) return this.exists(b, variables)
      if (b === FULL) return this.exists(a, variables)
      if (a > b) [a, b] = [b, a]
      const la = this.levelOf(a)
      const lb = this.levelOf(b)
      const level = la < lb ? la : lb
      if (level >= bits.length) return this.and(a, b)
      const known = this.recall(operation, a, b)
      if (known >= 0) return known
      const low = walk(la === level ? this.lowOf(a) : a, lb === level ? this.lowOf(b) : b)
      const high = () => walk(la === level ? this.highOf(a) : a, lb === level ? this.highOf(b) : b)
      const result = bits[level] !== 1 ? this.node(level, low, high()) : low === FULL ? FULL : this.or(low, high())
      return this.keep(operation, a, b, result)
    }
    return walk(a, b)
  }

  /** The packets of `a` with these variables turned over. */
  flip(a: Node, variables: number): Node {
    const bits = this.#varSets[variables]!
    const walk = (node: Node): Node => {
      const level = this.levelOf(node)
      if (level >= bits.length) return node
      if ((node & 1) === 1) return walk(node ^ 1) ^ 1
      const known = this.recall(FLIP, node, variables)
      if (known >= 0) return known
      const low = walk(this.lowOf(node))
      const high = walk(this.highOf(node))
      const result = bits[level] === 1 ? this.node(level, high, low) : this.node(level, low, high)
      return this.keep(FLIP, node, variables, result)
    }
    return walk(a)
  }

  /** The packets that are in `a` once these variables (`values`) have been assigned. */
  assign(a: Node, values: number): Node {
    const bits = this.#varSets[values]!
    const walk = (node: Node): Node => {
      const level = this.levelOf(node)
      if (level >= bits.length) return node
      if ((node & 1) === 1) return walk(node ^ 1) ^ 1
      const code = bits[level]!
      if (code === 2) return walk(this.lowOf(node))
      if (code === 3) return walk(this.highOf(node))
      const known = this.recall(ASSIGN, node, values)
      if (known >= 0) return known
      const low = walk(this.lowOf(node))
      const high = walk(this.highOf(node))
      return this.keep(ASSIGN, node, values, code === 4 ? this.node(level, high, low) : this.node(level, low, high))
    }
    return walk(a)
  }

  /** The packets that have these values in some variables: 0 or 1 by level. */
  cube(of: Iterable<readonly [level: number, value: 0 | 1]>): Node {
    return [...of]
      .sort(([x], [y]) => y - x)
      .reduce(
        (below: Node, [level, value]) =>
          value === 1 ? this.node(level, EMPTY, below) : this.node(level, below, EMPTY),
        FULL,
      )
  }

  /** Is the packet with these values (0 or 1 by level) in the set? */
  contains(a: Node, values: Uint8Array): boolean {
    let node = a
    while (node > FULL) node = values[this.levelOf(node)] === 1 ? this.highOf(node) : this.lowOf(node)
    return node === FULL
  }

  /** The variables that the set asks for. */
  support(a: Node): ReadonlySet<number> {
    const levels = new Set<number>()
    this.supportOf([a], levels)
    return levels
  }

  /** The variables that some of these sets ask for are added to `levels`. */
  supportOf(sets: readonly Node[], levels: Set<number>): void {
    if (this.#seen.length < this.nodes.length / STRIDE) {
      this.#seen = new Int32Array(this.nodes.length / STRIDE)
      this.#asked.fill(0)
      this.#looks = 0
    }
    const look = ++this.#looks
    const seen = this.#seen
    const asked = this.#asked
    const nodes = this.nodes
    const found: number[] = []
    const walk = (node: number): void => {
      if (node === 0 || seen[node] === look) return
      seen[node] = look
      const base = node * STRIDE
      const level = nodes[base]!
      if (asked[level] !== look) {
        asked[level] = look
        found.push(level)
      }
      walk(nodes[base + 1]! >> 1)
      walk(nodes[base + 2]! >> 1)
    }
    for (let i = 0; i < sets.length; i++) walk(sets[i]! >> 1)
    for (const level of found.sort((x, y) => x - y)) levels.add(level)
  }

  /** Every inner node of a diagram once (a set and its complement are one). */
  visit(a: Node, see: (node: Node) => void): void {
    const seen = new Set<number>()
    const stack = [a]
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node <= FULL || seen.has(node >> 1)) continue
      seen.add(node >> 1)
      see(node)
      stack.push(this.highOf(node), this.lowOf(node))
    }
  }

  /** How many assignments of `levels` (ascending; they hold its support) are in the set. */
  count(a: Node, levels: readonly number[]): bigint {
    const rank = new Map(levels.map((level, i) => [level, i]))
    const rankOf = (node: Node): number => (node <= FULL ? levels.length : rank.get(this.levelOf(node))!)
    const known = new Map<Node, bigint>([
      [EMPTY, 0n],
      [FULL, 1n],
    ])
    /** Of the variables from the node's own one on. */
    const walk = (node: Node): bigint => {
      const before = known.get(node)
      if (before !== undefined) return before
      const own = rankOf(node)
      if (own === undefined) throw new Error(`level ${this.levelOf(node)} is not counted over`)
      const part = (child: Node) => walk(child) << BigInt(rankOf(child) - own - 1)
      const result = part(this.lowOf(node)) + part(this.highOf(node))
      known.set(node, result)
      return result
    }
    return walk(a) << BigInt(rankOf(a))
  }

  /** Some packet of a set that is not empty: by level 0 or 1, or undefined where either will do. */
  any(a: Node): ReadonlyMap<number, 0 | 1> {
    const values = new Map<number, 0 | 1>()
    for (let node = a; node > FULL; ) {
      const low = this.lowOf(node)
      values.set(this.levelOf(node), low === EMPTY ? 1 : 0)
      node = low === EMPTY ? this.highOf(node) : low
    }
    return values
  }
}
