import { PROTOCOL } from '../../packet/checksum.js'
import { u8, u16, u32 } from '../../packet/packet.js'
import type { Entry, Helping, PptpNotes } from '../entry.js'
import type { Expectation } from '../expectation.js'
import { setUp } from '../nat/setup.js'
import { zoneOf } from '../store.js'
import type { ConnectionTable } from '../table.js'
import type { Direction, Tuple } from '../tuple.js'
import {
  ACCEPT,
  announce,
  drop,
  expect,
  type HelpContext,
  type Helped,
  type Helper,
  isTranslated,
  payloadOf,
} from './helper.js'
import { mangleTcp } from './mangle.js'

/** RFC 2637 section 2: the messages of the control connection. */
const MESSAGE = {
  startRequest: 1, startReply: 2, stopRequest: 3, stopReply: 4, echoRequest: 5, echoReply: 6, outRequest: 7, outReply: 8, inRequest: 9,
  inReply: 10, inConnected: 11, clearRequest: 12, disconnect: 13, wanError: 14, setLink: 15,
} as const // biome-ignore format: a table

/** What follows the headers of each message at least; none for echoes. */
const SIZES: readonly number[] = [0, 144, 144, 4, 4, 0, 0, 156, 20, 208, 12, 16, 4, 136, 28, 12]

const HEADERS = 12
const CONTROL = 1
const MAGIC = 0x1a2b3c4d
/** Result codes: all went well. */
const OK = 1

interface Message {
  readonly type: number
  /** Where what follows the headers begins, from the start of the packet. */
  readonly at: number
  /** 16 and 8 bits of it. */
  word(at: number): number
  octet(at: number): number
}

/** The client opens a control connection, in which both ends tell the ids of a call, whose packets are GRE. nf_conntrack_pptp.c, nf_nat_pptp.c. */
export const pptp: Helper = {
  name: 'pptp',
  families: [4],
  protocol: 6,
  port: 1723,
  policies: [{ maxExpected: 2, timeout: 300 }],
  help(context) {
    const { entry, direction, state } = context.attachment
    if (state !== 'ESTABLISHED') return ACCEPT
    const message = messageOf(context)
    if (!message) return ACCEPT
    if (!entry.helping || (entry.helping.listed && !entry.helping.pptp))
      return isEcho(message)
        ? ACCEPT
        : { is: 'unknown', reason: 'what the PPTP helper had seen of the connection when the snapshot was taken' }
    const notes = notesOf(entry, entry.helping, context.table)
    if (direction === 'original')
      return outbound(message, notes) && isTranslated(entry) ? translateOutbound(message, notes, context) : ACCEPT
    return inbound(message, notes, context) && isTranslated(entry) ? translateInbound(message, notes, context) : ACCEPT
  },
}

function notesOf(entry: Entry, helping: Helping, table: ConnectionTable): PptpNotes {
  if (helping.pptp) return helping.pptp
  const notes: PptpNotes = {
    session: 'none',
    call: 'none',
    pnsCallId: 0,
    pacCallId: 0,
    inner: { pnsCallId: 0, pacCallId: 0 },
  }
  helping.pptp = notes
  helping.end = () => endCalls(entry, notes, table)
  return notes
}

const isEcho = ({ type }: Message): boolean => type === MESSAGE.echoRequest || type === MESSAGE.echoReply

function messageOf(context: HelpContext): Message | undefined {
  const payload = payloadOf(context)
  if (!payload || payload.data.length < HEADERS) return undefined
  const { data, at } = payload
  if (u16(data, 2) !== CONTROL || u32(data, 4) !== MAGIC) return undefined
  const type = u16(data, 8)!
  if (data.length - HEADERS < (SIZES[type] ?? 0)) return undefined
  return {
    type,
    at: at + HEADERS,
    word: (from) => u16(data, HEADERS + from) ?? 0,
    octet: (from) => u8(data, HEADERS + from) ?? 0,
  }
}

/** From the client. False: out of turn; nothing comes of it. */
function outbound({ type, word, octet }: Message, notes: PptpNotes): boolean {
  switch (type) {
    case MESSAGE.startRequest:
      if (notes.session !== 'none') return false
      notes.session = 'requested'
      return true
    case MESSAGE.stopRequest:
      notes.session = 'stopping'
      return true
    case MESSAGE.outRequest:
      if (notes.session !== 'confirmed') return false
      notes.call = 'out-request'
      notes.pnsCallId = word(0)
      return true
    case MESSAGE.inReply:
      if (notes.call !== 'in-request' && notes.call !== 'in-reply') return false
      if (notes.pacCallId !== word(2)) return false
      if (octet(4) === OK) {
        notes.call = 'in-reply'
        notes.pnsCallId = word(0)
      } else notes.call = 'none'
      return true
    case MESSAGE.clearRequest:
      if (notes.session !== 'confirmed') return false
      notes.call = 'clearing'
      return true
    case MESSAGE.setLink:
    case MESSAGE.echoRequest:
    case MESSAGE.echoReply:
      return true
    default:
      return false
  }
}

/** From the server. */
function inbound({ type, word, octet }: Message, notes: PptpNotes, context: HelpContext): boolean {
  const { entry } = context.attachment
  switch (type) {
    case MESSAGE.startReply:
      if (notes.session !== 'requested' && notes.session !== 'confirmed') return false
      notes.session = octet(2) === OK ? 'confirmed' : 'error'
      return true
    case MESSAGE.stopReply:
      if (notes.session === 'requested' || notes.session === 'confirmed') return false
      notes.session = octet(0) === OK ? 'none' : 'error'
      return true
    case MESSAGE.outReply:
      if (notes.session !== 'confirmed') return false
      if (notes.call !== 'out-request' && notes.call !== 'out-confirmed') return false
      if (notes.pnsCallId !== word(2)) return false
      if (octet(4) === OK) {
        notes.call = 'out-confirmed'
        notes.pacCallId = word(0)
        expectCall(notes, word(0), word(2), context)
      } else notes.call = 'none'
      return true
    case MESSAGE.inRequest:
      if (notes.session !== 'confirmed') return false
      notes.call = 'in-request'
      notes.pacCallId = word(0)
      return true
    case MESSAGE.inConnected:
      if (notes.session !== 'confirmed') return false
      if (notes.call !== 'in-reply' && notes.call !== 'in-confirmed') return false
      if (notes.pnsCallId !== word(0)) return false
      notes.call = 'in-confirmed'
      expectCall(notes, notes.pacCallId, word(0), context)
      return true
    case MESSAGE.disconnect:
      notes.call = 'none'
      endCalls(entry, notes, context.table)
      return true
    case MESSAGE.wanError:
    case MESSAGE.setLink:
    case MESSAGE.echoRequest:
    case MESSAGE.echoReply:
      return true
    default:
      return false
  }
}

const call = (tuple: Tuple, sport: number, dport: number): Tuple => ({ ...tuple, protocol: PROTOCOL.GRE, sport, dport })

/** exp_gre, pptp_exp_gre: packets from either end; where the second cannot be expected, the first is not. */
function expectCall(notes: PptpNotes, callId: number, peerCallId: number, context: HelpContext): void {
  const { entry } = context.attachment
  const { expectations, greKeys } = context.table
  const translated = isTranslated(entry)
  if (translated) notes.inner.pacCallId = notes.pacCallId
  const tuples: Readonly<Record<Direction, Tuple>> = translated
    ? {
        original: call(entry.original, notes.inner.pnsCallId, notes.pacCallId),
        reply: call(entry.reply, notes.inner.pacCallId, notes.pnsCallId),
      }
    : { original: call(entry.original, peerCallId, callId), reply: call(entry.reply, callId, peerCallId) }
  const saved = { original: notes.pnsCallId, reply: notes.inner.pnsCallId }
  const made: Expectation[] = []
  const giveUp = () =>
    made.forEach((one) => {
      expectations.remove(one)
    })
  for (const direction of ['original', 'reply'] as const) {
    const tuple = tuples[direction]
    const follow = (begun: Entry, now: number) => {
      if (translated) followCall(begun, direction, saved[direction], notes, { ...context, now })
      else
        unexpect(
          { ...tuple, src: tuple.dst, dst: tuple.src, sport: tuple.dport, dport: tuple.sport },
          begun,
          context,
          now,
        )
    }
    const expectation = announce(entry, { tuple, src: tuple.src, sport: tuple.sport, follow })
    if (expect(pptp, expectation, context) !== 'expected') {
      giveUp()
      return
    }
    made.push(expectation)
  }
  if (!greKeys.add(entry, 'original', tuples.original)) giveUp()
  else if (!greKeys.add(entry, 'reply', tuples.reply)) {
    greKeys.removeOf(entry)
    giveUp()
  }
}

/** The other end's packets are of the same connection now. */
function unexpect(tuple: Tuple, begun: Entry, { table }: HelpContext, now: number): void {
  const other = table.expectations.find(tuple, zoneOf(begun), now)
  if (other) table.expectations.remove(other)
}

/** pptp_nat_expected. */
function followCall(begun: Entry, direction: Direction, key: number, notes: PptpNotes, context: HelpContext): void {
  const master = begun.master!
  const back = direction === 'original' ? master.reply : master.original
  // of the other direction the kernel takes the ids of the new connection, which has none yet: what is expected there stays (seen on 6.18)
  const other = direction === 'original' ? call(back, notes.pacCallId, notes.pnsCallId) : call(back, 0, 0)
  unexpect(other, begun, context, context.now)
  const ports = { ports: [key, key] as const }
  setUp(begun, 'src', { addresses: [back.dst, back.dst], ...(direction === 'original' ? ports : {}) }, context)
  setUp(begun, 'dst', { addresses: [back.src, back.src], ...(direction === 'reply' ? ports : {}) }, context)
}

/** pptp_destroy_siblings: the call of this connection ends, or is not expected any more. */
function endCalls(entry: Entry, notes: PptpNotes, table: ConnectionTable): void {
  table.greKeys.removeOf(entry)
  for (const tuple of [
    call(entry.original, notes.pnsCallId, notes.pacCallId),
    call(entry.reply, notes.pacCallId, notes.pnsCallId),
  ]) {
    const hit = table.find(tuple, zoneOf(entry), Number.NEGATIVE_INFINITY)
    if (hit) table.forget(hit.entry)
    else {
      const expectation = table.expectations.find(tuple, zoneOf(entry), Number.NEGATIVE_INFINITY)
      if (expectation) table.expectations.remove(expectation)
    }
  }
}

/** Where each message has the id that NAT changes, from the end of the headers. */
const OWN_ID: Readonly<Record<number, number>> = {
  [MESSAGE.outRequest]: 0,
  [MESSAGE.inReply]: 0,
  [MESSAGE.clearRequest]: 0,
}
const PEERS_ID: Readonly<Record<number, number>> = {
  [MESSAGE.outReply]: 2,
  [MESSAGE.inConnected]: 0,
  [MESSAGE.wanError]: 0,
  [MESSAGE.disconnect]: 0,
  [MESSAGE.setLink]: 0,
}

/** pptp_outbound_pkt of nf_nat_pptp.c: the port of the translated control connection is the client's call id. */
function translateOutbound(message: Message, notes: PptpNotes, context: HelpContext): Helped {
  let id = notes.pnsCallId
  if (message.type === MESSAGE.outRequest) {
    notes.inner.pnsCallId = notes.pnsCallId
    id = context.attachment.entry.reply.dport
    notes.pnsCallId = id
  }
  return writeId(message, OWN_ID[message.type], id, context)
}

/** pptp_inbound_pkt of nf_nat_pptp.c. */
const translateInbound = (message: Message, notes: PptpNotes, context: HelpContext): Helped =>
  writeId(message, PEERS_ID[message.type], notes.inner.pnsCallId, context)

function writeId({ at }: Message, offset: number | undefined, id: number, context: HelpContext): Helped {
  if (offset === undefined) return ACCEPT
  const { packet, attachment } = context
  const text = String.fromCharCode(id >> 8, id & 255)
  return mangleTcp(packet, context.offset, attachment, at + offset, 2, text)
    ? ACCEPT
    : drop('the packet would be too long')
}
