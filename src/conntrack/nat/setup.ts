import { PROTOCOL } from '../../packet/checksum.js'
import { CT_STATUS } from '../../packet/fields.js'
import type { Attachment, Entry } from '../entry.js'
import type { ConnectionTable } from '../table.js'
import { invertTuple, sameTuple, type Tuple } from '../tuple.js'
import { chooseAddress } from './addresses.js'
import { type Choice, choosePort, portInRange } from './ports.js'
import type { Manip, Range } from './range.js'

export type { Manip } from './range.js'

export interface SetupContext {
  readonly table: ConnectionTable
  /** Seconds since the epoch. */
  readonly now: number
  /** 0 ≤ x < 1. The kernel draws 16 bits: ⌊x · 65536⌋. */
  readonly random: () => number
}

/** What came of it. `ports`: the kernel drew the port or ICMP id from this range. */
export interface Setup {
  readonly ports: readonly [number, number] | undefined
}

const DONE = { src: CT_STATUS.SRC_NAT_DONE, dst: CT_STATUS.DST_NAT_DONE } as const
const CHANGED = { src: CT_STATUS.SRC_NAT, dst: CT_STATUS.DST_NAT } as const
const NOTHING: Setup = { ports: undefined }

export const isInitialised = (entry: Entry, manip: Manip): boolean => (entry.status & DONE[manip]) !== 0

/**
 * What nf_nat_inet_fn does with a tracked packet on a hook that makes this manip: ask the nat chains, and then a null binding where none decided;
 * or take the connection's decision as it stands. RELATED ICMP is translated as an error instead, before this is asked (nf_nat_ipv4_fn).
 */
export const mustConsult = ({ entry, state }: Attachment, manip: Manip): boolean =>
  state !== 'ESTABLISHED' && !isInitialised(entry, manip)

/**
 * nf_nat_oif_changed: a masqueraded connection ends, and the packet is dropped, where it is about to leave POSTROUTING by another device. The
 * caller asks for packets that do not consult the chains, and lets the table forget the entry.
 */
export const leftByAnotherDevice = ({ entry, direction }: Attachment, device: string | undefined): boolean =>
  direction === 'original' && entry.masqueradedOn !== undefined && entry.masqueradedOn !== device

/** nf_nat_setup_info: decides one manip of a connection, once. */
export function setUp(entry: Entry, manip: Manip, range: Range, context: SetupContext): Setup {
  if (entry.status & CT_STATUS.CONFIRMED || isInitialised(entry, manip)) return NOTHING
  const current = invertTuple(entry.reply)!
  const { tuple, ports } = uniqueTuple(current, manip, range, entry, context)
  if (!sameTuple(tuple, current)) {
    entry.reply = invertTuple(tuple)!
    entry.status |= CHANGED[manip]
  }
  entry.status |= DONE[manip]
  return { ports }
}

/** nf_nat_alloc_null_binding: no rule wanted it; the address stays, the port if it is free. */
export function nullBinding(entry: Entry, manip: Manip, context: SetupContext): Setup {
  const ip = manip === 'src' ? entry.reply.dst : entry.reply.src
  return setUp(entry, manip, { addresses: [ip, ip] }, context)
}

const kept = (tuple: Tuple): Choice => ({ tuple, ports: undefined })

/** get_unique_tuple. */
function uniqueTuple(original: Tuple, manip: Manip, range: Range, entry: Entry, context: SetupContext): Choice {
  const { table, now, random } = context
  const used = (tuple: Tuple) => table.isTaken(invertTuple(tuple)!, entry, now)
  const drawn = range.random === true || range.fullyRandom === true
  if (manip === 'src' && !drawn) {
    if (inRange(original, range)) {
      if (!used(original) || clashesAsSameFlow(original, entry, context)) return kept(original)
    } else {
      const earlier = appropriateSource(original, range, entry, context)
      if (earlier && !used(earlier)) return kept(earlier)
    }
  }
  const tuple = { ...original, [manip]: chooseAddress(original, manip, range, entry.zone) }
  if (!drawn) {
    if (range.ports) {
      const fits = range.basePort === undefined && portInRange(tuple, manip, range.ports)
      if (fits && (range.ports[0] === range.ports[1] || !used(tuple))) return kept(tuple)
    } else if (!used(tuple)) return kept(tuple)
  }
  return choosePort(tuple, manip, range, { entry, table, now, random })
}

const NATTED = CT_STATUS.SRC_NAT | CT_STATUS.DST_NAT | CT_STATUS.SEQ_ADJUST
/** Protocols of which two entries may meet in the table (nf_conntrack_l4proto: allow_clash). */
const MAY_CLASH: ReadonlySet<number> = new Set([PROTOCOL.UDP, PROTOCOL.UDPLITE, PROTOCOL.GRE])

/**
 * nf_nat_used_tuple_new: a tuple that is taken by the same flow seen from its other end is left alone; what is to happen is decided when the
 * connection is confirmed. On one processor it takes zones to get there.
 */
function clashesAsSameFlow(tuple: Tuple, entry: Entry, { table, now }: SetupContext): boolean {
  if (!MAY_CLASH.has(tuple.protocol) || entry.status & NATTED) return false
  const zone = { id: entry.zone, direction: entry.zoneDirection }
  const other = (table.find(tuple, zone, now) ?? table.find(invertTuple(tuple)!, zone, now))?.entry
  return other === undefined || (!(other.status & NATTED) && sameTuple(other.original, entry.reply))
}

/** nf_in_range: always of the source. */
function inRange(tuple: Tuple, { addresses, ports }: Range): boolean {
  if (addresses && !(addresses[0] <= tuple.src && tuple.src <= addresses[1])) return false
  return !ports || portInRange(tuple, 'src', ports)
}

/** find_appropriate_src: a client that is translated already keeps its mapping towards other servers. */
function appropriateSource(original: Tuple, range: Range, own: Entry, { table, now }: SetupContext): Tuple | undefined {
  for (const other of table.withSource(own, now)) {
    const inverse = invertTuple(other.reply)
    if (!inverse) continue
    const tuple = { ...inverse, dst: original.dst, dport: original.dport }
    if (inRange(tuple, range)) return tuple
  }
  return undefined
}
