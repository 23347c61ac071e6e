import type { FieldValue } from '../packet/fields.js'
import type { Answer, Outcome } from './condition.js'
import { begin, type Counted, count, type Own } from './connlimit.js'
import type { BucketRate, Machine } from './state.js'

/** What a machine may look at. `key` and `ttl` are the values of its own fields, already read. */
export interface Moment {
  /** Seconds since the epoch. */
  readonly now: number
  /** Several values are joined to a text. */
  readonly key?: FieldValue | string | undefined
  readonly ttl?: FieldValue | undefined
  /** Of the packet, from its IP header on, in bytes. */
  readonly length?: number | undefined
  readonly connection?: Connection | undefined
}

/** What machines may ask about the packet's connection. */
export interface Connection {
  /** Undefined: the packet has none. */
  readonly own:
    | (Own & {
        /** Undefined: which labels it has is not known. */
        readonly labels: Set<number> | undefined
      })
    | undefined
  /** How many connections were there from the beginning that may have been counted with `key`. */
  readonly older: number
}

/** One bucket of xt_hashlimit. */
interface Bucket {
  credit: number
  at: number
  refills: number
  /** Packets or bytes since `at`; were there too many in the window before? */
  seen: number
  over: boolean
}

export type MachineState =
  | { readonly kind: 'bucket'; credit: number; at: number }
  | { readonly kind: 'quota'; left: number }
  | { readonly kind: 'buckets'; readonly entries: Map<FieldValue | string, Bucket>; readonly text: string }
  | { readonly kind: 'connlimit'; readonly entries: Map<FieldValue | string, Counted> }
  | { readonly kind: 'label' }
  | { readonly kind: 'nth'; count: number }
  | {
      readonly kind: 'recent'
      readonly entries: Map<FieldValue | string, { stamps: number[]; ttl: FieldValue | undefined }>
    }

/** The state that the kernel gives a machine when its rule is loaded. */
export function freshState(machine: Machine, now: number): MachineState {
  switch (machine.kind) {
    case 'bucket':
      return { kind: 'bucket', credit: machine.burst * machine.perPacketMs, at: now }
    case 'quota':
      return { kind: 'quota', left: machine.bytes }
    case 'buckets':
      return { kind: 'buckets', entries: new Map(), text: machine.text }
    case 'connlimit':
      return { kind: 'connlimit', entries: new Map() }
    case 'label':
      return { kind: 'label' }
    case 'nth': // libxt_statistic.c: statistic_check stores every - 1, and count = that - packet
      return { kind: 'nth', count: machine.every - 1 - machine.packet }
    case 'recent':
      return { kind: 'recent', entries: new Map() }
  }
}

/** Moves `state` on by one packet. */
export function advance(machine: Machine, state: MachineState, moment: Moment): Answer {
  switch (machine.kind) {
    case 'bucket':
      return bucket(machine, state as Extract<MachineState, { kind: 'bucket' }>, moment.now)
    case 'quota':
      return quota(state as Extract<MachineState, { kind: 'quota' }>, moment.length ?? 0)
    case 'buckets':
      return buckets(machine, state as Extract<MachineState, { kind: 'buckets' }>, moment)
    case 'connlimit':
      return connlimit(machine, state as Extract<MachineState, { kind: 'connlimit' }>, moment)
    case 'label':
      return label(machine, moment)
    case 'nth': {
      const own = state as Extract<MachineState, { kind: 'nth' }>
      own.count = own.count === machine.every - 1 ? 0 : own.count + 1 // net/netfilter/xt_statistic.c: statistic_mt
      return { outcome: own.count === 0 ? 'yes' : 'no', text: `every ${machine.every}th packet` }
    }
    case 'recent':
      return recent(machine, state as Extract<MachineState, { kind: 'recent' }>, moment)
  }
}

/** net/netfilter/xt_limit.c: limit_mt; credits here are milliseconds at the average rate instead of jiffies' fractions. */
function bucket(
  machine: Extract<Machine, { kind: 'bucket' }>,
  state: Extract<MachineState, { kind: 'bucket' }>,
  now: number,
): Answer {
  const cap = machine.burst * machine.perPacketMs
  state.credit = Math.min(cap, state.credit + (now - state.at) * 1000)
  state.at = now
  if (state.credit < machine.perPacketMs) return { outcome: 'no', text: `limit ${machine.text} is used up` }
  state.credit -= machine.perPacketMs
  return { outcome: 'yes', text: `within the limit ${machine.text}` }
}

/** net/netfilter/xt_quota.c: quota_mt: the first packet that is too long takes what is left with it. */
function quota(state: Extract<MachineState, { kind: 'quota' }>, length: number): Answer {
  if (state.left < length) {
    state.left = 0
    return { outcome: 'no', text: 'the quota is used up' }
  }
  state.left -= length
  return { outcome: 'yes', text: `${state.left} bytes of the quota are left` }
}

/** net/netfilter/xt_hashlimit.c: hashlimit_mt_common: `yes` while the key's bucket has enough. The first rule of a name says how its buckets are filled. */
function buckets(
  machine: Extract<Machine, { kind: 'buckets' }>,
  { entries, text }: Extract<MachineState, { kind: 'buckets' }>,
  { now, key = '', length = 0 }: Moment,
): Answer {
  if (text !== machine.text) return { outcome: 'unknown', text: `other rules use these buckets with ${text}` }
  const { rate } = machine
  const known = entries.get(key)
  const isOld = known && (now - known.at) * 1000 < machine.idleMs
  const bucket = isOld ? known : freshBucket(rate, now)
  entries.set(key, bucket)
  if (isOld) refill(rate, bucket, now)
  return take(rate, bucket, length)
    ? { outcome: 'yes', text: `within the limit ${machine.text}` }
    : { outcome: 'no', text: `limit ${machine.text} is used up for this one` }
}

/** What a second fills into a bucket that is counted in bytes (CREDITS_PER_JIFFY_BYTES * HZ of kernels with 250 and 1000 Hz); no bucket holds more. */
const SECOND = 4_194_304_000
const MICRO = 1_000_000

/** rateinfo_init. */
const freshBucket = (rate: BucketRate, now: number): Bucket => ({
  credit: rate.in === 'packets' ? rate.cap : SECOND,
  at: now,
  refills: rate.in === 'bytes' ? rate.refills : 0,
  seen: 0,
  over: false,
})

/** rateinfo_recalc. */
function refill(rate: BucketRate, bucket: Bucket, now: number): void {
  const passed = now - bucket.at
  if (rate.in === 'windows') {
    if (passed < rate.interval) return
    bucket.over = bucket.seen * rate.interval > passed * rate.perSecond
    bucket.seen = 0
  } else if (rate.in === 'bytes') bucket.credit = Math.min(SECOND, bucket.credit + passed * SECOND)
  else bucket.credit = Math.min(rate.cap, bucket.credit + passed * MICRO)
  bucket.at = now
}

function take(rate: BucketRate, bucket: Bucket, length: number): boolean {
  if (rate.in === 'windows') {
    bucket.seen += rate.of === 'bytes' ? length : 1
    return !bucket.over && bucket.seen <= rate.burst
  }
  const cost = rate.in === 'packets' ? rate.apart : byteCost(rate.cost, bucket, length)
  if (bucket.credit < cost) return false
  bucket.credit -= cost
  return true
}

/** hashlimit_byte_cost: 16 bytes are one unit; an empty bucket is filled up as long as there are refills. */
function byteCost(cost: number, bucket: Bucket, length: number): number {
  const perUnit = Math.floor((cost * SECOND) / 2 ** 32)
  const whole = Math.min(SECOND, ((length >> 4) + 1) * perUnit)
  if (bucket.credit < whole && bucket.refills > 0) {
    bucket.refills--
    bucket.credit = SECOND
  }
  return whole
}

/** net/netfilter/xt_connlimit.c: connlimit_mt. Connections are counted when they pass here for the first time. */
function connlimit(
  { limit }: Extract<Machine, { kind: 'connlimit' }>,
  { entries }: Extract<MachineState, { kind: 'connlimit' }>,
  { now, key = '', connection }: Moment,
): Answer {
  if (!connection?.own) return { outcome: 'drop', text: 'a packet that cannot belong to a connection' }
  const { own, older } = connection
  const counted = entries.get(key)
  const found = counted ? count(counted, own, now) : { least: 1, most: 1 }
  if (!counted) entries.set(key, begin(own, now))
  const { least } = found
  const most = found.most + older
  // the empty list of a closed connection is thrown away when another key comes that has the same hash, whose seed is secret
  if (most === 0 && entries.size === 1) return { outcome: 'drop', text: 'no connection is counted' }
  if (least === 0) return { outcome: 'unknown', mayDrop: true, text: 'perhaps no connection is counted' }
  const outcome = least > limit === most > limit ? (least > limit ? 'yes' : 'no') : 'unknown'
  const number = least === most ? `${least}` : `${least} to ${most}`
  return { outcome, text: `${number} connections, ${limit} is the limit` }
}

/** net/netfilter/xt_connlabel.c: connlabel_mt. */
function label({ bit, set, inverted }: Extract<Machine, { kind: 'label' }>, { connection }: Moment): Answer {
  const own = connection?.own
  const answer = (has: boolean, text: string): Answer => ({ outcome: has !== inverted ? 'yes' : 'no', text })
  if (!own) return answer(false, 'no connection, no label')
  if (!own.labels) return { outcome: 'unknown', text: 'the labels of this connection are not known' }
  if (own.labels.has(bit)) return answer(true, `the connection has label ${bit}`)
  if (!set) return answer(false, `the connection does not have label ${bit}`)
  own.labels.add(bit)
  return answer(true, `the connection gets label ${bit}`)
}

/** ip_pkt_list_tot: how many time stamps an entry keeps (the module's default). */
const STAMPS = 20

/** net/netfilter/xt_recent.c: recent_mt. */
function recent(
  machine: Extract<Machine, { kind: 'recent' }>,
  state: Extract<MachineState, { kind: 'recent' }>,
  { now, key, ttl }: Moment,
): Answer {
  const inverted = machine.inverted ?? false
  const answer = (matched: boolean, text: string) => ({
    outcome: (matched !== inverted ? 'yes' : 'no') as Outcome,
    text,
  })
  if (key === undefined) return answer(false, 'no address to look up')
  const found = state.entries.get(key)
  const entry = found && machine.ttl && found.ttl !== ttl ? undefined : found
  const stamp = () => state.entries.set(key, { stamps: [...(entry?.stamps ?? []), now].slice(-STAMPS), ttl })
  if (!entry) {
    if (machine.op !== 'set') return answer(false, 'address not in the list')
    stamp()
    return answer(true, 'address added to the list')
  }
  switch (machine.op) {
    case 'set':
      stamp()
      return answer(true, 'address in the list, seen now')
    case 'remove':
      state.entries.delete(key)
      return answer(true, 'address removed from the list')
    case 'check':
    case 'update': {
      const since = machine.seconds === undefined ? Number.NEGATIVE_INFINITY : now - machine.seconds
      const hits = entry.stamps.filter((at) => at >= since).length
      const matched = hits >= (machine.hits ?? 1)
      const result = answer(
        matched,
        `seen ${hits} times${machine.seconds === undefined ? '' : ` in ${machine.seconds} s`}`,
      )
      if (machine.reap) entry.stamps = entry.stamps.filter((at) => at >= since)
      if (machine.reap && entry.stamps.length === 0) state.entries.delete(key)
      if (machine.op === 'update' && result.outcome === 'yes') stamp()
      return result
    }
  }
}
