import { jhash2 } from '../rules/jhash.js'
import type { Place } from './body.js'
import {
  type Element,
  EMPTY,
  type Entry,
  type Extensions,
  type Given,
  initialise,
  isExpired,
  type Keeps,
} from './element.js'

/** An element as a hash sees it: `words` are its bytes, by which it is spread and compared. */
export interface Hashed {
  readonly element: Element
  readonly words: readonly number[]
}

/** Two places of a bucket are equal when their words are, unless the type has more to say. */
export interface HashRules {
  /** Prefix lengths of the networks in an element: none, one or two. */
  lengths(element: Element): readonly number[]
  /** The element with its networks cut to these lengths. */
  masked(hashed: Hashed, lengths: readonly number[]): Hashed
  /** hash:net,iface: elements of one network stand in one bucket, and their interfaces are compared. */
  readonly multi: boolean
}

interface Slot extends Extensions {
  readonly hashed: Hashed
  readonly used: boolean
  /** In which order elements came. */
  readonly order: number
}

interface Bucket {
  readonly owner: object
  /** As many as there is memory for; behind `position` nothing stands, but old counters may. */
  size: number
  position: number
  readonly slots: (Slot | undefined)[]
}

export interface HashSettings {
  readonly keeps: Keeps
  readonly forceadd: boolean
  readonly maxelem: number
  /** Most elements of a bucket before the table grows (AHASH_MAX). */
  readonly bucketsize: number
  /** 0 where the input does not tell. */
  readonly initval: number
  /** A power of two. */
  readonly hashsize: number
}

/** AHASH_INIT_SIZE, AHASH_MAX_TUNED, HTABLE_REGION_BITS of ip_set_hash_gen.h. */
const STEP = 2
const MOST = 64
const REGION = 1024

export type Added = 'added' | 'exists' | 'full' | 'no-room'

/**
 * The hash behind all `hash:` types, bucket by bucket as net/netfilter/ipset/ip_set_hash_gen.h has it: with the initval of `ipset save` the elements
 * lie where the kernel has them, and so come out in its order; what a full set replaces (forceadd) and what finds no room follows.
 * `clone` shares all buckets until one of the two changes.
 */
export class HashTable {
  readonly settings: HashSettings
  readonly rules: HashRules
  #owner: object = {}
  #buckets: (Bucket | undefined)[]
  #regions: number[]
  #bucketsize: number
  #order = 0
  /** For each network of an element: how many elements have each prefix length. */
  #lengths: Map<number, number>[] = [new Map(), new Map()]
  #sorted: (readonly number[] | undefined)[] = [undefined, undefined]

  constructor(settings: HashSettings, rules: HashRules) {
    this.settings = settings
    this.rules = rules
    this.#bucketsize = settings.bucketsize
    this.#buckets = new Array(settings.hashsize)
    this.#regions = new Array(regionsOf(settings.hashsize)).fill(0)
  }

  clone(): HashTable {
    const copy = new HashTable(this.settings, this.rules)
    copy.#buckets = this.#buckets.slice()
    copy.#regions = this.#regions.slice()
    copy.#bucketsize = this.#bucketsize
    copy.#order = this.#order
    copy.#lengths = this.#lengths.map((counts) => new Map(counts))
    copy.#sorted = this.#sorted.slice()
    this.#owner = {}
    return copy
  }

  get hashsize(): number {
    return this.#buckets.length
  }

  get bucketsize(): number {
    return this.#bucketsize
  }

  /** Expired ones that nobody has collected included. */
  get elements(): number {
    return this.#regions.reduce((sum, count) => sum + count, 0)
  }

  /** Of the n-th network of the elements: which prefix lengths there are, longest first. */
  lengths(n: 0 | 1): readonly number[] {
    this.#sorted[n] ??= [...this.#lengths[n]!.keys()].sort((a, b) => b - a)
    return this.#sorted[n]
  }

  #count({ element }: Hashed, by: 1 | -1): void {
    const lengths = this.rules.lengths(element)
    for (let n = 0; n < lengths.length; n++) {
      const counts = this.#lengths[n]!
      const count = (counts.get(lengths[n]!) ?? 0) + by
      if (count <= 0) counts.delete(lengths[n]!)
      else counts.set(lengths[n]!, count)
      if (count <= 0 || (by === 1 && count === 1)) this.#sorted[n] = undefined
    }
  }

  #key(words: readonly number[]): number {
    return jhash2(words, this.settings.initval) & (this.#buckets.length - 1)
  }

  /** A bucket that may be changed. */
  #own(key: number): Bucket {
    const bucket = this.#buckets[key]!
    if (bucket.owner === this.#owner) return bucket
    const copy: Bucket = { ...bucket, owner: this.#owner, slots: bucket.slots.slice() }
    this.#buckets[key] = copy
    return copy
  }

  #free(bucket: Bucket, at: number): void {
    bucket.slots[at] = { ...bucket.slots[at]!, used: false }
  }

  /** mtype_add. `user`: the table grows where a bucket is full; what a packet adds finds no room there. */
  add(hashed: Hashed, given: Given, exist: boolean, user: boolean, now: number): Added {
    for (;;) {
      const added = this.#add(hashed, given, exist, now)
      if (added !== 'no-room' || !user) return added
      this.#grow(now)
    }
  }

  #add(hashed: Hashed, given: Given, exist: boolean, now: number): Added {
    const { keeps, maxelem, forceadd } = this.settings
    const key = this.#key(hashed.words)
    const region = Math.floor(key / REGION) % this.#regions.length
    let [elements, most, force] = [this.#regions[region]!, Math.floor(maxelem / this.#regions.length), false]
    if (elements >= most) {
      if (keeps.timeout !== undefined) this.#collect(region, now)
      most = maxelem
      elements = this.elements
      force = elements >= most && forceadd
    }
    if (!this.#buckets[key]) {
      if (force || elements >= most) return 'full'
      this.#buckets[key] = { owner: this.#owner, size: STEP, position: 0, slots: [] }
      return this.#put(this.#buckets[key], key, undefined, hashed, given, now)
    }
    const bucket = this.#own(key)
    let reuse = -1
    let deleted = false
    let multi = 0
    for (let i = 0; i < bucket.position; i++) {
      const slot = bucket.slots[i]!
      if (!slot.used) {
        // a place that was left counts before one that has expired, where it comes first
        if (reuse < 0) [reuse, deleted] = [i, true]
        continue
      }
      const same = compare(slot.hashed, hashed, this.rules.multi)
      if (same !== 'other') multi++
      if (same === 'equal') {
        if (!exist && !isExpired(keeps, slot, now)) return 'exists'
        bucket.slots[i] = { ...slot, ...initialise(keeps, slot, given, now) }
        return 'added'
      }
      if (isExpired(keeps, slot, now) && reuse < 0) reuse = i
    }
    if (reuse >= 0 || force) {
      const at = Math.max(reuse, 0)
      if (!deleted) {
        this.#count(bucket.slots[at]!.hashed, -1)
        this.#regions[region]!--
      }
      return this.#put(bucket, key, at, hashed, given, now)
    }
    if (elements >= most) return 'full'
    if (bucket.position >= bucket.size) {
      if (this.rules.multi) {
        if (this.#bucketsize >= MOST) return 'full'
        if (this.#bucketsize <= multi) this.#bucketsize += STEP
      }
      if (bucket.size >= this.#bucketsize) return 'no-room'
      bucket.size += STEP
    }
    return this.#put(bucket, key, undefined, hashed, given, now)
  }

  #put(bucket: Bucket, key: number, at: number | undefined, hashed: Hashed, given: Given, now: number): Added {
    const place = at ?? bucket.position++
    const extensions = initialise(this.settings.keeps, bucket.slots[place] ?? EMPTY, given, now)
    bucket.slots[place] = { hashed, used: true, order: this.#order++, ...extensions }
    this.#count(hashed, 1)
    this.#regions[Math.floor(key / REGION) % this.#regions.length]!++
    return 'added'
  }

  /** mtype_del: false where it is not there. */
  delete(hashed: Hashed, now: number): boolean {
    const key = this.#key(hashed.words)
    if (!this.#buckets[key]) return false
    const at = this.#buckets[key].slots.findIndex(
      (slot, i) =>
        i < this.#buckets[key]!.position && slot?.used && compare(slot.hashed, hashed, this.rules.multi) === 'equal',
    )
    if (at < 0 || isExpired(this.settings.keeps, this.#buckets[key].slots[at]!, now)) return false
    const bucket = this.#own(key)
    this.#free(bucket, at)
    if (at + 1 === bucket.position) bucket.position--
    this.#count(hashed, -1)
    this.#regions[Math.floor(key / REGION) % this.#regions.length]!--
    this.#shrink(key, bucket)
    return true
  }

  /** Gives memory back: a bucket without elements goes, one with two places left becomes shorter. */
  #shrink(key: number, bucket: Bucket): void {
    let holes = 0
    for (let i = 0; i < bucket.position; i++) if (!bucket.slots[i]!.used) holes++
    if (holes === bucket.position) this.#buckets[key] = undefined
    else if (holes >= STEP) this.#compact(key, bucket)
  }

  #compact(key: number, bucket: Bucket): void {
    const slots = bucket.slots.filter((slot, i) => i < bucket.position && slot!.used)
    this.#buckets[key] = { owner: this.#owner, size: bucket.size - STEP, position: slots.length, slots }
  }

  /** mtype_gc_do: expired elements of a region go. */
  #collect(region: number, now: number): void {
    const end = Math.min((region + 1) * REGION, this.#buckets.length)
    for (let key = region * REGION; key < end; key++) {
      const found = this.#buckets[key]
      if (!found) continue
      let gone = 0
      for (let i = 0; i < found.position; i++) {
        const slot = found.slots[i]!
        if (slot.used && !isExpired(this.settings.keeps, slot, now)) continue
        gone++
        if (!slot.used) continue
        this.#free(this.#own(key), i)
        this.#count(slot.hashed, -1)
        this.#regions[region]!--
      }
      if (gone < STEP) continue
      if (gone >= found.size) this.#buckets[key] = undefined
      else this.#compact(key, this.#own(key))
    }
  }

  /** What the kernel collects from time to time (mtype_gc), all regions at once. */
  collect(now: number): void {
    for (let region = 0; region < this.#regions.length; region++) this.#collect(region, now)
  }

  /** mtype_resize: twice as many buckets, or more where one is still too full. */
  #grow(now: number): void {
    const old = this.#buckets
    for (let size = old.length * 2; size <= 2 ** 31; size *= 2) {
      const buckets: (Bucket | undefined)[] = new Array(size)
      const regions: number[] = new Array(regionsOf(size)).fill(0)
      if (!this.#move(old, buckets, regions, now)) continue
      this.#buckets = buckets
      this.#regions = regions
      return
    }
  }

  #move(from: readonly (Bucket | undefined)[], to: (Bucket | undefined)[], regions: number[], now: number): boolean {
    for (const bucket of from)
      for (let i = 0; bucket && i < bucket.position; i++) {
        const slot = bucket.slots[i]!
        if (!slot.used || isExpired(this.settings.keeps, slot, now)) continue
        const key = jhash2(slot.hashed.words, this.settings.initval) & (to.length - 1)
        to[key] ??= { owner: this.#owner, size: STEP, position: 0, slots: [] }
        const into = to[key]
        if (into.position >= into.size) {
          if (into.size >= this.#bucketsize) return false
          into.size += STEP
        }
        into.slots[into.position++] = slot
        regions[Math.floor(key / REGION) % regions.length]!++
      }
    return true
  }

  flush(): void {
    this.#buckets = new Array(this.#buckets.length)
    this.#regions.fill(0)
    this.#lengths = [new Map(), new Map()]
    this.#sorted = [undefined, undefined]
  }

  /**
   * mtype_test. `matches` is asked of each equal element and may say no (it has expired, its counters do not fit); then the search goes on. Elements
   * without networks, or networks as such (`exactly`), are looked up as they are; an address tries every prefix length that there is, longest first.
   */
  find(hashed: Hashed, exactly: boolean, matches: (place: Place) => boolean): Place | undefined {
    const networks = this.rules.lengths(hashed.element).length
    if (networks === 0 || exactly) return this.#among(hashed, matches).found
    for (const first of this.lengths(0)) {
      for (const second of networks === 2 ? this.lengths(1) : [0]) {
        const { found, multi } = this.#among(this.rules.masked(hashed, [first, second]), matches)
        if (found) return found
        // elements of this network are there, of other interfaces: the kernel looks no further
        if (multi) return undefined
      }
    }
    return undefined
  }

  #among(hashed: Hashed, matches: (place: Place) => boolean): { found: Place | undefined; multi: boolean } {
    const key = this.#key(hashed.words)
    const bucket = this.#buckets[key]
    let multi = false
    for (let i = 0; bucket && i < bucket.position; i++) {
      const slot = bucket.slots[i]!
      if (!slot.used) continue
      const same = compare(slot.hashed, hashed, this.rules.multi)
      if (same !== 'other') multi = this.rules.multi
      if (same !== 'equal') continue
      const place: Place = {
        element: slot.hashed.element,
        extensions: slot,
        change: (changed) => {
          this.#own(key).slots[i] = { ...slot, ...changed }
        },
      }
      if (matches(place)) return { found: place, multi }
      multi = false
    }
    return { found: undefined, multi }
  }

  /** In the kernel's order where the initval is known, else in the order in which they came. */
  *entries(now: number, asKernel: boolean): Generator<Entry> {
    const slots: Slot[] = []
    for (const bucket of this.#buckets)
      for (let i = 0; bucket && i < bucket.position; i++) {
        const slot = bucket.slots[i]!
        if (slot.used && !isExpired(this.settings.keeps, slot, now)) slots.push(slot)
      }
    if (!asKernel) slots.sort((a, b) => a.order - b.order)
    for (const slot of slots) yield { ...slot, element: slot.hashed.element }
  }
}

const regionsOf = (hashsize: number): number => Math.max(1, hashsize / REGION)

/** `network`: the same network, another interface (hash_netiface4_data_equal counts it). The stored one may be a wildcard. */
function compare(stored: Hashed, asked: Hashed, multi: boolean): 'equal' | 'network' | 'other' {
  const [a, b] = [stored.words, asked.words]
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !(multi && i === a.length - 1)) return 'other'
  if (!multi) return 'equal'
  const [one, other] = [a.at(-1)!, b.at(-1)!]
  // the lowest byte says whether the interface is a bridge port
  if ((one & ~0xff) !== (other & ~0xff)) return 'other'
  if (one !== other) return 'network'
  const { iface = '', wildcard } = stored.element
  const name = asked.element.iface ?? ''
  return (wildcard ? name.startsWith(iface) : name === iface) ? 'equal' : 'network'
}
