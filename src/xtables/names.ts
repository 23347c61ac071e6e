const NONE = -1

/** The hash by which a word is found. */
export function hashOf(text: string, from: number, to: number): number {
  let hash = 0
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** Words of one text by number, found by where they stand: no string is made of a word that was seen before. */
export class Names {
  count = 0
  readonly #text: string
  /** Open addressing: a number and one, 0 where there is nothing. */
  #table = new Int32Array(512)
  #hash = new Int32Array(256)
  /** Where each word stood first; -1 of one that stands nowhere as it is. */
  #at = new Int32Array(256)
  #length = new Int32Array(256)
  readonly #names: (string | undefined)[] = []

  constructor(text: string) {
    this.#text = text
  }

  /** The number of the word from one place to another, -1 where it was not seen. */
  find(from: number, to: number, hash: number): number {
    const table = this.#table
    const mask = table.length - 1
    for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot]! - 1
      if (id < 0) return NONE
      if (this.#hash[id] === hash && this.#length[id] === to - from && this.#is(id, from, to)) return id
    }
  }

  /** As `find`, for a word that is new perhaps. */
  number(from: number, to: number, hash: number): number {
    const known = this.find(from, to, hash)
    return known >= 0 ? known : this.#add(from, to - from, hash, undefined)
  }

  /** The number of a name that need not stand in the text. */
  numberOf(name: string): number {
    const hash = hashOf(name, 0, name.length)
    const table = this.#table
    const mask = table.length - 1
    for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot]! - 1
      if (id < 0) return this.#add(NONE, name.length, hash, name)
      if (this.#hash[id] === hash && this.name(id) === name) return id
    }
  }

  name(id: number): string {
    const known = this.#names[id]
    if (known !== undefined) return known
    const at = this.#at[id]!
    const name = this.#text.slice(at, at + this.#length[id]!)
    this.#names[id] = name
    return name
  }

  #is(id: number, from: number, to: number): boolean {
    const text = this.#text
    const at = this.#at[id]!
    if (at < 0) return this.#names[id] === text.slice(from, to)
    for (let i = from, j = at; i < to; i++, j++) if (text.charCodeAt(i) !== text.charCodeAt(j)) return false
    return true
  }

  #add(at: number, length: number, hash: number, name: string | undefined): number {
    const id = this.count++
    if (id === this.#at.length) this.#grow()
    this.#at[id] = at
    this.#length[id] = length
    this.#hash[id] = hash
    this.#names.push(name)
    this.#put(id)
    return id
  }

  #put(id: number): void {
    const mask = this.#table.length - 1
    let slot = mix(this.#hash[id]!) & mask
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask
    this.#table[slot] = id + 1
  }

  #grow(): void {
    this.#at = grown(this.#at)
    this.#length = grown(this.#length)
    this.#hash = grown(this.#hash)
    this.#table = new Int32Array(this.#table.length * 2)
    for (let id = 0; id < this.count - 1; id++) this.#put(id)
  }
}

const mix = (hash: number): number => hash ^ (hash >>> 15)

/** The same numbers with as much room again. */
export function grown(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2)
  to.set(from)
  return to
}
