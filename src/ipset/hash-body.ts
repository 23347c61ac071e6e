import type { Body, Place } from './body.js'
import type { Errno } from './data.js'
import type { Element, Entry, Given } from './element.js'
import { type Hashed, type HashSettings, HashTable } from './hash-table.js'
import type { SetType } from './type.js'

/** More buckets than this are not laid out; where elements lie is then not told. */
export const MOST_BUCKETS = 2 ** 20

/** The elements of a `hash:` set. */
export class HashBody implements Body {
  readonly type: SetType
  readonly table: HashTable
  /** The input tells the initval: elements lie as the kernel has them. */
  readonly laidOut: boolean

  constructor(type: SetType, settings: HashSettings, laidOut: boolean, table?: HashTable) {
    this.type = type
    this.laidOut = laidOut
    this.table =
      table ??
      new HashTable(settings, {
        lengths: type.lengths,
        masked: ({ element }, lengths) => this.#hashed(type.masked(element, lengths)),
        multi: type.multi ?? false,
      })
  }

  #hashed(element: Element): Hashed {
    return { element, words: this.type.words(element) }
  }

  clone(): HashBody {
    return new HashBody(this.type, this.table.settings, this.laidOut, this.table.clone())
  }

  add(element: Element, given: Given, exist: boolean, user: boolean, now: number): Errno | undefined {
    const added = this.table.add(this.#hashed(element), given, exist, user, now)
    return added === 'added' ? undefined : added === 'exists' ? 'EXIST' : 'HASH_FULL'
  }

  delete(element: Element, now: number): Errno | undefined {
    return this.table.delete(this.#hashed(element), now) ? undefined : 'EXIST'
  }

  find(element: Element, exactly: boolean, matches: (place: Place) => boolean): Place | undefined {
    return this.table.find(this.#hashed(element), exactly, matches)
  }

  flush(): void {
    this.table.flush()
  }

  entries(now: number): Iterable<Entry> {
    return this.table.entries(now, this.laidOut)
  }

  get elements(): number {
    return this.table.elements
  }

  longest(n: 0 | 1): number | undefined {
    return this.table.lengths(n)[0]
  }
}
