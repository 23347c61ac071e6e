import type { Ip } from '../../../address/ip.js'
import type { Entry } from '../../entry.js'
import type { Expectation } from '../../expectation.js'
import { setUp } from '../../nat/setup.js'
import { type Direction, opposite, type Tuple } from '../../tuple.js'
import { ACCEPT, type Announcement, announce, drop, expect, type FollowContext, type Helped } from '../helper.js'
import { findPort } from '../port.js'
import { CLASS, type MediaClass, SIP, SIP_NAME } from './classes.js'
import type { Message } from './message.js'
import { printedPlace, rewriteMediaPort } from './nat.js'
import type { Place } from './text.js'

const UDP = 17
const TAKEN = 'the SIP helper cannot expect what the message announces'

/** Where the sender says that it listens, as the other side may know it. */
const seenOf = ({ own, other }: Message, ip: Ip): Ip => (own.src === other.dst ? ip : other.dst)

const tupleTo = (message: Message, protocol: number, dst: Ip, dport: number): Tuple => ({
  ...message.own,
  protocol,
  dst,
  dport,
})

/** A register's contact: who registered it may be called, once the registrar agrees (process_register_request, nf_nat_sip_expect). */
export function expectSignalling(message: Message, contact: Place, protocol: number): Helped {
  const { context, entry, own, other, notes, direction } = message
  const { ip, port } = contact
  const at = (dst: Ip, dport: number): Announcement => ({
    tuple: tupleTo(message, protocol, dst, dport),
    src: other.src,
    sport: undefined,
    class: CLASS.signalling,
    permanent: true,
    inactive: true,
    helper: SIP_NAME,
  })
  if (!message.translated)
    return expect(SIP, announce(entry, at(ip, port)), context) === 'expected' ? ACCEPT : drop(TAKEN)
  const dst = seenOf(message, ip)
  const first = port === (notes.forcedPort || own.sport) ? other.dport : port
  const saved = { ip, port }
  const follow = followSip(entry, opposite(direction), saved, CLASS.signalling, context)
  const make = (free: number): Expectation => announce(entry, { ...at(dst, free), saved, follow })
  const made = findPort(SIP, make, first, context)
  if (!made) return drop('all ports are expected by others')
  if (dst === ip && made.port === port) return ACCEPT
  if (message.rewrite(contact.at, contact.length, printedPlace(dst, made.port))) return ACCEPT
  context.table.expectations.remove(made.expectation)
  return drop('the packet would be too long')
}

/** What is told of one medium: the address, which may be known by another one, and where its port stands. */
export interface Medium {
  readonly ip: Ip
  readonly port: number
  readonly class: MediaClass
  readonly at: number
  readonly length: number
}

/** The address under which the other side is to find it. */
export type Expected = { readonly is: 'address'; readonly ip: Ip } | { readonly is: 'failed'; readonly helped: Helped }

/** set_expected_rtp_rtcp, with sip_direct_media: only of the two ends of the signalling connection. */
export function expectMedia(message: Message, medium: Medium): Expected {
  const { context, entry, own, other } = message
  if (medium.ip !== own.src) return { is: 'address', ip: medium.ip }
  const { table, now } = context
  let { ip, port } = medium
  let direct = false
  for (;;) {
    const wanted = { ...own, protocol: UDP, src: other.src, sport: 0, dst: ip, dport: port }
    const known = table.expectations.find(wanted, { id: entry.zone, direction: entry.zoneDirection }, now)
    if (!known || known.master === entry || !sameHelper(known.master, entry) || known.class !== medium.class) break
    const saved = known.saved ?? { ip: typeof ip === 'number' ? 0 : 0n, port: 0 }
    const moved = saved.ip !== known.tuple.dst || saved.port !== known.tuple.dport
    if (direct || !moved || !message.translated)
      return direct ? directly(message, medium, ip, port) : { is: 'address', ip }
    // both are behind the same router, and may talk without it
    ip = saved.ip
    port = saved.port
    direct = true
  }
  const even = port & ~1
  if (direct && !rewriteMediaPort(message, medium.at, medium.length, even))
    return failed('the message cannot be rewritten')
  const expectation = (dst: Ip, dport: number, more: Partial<Announcement> = {}) =>
    announce(entry, {
      tuple: tupleTo(message, UDP, dst, dport),
      src: other.src,
      sport: undefined,
      class: medium.class,
      ...more,
    })
  if (message.translated && !direct) return expectTranslated(message, medium, ip, even, expectation)
  const rtp = expectation(ip, even)
  const first = expect(SIP, rtp, context, true)
  if (first !== 'expected' && first !== 'already') return failed(TAKEN)
  const second = expect(SIP, expectation(ip, even + 1), context, true)
  if (second === 'expected' || second === 'already') return { is: 'address', ip }
  if (first === 'expected') table.expectations.remove(rtp)
  return failed(TAKEN)
}

const failed = (reason: string): Expected => ({ is: 'failed', helped: drop(reason) })

/** The way around the router is known already; it is only told. */
function directly(message: Message, { at, length }: Medium, ip: Ip, port: number): Expected {
  return rewriteMediaPort(message, at, length, port & ~1)
    ? { is: 'address', ip }
    : failed('the message cannot be rewritten')
}

/** nf_nat_sdp_media: the first free pair of ports from the one that was told. */
function expectTranslated(
  message: Message,
  medium: Medium,
  ip: Ip,
  first: number,
  expectation: (dst: Ip, dport: number, more: Partial<Announcement>) => Expectation,
): Expected {
  const { context, entry, direction } = message
  const { expectations } = context.table
  const dst = seenOf(message, ip)
  const make = (port: number, told: number) => {
    const saved = { ip, port: told }
    return expectation(dst, port, {
      saved,
      follow: followSip(entry, opposite(direction), saved, medium.class, context),
    })
  }
  for (let port = first; port !== 0; port = (port + 2) & 0xffff) {
    const rtp = make(port, first)
    const one = expect(SIP, rtp, context, true)
    if (one === 'busy') continue
    if (one !== 'expected') break
    const rtcp = make(port + 1, first + 1)
    const two = expect(SIP, rtcp, context, true)
    if (two === 'expected') {
      if (port === first || rewriteMediaPort(message, medium.at, medium.length, port)) return { is: 'address', ip: dst }
      expectations.remove(rtp)
      expectations.remove(rtcp)
      return failed('the message cannot be rewritten')
    }
    expectations.remove(rtp)
    if (two !== 'busy') break
  }
  return failed('all ports are expected by others')
}

const sameHelper = (a: Entry, b: Entry): boolean => a.helper === b.helper && a.original.protocol === b.original.protocol

/**
 * nf_nat_sip_expected: to where it was announced before NAT; from where its own sender has announced the other half, or as the master is translated where it
 * comes from the master's end. `direction`: of the master, in which the announced connection goes.
 */
export function followSip(
  master: Entry,
  direction: Direction,
  saved: { readonly ip: Ip; readonly port: number },
  kind: number,
  { table, random }: FollowContext,
) {
  return (entry: Entry, now: number): void => {
    const context = { table, now, random }
    setUp(entry, 'dst', { addresses: [saved.ip, saved.ip], ports: [saved.port, saved.port] }, context)
    const { src, sport, family, protocol } = entry.original
    const pair =
      kind === CLASS.signalling
        ? undefined
        : table.expectations
            .of(master, now)
            .find(
              (one) =>
                one.tuple.family === family &&
                one.tuple.protocol === protocol &&
                one.saved?.ip === src &&
                one.saved.port === sport,
            )
    if (pair) {
      const { dst, dport } = pair.tuple
      setUp(entry, 'src', { addresses: [dst, dst], ports: [dport, dport] }, context)
      return
    }
    const [there, back] = direction === 'original' ? [master.original, master.reply] : [master.reply, master.original]
    if (src === there.src) setUp(entry, 'src', { addresses: [back.dst, back.dst] }, context)
  }
}
