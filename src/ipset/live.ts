import type { FieldValue } from '../packet/fields.js'
import type { CounterUse, KeyedUse, Look } from '../rules/set-use.js'
import type { Answer, Carried, OpenSets, Passing, SetChange } from '../rules/store.js'
import type { Place } from './body.js'
import { type Element, type Given, isExpired, type Keeps, NO_SKBINFO, type SkbInfo } from './element.js'
import { HashBody } from './hash-body.js'
import { ListBody } from './list-body.js'
import type { IpSet } from './set.js'
import type { Sets } from './sets.js'
import { printSets } from './text.js'
import { hostLength } from './type.js'

/** What `Set.timeout` and the like are counted from: sets are read as if the clock stood at 0. */
const READ_AT = 0

interface Found extends Answer {
  readonly skb: SkbInfo | undefined
}

/**
 * The sets of a run, over those of a snapshot: a set is copied when a packet changes it for the first time. What a packet does to a set is what
 * net/netfilter/ipset/ip_set_core.c does: ip_set_test, ip_set_add, ip_set_del.
 */
export class LiveSets implements OpenSets {
  readonly #base: Sets
  readonly #start: number
  readonly #own = new Map<string, IpSet>()

  constructor(base: Sets, start: number) {
    this.#base = base
    this.#start = start
  }

  #set(name: string): IpSet | undefined {
    return this.#own.get(name) ?? this.#base.get(name)
  }

  /** One that may be changed. */
  #changeable(name: string): IpSet {
    let set = this.#own.get(name)
    if (!set) {
      set = this.#base.need(name).clone()
      this.#own.set(name, set)
    }
    return set
  }

  #time({ now }: Passing): number {
    return READ_AT + now - this.#start
  }

  member(name: string, key: readonly FieldValue[], look: Look, passing: Passing): Answer {
    return this.#find(name, key, look, passing)
  }

  carried(
    name: string,
    key: readonly FieldValue[],
    look: Look,
    passing: Passing,
  ): Answer & { readonly carries: Carried } {
    const { skb = NO_SKBINFO, ...answer } = this.#find(name, key, look, passing)
    const { mark, markMask, priority, queue } = skb
    return { ...answer, carries: { mark, markMask, priority, queue } }
  }

  #find(name: string, key: readonly FieldValue[], look: Look, passing: Passing): Found {
    const set = look.changes ? this.#changeable(name) : this.#set(name)
    if (!set) return { outcome: 'unknown', text: `set ${name} is not in the snapshot`, skb: undefined }
    const { type, header, keeps } = set
    if (key.length === 0) return no(`set ${name} (${type.name}) is asked for in a way that never matches`)
    const host = hostLength(header.family)
    const element = type.fromKey(header, key, [host, host])
    if (!element) return no(`nothing of this packet can be in set ${name}`)
    const now = this.#time(passing)
    const asked = type.print(element)
    const place = set.body.find(element, false, (one) => matches(keeps, one, look, now, passing.length))
    if (place === 'incomplete') {
      set.body.add(element, kernelGiven(keeps, undefined, passing), false, false, now)
      return this.#throughList(name, look, passing, {
        outcome: 'yes',
        text: `${asked} is in set ${name}, its MAC address now known`,
        skb: undefined,
      })
    }
    if (!place) return no(`${asked} is not in set ${name}`)
    const { nomatch, skb } = place.extensions
    const entry = type.print(place.element)
    const text = `${asked} is in set ${name}${entry === asked ? '' : ` (${entry})`}${nomatch ? ', marked nomatch' : ''}`
    if (nomatch !== (look.returnNomatch && type.nomatch)) return { ...no(text), skb }
    return this.#throughList(name, look, passing, { outcome: 'yes', text, skb })
  }

  /** list_set_ktest: the list's own element for the set has a time and counters. */
  #throughList(name: string, { list, changes }: Look, passing: Passing, found: Found): Found {
    if (!list) return found
    const set = changes ? this.#changeable(list.name) : this.#set(list.name)
    const now = this.#time(passing)
    const place = set?.body.find({ set: name }, false, (one) => matches(set.keeps, one, list, now, passing.length))
    if (!place || place === 'incomplete') return no(`${found.text}, which list ${list.name} does not count here`)
    return {
      ...found,
      text: `${found.text} of list ${list.name}`,
      skb: set?.keeps.skbinfo ? place.extensions.skb : found.skb,
    }
  }

  add(
    { set: name, list }: KeyedUse,
    key: readonly FieldValue[],
    how: { readonly exist: boolean; readonly timeout?: number },
    passing: Passing,
  ): SetChange {
    const element = this.#elementOf(name, list, key, passing)
    if (typeof element === 'string') return undone(element)
    const set = this.#changeable(name)
    const said = `${set.type.print(element)}: `
    const before = set.body.elements
    const error = set.body.add(
      element,
      kernelGiven(set.keeps, how.timeout, passing),
      how.exist,
      false,
      this.#time(passing),
    )
    const doubt = set.body instanceof HashBody ? doubtOf(set, set.body, error !== undefined, before) : undefined
    if (doubt) return { done: error === undefined, unknown: true, text: `${said}set ${name} ${doubt}` }
    if (error === 'EXIST') return undone(`${said}in set ${name} already`)
    if (error) return undone(`${said}set ${name} is full`)
    return { done: true, unknown: false, text: `${said}added to set ${name}` }
  }

  delete({ set: name, list }: KeyedUse, key: readonly FieldValue[], passing: Passing): SetChange {
    const element = this.#elementOf(name, list, key, passing)
    if (typeof element === 'string') return undone(element)
    const set = this.#changeable(name)
    const said = `${set.type.print(element)}: `
    const error = set.body.delete(element, this.#time(passing))
    return error
      ? undone(`${said}not in set ${name}`)
      : { done: true, unknown: false, text: `${said}deleted from set ${name}` }
  }

  /** The element that a packet adds or deletes: a network as long as the longest that the set has. A text: why there is none. */
  #elementOf(name: string, list: string | undefined, key: readonly FieldValue[], passing: Passing): Element | string {
    const set = this.#set(name)
    if (!set) return `set ${name} is not in the snapshot`
    if (list !== undefined && !this.#isAlive(list, name, passing)) return `set ${name} is no longer in list ${list}`
    if (key.length === 0) return `set ${name} (${set.type.name}) is asked for in a way that never matches`
    const host = hostLength(set.header.family)
    const lengths = [set.body.longest(0) ?? host, set.body.longest(1) ?? host]
    return set.type.fromKey(set.header, key, lengths) ?? `nothing of this packet can be in set ${name}`
  }

  #isAlive(list: string, name: string, passing: Passing): boolean {
    const body = this.#set(list)?.body
    return body instanceof ListBody && body.has(name, this.#time(passing))
  }

  print(now: number): string {
    const all = this.#base.clone()
    for (const [name, set] of this.#own) all.replace(name, set)
    return printSets(all, { now: READ_AT + now - this.#start })
  }
}

const no = (text: string): Found => ({ outcome: 'no', text, skb: undefined })
const undone = (text: string): SetChange => ({ done: false, unknown: false, text })

/** ip_set_match_extensions: counters go on before they are compared, whatever comes of it. */
function matches(keeps: Keeps, place: Place, use: CounterUse, now: number, length: number): boolean {
  const { extensions } = place
  if (isExpired(keeps, extensions, now)) return false
  if (!keeps.counters) return true
  let { packets, bytes } = extensions
  if (!use.keep) {
    packets = (packets + 1n) & MOST
    bytes = (bytes + BigInt(length)) & MOST
    place.change({ packets, bytes })
  }
  return compared(packets, use.packets) && compared(bytes, use.bytes)
}

const MOST = 2n ** 64n - 1n

function compared(value: bigint, comparison: CounterUse['packets']): boolean {
  switch (comparison?.op) {
    case undefined:
      return true
    case 'eq':
      return value === comparison!.value
    case 'ne':
      return value !== comparison!.value
    case 'lt':
      return value < comparison!.value
    case 'gt':
      return value > comparison!.value
  }
}

/** What an element begins with that a packet adds (IP_SET_INIT_KEXT). */
function kernelGiven(keeps: Keeps, timeout: number | undefined, { length }: Passing): Given {
  return {
    nomatch: false,
    timeout: timeout ?? keeps.timeout ?? 0,
    packets: 1n,
    bytes: BigInt(length),
    comment: undefined,
    skb: NO_SKBINFO,
  }
}

/** Twice as many elements as buckets: below that a bucket is never full by chance. */
const CROWDED = 2

/** What is not known of an addition: a saved set does not say that it was made with forceadd, nor older ones where their elements lie. */
function doubtOf(
  { options }: IpSet,
  { laidOut, table }: HashBody,
  refused: boolean,
  before: number,
): string | undefined {
  const full = before >= table.settings.maxelem
  if (full && !options.forceadd && refused) return 'is full: ipset save does not tell whether it was made with forceadd'
  if (full && options.forceadd && !laidOut) return 'is full: which element makes room is not known'
  return !laidOut && before >= CROWDED * table.hashsize ? 'is crowded: whether there is room is not known' : undefined
}
