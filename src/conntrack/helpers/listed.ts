import type { Ip } from '../../address/ip.js'
import { CT_STATUS } from '../../packet/fields.js'
import type { Entry } from '../entry.js'
import type { Expectation, ExpectationMask, ListedExpectation } from '../expectation.js'
import type { ConnectionTable } from '../table.js'
import { type Direction, invertTuple, opposite, type Tuple } from '../tuple.js'
import { followMaster } from './follow.js'
import { type FollowContext, isTranslated } from './helper.js'
import { HELPERS } from './index.js'
import { CLASS, SIP_NAME } from './sip/classes.js'
import { followSip } from './sip/expect.js'

/** Helpers whose connections NAT turns as it turns their master (nf_nat_follow_master). */
const FOLLOWING: ReadonlySet<string> = new Set(['ftp', 'irc', 'amanda', 'tftp', 'Q.931', 'H.245'])
/** Helpers that leave what they expect to NAT's rules. */
const LEFT_ALONE: ReadonlySet<string> = new Set(['sane', 'netbios-ns', 'snmp'])
/** Helpers that give what they expect helpers of its own, or translate it in ways that a listing does not tell. */
const UNTOLD: ReadonlySet<string> = new Set(['pptp', 'RAS', 'Q.931', 'H.245'])
/** But the media of a call are like any other's; with NAT where the end that announced them is hidden (nf_conntrack_h323_main.c: expect_rtp_rtcp). */
const isMedia = (helper: string, { protocol }: Tuple): boolean =>
  (helper === 'Q.931' || helper === 'H.245') && protocol === 17

/**
 * Expects what a listing says that helpers expect. A listing does not say what NAT will make of the connection: it is what the helper does, to the port that is
 * expected, which is said. Where that is not to be known, the connection that comes of it is not sure.
 */
export function expectListed(table: ConnectionTable, listed: readonly ListedExpectation[], random: () => number): void {
  const entries = table.entries()
  const all = listed.map((one) => expectationOf(one, entries, { table, random }))
  // the same class lives equally long: who ends last is the newest
  table.expectations.restore(all.sort((a, b) => b.expires - a.expires))
}

function expectationOf(listed: ListedExpectation, entries: readonly Entry[], context: FollowContext): Expectation {
  const { tuple, mask, permanent, inactive, expires, helper } = listed
  const found = masterOf(listed, entries)
  const master = found ?? madeUp(listed)
  const known = followed(listed, master, context)
  const unsure = found ? known.unsure : 'the connection whose helper expects it is not in the listing'
  return {
    tuple, mask, master, class: listed.class, permanent, inactive, expires,
    helper: helper === SIP_NAME && listed.class === CLASS.signalling ? SIP_NAME : undefined,
    follow: known.follow,
    ...(known.saved ? { saved: known.saved } : {}),
    ...(unsure === undefined ? {} : { unsure }),
    ...(known.assumed === undefined ? {} : { assumed: known.assumed }),
  } // biome-ignore format: a table
}

function masterOf({ master, helper, tuple, mask, zone }: ListedExpectation, entries: readonly Entry[]) {
  const candidates = entries.filter((entry) => {
    const { original } = entry
    if (zone !== undefined && entry.zone !== zone) return false
    if (master)
      return (
        original.src === master.src &&
        original.dst === master.dst &&
        original.sport === master.sport &&
        original.dport === master.dport
      )
    return (entry.helper ?? helper) === helper && portOf(entry, helper) && directionOf(entry, tuple, mask) !== undefined
  })
  const own = candidates.filter((entry) => entry.helper === helper)
  const likely = own.length > 0 ? own : candidates
  return likely.length === 1 ? likely[0] : undefined
}

/** Is it a connection to which the helper may belong? Where the listing names its helper, it is. */
const portOf = ({ helper, original, reply }: Entry, name: string | undefined): boolean =>
  helper !== undefined ||
  HELPERS.some(
    (one) =>
      one.name === name && one.protocol === original.protocol && [original.dport, reply.sport].includes(one.port),
  )

const under = (ip: Ip, mask: Ip): bigint => BigInt(ip) & BigInt(mask)

/** Of the master, in which what it expects goes. */
function directionOf({ original, reply }: Entry, { src, dst }: Tuple, mask: ExpectationMask): Direction | undefined {
  const goes = (along: Tuple) => dst === along.dst && under(src, mask.src) === under(along.src, mask.src)
  return goes(reply) ? 'reply' : goes(original) ? 'original' : undefined
}

function madeUp({ tuple, master, helper, zone = 0 }: ListedExpectation): Entry {
  const protocol = HELPERS.find(({ name }) => name === helper)?.protocol ?? tuple.protocol
  const original = {
    ...tuple,
    protocol,
    ...(master ?? { src: tuple.dst, dst: tuple.src, sport: tuple.dport, dport: tuple.sport }),
  }
  return {
    original,
    reply: invertTuple(original)!,
    status: CT_STATUS.CONFIRMED | CT_STATUS.SRC_NAT_DONE | CT_STATUS.DST_NAT_DONE,
    mark: 0,
    zone,
    expires: Number.POSITIVE_INFINITY,
    protocol: { kind: 'other', state: '' },
    counters: { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } },
    master: undefined,
    helper,
  }
}

interface Followed {
  readonly follow: Expectation['follow']
  readonly saved?: { readonly ip: Ip; readonly port: number }
  readonly unsure?: string
  readonly assumed?: string
}

/** What NAT does with the connection that comes of it. */
function followed({ tuple, mask, helper = '', class: kind }: ListedExpectation, master: Entry, context: FollowContext): Followed {
  if ((UNTOLD.has(helper) && !isMedia(helper, tuple)) || !HELPERS.some(({ name }) => name === helper))
    return { follow: undefined, unsure: `what helper ${helper || 'of an unknown name'} makes of a connection that it expects` }
  if (!isTranslated(master) || LEFT_ALONE.has(helper)) return { follow: undefined }
  const direction = directionOf(master, tuple, mask)
  if (!direction) return { follow: undefined, unsure: `to where NAT leads what helper ${helper} expects` }
  const assumed = `NAT leads what helper ${helper} expects on port ${tuple.dport} to the same port`
  const { original, reply } = master
  if (helper === 'tftp') return { follow: followMaster(master, 'reply', original.sport, context) }
  if (isMedia(helper, tuple) && (tuple.family === 6 || master[opposite(direction)].src === master[direction].dst)) return { follow: undefined }
  if (FOLLOWING.has(helper)) return { follow: followMaster(master, direction, tuple.dport, context), assumed }
  const ip = direction === 'reply' ? original.src : reply.src
  // a phone that is called where it calls from
  const own = kind === CLASS.signalling && direction === 'reply' && tuple.dport === reply.dport
  const saved = { ip, port: own ? original.sport : tuple.dport }
  return { follow: followSip(master, direction, saved, kind, context), saved, ...(own ? {} : { assumed }) }
} // biome-ignore format: a table
