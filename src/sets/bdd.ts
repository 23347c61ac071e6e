/** A set: the number of its diagram's root in one `Bdd`. Equal sets have equal numbers. */
export type Node = number

export const EMPTY: Node = 0
export const FULL: Node = 1

/** The diagrams have grown beyond what was allowed: there is no answer, or a partial one that says so. */
export class NodeLimitError extends Error {
  override readonly name = 'NodeLimitError'
  readonly limit: number

  constructor(limit: number) {
    super(`the sets of packets need more than ${limit.toLocaleString('en')} diagram nodes`)
    this.limit = limit
  }
}

const AND = 0
const OR = 1
const MINUS = 2
const EXISTS = 3
const FLIP = 4

/** One node: level, low and high child; 12 bytes, and 4 of the hash table. */
const FIRST_CAPACITY = 1 << 13
/** The operation cache never grows beyond this many entries of 16 bytes. */
const LARGEST_CACHE = 1 << 21

/** Eight million nodes are about 160 MB. */
export const DEFAULT_NODE_LIMIT = 8_000_000

/**
 * Reduced ordered binary decision diagrams over variables numbered by their level, 0 on top. All diagrams of one question live and die with one `Bdd`
 * (an arena): nodes are never freed one by one. Every function gives a node of this arena; a node of another one is nonsense.
 * Throws NodeLimitError where `limit` nodes do not suffice; what was built before stays usable.
 */
export class Bdd {
  readonly limit: number
  #levels: Int32Array
  #lows: Int32Array
  #highs: Int32Array
  /** Open addressing: node numbers, 0 where free. */
  #table: Int32Array
  #size = 2
  /** Direct mapped, so that it forgets: operation, two operands, result. */
  #cache: Int32Array
  readonly #varSets: Uint8Array[] = []
  readonly #varSetNames = new Map<string, number>()

  constructor(limit = DEFAULT_NODE_LIMIT) {
    this.limit = Math.max(FIRST_CAPACITY, limit)
    this.#levels = new Int32Array(FIRST_CAPACITY)
    this.#lows = new Int32Array(FIRST_CAPACITY)
    this.#highs = new Int32Array(FIRST_CAPACITY)
    this.#table = new Int32Array(FIRST_CAPACITY * 2)
    this.#cache = new Int32Array(FIRST_CAPACITY * 4)
    this.#levels[EMPTY] = this.#levels[FULL] = TERMINAL
  }

  /** How many nodes this arena holds. */
  get size(): number {
    return this.#size
  }

  /** Its variable; beyond every other for the two constant sets. */
  levelOf(node: Node): number {
    return this.#levels[node]!
  }

  lowOf(node: Node): Node {
    return this.#lows[node]!
  }

  highOf(node: Node): Node {
    return this.#highs[node]!
  }

  /** Where the variable is 0, `low`; where it is 1, `high`. Both may only ask for variables further down. */
  node(level: number, low: Node, high: Node): Node {
    if (low === high) return low
    const mask = this.#table.length - 1
    let at = hash(level, low, high) & mask
    for (let found = this.#table[at]!; found !== 0; found = this.#table[at]!) {
      if (this.#lows[found] === low && this.#highs[found] === high && this.#levels[found] === level) return found
      at = (at + 1) & mask
    }
    const made = this.#size
    if (made >= this.#levels.length) {
      this.#grow()
      return this.node(level, low, high)
    }
    this.#levels[made] = level
    this.#lows[made] = low
    this.#highs[made] = high
    this.#table[at] = made
    this.#size++
    return made
  }

  /** The packets in which a variable has this value. */
  literal(level: number, value: boolean): Node {
    return value ? this.node(level, EMPTY, FULL) : this.node(level, FULL, EMPTY)
  }

  and(a: Node, b: Node): Node {
    if (a === b || b === FULL) return a
    if (a === FULL) return b
    if (a === EMPTY || b === EMPTY) return EMPTY
    return a < b ? this.#apply(AND, a, b) : this.#apply(AND, b, a)
  }

  or(a: Node, b: Node): Node {
    if (a === b || b === EMPTY) return a
    if (a === EMPTY) return b
    if (a === FULL || b === FULL) return FULL
    return a < b ? this.#apply(OR, a, b) : this.#apply(OR, b, a)
  }

  /** What is in `a` and not in `b`. */
  minus(a: Node, b: Node): Node {
    if (a === b || a === EMPTY || b === FULL) return EMPTY
    if (b === EMPTY) return a
    return this.#apply(MINUS, a, b)
  }

  not(a: Node): Node {
    return this.minus(FULL, a)
  }

  /** Is every packet of `a` in `b`? */
  isWithin(a: Node, b: Node): boolean {
    return this.minus(a, b) === EMPTY
  }

  meets(a: Node, b: Node): boolean {
    return this.and(a, b) !== EMPTY
  }

  #apply(op: number, a: Node, b: Node): Node {
    const known = this.#recall(op, a, b)
    if (known >= 0) return known
    const la = this.#levels[a]!
    const lb = this.#levels[b]!
    const level = Math.min(la, lb)
    const a0 = la === level ? this.#lows[a]! : a
    const a1 = la === level ? this.#highs[a]! : a
    const b0 = lb === level ? this.#lows[b]! : b
    const b1 = lb === level ? this.#highs[b]! : b
    const low = op === AND ? this.and(a0, b0) : op === OR ? this.or(a0, b0) : this.minus(a0, b0)
    const high = op === AND ? this.and(a1, b1) : op === OR ? this.or(a1, b1) : this.minus(a1, b1)
    return this.#keep(op, a, b, this.node(level, low, high))
  }

  /** A set of variables to be named in `exists` and `flip`; the same levels give the same number. */
  variables(levels: Iterable<number>): number {
    const sorted = [...new Set(levels)].sort((x, y) => x - y)
    const name = sorted.join(' ')
    let id = this.#varSetNames.get(name)
    if (id === undefined) {
      id = this.#varSets.length
      const bits = new Uint8Array((sorted.at(-1) ?? -1) + 2)
      for (const level of sorted) bits[level] = 1
      this.#varSets.push(bits)
      this.#varSetNames.set(name, id)
    }
    return id
  }

  /** Packets that are in `a` for some values of these variables: it says nothing about them any more. */
  exists(a: Node, variables: number): Node {
    const bits = this.#varSets[variables]!
    const walk = (node: Node): Node => {
      const level = this.#levels[node]!
      if (level >= bits.length) return node
      const known = this.#recall(EXISTS, node, variables)
      if (known >= 0) return known
      const low = walk(this.#lows[node]!)
      // FULL cannot become more
      const result =
        bits[level] === 1 && low === FULL
          ? FULL
          : bits[level] === 1
            ? this.or(low, walk(this.#highs[node]!))
            : this.node(level, low, walk(this.#highs[node]!))
      return this.#keep(EXISTS, node, variables, result)
    }
    return walk(a)
  }

  /** The packets of `a` with these variables turned over. */
  flip(a: Node, variables: number): Node {
    const bits = this.#varSets[variables]!
    const walk = (node: Node): Node => {
      const level = this.#levels[node]!
      if (level >= bits.length) return node
      const known = this.#recall(FLIP, node, variables)
      if (known >= 0) return known
      const [low, high] = [walk(this.#lows[node]!), walk(this.#highs[node]!)]
      const result = bits[level] === 1 ? this.node(level, high, low) : this.node(level, low, high)
      return this.#keep(FLIP, node, variables, result)
    }
    return walk(a)
  }

  /** Is the packet with these values (0 or 1 by level) in the set? */
  contains(a: Node, values: Uint8Array): boolean {
    let node = a
    while (node > FULL) node = values[this.#levels[node]!] === 1 ? this.#highs[node]! : this.#lows[node]!
    return node === FULL
  }

  /** The variables that the set asks for. */
  support(a: Node): ReadonlySet<number> {
    const levels = new Set<number>()
    this.visit(a, (node) => levels.add(this.#levels[node]!))
    return levels
  }

  /** Every inner node of a diagram once. */
  visit(a: Node, see: (node: Node) => void): void {
    const seen = new Set<Node>()
    const stack = [a]
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node <= FULL || seen.has(node)) continue
      seen.add(node)
      see(node)
      stack.push(this.#highs[node]!, this.#lows[node]!)
    }
  }

  /** How many assignments of `levels` (ascending; they hold its support) are in the set. */
  count(a: Node, levels: readonly number[]): bigint {
    const rank = new Map(levels.map((level, i) => [level, i]))
    const rankOf = (node: Node): number => (node <= FULL ? levels.length : rank.get(this.#levels[node]!)!)
    const known = new Map<Node, bigint>([
      [EMPTY, 0n],
      [FULL, 1n],
    ])
    /** Of the variables from the node's own one on. */
    const walk = (node: Node): bigint => {
      const before = known.get(node)
      if (before !== undefined) return before
      const own = rankOf(node)
      if (own === undefined) throw new Error(`level ${this.#levels[node]} is not counted over`)
      const part = (child: Node) => walk(child) << BigInt(rankOf(child) - own - 1)
      const result = part(this.#lows[node]!) + part(this.#highs[node]!)
      known.set(node, result)
      return result
    }
    return walk(a) << BigInt(rankOf(a))
  }

  /** Some packet of a set that is not empty: by level 0 or 1, or undefined where either will do. */
  any(a: Node): ReadonlyMap<number, 0 | 1> {
    const values = new Map<number, 0 | 1>()
    for (let node = a; node > FULL; ) {
      const low = this.#lows[node]!
      values.set(this.#levels[node]!, low === EMPTY ? 1 : 0)
      node = low === EMPTY ? this.#highs[node]! : low
    }
    return values
  }

  #recall(op: number, a: number, b: number): Node {
    const at = (hash(a, b, op) & (this.#cache.length / 4 - 1)) * 4
    const cache = this.#cache
    return cache[at] === op && cache[at + 1] === a && cache[at + 2] === b && cache[at + 3]! > 0
      ? cache[at + 3]! - 1
      : -1
  }

  #keep(op: number, a: number, b: number, result: Node): Node {
    const at = (hash(a, b, op) & (this.#cache.length / 4 - 1)) * 4
    this.#cache[at] = op
    this.#cache[at + 1] = a
    this.#cache[at + 2] = b
    this.#cache[at + 3] = result + 1
    return result
  }

  #grow(): void {
    const old = this.#levels.length
    if (old >= this.limit) throw new NodeLimitError(this.limit)
    const capacity = Math.min(this.limit, old * 4)
    this.#levels = enlarged(this.#levels, capacity)
    this.#lows = enlarged(this.#lows, capacity)
    this.#highs = enlarged(this.#highs, capacity)
    let slots = 1
    while (slots < capacity * 2) slots *= 2
    const table = new Int32Array(slots)
    for (let node = 2; node < this.#size; node++) {
      let at = hash(this.#levels[node]!, this.#lows[node]!, this.#highs[node]!) & (slots - 1)
      while (table[at] !== 0) at = (at + 1) & (slots - 1)
      table[at] = node
    }
    this.#table = table
    const entries = Math.min(LARGEST_CACHE, slots / 2)
    // what it knew is forgotten: moving it costs more than finding it out again
    if (entries * 4 > this.#cache.length) this.#cache = new Int32Array(entries * 4)
  }
}

/** The level of the two constant sets. */
const TERMINAL = 0x7fffffff

function enlarged(old: Int32Array, capacity: number): Int32Array {
  const made = new Int32Array(capacity)
  made.set(old)
  return made
}

/** Mixes three numbers into 32 bits; not negative. */
function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 1
}
