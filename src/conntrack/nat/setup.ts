import type { Ip } from '../../address/ip.js'
import { CT_STATUS } from '../../packet/fields.js'
import type { Entry } from '../entry.js'
import type { ConnectionTable } from '../table.js'
import { invertTuple, isIcmp, type Tuple } from '../tuple.js'
import type { Range } from './range.js'

export type Manip = 'src' | 'dst'

export interface SetupContext {
  readonly table: ConnectionTable
  readonly now: number
  /** 0 ≤ x < 1. */
  readonly random: () => number
}

/** What came of it. `ports`: the kernel drew the port from this range. */
export interface Setup {
  readonly ports: readonly [number, number] | undefined
}

const DONE = { src: CT_STATUS.SRC_NAT_DONE, dst: CT_STATUS.DST_NAT_DONE } as const
const CHANGED = { src: CT_STATUS.SRC_NAT, dst: CT_STATUS.DST_NAT } as const

export const isInitialised = (entry: Entry, manip: Manip): boolean => (entry.status & DONE[manip]) !== 0

/** nf_nat_setup_info: decides one manip of a connection, once. */
export function setUp(entry: Entry, manip: Manip, range: Range, context: SetupContext): Setup {
  if (entry.status & CT_STATUS.CONFIRMED || isInitialised(entry, manip)) return { ports: undefined }
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

const sameTuple = (a: Tuple, b: Tuple): boolean =>
  a.src === b.src && a.dst === b.dst && a.sport === b.sport && a.dport === b.dport

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 132, 136])

/** get_unique_tuple. */
function uniqueTuple(
  original: Tuple,
  manip: Manip,
  range: Range,
  entry: Entry,
  context: SetupContext,
): { tuple: Tuple; ports: Setup['ports'] } {
  const { table, now } = context
  const used = (tuple: Tuple) => table.isTaken(invertTuple(tuple)!, entry, now)
  const random = range.random === true || range.fullyRandom === true
  if (manip === 'src' && !random) {
    if (inRange(original, range)) {
      if (!used(original)) return { tuple: original, ports: undefined }
    } else {
      const earlier = appropriateSource(original, range, entry, table)
      if (earlier && !used(earlier)) return { tuple: earlier, ports: undefined }
    }
  }
  const tuple = { ...original, [manip]: chooseAddress(original, manip, range, context) }
  if (!random) {
    if (range.ports) {
      const fits = range.basePort === undefined && portInRange(tuple, manip, range.ports)
      if (fits && (range.ports[0] === range.ports[1] || !used(tuple))) return { tuple, ports: undefined }
    } else if (!used(tuple)) return { tuple, ports: undefined }
  }
  return choosePort(tuple, manip, range, used, context)
}

function inRange(tuple: Tuple, range: Range): boolean {
  if (range.addresses && !(range.addresses[0] <= tuple.src && tuple.src <= range.addresses[1])) return false
  return !range.ports || portInRange(tuple, 'src', range.ports)
}

function portInRange(tuple: Tuple, manip: Manip, [from, to]: readonly [number, number]): boolean {
  const port = isIcmp(tuple.protocol) || manip === 'src' ? tuple.sport : tuple.dport
  if (!isIcmp(tuple.protocol) && !WITH_PORTS.has(tuple.protocol)) return true
  return from <= port && port <= to
}

/** find_appropriate_src: a client that is translated already keeps its mapping towards other servers. */
function appropriateSource(original: Tuple, range: Range, own: Entry, table: ConnectionTable): Tuple | undefined {
  for (const other of table.withSource(own.original, own)) {
    const inverse = invertTuple(other.reply)
    if (!inverse) continue
    const tuple = { ...inverse, dst: original.dst, dport: original.dport }
    if (inRange(tuple, range)) return tuple
  }
  return undefined
}

/** find_best_ips_proto: which address of several is a hash with a secret; NETMAP keeps the host bits. */
function chooseAddress(tuple: Tuple, manip: Manip, range: Range, { random }: SetupContext): Ip {
  if (!range.addresses) return tuple[manip]
  const [from, to] = range.addresses
  if (from === to) return from
  if (range.netmap) return netmapped(tuple[manip], from, to)
  if (typeof from === 'number' && typeof to === 'number') return from + Math.floor(random() * (to - from + 1))
  const size = BigInt(to) - BigInt(from) + 1n
  return BigInt(from) + BigInt(Math.floor(random() * Number(size < 1n << 48n ? size : 1n << 48n)))
}

function netmapped(ip: Ip, from: Ip, to: Ip): Ip {
  const host = BigInt(from) ^ BigInt(to)
  const value = (BigInt(from) & ~host) | (BigInt(ip) & host)
  return typeof ip === 'number' ? Number(value) : value
}

const MOST_ATTEMPTS = 128
const FEWEST_ATTEMPTS = 16

/** nf_nat_l4proto_unique_tuple: the kernel's order of search from a random beginning. */
function choosePort(
  tuple: Tuple,
  manip: Manip,
  range: Range,
  used: (tuple: Tuple) => boolean,
  { random }: SetupContext,
): { tuple: Tuple; ports: Setup['ports'] } {
  const icmp = isIcmp(tuple.protocol)
  if (!icmp && !WITH_PORTS.has(tuple.protocol)) return { tuple, ports: undefined }
  const field = icmp || manip === 'src' ? 'sport' : 'dport'
  const limits = portLimits(tuple[field], manip, range, icmp)
  if (!limits) return { tuple, ports: undefined }
  const [min, max] = limits
  const size = max - min + 1
  const based = range.basePort !== undefined
  let offset = based ? tuple[field] - range.basePort! : Math.floor(random() * 65536)
  let attempts = Math.min(size, MOST_ATTEMPTS)
  for (;;) {
    let candidate = tuple
    for (let i = 0; i < attempts; i++, offset++) {
      candidate = { ...tuple, [field]: min + ((offset & 0xffff) % size) }
      if (!used(candidate)) return { tuple: candidate, ports: based || size === 1 ? undefined : [min, max] }
    }
    if (attempts >= size || attempts < FEWEST_ATTEMPTS) return { tuple: candidate, ports: [min, max] }
    attempts = Math.floor(attempts / 2)
    offset = Math.floor(random() * 65536)
  }
}

function portLimits(port: number, manip: Manip, range: Range, icmp: boolean): readonly [number, number] | undefined {
  if (range.ports) return range.ports
  if (icmp) return [0, 65535]
  if (manip === 'dst') return undefined
  if (port >= 1024) return [1024, 65535]
  return port < 512 ? [1, 511] : [600, 1023]
}
