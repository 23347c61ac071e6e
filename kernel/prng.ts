/** A small random source whose whole run follows from its seed (sfc32, seeded by FNV-1a of the text). */
export class Random {
  #a: number
  #b: number
  #c: number
  #d = 1
  readonly seed: string

  constructor(seed: string) {
    this.seed = seed
    let hash = 0x811c9dc5
    for (const unit of seed) hash = Math.imul(hash ^ unit.codePointAt(0)!, 0x01000193) >>> 0
    this.#a = hash
    this.#b = Math.imul(hash, 0x9e3779b1) >>> 0
    this.#c = (hash ^ 0xdeadbeef) >>> 0
    for (let i = 0; i < 15; i++) this.#next()
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor((this.#next() / 0x1_0000_0000) * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.#next() / 0x1_0000_0000 < probability
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)]!
  }

  /** By weight; at least one must be above 0. */
  weighted<T>(from: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.int(
      1,
      from.reduce((sum, [weight]) => sum + weight, 0),
    )
    for (const [weight, value] of from) {
      at -= weight
      if (at <= 0) return value
    }
    return from.at(-1)![1]
  }

  some<T>(from: readonly T[], count: number): readonly T[] {
    const left = [...from]
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.int(0, left.length - 1), 1)[0]!)
  }

  /** A source of its own, that does not hang on how much of this one was used. */
  fork(name: string): Random {
    return new Random(`${this.seed}/${name}`)
  }
}
