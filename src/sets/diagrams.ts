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

/** One node: level, low and high child. */
export const STRIDE = 3
/** Slots of the table. So many of them are filled at most. */
const FIRST_SLOTS = 1 << 14
const FILLED = 0.75
/** Tables of so many slots grow slowly. */
const LARGE = 1 << 20
/** Entries of 16 bytes in the operation cache: one that the processor's own caches hold knows less and is faster, until there are millions of diagrams. */
const USUAL_CACHE = 1 << 16

/**
 * Diagrams, each held once, with what is known of operations on them. Nodes are never freed one by one. Throws NodeLimitError where `limit` nodes do not suffice;
 * what was built before stays usable.
 */
export class Diagrams {
  readonly limit: number
  /** STRIDE numbers for each diagram; number 0 is the empty set. A low child is never a complement. */
  protected nodes: Int32Array
  /** Open addressing: diagram numbers, 0 where free. */
  #table: Int32Array
  #size = 1
  /** Direct mapped, so that it forgets: operation, two operands, result. */
  #cache: Int32Array

  constructor(limit: number) {
    const capacity = FIRST_SLOTS * FILLED
    this.limit = Math.max(capacity, limit)
    this.nodes = new Int32Array(capacity * STRIDE)
    this.#table = new Int32Array(FIRST_SLOTS)
    this.#cache = new Int32Array(FIRST_SLOTS)
    this.nodes[0] = TERMINAL
  }

  /** How many nodes this arena holds. */
  get size(): number {
    return this.#size
  }

  /** Its variable; beyond every other for the two constant sets. */
  levelOf(node: Node): number {
    return this.nodes[(node >> 1) * STRIDE]!
  }

  lowOf(node: Node): Node {
    return this.nodes[(node >> 1) * STRIDE + 1]! ^ (node & 1)
  }

  highOf(node: Node): Node {
    return this.nodes[(node >> 1) * STRIDE + 2]! ^ (node & 1)
  }

  /** Where the variable is 0, `low`; where it is 1, `high`. Both may only ask for variables further down. */
  node(level: number, low: Node, high: Node): Node {
    if (low === high) return low
    return (low & 1) === 1 ? this.make(level, low ^ 1, high ^ 1) ^ 1 : this.make(level, low, high)
  }

  protected make(level: number, low: Node, high: Node): Node {
    const nodes = this.nodes
    const table = this.#table
    const mask = table.length - 1
    let at = hash(level, low, high) & mask
    for (let found = table[at]!; found !== 0; found = table[at]!) {
      const base = found * STRIDE
      if (nodes[base + 1] === low && nodes[base + 2] === high && nodes[base] === level) return found << 1
      at = (at + 1) & mask
    }
    const made = this.#size
    const base = made * STRIDE
    if (base >= nodes.length) {
      this.#grow()
      return this.make(level, low, high)
    }
    nodes[base] = level
    nodes[base + 1] = low
    nodes[base + 2] = high
    table[at] = made
    this.#size++
    return made << 1
  }

  /** Makes room for so many diagrams at once. */
  reserve(count: number): void {
    let slots = this.#table.length
    while (slots * FILLED < Math.min(count, this.limit)) slots *= 2
    if (slots > this.#table.length) this.#resize(slots)
  }

  /** What `keep` was told; -1: forgotten, or never known. */
  protected recall(op: number, a: number, b: number): Node {
    const cache = this.#cache
    const at = hash(a, b, op) & (cache.length - 4)
    return cache[at + 1] === a && cache[at + 2] === b && cache[at] === op ? cache[at + 3]! : -1
  }

  protected keep(op: number, a: number, b: number, result: Node): Node {
    const cache = this.#cache
    const at = hash(a, b, op) & (cache.length - 4)
    cache[at] = op
    cache[at + 1] = a
    cache[at + 2] = b
    cache[at + 3] = result
    return result
  }

  #grow(): void {
    if (this.nodes.length / STRIDE >= this.limit) throw new NodeLimitError(this.limit)
    const slots = this.#table.length
    this.#resize(slots < LARGE ? slots * 4 : slots * 2)
  }

  #resize(slots: number): void {
    const nodes = new Int32Array(Math.min(this.limit, slots * FILLED) * STRIDE)
    nodes.set(this.nodes.subarray(0, this.#size * STRIDE))
    this.nodes = nodes
    const table = new Int32Array(slots)
    for (let node = 1; node < this.#size; node++) {
      const base = node * STRIDE
      let at = hash(nodes[base]!, nodes[base + 1]!, nodes[base + 2]!) & (slots - 1)
      while (table[at] !== 0) at = (at + 1) & (slots - 1)
      table[at] = node
    }
    this.#table = table
    const entries = Math.max(Math.min(USUAL_CACHE, slots / 4), slots / 16)
    // what it knew is forgotten: moving it costs more than finding it out again
    if (entries * 4 > this.#cache.length) this.#cache = new Int32Array(entries * 4)
  }
}

/** The level of the two constant sets. */
const TERMINAL = 0x7fffffff

/** Mixes three numbers into 32 bits; not negative. */
function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 1
}
