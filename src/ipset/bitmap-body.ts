import type { Mac } from '../address/mac.js'
import type { Body, Place } from './body.js'
import type { Errno } from './data.js'
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

interface Slot extends Extensions {
  readonly used: boolean
  readonly mac: Mac | undefined
  /** Seconds that begin to count when the MAC address is known. */
  readonly waiting: number | undefined
}

/** What a place of a bitmap stands for. */
export interface Places {
  readonly count: number
  idOf(element: Element): number
  elementOf(id: number): Element
  /** bitmap:ip,mac */
  readonly withMac: boolean
}

/** In the past of every clock: the kernel takes seconds for its own time here and finds them long gone. */
const GONE = 1

/** net/netfilter/ipset/ip_set_bitmap_gen.h: a place for each element that can be; what was kept with it stays when it goes. */
export class BitmapBody implements Body {
  readonly keeps: Keeps
  readonly places: Places
  #slots: (Slot | undefined)[] = []
  #elements = 0

  constructor(keeps: Keeps, places: Places) {
    this.keeps = keeps
    this.places = places
  }

  clone(): BitmapBody {
    const copy = new BitmapBody(this.keeps, this.places)
    copy.#slots = this.#slots.slice()
    copy.#elements = this.#elements
    return copy
  }

  add(element: Element, given: Given, exist: boolean, _user: boolean, now: number): Errno | undefined {
    const id = this.places.idOf(element)
    const old = this.#slots[id]
    const mac = this.places.withMac ? element.mac : undefined
    const completes = this.places.withMac && old?.used === true && old.mac === undefined && mac !== undefined
    if (old?.used && !completes && !this.#isGone(old, now) && !exist) return 'EXIST'
    const kept = old?.used && old.mac !== undefined && !(exist && mac !== undefined) ? old.mac : mac
    const fresh = initialise(this.keeps, old ?? EMPTY, given, now)
    this.#slots[id] = {
      ...fresh,
      ...this.#times(old, given, mac, completes, fresh.expires, now),
      used: true,
      mac: kept,
    }
    if (!old?.used) this.#elements++
    return undefined
  }

  /** bitmap_ipmac_add_timeout: the time of an element without MAC address does not begin yet. */
  #times(
    old: Slot | undefined,
    { timeout }: Given,
    mac: Mac | undefined,
    completes: boolean,
    expires: number,
    now: number,
  ) {
    if (!this.places.withMac || this.keeps.timeout === undefined) return { expires, waiting: undefined }
    if (completes && timeout === this.keeps.timeout) {
      const stored = old!.waiting ?? 0
      return { expires: stored === 0 ? 0 : now + stored, waiting: undefined }
    }
    if (mac !== undefined) return { expires, waiting: undefined }
    return { expires: timeout === 0 ? 0 : GONE, waiting: old?.used && old.mac !== undefined ? undefined : timeout }
  }

  #isGone(slot: Slot, now: number): boolean {
    return isExpired(this.keeps, slot, now)
  }

  delete(element: Element, now: number): Errno | undefined {
    const id = this.places.idOf(element)
    const slot = this.#slots[id]
    if (!slot?.used) return 'EXIST'
    this.#slots[id] = { ...slot, used: false }
    this.#elements--
    return this.#isGone(slot, now) ? 'EXIST' : undefined
  }

  find(element: Element, _exactly: boolean, matches: (place: Place) => boolean): Place | 'incomplete' | undefined {
    const id = this.places.idOf(element)
    const slot = this.#slots[id]
    if (!slot?.used) return undefined
    if (this.places.withMac) {
      if (slot.mac === undefined || element.mac === undefined) return 'incomplete'
      if (slot.mac !== element.mac) return undefined
    }
    const place: Place = {
      element: { ...this.places.elementOf(id), ...(this.places.withMac ? { mac: slot.mac } : {}) },
      extensions: slot,
      change: (changed) => {
        this.#slots[id] = { ...slot, ...changed }
      },
    }
    return matches(place) ? place : undefined
  }

  flush(): void {
    this.#slots = this.#slots.map((slot) => slot && { ...slot, used: false })
    this.#elements = 0
  }

  collect(now: number): void {
    this.#slots.forEach((slot, id) => {
      if (!slot?.used || !this.#isGone(slot, now) || (this.places.withMac && slot.mac === undefined)) return
      this.#slots[id] = { ...slot, used: false }
      this.#elements--
    })
  }

  *entries(now: number): Generator<Entry> {
    const ids = Object.keys(this.#slots).map(Number)
    for (const id of ids) {
      const slot = this.#slots[id]
      if (!slot?.used) continue
      const waits = this.places.withMac && slot.mac === undefined
      if (!waits && this.#isGone(slot, now)) continue
      const element = this.places.elementOf(id)
      const expires = waits ? (slot.waiting ? now + slot.waiting : 0) : slot.expires
      yield { ...slot, expires, element: this.places.withMac ? { ...element, mac: slot.mac } : element }
    }
  }

  get elements(): number {
    return this.#elements
  }

  longest(): undefined {
    return undefined
  }
}
