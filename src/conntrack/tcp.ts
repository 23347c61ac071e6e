import { CT_STATUS } from '../packet/fields.js'
import { type Packet, u8, u16, u32 } from '../packet/packet.js'
import type { Entry, ProtocolState, TcpSide, TcpState } from './entry.js'
import type { Settings } from './settings.js'
import type { Direction } from './tuple.js'

/** The parts of a segment that tracking looks at. */
interface Segment {
  readonly syn: boolean
  readonly ack: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly sequence: number
  readonly acknowledgement: number
  readonly window: number
  /** Sequence number behind it: SYN and FIN count one each. */
  readonly end: number
  /** The bytes of the options. */
  readonly options: Uint8Array
}

type TcpData = Extract<ProtocolState, { kind: 'tcp' }>

/** IP_CT_TCP_FLAG_* of <linux/netfilter/nf_conntrack_tcp.h>. */
const FLAG = {
  WINDOW_SCALE: 1,
  SACK_PERM: 2,
  CLOSE_INIT: 4,
  BE_LIBERAL: 8,
  DATA_UNACKNOWLEDGED: 16,
  MAXACK_SET: 32,
  CHALLENGE_ACK: 64,
  SIMULTANEOUS_OPEN: 128,
} as const

/** What kind of segment it is (enum tcp_bit_set). */
const KIND = { SYN: 0, SYNACK: 1, FIN: 2, ACK: 3, RST: 4, NONE: 5 } as const

/** Combinations of FIN, SYN, RST, ACK, URG that are sound; PSH, ECE and CWR always are (tcp_valid_flags). */
const SOUND: ReadonlySet<number> = new Set([2, 0x22, 0x12, 4, 0x14, 0x11, 0x31, 0x10, 0x30])

const STATES: readonly TcpState[] = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
]
const STATE_BY_CODE: Readonly<Record<string, TcpState | 'INVALID' | 'IGNORE'>> = {
  SS: 'SYN_SENT', SR: 'SYN_RECV', ES: 'ESTABLISHED', FW: 'FIN_WAIT', CW: 'CLOSE_WAIT', LA: 'LAST_ACK', TW: 'TIME_WAIT', CL: 'CLOSE', S2: 'SYN_SENT2', IV: 'INVALID', IG: 'IGNORE',
} // biome-ignore format: a table

/** From each state (NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE, SYN_SENT2) by kind of segment (tcp_conntracks). */
const TRANSITIONS: Readonly<Record<Direction, readonly string[]>> = {
  original: [
    'SS SS IG IG IG IG IG SS SS S2', // SYN
    'IV IV IG IG IG IG IG IG IG SR', // SYN-ACK
    'IV IV FW FW LA LA LA TW CL IV', // FIN
    'ES IV ES ES CW CW TW TW CL IV', // ACK
    'IV CL CL CL CL CL CL CL CL CL', // RST
    'IV IV IV IV IV IV IV IV IV IV', // none
  ],
  reply: [
    'IV S2 IV IV IV IV IV SS IV S2',
    'IV SR IG IG IG IG IG IG IG SR',
    'IV IV FW FW LA LA LA TW CL IV',
    'IV IG SR ES CW CW TW TW CL IG',
    'IV CL CL CL CL CL CL CL CL CL',
    'IV IV IV IV IV IV IV IV IV IV',
  ],
}

const transition = (direction: Direction, kind: number, state: TcpState) =>
  STATE_BY_CODE[TRANSITIONS[direction][kind]!.split(' ')[STATES.indexOf(state)]!]!

/** Sequence arithmetic modulo 2^32 (RFC 9293 section 3.4). */
const before = (a: number, b: number): boolean => ((a - b) | 0) < 0
const after = (a: number, b: number): boolean => before(b, a)
const wrap = (n: number): number => n >>> 0

export function readSegment(packet: Packet): Segment {
  const { bytes } = packet
  const { offset } = packet.transport
  const flags = u8(bytes, offset + 13)!
  const header = (u8(bytes, offset + 12)! >> 4) * 4
  const [fin, syn, rst, ack] = [1, 2, 4, 16].map((bit) => (flags & bit) !== 0) as [boolean, boolean, boolean, boolean]
  const sequence = u32(bytes, offset + 4)!
  return {
    syn, ack, fin, rst, sequence,
    acknowledgement: u32(bytes, offset + 8)!,
    window: u16(bytes, offset + 14)!,
    end: wrap(sequence + bytes.length - offset - header + (syn ? 1 : 0) + (fin ? 1 : 0)),
    options: bytes.subarray(offset + 20, offset + header),
  } // biome-ignore format: short
}

const kindOf = ({ rst, syn, ack, fin }: Segment): number =>
  rst ? KIND.RST : syn ? (ack ? KIND.SYNACK : KIND.SYN) : fin ? KIND.FIN : ack ? KIND.ACK : KIND.NONE

/** What is wrong with the header, as tcp_error finds it; the checksum is looked at elsewhere. */
export function tcpHeaderFault(packet: Packet): string | undefined {
  const { bytes } = packet
  const { offset } = packet.transport
  if (bytes.length < offset + 20) return 'short TCP packet'
  const header = (u8(bytes, offset + 12)! >> 4) * 4
  if (header < 20 || bytes.length - offset < header) return 'truncated or malformed TCP packet'
  return SOUND.has(u8(bytes, offset + 13)! & 0x37) ? undefined : 'invalid TCP flag combination'
}

const freshSide = (): TcpSide => ({ end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, scale: 0, flags: 0 })

const EOL = 0
const NOP = 1
const WINDOW_SCALE = 3
const SACK_PERMITTED = 4
const SACK = 5
const LARGEST_SCALE = 14

function* optionsOf(options: Uint8Array): Generator<readonly [kind: number, value: Uint8Array]> {
  for (let at = 0; at < options.length; ) {
    const kind = options[at]!
    if (kind === EOL) return
    if (kind === NOP) {
      at++
      continue
    }
    const length = options[at + 1]
    if (length === undefined || length < 2 || at + length > options.length) return
    yield [kind, options.subarray(at + 2, at + length)]
    at += length
  }
}

/** Window scale and "SACK permitted" of a SYN (tcp_options). A header without options changes nothing. */
function takeOptions(side: TcpSide, { options }: Segment): void {
  if (options.length === 0) return
  side.scale = 0
  side.flags &= FLAG.BE_LIBERAL
  for (const [kind, value] of optionsOf(options)) {
    if (kind === SACK_PERMITTED && value.length === 0) side.flags |= FLAG.SACK_PERM
    else if (kind === WINDOW_SCALE && value.length === 1) {
      side.scale = Math.min(value[0]!, LARGEST_SCALE)
      side.flags |= FLAG.WINDOW_SCALE
    }
  }
}

/** The highest right edge of the SACK blocks, or the acknowledgement (tcp_sack). */
function highestSack({ options, acknowledgement }: Segment): number {
  let highest = acknowledgement
  for (const [kind, value] of optionsOf(options)) {
    if (kind !== SACK || value.length < 8 || value.length % 8 !== 0) continue
    for (let i = 0; i < value.length; i += 8) {
      const edge = u32(value, i + 4)!
      if (after(edge, highest)) highest = edge
    }
    return highest
  }
  return highest
}

/** A connection's first segment (tcp_new): undefined where it makes no connection. */
export function newTcp(segment: Segment, settings: Settings): TcpData | undefined {
  const state = transition('original', kindOf(segment), 'NONE')
  if (state === 'INVALID') return undefined
  const seen = { original: freshSide(), reply: freshSide() }
  const side = seen.original
  side.end = segment.end
  side.maxWindow = segment.window || 1
  side.maxEnd = segment.end
  if (state === 'SYN_SENT') takeOptions(side, segment)
  else {
    if (!settings.loose) return undefined
    side.maxEnd = wrap(segment.end + side.maxWindow)
    side.flags = seen.reply.flags = FLAG.SACK_PERM | FLAG.BE_LIBERAL
  }
  return {
    kind: 'tcp',
    state: 'NONE',
    seen,
    lastDirection: undefined,
    lastIndex: KIND.NONE,
    lastSeq: 0,
    lastAck: 0,
    lastEnd: 0,
    lastWindow: 0,
    lastWscale: 0,
    lastFlags: 0,
    retransmits: 0,
  }
}

export type TcpVerdict =
  | { readonly is: 'accept'; readonly timeout: number | undefined; readonly count: boolean; readonly kill?: boolean }
  | { readonly is: 'invalid'; readonly reason: string }
  /** The entry is done for: forget it and look again. */
  | { readonly is: 'again' }

const IGNORED: TcpVerdict = { is: 'accept', timeout: undefined, count: false }
const TIMEOUT_OF: Readonly<Record<TcpState, string>> = {
  NONE: 'tcp_syn_sent', SYN_SENT: 'tcp_syn_sent', SYN_RECV: 'tcp_syn_recv', ESTABLISHED: 'tcp_established', FIN_WAIT: 'tcp_fin_wait', CLOSE_WAIT: 'tcp_close_wait',
  LAST_ACK: 'tcp_last_ack', TIME_WAIT: 'tcp_time_wait', CLOSE: 'tcp_close', SYN_SENT2: 'tcp_syn_sent',
} // biome-ignore format: a table

const other = (direction: Direction): Direction => (direction === 'original' ? 'reply' : 'original')
const established = ({ state }: TcpData): boolean => state === 'ESTABLISHED'

/** One segment of a connection (nf_conntrack_tcp_packet). Changes the entry's state. */
export function tcpPacket(entry: Entry, segment: Segment, direction: Direction, settings: Settings): TcpVerdict {
  const data = entry.protocol as TcpData
  const kind = kindOf(segment)
  let old = data.state
  let next = transition(direction, kind, old)
  let checkWindow = true
  if (next === 'SYN_SENT' && STATES.indexOf(old) >= STATES.indexOf('TIME_WAIT')) {
    const closing = (data.seen.original.flags | data.seen.reply.flags) & FLAG.CLOSE_INIT
    if (closing || (data.lastDirection === direction && data.lastIndex === KIND.RST)) return { is: 'again' }
    next = 'IGNORE'
  }
  if (next === 'IGNORE') {
    if (!acknowledgesIgnoredSyn(data, segment, kind, direction)) {
      noteIgnored(data, segment, kind, direction, old)
      return IGNORED
    }
    resynchronise(data, direction)
    old = 'SYN_SENT'
    next = 'SYN_RECV'
  }
  if (next === 'INVALID') return { is: 'invalid', reason: 'invalid TCP state' }
  if (next === 'TIME_WAIT' && isChallengeAck(data, kind, direction, old)) {
    data.lastFlags &= ~FLAG.CHALLENGE_ACK
    return IGNORED
  }
  if (next === 'SYN_SENT2') data.lastFlags |= FLAG.SIMULTANEOUS_OPEN
  if (next === 'SYN_RECV' && direction === 'reply' && kind === KIND.ACK && data.lastFlags & FLAG.SIMULTANEOUS_OPEN)
    next = 'ESTABLISHED'
  if (next === 'CLOSE' && kind === KIND.RST) {
    const reset = judgeReset(entry, data, segment, direction, settings)
    if (reset === 'invalid') return { is: 'invalid', reason: 'invalid RST: before what was acknowledged' }
    if (reset === 'keep') next = old
    checkWindow = reset !== 'answer' && !answersIgnored(entry, data, segment, reset)
  }
  if (checkWindow) {
    const fault = windowFault(data, segment, kind, direction, settings)
    if (fault?.ignore) return IGNORED
    if (fault) return outOfWindow(entry, data, kind, direction, fault.reason)
  }
  return inWindow(entry, data, segment, kind, direction, old, next, settings)
}

/** A SYN-ACK to a SYN that was let through as out of sync: the two ends agree, and tracking follows them. */
const acknowledgesIgnoredSyn = (data: TcpData, segment: Segment, kind: number, direction: Direction): boolean =>
  kind === KIND.SYNACK &&
  data.lastIndex === KIND.SYN &&
  data.lastDirection !== direction &&
  segment.acknowledgement === data.lastEnd

function resynchronise(data: TcpData, direction: Direction): void {
  const side = data.seen[data.lastDirection!]
  side.end = data.lastEnd
  side.maxEnd = data.lastEnd
  side.maxWindow = data.lastWindow || 1
  side.scale = data.lastWscale
  side.flags = data.lastFlags
  data.lastFlags &= ~FLAG.CHALLENGE_ACK
  data.seen[direction] = freshSide()
}

function noteIgnored(data: TcpData, segment: Segment, kind: number, direction: Direction, old: TcpState): void {
  data.lastIndex = kind
  data.lastDirection = direction
  data.lastSeq = segment.sequence
  data.lastEnd = segment.end
  data.lastWindow = segment.window
  if (kind !== KIND.SYN || direction !== 'original') return
  const side = freshSide()
  takeOptions(side, segment)
  data.lastFlags = side.flags & (FLAG.WINDOW_SCALE | FLAG.SACK_PERM)
  data.lastWscale = side.flags & FLAG.WINDOW_SCALE ? side.scale : 0
  if (old === 'LAST_ACK') data.lastFlags |= FLAG.CHALLENGE_ACK
}

/** RFC 5961: an ACK that answers a spurious SYN is not the one of the last FIN. */
const isChallengeAck = (data: TcpData, kind: number, direction: Direction, old: TcpState): boolean =>
  old === 'LAST_ACK' &&
  kind === KIND.ACK &&
  data.lastDirection !== direction &&
  data.lastIndex === KIND.SYN &&
  (data.lastFlags & FLAG.CHALLENGE_ACK) !== 0

const CLOSING: ReadonlySet<TcpState> = new Set(['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE'])

/** Is a RST credible? `keep`: perhaps, but the state stays until the other side has answered. */
function judgeReset(
  _entry: Entry,
  data: TcpData,
  segment: Segment,
  direction: Direction,
  settings: Settings,
): 'invalid' | 'keep' | 'close' | 'break' | 'answer' {
  // a connection that is closing may be another one by now: what is known of its windows says nothing (tcp_can_early_drop)
  if (CLOSING.has(data.state)) return 'answer'
  const peer = data.seen[other(direction)]
  if (!(peer.flags & FLAG.MAXACK_SET) || data.lastIndex === KIND.SYN) return 'close'
  const { sequence } = segment
  if (sequence === 0 && !established(data)) return 'break'
  if (before(sequence, peer.maxAck) && !settings.ignoreInvalidRst) return 'invalid'
  if (!established(data) || sequence === peer.maxAck) return 'break'
  if (data.lastIndex === KIND.ACK && data.lastDirection === direction && sequence === data.lastEnd) return 'break'
  return 'keep'
}

/** A RST to a SYN or ACK that was let through: what it acknowledges was never in the window. */
function answersIgnored(entry: Entry, data: TcpData, segment: Segment, reset: string): boolean {
  if (reset === 'break') return false
  const toSyn = (entry.status & CT_STATUS.SEEN_REPLY) !== 0 && data.lastIndex === KIND.SYN
  const toAck = (entry.status & CT_STATUS.ASSURED) === 0 && data.lastIndex === KIND.ACK
  return (toSyn || toAck) && segment.acknowledgement === data.lastEnd
}

function outOfWindow(entry: Entry, data: TcpData, kind: number, direction: Direction, reason: string): TcpVerdict {
  if (entry.status & CT_STATUS.ASSURED && (kind === KIND.FIN || kind === KIND.RST)) {
    const repeated = data.lastDirection !== direction && (data.lastIndex === KIND.FIN || data.lastIndex === KIND.RST)
    if (!repeated) {
      data.lastIndex = kind
      data.lastDirection = direction
    }
  }
  return { is: 'invalid', reason }
}

const SMALLEST_ACK_WINDOW = 66000

function beginSide(data: TcpData, segment: Segment, direction: Direction): void {
  const [sender, receiver] = [data.seen[direction], data.seen[other(direction)]]
  sender.end = sender.maxEnd = segment.end
  sender.maxWindow = segment.window || 1
  takeOptions(sender, segment)
  const both = sender.flags & receiver.flags & FLAG.WINDOW_SCALE
  if (direction === 'reply' && !both) sender.scale = receiver.scale = 0
}

/** tcp_in_window: undefined where the segment fits; keeps the windows up to date. `ignore`: let through, but it changes nothing. */
function windowFault(
  data: TcpData,
  segment: Segment,
  kind: number,
  direction: Direction,
  settings: Settings,
): { reason: string; ignore: boolean } | undefined {
  const [sender, receiver] = [data.seen[direction], data.seen[other(direction)]]
  let { sequence, end, acknowledgement: ack, window } = segment
  let sack = receiver.flags & FLAG.SACK_PERM ? highestSack(segment) : ack
  if (sender.maxWindow === 0) {
    if (segment.syn) {
      beginSide(data, segment, direction)
      if (!segment.ack) return undefined
    } else {
      sender.end = end
      sender.maxWindow = wrap(window << sender.scale) || 1
      sender.maxEnd = wrap(end + sender.maxWindow)
      if (receiver.maxWindow === 0) receiver.end = receiver.maxEnd = sack
      else if (sack === wrap(receiver.end + 1)) receiver.end = wrap(receiver.end + 1)
    }
  } else if (segment.syn && after(end, sender.end) && (data.state === 'SYN_SENT' || data.state === 'SYN_RECV')) {
    beginSide(data, segment, direction)
    if (direction === 'reply' && !segment.ack) return undefined
  }
  if (!segment.ack || (segment.rst && ack === 0)) ack = sack = receiver.end
  if (segment.rst && sequence === 0 && data.state === 'SYN_SENT') sequence = end = sender.end
  const liberal = (sender.flags & FLAG.BE_LIBERAL) !== 0 || settings.beLiberal
  const fault = outside(sender, receiver, sequence, end, sack)
  if (fault) return liberal ? undefined : fault
  if (!segment.syn) window = wrap(window << sender.scale)
  const advertised = wrap(window + (sack - ack))
  if (sender.maxWindow < advertised) sender.maxWindow = advertised
  if (after(end, sender.end)) {
    sender.end = end
    sender.flags |= FLAG.DATA_UNACKNOWLEDGED
  }
  if (segment.ack) {
    if (!(sender.flags & FLAG.MAXACK_SET) || after(ack, sender.maxAck)) sender.maxAck = ack
    sender.flags |= FLAG.MAXACK_SET
  }
  if (receiver.maxWindow !== 0 && after(end, sender.maxEnd))
    receiver.maxWindow = wrap(receiver.maxWindow + end - sender.maxEnd)
  if (after(wrap(sack + window), wrap(receiver.maxEnd - 1))) {
    receiver.maxEnd = wrap(sack + window)
    if (window === 0) receiver.maxEnd = wrap(receiver.maxEnd + 1)
  }
  if (ack === receiver.end) receiver.flags &= ~FLAG.DATA_UNACKNOWLEDGED
  if (kind === KIND.ACK) countRetransmit(data, direction, sequence, ack, end, window)
  return undefined
}

function outside(
  sender: TcpSide,
  receiver: TcpSide,
  sequence: number,
  end: number,
  sack: number,
): { reason: string; ignore: boolean } | undefined {
  if (!before(sequence, wrap(sender.maxEnd + 1)))
    return { reason: 'SEQ is over the upper bound (over the window of the receiver)', ignore: false }
  if (!before(sack, wrap(receiver.end + 1)))
    return { reason: 'ACK is over the upper bound (ACKed data not seen yet)', ignore: false }
  if (receiver.maxWindow !== 0 && !after(end, wrap(sender.end - receiver.maxWindow - 1)))
    return { reason: 'SEQ is under the lower bound (already ACKed data retransmitted)', ignore: true }
  const window = Math.max(sender.maxWindow, SMALLEST_ACK_WINDOW)
  if (!after(sack, wrap(receiver.end - window - 1)))
    return { reason: 'ACK is under the lower bound (possible overly delayed ACK)', ignore: true }
  return undefined
}

function countRetransmit(
  data: TcpData,
  direction: Direction,
  sequence: number,
  ack: number,
  end: number,
  window: number,
): void {
  const same =
    data.lastDirection === direction &&
    data.lastSeq === sequence &&
    data.lastAck === ack &&
    data.lastEnd === end &&
    data.lastWindow === window
  data.retransmits = same ? data.retransmits + 1 : 0
  data.lastDirection = direction
  data.lastSeq = sequence
  data.lastAck = ack
  data.lastEnd = end
  data.lastWindow = window
}

function inWindow(
  entry: Entry,
  data: TcpData,
  segment: Segment,
  kind: number,
  direction: Direction,
  old: TcpState,
  next: TcpState,
  settings: Settings,
): TcpVerdict {
  data.lastIndex = kind
  data.lastDirection = direction
  data.state = next
  if (old !== next && next === 'FIN_WAIT') data.seen[direction].flags |= FLAG.CLOSE_INIT
  let timeout = timeoutFor(data, kind, next, settings)
  if (!(entry.status & CT_STATUS.SEEN_REPLY)) {
    if (segment.rst) return { is: 'accept', timeout: undefined, count: true, kill: true }
    if (kind === KIND.SYN && old === 'SYN_SENT') return IGNORED
    if (next === 'ESTABLISHED') timeout = Math.min(timeout, settings.timeout('tcp_unacknowledged'))
  } else if ((old === 'SYN_RECV' || old === 'ESTABLISHED') && next === 'ESTABLISHED') entry.status |= CT_STATUS.ASSURED
  return { is: 'accept', timeout, count: true }
}

function timeoutFor(data: TcpData, kind: number, next: TcpState, settings: Settings): number {
  const usual = settings.timeout(TIMEOUT_OF[next])
  if (data.retransmits >= settings.maxRetransmits) return Math.min(usual, settings.timeout('tcp_max_retrans'))
  if (kind === KIND.RST) return settings.timeout('tcp_close')
  const unacknowledged = (data.seen.original.flags | data.seen.reply.flags) & FLAG.DATA_UNACKNOWLEDGED
  return unacknowledged ? Math.min(usual, settings.timeout('tcp_unacknowledged')) : usual
}
