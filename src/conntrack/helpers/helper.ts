import type { Family, Ip } from '../../address/ip.js'
import { CT_STATUS } from '../../packet/fields.js'
import type { Packet } from '../../packet/packet.js'
import type { Attachment, Entry } from '../entry.js'
import type { Expectation, ExpectationPolicy, Expected } from '../expectation.js'
import type { ConnectionTable } from '../table.js'
import type { Tuple } from '../tuple.js'

/** What a helper made of a packet. `unknown`: the model cannot tell what Linux would do. */
export type Helped =
  | { readonly is: 'accept' }
  | { readonly is: 'drop'; readonly reason: string }
  | { readonly is: 'unknown'; readonly reason: string }

export const ACCEPT: Helped = { is: 'accept' }
export const drop = (reason: string): Helped => ({ is: 'drop', reason })

/** A packet on its last hook, and what its helper may ask and do. */
export interface HelpContext {
  readonly packet: Packet
  /** Where the transport header begins. */
  readonly offset: number
  readonly attachment: Attachment
  readonly table: ConnectionTable
  /** Seconds since the epoch. */
  readonly now: number
  /** 0 ≤ x < 1. */
  readonly random: () => number
  /** The mask of the subnet to whose broadcast address this host itself sends the packet; undefined where it does not. */
  readonly broadcastMask: () => number | undefined
  /** The helper wants the packet in one piece (skb_linearize): one that came in fragments does not leave in the same ones. */
  readonly linearize?: () => void
  /** Does this host send to both by the same device and next hop? Undefined: it draws. Left out: nobody knows. */
  readonly sameWay?: (a: Ip, b: Ip) => boolean | undefined
}

/** What is asked when an announced connection has come. */
export type FollowContext = Pick<HelpContext, 'table' | 'random'>

/** A connection tracking helper (struct nf_conntrack_helper). */
export interface Helper {
  readonly name: string
  readonly families: readonly Family[]
  readonly protocol: number
  /** Where its server listens: what the automatic assignment of kernels before 6.0 looks at, and the source of what a broadcast's helper expects. */
  readonly port: number
  readonly policies: readonly ExpectationPolicy[]
  help(context: HelpContext): Helped
}

/** nf_ct_expect_init, and what NAT adds. */
export interface Announcement {
  readonly tuple: Tuple
  /** Undefined: from anywhere. */
  readonly src: Ip | undefined
  /** Undefined: from any port. */
  readonly sport: number | undefined
  readonly class?: number
  readonly permanent?: boolean
  readonly inactive?: boolean
  readonly helper?: string
  readonly saved?: { readonly ip: Ip; readonly port: number }
  readonly follow?: (entry: Entry, now: number) => void
}

export function announce(entry: Entry, given: Announcement): Expectation {
  const { tuple, src, sport } = given
  const [none, all] = tuple.family === 4 ? [0, 0xffffffff] : [0n, (1n << 128n) - 1n]
  return {
    tuple: { ...tuple, src: src ?? none, sport: sport ?? 0 },
    mask: { src: src === undefined ? none : all, sport: sport === undefined ? 0 : 0xffff },
    master: entry,
    class: given.class ?? 0,
    permanent: given.permanent ?? false,
    inactive: given.inactive ?? false,
    helper: given.helper,
    follow: given.follow,
    ...(given.saved ? { saved: given.saved } : {}),
    expires: 0,
  }
}

/** Expects it; the caller decides what it means that it cannot be. */
export function expect(
  { policies }: Pick<Helper, 'policies'>,
  expectation: Expectation,
  { table, now }: HelpContext,
  shared = false,
): Expected {
  return table.expectations.add(expectation, policies[expectation.class]!, now, shared)
}

/** The payload of a TCP segment or UDP datagram as bytes: a view of the packet. Undefined where the header is cut off or nothing follows. */
export function payloadOf({
  packet,
  offset,
  attachment,
}: HelpContext): { readonly at: number; readonly data: Uint8Array } | undefined {
  const { bytes } = packet
  const tcp = attachment.entry.original.protocol === 6
  if (tcp && offset + 20 > bytes.length) return undefined
  const at = offset + (tcp ? (bytes[offset + 12]! >> 4) * 4 : 8)
  return at >= bytes.length ? undefined : { at, data: bytes.subarray(at) }
}

/** One character a byte. */
export function textOf(data: Uint8Array): string {
  let text = ''
  for (const byte of data) text += String.fromCharCode(byte)
  return text
}

export const isTranslated = ({ status }: Entry): boolean => (status & (CT_STATUS.SRC_NAT | CT_STATUS.DST_NAT)) !== 0

/** The tuple of the direction in which a packet goes, and the other one. */
export const tuplesOf = ({ entry, direction }: Attachment): readonly [own: Tuple, other: Tuple] =>
  direction === 'original' ? [entry.original, entry.reply] : [entry.reply, entry.original]
