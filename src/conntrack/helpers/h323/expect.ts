import type { Ip } from '../../../address/ip.js'
import type { Expectation } from '../../expectation.js'
import { setUp } from '../../nat/setup.js'
import type { Tuple } from '../../tuple.js'
import { followMaster } from '../follow.js'
import { ACCEPT, type Announcement, announce, drop, expect, type Helped } from '../helper.js'
import { findPort } from '../port.js'
import { NAMES } from './notes.js'
import type { Kept } from './per.js'
import type { Place, Signal } from './signal.js'

const [TCP, UDP] = [6, 17]
export const TAKEN: Helped = drop('the helper of H.323 cannot expect what the message announces')
/** With NAT, what was told before the snapshot was taken counts. */
export const UNSEEN: Helped = {
  is: 'unknown',
  reason: 'the ports which the helper of H.323 had seen when the snapshot was taken',
}

/** A connection that comes back to where the message says; `helper`: its own. */
export const comingTo = (
  { own, other }: Signal,
  protocol: number,
  dst: Ip,
  dport: number,
  more: Partial<Announcement> = {},
): Announcement => ({
  tuple: { ...own, protocol, dst, dport } satisfies Tuple,
  src: other.src,
  sport: undefined,
  ...more,
})

/** Expects it as it was told. */
export const expectAsTold = (signal: Signal, announcement: Announcement): Helped =>
  expect(signal, announce(signal.entry, announcement), signal.context) === 'expected' ? ACCEPT : TAKEN

/** Where the sender of the message itself listens. Undefined: it is about somebody else. */
const ownPlace = ({ own }: Signal, place: Place | undefined): Place | undefined =>
  place && place.ip === own.src && place.port !== 0 ? place : undefined

/** expect_h245, nat_h245: the connection in which channels are opened. Where no port is free, nothing is told. */
export function expectControl(signal: Signal, address: Kept | undefined): Helped {
  const place = ownPlace(signal, signal.place(address))
  if (!place) return ACCEPT
  const at = (port: number) => comingTo(signal, TCP, signal.other.dst, port, { helper: NAMES.h245 })
  if (!signal.hidden) return expectAsTold(signal, at(place.port))
  const { notes, direction, back } = signal
  if (notes.listed) return UNSEEN
  const first = notes.signalPort[direction] === place.port ? notes.signalPort[back] : place.port
  const free = findFollowing(signal, at, place.port, first)
  if (free === undefined) return ACCEPT
  signal.tell(place, signal.other.dst, free)
  notes.signalPort[direction] = place.port
  notes.signalPort[back] = free
  return ACCEPT
}

/** The first port that nobody else expects; NAT leads it to the one that was told. */
export function findFollowing(
  signal: Signal,
  at: (port: number) => Announcement,
  told: number,
  first: number,
): number | undefined {
  const { entry, back, context } = signal
  const follow = followMaster(entry, back, told, context)
  return findPort(signal, (port) => announce(entry, { ...at(port), follow }), first, context)?.port
}

/**
 * expect_callforwarding, nat_callforwarding: the call that somebody else is to take. Where caller and callee are on the same side of this host, it will not see
 * that call (callforward_filter, which is on by itself).
 */
export function expectForwarded(signal: Signal, address: Kept | undefined): Helped {
  const place = signal.place(address)
  if (!place || place.port === 0) return ACCEPT
  const { context, entry, other, direction } = signal
  const sameSide = context.sameWay?.(place.ip, other.src)
  if (sameSide === undefined)
    return { is: 'unknown', reason: 'whether a forwarded call goes the way of the one before it' }
  if (sameSide) return ACCEPT
  const at = (dst: Ip, port: number) => comingTo(signal, TCP, dst, port, { helper: NAMES.q931 })
  if (!signal.hidden) return expectAsTold(signal, at(place.ip, place.port))
  const { table, random } = context
  const follow: Expectation['follow'] = (begun, now) => {
    const own = begun[direction].src
    setUp(begun, 'src', { addresses: [own, own] }, { table, now, random })
    setUp(begun, 'dst', { addresses: [place.ip, place.ip], ports: [place.port, place.port] }, { table, now, random })
  }
  const found = findPort(signal, (port) => announce(entry, { ...at(other.dst, port), follow }), place.port, context)
  if (found) signal.tell(place, other.dst, found.port)
  return ACCEPT
}

/** expect_t120, nat_t120: shared documents, over as many connections as are wanted. */
export function expectData(signal: Signal, address: Kept | undefined): Helped {
  const place = ownPlace(signal, signal.mediaPlace(address))
  if (!place) return ACCEPT
  const at = (port: number) => comingTo(signal, TCP, signal.other.dst, port, { permanent: true })
  if (!signal.hidden) return expectAsTold(signal, at(place.port))
  const free = findFollowing(signal, at, place.port, place.port)
  if (free !== undefined) signal.tell(place, signal.other.dst, free)
  return ACCEPT
}

/** Pairs of ports that NAT remembers for each connection. */
const MOST_PAIRS = 4

/** expect_rtp_rtcp: RTP on the even port and RTCP on the odd one behind it, whichever of them was told. */
export function expectMedia(signal: Signal, address: Kept | undefined): Helped {
  const place = ownPlace(signal, signal.mediaPlace(address))
  if (!place) return ACCEPT
  if (signal.hidden) return expectPair(signal, place)
  const { context, entry, other } = signal
  const [rtp, rtcp] = [place.port & ~1, place.port | 1].map((port) =>
    announce(entry, comingTo(signal, UDP, other.dst, port)),
  ) as [Expectation, Expectation]
  if (expect(signal, rtp, context) !== 'expected') return TAKEN
  if (expect(signal, rtcp, context) === 'expected') return ACCEPT
  context.table.expectations.remove(rtp)
  return TAKEN
}

/** nat_rtp_rtcp: the first pair that is free. Where there is none, or too many have been told already, nothing is. */
function expectPair(signal: Signal, place: Place): Helped {
  const { context, entry, other, notes, direction, back } = signal
  if (notes.listed) return UNSEEN
  const { expectations } = context.table
  const told = place.port & ~1
  const pairs = notes.mediaPorts
  const known = pairs.findIndex((pair) => pair[direction] === told)
  const slot = known < 0 ? pairs.length : known
  if (slot >= MOST_PAIRS) return ACCEPT
  const make = (port: number, before: number) =>
    announce(entry, { ...comingTo(signal, UDP, other.dst, port), follow: followMaster(entry, back, before, context) })
  for (let port = told; port !== 0; port = (port + 2) & 0xffff) {
    const rtp = make(port, told)
    const first = expect(signal, rtp, context)
    if (first === 'busy') continue
    if (first !== 'expected') return ACCEPT
    const second = expect(signal, make(port + 1, told + 1), context)
    if (second === 'expected') {
      signal.tell(place, other.dst, place.port & 1 ? port + 1 : port)
      pairs[slot] = { [direction]: told, [back]: port } as Record<typeof direction, number>
      return ACCEPT
    }
    expectations.remove(rtp)
    if (second !== 'busy') return ACCEPT
  }
  return ACCEPT
}
