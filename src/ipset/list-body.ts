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

interface Member extends Extensions {
  readonly set: string
}

/** Where a set is to stand in a list: `before X`, `after X`, or at its end. */
export interface Where {
  readonly before: boolean
  readonly reference: string
}

/** net/netfilter/ipset/ip_set_list_set.c: sets in an order. */
export class ListBody implements Body {
  readonly keeps: Keeps
  #members: readonly Member[]

  constructor(keeps: Keeps, members: readonly Member[] = []) {
    this.keeps = keeps
    this.#members = members
  }

  clone(): ListBody {
    return new ListBody(this.keeps, this.#members)
  }

  /** Names of its members, expired ones left out. */
  members(now: number): readonly string[] {
    return this.#alive(now).map(({ set }) => set)
  }

  /** Every name that it holds on to. */
  get held(): readonly string[] {
    return this.#members.map(({ set }) => set)
  }

  #alive(now: number): readonly Member[] {
    return this.#members.filter((member) => !isExpired(this.keeps, member, now))
  }

  rename(from: string, to: string): void {
    this.#members = this.#members.map((member) => (member.set === from ? { ...member, set: to } : member))
  }

  collect(now: number): void {
    this.#members = this.#alive(now)
  }

  add(
    { set = '' }: Element,
    given: Given,
    exist: boolean,
    _user: boolean,
    now: number,
    where?: Where,
  ): Errno | undefined {
    this.collect(now)
    const at = this.#members.findIndex((member) => member.set === set)
    const reference = where ? this.#members.findIndex((member) => member.set === where.reference) : -1
    if (where && (reference < 0 || reference === at)) return 'REF_EXIST'
    if (at >= 0) {
      if (!exist) return 'EXIST'
      const old = this.#members[at]!
      this.#members = this.#members.with(at, { set, ...initialise(this.keeps, old, given, now) })
      return undefined
    }
    const member: Member = { set, ...initialise(this.keeps, EMPTY, given, now) }
    const place = where ? (where.before ? reference : reference + 1) : this.#members.length
    this.#members = [...this.#members.slice(0, place), member, ...this.#members.slice(place)]
    return undefined
  }

  delete({ set = '' }: Element, now: number, where?: Where): Errno | undefined {
    this.collect(now)
    const at = this.#members.findIndex((member) => member.set === set)
    if (at < 0) return where ? 'REF_EXIST' : 'EXIST'
    if (where && !this.#stands(this.#members, at, where)) return 'REF_EXIST'
    this.#members = this.#members.filter((_, i) => i !== at)
    return undefined
  }

  #stands(members: readonly Member[], at: number, { before, reference }: Where): boolean {
    return members[before ? at + 1 : at - 1]?.set === reference
  }

  has(set: string, now: number, where?: Where): boolean {
    const alive = this.#alive(now)
    const at = alive.findIndex((member) => member.set === set)
    return at >= 0 && (!where || this.#stands(alive, at, where))
  }

  find({ set = '' }: Element, _exactly: boolean, matches: (place: Place) => boolean): Place | undefined {
    const at = this.#members.findIndex((member) => member.set === set)
    const member = this.#members[at]
    if (!member) return undefined
    const place: Place = {
      element: { set },
      extensions: member,
      change: (changed) => {
        this.#members = this.#members.with(at, { ...member, ...changed })
      },
    }
    return matches(place) ? place : undefined
  }

  flush(): void {
    this.#members = []
  }

  *entries(now: number): Generator<Entry> {
    for (const member of this.#alive(now)) yield { ...member, element: { set: member.set } }
  }

  get elements(): number {
    return this.#members.length
  }

  longest(): undefined {
    return undefined
  }
}
