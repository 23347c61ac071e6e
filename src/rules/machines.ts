import type { FieldValue } from '../packet/fields.js'
import type { Outcome } from './condition.js'
import type { Machine } from './state.js'

/** What a machine may look at. `key` and `ttl` are the values of its own fields, already read. */
export interface Moment {
  /** Seconds since the epoch. */
  readonly now: number
  /** Several values are joined to a text. */
  readonly key?: FieldValue | string | undefined
  readonly ttl?: FieldValue | undefined
  /** Of the packet, from its IP header on, in bytes. */
  readonly length?: number | undefined
}

export type MachineState =
  | { readonly kind: 'bucket'; credit: number; at: number }
  | { readonly kind: 'quota'; left: number }
  | { readonly kind: 'buckets'; readonly entries: Map<FieldValue | string, { credit: number; at: number }> }
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
      return { kind: 'buckets', entries: new Map() }
    case 'nth': // libxt_statistic.c: statistic_check stores every - 1, and count = that - packet
      return { kind: 'nth', count: machine.every - 1 - machine.packet }
    case 'recent':
      return { kind: 'recent', entries: new Map() }
  }
}

/** Moves `state` on by one packet. */
export function advance(machine: Machine, state: MachineState, moment: Moment): { outcome: Outcome; text: string } {
  switch (machine.kind) {
    case 'bucket':
      return bucket(machine, state as Extract<MachineState, { kind: 'bucket' }>, moment.now)
    case 'quota':
      return quota(state as Extract<MachineState, { kind: 'quota' }>, moment.length ?? 0)
    case 'buckets':
      return buckets(machine, state as Extract<MachineState, { kind: 'buckets' }>, moment)
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
): { outcome: Outcome; text: string } {
  const cap = machine.burst * machine.perPacketMs
  state.credit = Math.min(cap, state.credit + (now - state.at) * 1000)
  state.at = now
  if (state.credit < machine.perPacketMs) return { outcome: 'no', text: `limit ${machine.text} is used up` }
  state.credit -= machine.perPacketMs
  return { outcome: 'yes', text: `within the limit ${machine.text}` }
}

/** net/netfilter/xt_quota.c: quota_mt: the first packet that is too long takes what is left with it. */
function quota(state: Extract<MachineState, { kind: 'quota' }>, length: number): { outcome: Outcome; text: string } {
  if (state.left < length) {
    state.left = 0
    return { outcome: 'no', text: 'the quota is used up' }
  }
  state.left -= length
  return { outcome: 'yes', text: `${state.left} bytes of the quota are left` }
}

/** net/netfilter/xt_hashlimit.c: hashlimit_mt, rates in packets: `yes` while the key's bucket has enough. */
function buckets(
  machine: Extract<Machine, { kind: 'buckets' }>,
  { entries }: Extract<MachineState, { kind: 'buckets' }>,
  { now, key = '' }: Moment,
): { outcome: Outcome; text: string } {
  const cap = machine.burst * machine.perPacketMs
  const known = entries.get(key)
  const entry = known && (now - known.at) * 1000 < machine.idleMs ? known : { credit: cap, at: now }
  entry.credit = Math.min(cap, entry.credit + (now - entry.at) * 1000)
  entry.at = now
  entries.set(key, entry)
  if (entry.credit < machine.perPacketMs)
    return { outcome: 'no', text: `limit ${machine.text} is used up for this one` }
  entry.credit -= machine.perPacketMs
  return { outcome: 'yes', text: `within the limit ${machine.text}` }
}

/** ip_pkt_list_tot: how many time stamps an entry keeps (the module's default). */
const STAMPS = 20

/** net/netfilter/xt_recent.c: recent_mt. */
function recent(
  machine: Extract<Machine, { kind: 'recent' }>,
  state: Extract<MachineState, { kind: 'recent' }>,
  { now, key, ttl }: Moment,
): { outcome: Outcome; text: string } {
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
