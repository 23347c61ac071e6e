import { PROTOCOL } from '../../packet/checksum.js'
import { CT_STATUS } from '../../packet/fields.js'
import type { Entry, TcpState } from '../entry.js'
import type { ConnectionTable } from '../table.js'
import { after } from '../tcp-segment.js'
import { invertTuple, isIcmp, type Tuple, WITH_PORTS } from '../tuple.js'
import type { Manip, Range } from './range.js'

export interface Choice {
  readonly tuple: Tuple
  /** The port or id was drawn from this range. */
  readonly ports: readonly [number, number] | undefined
}

interface Search {
  readonly entry: Entry
  readonly table: ConnectionTable
  readonly now: number
  /** 0 ≤ x < 1. */
  readonly random: () => number
}

/** ICMP has one id for both directions: nf_nat calls it the source's. */
export const portField = (protocol: number, manip: Manip): 'sport' | 'dport' =>
  isIcmp(protocol) || manip === 'src' ? 'sport' : 'dport'

/** l4proto_in_range: whatever has no ports is always in. */
export function portInRange(tuple: Tuple, manip: Manip, [from, to]: readonly [number, number]): boolean {
  const { protocol } = tuple
  if (!isIcmp(protocol) && !WITH_PORTS.has(protocol) && protocol !== PROTOCOL.GRE) return true
  const port = tuple[portField(protocol, manip)]
  return from <= port && port <= to
}

const MOST_ATTEMPTS = 128
const FEWEST_ATTEMPTS = 16

/** nf_nat_l4proto_unique_tuple: a free port or id, in the kernel's order of search. Without one the last tried. */
export function choosePort(tuple: Tuple, manip: Manip, range: Range, search: Search): Choice {
  const limits = portLimits(tuple, manip, range, search.entry)
  if (!limits) return { tuple, ports: undefined }
  const [min, max] = limits
  const size = max - min + 1
  const field = portField(tuple.protocol, manip)
  const draw = () => Math.floor(search.random() * 65536)
  let drawn = false
  let offset = 0
  if (range.basePort !== undefined) offset = tuple[field] - range.basePort
  else if (manip === 'src' || range.random || range.fullyRandom) {
    offset = draw()
    drawn = size > 1
  }
  for (let attempts = Math.min(size, MOST_ATTEMPTS); ; ) {
    let candidate = tuple
    for (let i = 0; i < attempts; i++, offset++) {
      candidate = { ...tuple, [field]: min + ((offset & 0xffff) % size) }
      if (!isUsed(candidate, attempts - i, search)) return { tuple: candidate, ports: drawn ? limits : undefined }
    }
    if (attempts >= size || attempts < FEWEST_ATTEMPTS) return { tuple: candidate, ports: drawn ? limits : undefined }
    attempts = Math.floor(attempts / 2)
    offset = draw()
    drawn = true
  }
}

/** From where to where; `undefined`: the port cannot be changed. Well-known ports stay such, for those who still trust them. */
function portLimits(
  { protocol, sport }: Tuple,
  manip: Manip,
  range: Range,
  { master }: Entry,
): readonly [number, number] | undefined {
  const icmp = isIcmp(protocol)
  if (protocol === PROTOCOL.GRE) return master && (range.ports ?? [1, 65535])
  if (!icmp && !WITH_PORTS.has(protocol)) return undefined
  if (range.ports) return [Math.min(...range.ports), Math.max(...range.ports)]
  if (icmp) return [0, 65535]
  if (manip === 'dst') return undefined
  if (sport >= 1024) return [1024, 65535]
  return sport < 512 ? [1, 511] : [600, 1023]
}

const LAST_ATTEMPTS = 32
const OVER: ReadonlySet<TcpState> = new Set(['TIME_WAIT', 'CLOSE', 'SYN_SENT2'])

/** nf_nat_used_tuple_harder: among the last attempts a new TCP connection takes the place of a translated one that is over. */
function isUsed(tuple: Tuple, attemptsLeft: number, { entry, table, now }: Search): boolean {
  const reply = invertTuple(tuple)!
  const { protocol } = entry
  if (attemptsLeft > LAST_ATTEMPTS || protocol.kind !== 'tcp' || protocol.state !== 'SYN_SENT')
    return table.isTaken(reply, entry, now)
  const hit = table.find(reply, { id: entry.zone, direction: entry.zoneDirection }, now)
  if (!hit) return false
  const old = hit.entry
  if (hit.direction === 'original' || old.protocol.kind !== 'tcp' || !OVER.has(old.protocol.state)) return true
  if (old.status & CT_STATUS.FIXED_TIMEOUT || !(old.status & CT_STATUS.SRC_NAT)) return true
  if (!after(protocol.seen.original.end, old.protocol.seen.original.end)) return true
  table.forget(old)
  return false
}
