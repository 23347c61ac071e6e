import type { Ip } from '../address/ip.js'
import { CT_STATUS } from '../packet/fields.js'
import type { Entry } from './entry.js'
import { type Direction, sameTuple, type Tuple } from './tuple.js'

/** IPS_NAT_CLASH, which has the bit of what no connection has: it stands beside another one of the same flow, for a moment. */
export const NAT_CLASH: number = CT_STATUS.UNTRACKED

/** A connection tracking zone; `direction`: it counts for that one only (struct nf_conntrack_zone). */
export interface Zone {
  readonly id: number
  readonly direction?: Direction | undefined
}

/** The zone's number in one direction (nf_ct_zone_id). */
export const zoneId = ({ id, direction }: Zone, towards: Direction): number =>
  direction === undefined || direction === towards ? id : 0

export const zoneOf = ({ zone, zoneDirection }: Entry): Zone => ({ id: zone, direction: zoneDirection })

const sameZone = (entry: Entry, zone: Zone, direction: Direction): boolean =>
  zoneId(zoneOf(entry), direction) === zoneId(zone, direction)

export interface Hit {
  readonly entry: Entry
  readonly direction: Direction
}

const DIRECTIONS: readonly Direction[] = ['original', 'reply']

/** The hash tables of one namespace: confirmed connections by either tuple, and by the source that NAT began with. */
export class Store {
  readonly #buckets = new Map<number, Hit[]>()
  readonly #bySource = new Map<string, Entry[]>()
  readonly #entries = new Set<Entry>()
  readonly #ended: (entry: Entry) => void

  /** `ended`: told of every connection that is over. */
  constructor(ended: (entry: Entry) => void = () => {}) {
    this.#ended = ended
  }

  get size(): number {
    return this.#entries.size
  }

  entries(): readonly Entry[] {
    return [...this.#entries]
  }

  /** Both tuples and, where NAT has decided on the source, the source (__nf_conntrack_hash_insert, nf_nat_setup_info). */
  add(entry: Entry): void {
    this.#entries.add(entry)
    for (const direction of DIRECTIONS) push(this.#buckets, hashOf(tupleOf(entry, direction)), { entry, direction })
    if (entry.status & CT_STATUS.SRC_NAT_DONE) push(this.#bySource, sourceOf(entry.original, zoneOf(entry)), entry)
  }

  remove(entry: Entry): void {
    if (!this.#entries.delete(entry)) {
      drop(this.#buckets, hashOf(entry.reply), (hit) => hit.entry === entry)
      return
    }
    for (const direction of DIRECTIONS)
      drop(this.#buckets, hashOf(tupleOf(entry, direction)), (hit) => hit.entry === entry)
    drop(this.#bySource, sourceOf(entry.original, zoneOf(entry)), (other) => other === entry)
  }

  /** __nf_conntrack_find_get, and nf_conntrack_find_get with both of the zone's numbers: the newest that has this tuple on either side. */
  find(tuple: Tuple, zone: Zone, now: number): Hit | undefined {
    const [first, second] = [zoneId(zone, 'original'), zoneId(zone, 'reply')]
    const hit = this.#search(tuple, zone, first, now)
    return hit ?? (first === second ? undefined : this.#search(tuple, zone, second, now))
  }

  /**
   * nf_conntrack_tuple_taken: would a reply that looks like `reply` be somebody else's than `own`'s? A connection with the same original tuple
   * is no obstacle: it is the same flow.
   */
  isTaken(reply: Tuple, own: Entry, now: number): boolean {
    const zone = zoneOf(own)
    const other = ({ entry }: Hit) =>
      entry !== own && !(sameTuple(entry.original, own.original) && sameZone(entry, zone, 'original'))
    return this.#search(reply, zone, zoneId(zone, 'reply'), now, other) !== undefined
  }

  /** Who else has one of the tuples of an entry that is about to enter (__nf_conntrack_confirm)? */
  clash(entry: Entry, now: number): Entry | undefined {
    const zone = zoneOf(entry)
    for (const direction of DIRECTIONS) {
      const hit = this.#search(tupleOf(entry, direction), zone, zoneId(zone, direction), now)
      if (hit) return hit.entry
    }
    return undefined
  }

  /** Who has what this entry's replies look like? */
  holderOfReply(entry: Entry, now: number): Entry | undefined {
    const zone = zoneOf(entry)
    return this.#search(entry.reply, zone, zoneId(zone, 'reply'), now)?.entry
  }

  /** Only its replies find it, and no listing shows it (nf_ct_resolve_clash_harder). */
  addBeside(entry: Entry): void {
    push(this.#buckets, hashOf(entry.reply), { entry, direction: 'reply' })
  }

  /** Connections that NAT has set up and whose original direction begins at the same source, the newest first (nf_nat_bysource). */
  withSource(tuple: Tuple, zone: Zone): readonly Entry[] {
    return (this.#bySource.get(sourceOf(tuple, zone)) ?? []).filter((entry) => sameZone(entry, zone, 'original'))
  }

  /** `id`: the number of the zone in which the tuple is looked for. */
  #search(tuple: Tuple, zone: Zone, id: number, now: number, wanted?: (hit: Hit) => boolean): Hit | undefined {
    const bucket = this.#buckets.get(hashOf(tuple))
    if (!bucket) return undefined
    let over: Entry[] | undefined
    let found: Hit | undefined
    for (const hit of bucket) {
      const { entry, direction } = hit
      if (!sameTuple(tupleOf(entry, direction), tuple) || zoneIn(entry, direction) !== id) continue
      if (entry.expires <= now) {
        over ??= []
        over.push(entry)
      } else if (id === zoneId(zone, direction) && (!wanted || wanted(hit))) {
        found = hit
        break
      }
    }
    // a bucket is not changed while it is read
    if (over) for (const entry of over) this.expire(entry)
    return found
  }

  expire(entry: Entry): void {
    const already = (entry.status & CT_STATUS.DYING) !== 0
    this.remove(entry)
    entry.status |= CT_STATUS.DYING
    if (!already) this.#ended(entry)
  }
}

/** Where a tuple is kept. Others may be there as well. */
function hashOf({ protocol, src, dst, sport, dport }: Tuple): number {
  const [from, to] = [low(src), low(dst)]
  let hash = Math.imul(from ^ protocol, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ to, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ ((sport << 16) | dport), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** 32 bits of an address: an IPv6 address's differ in its first and its last ones. */
const low = (ip: Ip): number => (typeof ip === 'number' ? ip : Number((ip ^ (ip >> 32n) ^ (ip >> 64n)) & 0xffffffffn))

const tupleOf = (entry: Entry, direction: Direction): Tuple => (direction === 'original' ? entry.original : entry.reply)
const zoneIn = ({ zone, zoneDirection }: Entry, direction: Direction): number =>
  zoneDirection === undefined || zoneDirection === direction ? zone : 0

/** hash_by_src mixes the zone in only where it counts for both directions. */
const sourceOf = ({ protocol, src, sport, family }: Tuple, { id, direction }: Zone): string =>
  `${direction === undefined ? id : 0} ${family} ${protocol} ${src} ${sport}`

/** hlist_add_head: in front. */
function push<K, T>(buckets: Map<K, T[]>, key: K, value: T): void {
  const bucket = buckets.get(key)
  if (bucket) bucket.unshift(value)
  else buckets.set(key, [value])
}

function drop<K, T>(buckets: Map<K, T[]>, key: K, is: (value: T) => boolean): void {
  const rest = buckets.get(key)?.filter((value) => !is(value))
  if (!rest || rest.length === 0) buckets.delete(key)
  else buckets.set(key, rest)
}
