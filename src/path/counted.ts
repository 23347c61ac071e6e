import type { Ip } from '../address/ip.js'
import type { Entry, Tracking } from '../conntrack/entry.js'
import type { ConnectionTable } from '../conntrack/table.js'
import { type Tuple, tupleKey, tupleOf } from '../conntrack/tuple.js'
import { CT_STATUS, FIELDS, type FieldValue } from '../packet/fields.js'
import type { Packet } from '../packet/packet.js'
import type { Connection, Moment } from '../rules/machines.js'
import type { Machine } from '../rules/state.js'
import type { Skb } from './skb.js'

/** What is known of connections where a rule asks for them. */
export interface Tracked {
  readonly table: ConnectionTable
  /** Those that were there from the beginning. */
  readonly initial: readonly Entry[]
  readonly now: number
}

/** nf_conncount.c: already_closed. */
const isClosed = ({ protocol }: Entry): boolean =>
  protocol.kind === 'tcp' && (protocol.state === 'TIME_WAIT' || protocol.state === 'CLOSE')

const under = (address: Ip, mask: FieldValue): FieldValue =>
  typeof address === 'bigint' ? address & BigInt(mask) : (address & Number(mask)) >>> 0

/** What xt_connlabel looks at. */
export function labelsOf(tracking: Tracking | undefined, around: Tracked): Pick<Connection, 'own' | 'older'> {
  return { own: tracking?.is === 'tracked' ? ownOf(tracking.attachment.entry, around) : undefined, older: 0 }
}

const ownOf = (entry: Entry, around: Tracked): NonNullable<Connection['own']> => ({
  ...tupleAs(entry.original, entry.zone, around),
  ...flagsOf(entry),
})

const flagsOf = ({ status, labels }: Entry) => ({
  confirmed: (status & CT_STATUS.CONFIRMED) !== 0,
  assured: (status & CT_STATUS.ASSURED) !== 0,
  labels,
})

const tupleAs = (tuple: Tuple, zone: number, { table }: Tracked): NonNullable<Connection['own']> => ({
  id: `${tupleKey(tuple)} ${zone}`,
  confirmed: false,
  assured: false,
  labels: undefined,
  state(now) {
    const found = table.find(tuple, zone, now)?.entry
    return found === undefined ? 'gone' : isClosed(found) ? 'closed' : 'open'
  },
})

const addressOf = (packet: Packet, side: 'saddr' | 'daddr'): Ip =>
  packet.family === 4 ? (FIELDS[`ip.${side}`].read(packet) ?? 0) : (FIELDS[`ip6.${side}`].read(packet) ?? 0n)

/**
 * What xt_connlimit looks at: the packet's connection, or the one that it would belong to if it were tracked (nf_conncount.c:
 * get_ct_or_tuple_from_skb). Without either the packet is dropped.
 */
export function countedOf(
  { side, mask }: Extract<Machine, { kind: 'connlimit' }>,
  { packet, tracking, template }: Skb,
  around: Tracked,
): Pick<Moment, 'key' | 'connection'> {
  const tuple = tupleOf(packet)
  const attached = tracking?.is === 'tracked' ? tracking.attachment.entry : undefined
  const zone = attached?.zone ?? (typeof template?.zone === 'number' ? template.zone : 0)
  const found = attached ? undefined : tuple && around.table.find(tuple, zone, around.now)?.entry
  // one that is only looked up is counted by the packet's own tuple, whichever direction that is
  const own = attached
    ? ownOf(attached, around)
    : tuple && { ...tupleAs(tuple, zone, around), ...(found && flagsOf(found)) }
  const key = under(addressOf(packet, side), mask)
  // an address of either direction may have been the one that was counted
  const end = side === 'saddr' ? 'src' : 'dst'
  const older = around.initial.filter(
    (one) =>
      one.original.family === packet.family &&
      one.zone === zone &&
      `${tupleKey(one.original)} ${one.zone}` !== own?.id &&
      (under(one.original[end], mask) === key || under(one.reply[end], mask) === key),
  )
  return { key: `${key} ${zone}`, connection: { own, older: older.length } }
}
