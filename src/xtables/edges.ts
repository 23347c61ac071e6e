/** The edges of a tree, each from a node by a label to another node. Nodes and labels are numbers. */
export class Edges {
  /** How many nodes there are. */
  count: number
  /** Open addressing: node, label, and where the edge leads; 0 where there is none. */
  #table = new Int32Array(3 * 256)
  #edges = 0

  /** `roots`: the nodes that no edge leads to are the numbers below. */
  constructor(roots: number) {
    this.count = roots
  }

  /** Where the edge leads, or -1. */
  follow(node: number, label: number): number {
    const table = this.#table
    const at = this.#slot(node, label)
    return table[at + 2]! === 0 ? -1 : table[at + 2]!
  }

  /** Where the edge leads, to a new node if there is none. */
  make(node: number, label: number): number {
    const known = this.follow(node, label)
    if (known >= 0) return known
    if (this.#edges * 6 > this.#table.length) this.#grow()
    this.#edges++
    const to = this.count++
    this.#put(node, label, to)
    return to
  }

  #slot(node: number, label: number): number {
    const table = this.#table
    const size = table.length / 3
    const hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(label, 0x85ebca6b)
    let slot = (hash ^ (hash >>> 15)) & (size - 1)
    for (;;) {
      const at = slot * 3
      if (table[at + 2] === 0 || (table[at] === node && table[at + 1] === label)) return at
      slot = (slot + 1) & (size - 1)
    }
  }

  #put(node: number, label: number, to: number): void {
    const at = this.#slot(node, label)
    this.#table[at] = node
    this.#table[at + 1] = label
    this.#table[at + 2] = to
  }

  #grow(): void {
    const old = this.#table
    this.#table = new Int32Array(old.length * 2)
    for (let at = 0; at < old.length; at += 3) if (old[at + 2] !== 0) this.#put(old[at]!, old[at + 1]!, old[at + 2]!)
  }
}
