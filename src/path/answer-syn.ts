import { checksumOk } from '../packet/checksum.js'
import { FIELDS } from '../packet/fields.js'
import { u8, u16, u32 } from '../packet/packet.js'
import { OFFER, type ProxyOptions, readProxyOptions } from '../packet/proxy-options.js'
import { destinationOf, sourceOf } from '../packet/reply.js'
import type { Effect } from '../rules/effect.js'
import { COOKIE_MSS, cookieMss } from './cookies.js'
import type { Cursor } from './cursor.js'
import type { Done } from './done.js'
import { sendSegment } from './send-segment.js'
import { sumHolds } from './sums.js'

export const FLAG = { FIN: 1, SYN: 2, RST: 4, ACK: 16, ECE: 64, CWR: 128 } as const
const JUDGED = FLAG.FIN | FLAG.SYN | FLAG.RST | FLAG.ACK

/** Low bits of a timestamp in which a SYN's options are kept (synproxy_init_timestamp_cookie); those above are a clock that no snapshot has. */
const KEPT = { SCALE: 0xf, SACK: 0x10, ECN: 0x20, ALL: 0x3f } as const

/** The rule's template of connections, one a namespace (struct synproxy_net: tmpl). */
const TEMPLATE: Effect = { do: 'answer-syn', offers: 0, mss: 0, scale: 0 }

type Offer = Extract<Effect, { do: 'answer-syn' }>

/**
 * SYNPROXY (net/ipv4/netfilter/ipt_SYNPROXY.c: synproxy_tg4; net/ipv6/netfilter/ip6t_SYNPROXY.c): a SYN is answered here and goes no further; the ACK that
 * brings the cookie back is taken, and a SYN of the kernel's own goes to the server. Anything else goes on.
 */
export function answerSyn(cursor: Cursor, offer: Offer): Done {
  const { skb, hook } = cursor
  const { packet } = skb
  const summed = skb.partial || (hook === 'input' && sumHolds(skb)) || checksumOk(packet)
  const options = readProxyOptions(packet)
  if (!summed || !options) return { did: 'DROP (SYNPROXY: no TCP header that is right)', verdict: 'drop' }
  const all = FIELDS['tcp.flags'].read(packet) ?? 0
  const flags = all & JUDGED
  if (flags === FLAG.SYN) {
    const ecn = (all & (FLAG.ECE | FLAG.CWR)) === (FLAG.ECE | FLAG.CWR)
    return {
      did: 'SYNPROXY: answers the SYN',
      verdict: 'stolen',
      afterwards: () => taken(cursor, 'SYNPROXY answers the SYN itself, with a cookie', () => sendSynAck(cursor, options, ecn, offer)),
    }
  }
  if (flags !== FLAG.ACK) return { did: 'SYNPROXY: goes on', verdict: 'next' }
  const sequence = u32(packet.bytes, packet.transport.offset + 4)!
  const send = takeCookie(cursor, options, sequence)
  if (!send) return { did: 'DROP (SYNPROXY: not the right cookie)', verdict: 'drop' }
  return {
    did: 'SYNPROXY: the cookie is right',
    verdict: 'stolen',
    afterwards: () => taken(cursor, 'SYNPROXY takes the acknowledgement of its cookie, and calls the server', send),
  }
} // biome-ignore format: one case a line

/** The packet ends here; what comes of it has ways of its own. */
export function taken(cursor: Cursor, text: string, act: () => void) {
  act()
  cursor.record({ kind: 'drop', reason: 'synproxy', text })
  return cursor.fate({ outcome: 'dropped', reason: 'synproxy', text, segments: cursor.segments })
}

const tupleOf = ({ skb: { packet } }: Cursor) => ({
  src: sourceOf(packet)!,
  dst: destinationOf(packet)!,
  sport: u16(packet.bytes, packet.transport.offset)!,
  dport: u16(packet.bytes, packet.transport.offset + 2)!,
})

function sendSynAck(cursor: Cursor, asked: ProxyOptions, ecn: boolean, offer: Offer): void {
  const { netns, run, skb } = cursor
  const { bytes, family, transport } = skb.packet
  const sequence = u32(bytes, transport.offset + 4)!
  const cookie = netns.cookies.give(tupleOf(cursor), sequence, cookieMss(family, asked.mss), run.now, run.options.random)
  const options = { ...asked, has: (asked.has | (ecn ? OFFER.ECN : 0)) & offer.offers, mss: offer.mss }
  if (options.has & OFFER.TIMESTAMP) rememberInTimestamp(options, run.now, offer.scale)
  else options.has &= OFFER.MSS
  run.assume('what SYNPROXY puts into its cookie hangs on a secret of the kernel: sequence number and clock of its SYN-ACK are made up')
  const flags = FLAG.SYN | FLAG.ACK | (options.has & OFFER.ECN ? FLAG.ECE : 0)
  const segment = { back: true, flags, sequence: cookie, acknowledgement: (sequence + 1) >>> 0, window: 0, options }
  // skb_nfct, IP_CT_ESTABLISHED_REPLY: where the SYN has a connection, the answer is its reply
  const left = sendSegment(cursor, segment, 'SYNPROXY answers', (answer) => attach(cursor, answer))
  // what is left of an earlier connection between the same ports shifts the cookie: the client sends back what it has got
  if (left !== cookie) netns.cookies.spoil(tupleOf(cursor), sequence)
} // biome-ignore format: one thing a line

/** An answer to the sender of the packet at hand, in its connection, where that is tracked. */
export function attach({ skb }: Cursor, answer: Cursor['skb']): void {
  if (skb.tracking?.is !== 'tracked') return
  const { entry } = skb.tracking.attachment
  answer.tracking = { is: 'tracked', created: false, attachment: { entry, direction: 'reply', state: 'ESTABLISHED' } }
}

/** synproxy_init_timestamp_cookie. */
function rememberInTimestamp(options: ProxyOptions, now: number, scale: number): void {
  options.echo = options.value
  const clock = ((Math.floor(now * 1000) % 2 ** 32) >>> 0) & ~KEPT.ALL
  const asked = options.has & OFFER.SCALE ? options.scale : KEPT.SCALE
  const sack = options.has & OFFER.SACK ? KEPT.SACK : 0
  const ecn = options.has & OFFER.ECN ? KEPT.ECN : 0
  options.value = (clock | asked | sack | ecn) >>> 0
  if (options.has & OFFER.SCALE) options.scale = scale
}

/** synproxy_check_timestamp_cookie. */
function recallFromTimestamp(options: ProxyOptions): void {
  options.scale = options.echo & KEPT.SCALE
  if (options.scale !== KEPT.SCALE) options.has |= OFFER.SCALE
  if (options.echo & KEPT.SACK) options.has |= OFFER.SACK
  if (options.echo & KEPT.ECN) options.has |= OFFER.ECN
}

/**
 * synproxy_recv_client_ack: undefined where the cookie is not the right one, else what sends the SYN to the server. Its acknowledgement number is the
 * cookie, by which the hook behind POSTROUTING learns of it. `sequence`: that of the client's first byte.
 */
export function takeCookie(cursor: Cursor, read: ProxyOptions, sequence: number): (() => void) | undefined {
  const { netns, run, skb } = cursor
  const { bytes, family, transport } = skb.packet
  const cookie = (u32(bytes, transport.offset + 8)! - 1) >>> 0
  const judged = netns.cookies.judge(tupleOf(cursor), (u32(bytes, transport.offset + 4)! - 1) >>> 0, cookie, run.now)
  if (judged.is === 'wrong') return undefined
  if (judged.is === 'unknown' || (judged.taken && !run.options.captured)) {
    const about = 'SYNPROXY takes an ACK whose cookie is the right one, and drops it else: that hangs on a secret of the kernel'
    if (run.options.chooser.choose({ kind: 'unknown', weights: [0.5, 0.5], about }) === 0) return undefined
  } else if (judged.taken) run.assume('a cookie that is not the one drawn here is taken as the right one where it answers a SYN seen before')
  const options = { ...read, mss: COOKIE_MSS[family][judged.mss]!, has: read.has | OFFER.MSS }
  if (options.has & OFFER.TIMESTAMP) recallFromTimestamp(options)
  const flags = FLAG.SYN | (options.has & OFFER.ECN ? FLAG.ECE | FLAG.CWR : 0)
  const window = u16(bytes, transport.offset + 14)!
  const segment = { back: false, flags, sequence: (sequence - 1) >>> 0, acknowledgement: cookie, window, options }
  return () =>
    sendSegment(cursor, segment, 'SYNPROXY calls the server', (syn) => {
      const entry = netns.templateOf(TEMPLATE, family)
      syn.template = { zone: 0, direction: undefined, helper: undefined, entry, proxied: true }
    })
} // biome-ignore format: one thing a line

/** ACK and the like: does this segment have the flag? */
export const hasFlag = ({ skb: { packet } }: Cursor, flag: number): boolean =>
  ((u8(packet.bytes, packet.transport.offset + 13) ?? 0) & flag) !== 0
