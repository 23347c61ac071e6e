import { inetNtop } from '../address/ip.js'
import type { Entry } from '../conntrack/entry.js'
import type { ConnectionEvent } from '../conntrack/events.js'
import type { Expectation } from '../conntrack/expectation.js'
import { type Direction, isIcmp, type Tuple } from '../conntrack/tuple.js'
import { PROTOCOL } from '../packet/checksum.js'
import { CT_STATUS } from '../packet/fields.js'

/** libnetfilter_conntrack names these protocols; every other is `unknown` (src/conntrack/snprintf.c: proto2str). */
const NAMES: Readonly<Record<number, string>> = {
  1: 'icmp', 6: 'tcp', 17: 'udp', 33: 'dccp', 47: 'gre', 58: 'icmpv6', 132: 'sctp', 136: 'udplite',
} // biome-ignore format: a table

/** Which parts of a line there are. */
interface Parts {
  readonly timeout: boolean
  readonly state: boolean
  readonly mark: boolean
  readonly helper: boolean
  readonly use: boolean
}
const ALL: Parts = { timeout: true, state: true, mark: true, helper: true, use: true }

export interface ConnectionView {
  /** Seconds since the epoch: timeouts count from it. */
  readonly now: number
  /** net.netfilter.nf_conntrack_acct: packets and bytes of each direction. */
  readonly accounting: boolean
}

/** What helpers expect, as `conntrack -L expect` prints it (src/conntrack/snprintf_default.c: __snprintf_expect_default). `now`: seconds since the epoch. */
export const expectationsText = (expectations: readonly Expectation[], now: number): string =>
  expectations.map((one) => `${expectationLine(one, now)}\n`).join('')

function expectationLine(
  { tuple, mask, master, class: kind, permanent, inactive, expires, helper }: Expectation,
  now: number,
): string {
  const whole = tuple.family === 4 ? 0xffffffff : (1n << 128n) - 1n
  const ends = (words: string, { sport, dport }: { readonly sport: number; readonly dport: number }) => {
    if (tuple.protocol === PROTOCOL.GRE) return `${words} srckey=0x${sport.toString(16)} dstkey=0x${dport.toString(16)}`
    return NAMES[tuple.protocol] === undefined ? words : `${words} sport=${sport} dport=${dport}`
  }
  const { original } = master
  const flags = [...(permanent ? ['PERMANENT'] : []), ...(inactive ? ['INACTIVE'] : [])]
  return [
    `${Math.max(0, Math.floor(expires - now))} proto=${tuple.protocol}`,
    ends(`src=${inetNtop(tuple.src)} dst=${inetNtop(tuple.dst)}`, tuple),
    ends(`mask-src=${inetNtop(mask.src)} mask-dst=${inetNtop(whole)}`, { sport: mask.sport, dport: 0xffff }),
    `master-src=${inetNtop(original.src)} master-dst=${inetNtop(original.dst)}`,
    `sport=${original.sport} dport=${original.dport}`,
    ...(flags.length > 0 ? [flags.join(',')] : []),
    `class=${kind}`,
    // ctnetlink_exp_dump_expect: of the master, also where the connection will have another
    `helper=${master.helper ?? helper}`,
  ].join(' ')
}

const EVENTS = { new: '    [NEW]', update: ' [UPDATE]', destroy: '[DESTROY]' } as const

/**
 * What a connection has done, as `conntrack -E -o extended` prints it (src/conntrack.c: event_cb). What was counted is told at the end only, and then nothing is
 * said of helpers; so is a timeout that is over (nf_conntrack_netlink.c: ctnetlink_conntrack_event).
 */
export function eventLine({ kind, at, entry, state, mark }: ConnectionEvent, accounting: boolean): string {
  const over = kind === 'destroy'
  const timeout = !over || Math.floor(entry.expires - at) > 0
  // times are fractions: a timeout that has just begun is whole
  const view = { now: at - 1e-6, accounting: accounting && over }
  return `${EVENTS[kind]} ${connectionLine(entry, view, { timeout, state, mark, helper: !over, use: false })}`
}

/** Connections as `conntrack -L -o extended` prints them, one line each. */
export const connectionsText = (entries: readonly Entry[], view: ConnectionView): string =>
  entries.map((entry) => `${connectionLine(entry, view)}\n`).join('')

/** The order of the parts: libnetfilter_conntrack, src/conntrack/snprintf_default.c. */
function connectionLine(entry: Entry, { now, accounting }: ConnectionView, parts = ALL): string {
  const { original, reply, status, mark, zone, helper, protocol, expires } = entry
  const counters = (direction: Direction): string[] => {
    const { packets, bytes } = entry.counters[direction]
    return accounting ? [`packets=${packets}`, `bytes=${bytes}`] : []
  }
  const zoneOf = (direction: Direction, word: string): string[] =>
    zone !== 0 && entry.zoneDirection === direction ? [`${word}=${zone}`] : []
  const state =
    parts.state && (protocol.kind === 'tcp' || (protocol.kind === 'other' && protocol.state !== ''))
      ? [protocol.state]
      : []
  return [
    `${`ipv${original.family}`.padEnd(8)} ${original.family === 4 ? 2 : 10}`,
    `${(NAMES[original.protocol] ?? 'unknown').padEnd(8)} ${original.protocol}`,
    ...(parts.timeout ? [`${Math.max(0, Math.floor(expires - now))}`] : []),
    ...state,
    ...tupleWords(original),
    ...zoneOf('original', 'zone-orig'),
    ...counters('original'),
    ...(status & CT_STATUS.SEEN_REPLY ? [] : ['[UNREPLIED]']),
    ...tupleWords(reply),
    ...zoneOf('reply', 'zone-reply'),
    ...counters('reply'),
    ...(status & CT_STATUS.ASSURED ? ['[ASSURED]'] : []),
    ...(parts.mark ? [`mark=${mark}`] : []),
    ...(zone === 0 || entry.zoneDirection ? [] : [`zone=${zone}`]),
    ...(helper === undefined || !parts.helper ? [] : [`helper=${helper}`]),
    ...(parts.use ? ['use=1'] : []),
  ].join(' ')
}

function tupleWords({ protocol, src, dst, sport, dport }: Tuple): string[] {
  const addresses = [`src=${inetNtop(src)}`, `dst=${inetNtop(dst)}`]
  if (isIcmp(protocol)) return [...addresses, `type=${dport >> 8}`, `code=${dport & 255}`, `id=${sport}`]
  if (protocol === 47) return [...addresses, `srckey=0x${sport.toString(16)}`, `dstkey=0x${dport.toString(16)}`]
  return NAMES[protocol] === undefined ? addresses : [...addresses, `sport=${sport}`, `dport=${dport}`]
}
