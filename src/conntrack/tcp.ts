import { CT_STATUS } from '../packet/fields.js'
import type { Entry, TcpSide, TcpState } from './entry.js'
import { accepted, IGNORED, invalid, type Judgement } from './judgement.js'
import { shiftAt } from './sequence.js'
import type { Settings } from './settings.js'
import { before, FLAG, KIND, kindOf, type Segment, takeOptions, wrap } from './tcp-segment.js'
import { checkWindow, type TcpData } from './tcp-window.js'
import { type Direction, opposite } from './tuple.js'

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

/** From each state (in the order of STATES) by kind of segment (in that of KIND): tcp_conntracks. */
const TRANSITIONS: Readonly<Record<Direction, readonly (readonly string[])[]>> = {
  original: [
    'SS SS IG IG IG IG IG SS SS S2', // SYN
    'IV IV SR IV IV IV IV IV IV SR', // SYN-ACK
    'IV IV FW FW LA LA LA TW CL IV', // FIN
    'ES IV ES ES CW CW TW TW CL IV', // ACK
    'IV CL CL CL CL CL CL CL CL CL', // RST
    'IV IV IV IV IV IV IV IV IV IV', // none
  ].map((row) => row.split(' ')),
  reply: [
    'IV S2 IV IV IV IV IV SS IV S2',
    'IV SR IG IG IG IG IG IG IG SR',
    'IV IV FW FW LA LA LA TW CL IV',
    'IV IG SR ES CW CW TW TW CL IG',
    'IV CL CL CL CL CL CL CL CL CL',
    'IV IV IV IV IV IV IV IV IV IV',
  ].map((row) => row.split(' ')),
}

const transition = (direction: Direction, kind: number, state: TcpState): TcpState | 'INVALID' | 'IGNORE' =>
  STATE_BY_CODE[TRANSITIONS[direction][kind]![STATES.indexOf(state)]!]!

const freshSide = (): TcpSide => ({ end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, scale: 0, flags: 0 })

/** A connection's first segment (tcp_new): undefined where it makes no connection. */
export function newTcp(segment: Segment, settings: Settings): TcpData | undefined {
  const state = transition('original', kindOf(segment), 'NONE')
  if (state === 'INVALID') return undefined
  const seen = { original: freshSide(), reply: freshSide() }
  const side = seen.original
  side.end = side.maxEnd = segment.end
  side.maxWindow = segment.window || 1
  if (state === 'SYN_SENT') takeOptions(side, segment)
  else {
    if (!settings.loose) return undefined
    // in mid-stream nobody knows whether the windows are scaled: be liberal
    side.maxEnd = wrap(segment.end + side.maxWindow)
    side.flags = seen.reply.flags = FLAG.SACK_PERM | FLAG.BE_LIBERAL
  }
  return {
    kind: 'tcp',
    state: 'NONE',
    seen,
    lastDirection: 'original',
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

/** A segment on its way through the tracker, with what the table of states says of it. */
interface Step {
  readonly entry: Entry
  readonly data: TcpData
  readonly segment: Segment
  readonly kind: number
  readonly direction: Direction
  readonly settings: Settings
  readonly now: number
  old: TcpState
  next: TcpState
}

/** One segment of a connection (nf_conntrack_tcp_packet); its header is sound. Changes the entry's state. */
export function tcpPacket(
  entry: Entry,
  data: TcpData,
  segment: Segment,
  direction: Direction,
  settings: Settings,
  now: number,
): Judgement {
  const kind = kindOf(segment)
  const old = data.state
  const next = transition(direction, kind, old)
  if (next === 'INVALID' && keepsProxyAlive(entry, data, segment, kind, direction)) return IGNORED
  if (next === 'INVALID') return invalid(`a ${NAMES[kind]} in state ${old}`)
  const step = { entry, data, segment, kind, direction, settings, now, old, next: next === 'IGNORE' ? old : next }
  if (next === 'SYN_SENT' && (old === 'TIME_WAIT' || old === 'CLOSE' || old === 'SYN_SENT2'))
    return isReopening(step) ? { is: 'again' } : ignore(step)
  if (next === 'IGNORE') return ignore(step)
  return judge(step)
}

/** The client of SYNPROXY is connected for all that it knows, and asks after a server that has not answered yet: the hook behind calls the server once more. */
const keepsProxyAlive = (
  entry: Entry,
  data: TcpData,
  { sequence }: Segment,
  kind: number,
  direction: Direction,
): boolean =>
  entry.synproxy !== undefined &&
  data.state === 'SYN_SENT' &&
  kind === KIND.ACK &&
  direction === 'original' &&
  sequence === wrap(data.seen.original.end - 1)

const NAMES: readonly string[] = ['SYN', 'SYN-ACK', 'FIN', 'ACK', 'RST', 'segment without flags']

/** After a proper close, or where the sender itself had reset the connection, a SYN begins a new one. */
const isReopening = ({ data, direction }: Step): boolean =>
  ((data.seen.original.flags | data.seen.reply.flags) & FLAG.CLOSE_INIT) !== 0 ||
  (data.lastDirection === direction && data.lastIndex === KIND.RST)

/** What may be out of sync passes and is remembered: the answer will tell (TCP_CONNTRACK_IGNORE). */
function ignore(step: Step): Judgement {
  const { data, segment, kind, direction, old } = step
  const acknowledged =
    kind === KIND.SYNACK &&
    data.lastIndex === KIND.SYN &&
    data.lastDirection !== direction &&
    segment.acknowledgement === data.lastEnd
  if (acknowledged) {
    resynchronise(data, direction)
    step.old = 'SYN_SENT'
    step.next = 'SYN_RECV'
    return inWindowOrNot(step)
  }
  data.lastIndex = kind
  data.lastDirection = direction
  data.lastSeq = segment.sequence
  data.lastEnd = segment.end
  data.lastWindow = segment.window
  if (kind === KIND.SYN && direction === 'original') noteSyn(data, segment, old)
  if (old === 'SYN_SENT' && kind === KIND.ACK && direction === 'reply') data.lastAck = segment.acknowledgement
  return IGNORED
}

/** A SYN-ACK to a SYN that was let through as out of sync: the two ends agree, and tracking follows them. */
function resynchronise(data: TcpData, direction: Direction): void {
  data.lastFlags &= ~FLAG.CHALLENGE_ACK
  const asked = data.seen[data.lastDirection!]
  asked.end = asked.maxEnd = data.lastEnd
  asked.maxWindow = data.lastWindow || 1
  asked.scale = data.lastWscale
  asked.flags = data.lastFlags
  const answers = data.seen[direction]
  Object.assign(answers, freshSide(), { flags: answers.flags & FLAG.BE_LIBERAL })
}

function noteSyn(data: TcpData, segment: Segment, old: TcpState): void {
  const side = freshSide()
  takeOptions(side, segment)
  data.lastFlags = side.flags & (FLAG.WINDOW_SCALE | FLAG.SACK_PERM)
  data.lastWscale = side.flags & FLAG.WINDOW_SCALE ? side.scale : 0
  // RFC 5961: the answer may be a challenge, which is not the acknowledgement of the last FIN
  if (old === 'LAST_ACK') data.lastFlags |= FLAG.CHALLENGE_ACK
}

/** What the table of states is not clever enough for. */
function judge(step: Step): Judgement {
  const { data, kind, direction, old } = step
  if (step.next === 'TIME_WAIT' && old === 'LAST_ACK' && kind === KIND.ACK && isChallenge(data, direction)) {
    data.lastFlags &= ~FLAG.CHALLENGE_ACK
    return IGNORED
  }
  if (step.next === 'SYN_SENT2') data.lastFlags |= FLAG.SIMULTANEOUS_OPEN
  if (step.next === 'SYN_RECV' && direction === 'reply' && kind === KIND.ACK && data.lastFlags & FLAG.SIMULTANEOUS_OPEN)
    step.next = 'ESTABLISHED'
  if (step.next !== 'CLOSE' || kind !== KIND.RST) return inWindowOrNot(step)
  const reset = judgeReset(step)
  if (reset === 'invalid') return invalid('a RST before what its receiver has acknowledged')
  return reset === 'believed' ? inWindow(step) : inWindowOrNot(step)
}

const isChallenge = (data: TcpData, direction: Direction): boolean =>
  data.lastDirection !== direction && data.lastIndex === KIND.SYN && (data.lastFlags & FLAG.CHALLENGE_ACK) !== 0

export const CLOSING: ReadonlySet<TcpState> = new Set(['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE'])

/** Is a RST credible? `believed`: whatever the window says. May leave the state as it is until the other side has answered. */
function judgeReset(step: Step): 'invalid' | 'believed' | 'window' {
  const { data, segment, direction, settings, old } = step
  // a connection that is closing may be another one by now: what is known of its windows says nothing (tcp_can_early_drop)
  if (CLOSING.has(old)) return 'believed'
  const peer = data.seen[opposite(direction)]
  if (peer.flags & FLAG.MAXACK_SET && data.lastIndex !== KIND.SYN) {
    const { sequence } = segment
    // nf_conntrack_tcp_established
    const established = old === 'ESTABLISHED' && (step.entry.status & CT_STATUS.ASSURED) !== 0
    if (sequence === 0 && !established) return 'window'
    if (before(sequence, peer.maxAck) && !settings.ignoreInvalidRst) return 'invalid'
    if (!established || sequence === peer.maxAck) return 'window'
    if (data.lastIndex === KIND.ACK && data.lastDirection === direction && sequence === data.lastEnd) return 'window'
    step.next = old
  }
  return answersIgnored(step) ? 'believed' : 'window'
}

/** A RST to a SYN, ACK or challenge that was let through: what it speaks of was never in the window. */
function answersIgnored({ entry, data, segment, direction, old }: Step): boolean {
  const toOther = data.lastDirection !== direction // seen on 6.18: older kernels do not ask
  const toSyn = (entry.status & CT_STATUS.SEEN_REPLY) !== 0 && data.lastIndex === KIND.SYN && toOther
  const toAck = (entry.status & CT_STATUS.ASSURED) === 0 && data.lastIndex === KIND.ACK
  if ((toSyn || toAck) && segment.acknowledgement === data.lastEnd) return true
  const challenged = old === 'SYN_SENT' && data.lastIndex === KIND.ACK && data.lastDirection === 'reply'
  return challenged && segment.sequence === data.lastAck
}

function inWindowOrNot(step: Step): Judgement {
  const { entry, data, segment, kind, direction, settings } = step
  const shift = shiftAt(entry, opposite(direction), wrap(segment.acknowledgement - 1))
  const window = checkWindow(data, segment, kind, direction, settings, shift)
  if (window.is === 'inside') return inWindow(step)
  if (window.is === 'ignored') return IGNORED
  outOfWindow(step)
  return invalid(window.reason)
}

const LONG = 120

/** A FIN or RST out of the window, and another one against it: the connection is dead for all that is known (nf_tcp_handle_invalid). */
function outOfWindow({ entry, data, kind, direction, settings, now }: Step): void {
  if (!(entry.status & CT_STATUS.ASSURED) || entry.status & CT_STATUS.FIXED_TIMEOUT) return
  if (kind !== KIND.RST && kind !== KIND.FIN) return
  const answers = data.lastDirection !== direction && (data.lastIndex === KIND.FIN || data.lastIndex === KIND.RST)
  if (!answers) {
    data.lastIndex = kind
    data.lastDirection = direction
    return
  }
  const left = entry.expires - now
  const unacknowledged = settings.timeout('tcp_unacknowledged')
  if (left >= LONG && left > unacknowledged) entry.expires = now + unacknowledged
}

function inWindow({ entry, data, segment, kind, direction, settings, old, next }: Step): Judgement {
  data.lastIndex = kind
  data.lastDirection = direction
  data.state = next
  if (old !== next && next === 'FIN_WAIT') data.seen[direction].flags |= FLAG.CLOSE_INIT
  const timeout = timeoutOf(data, kind, next, settings)
  if (!(entry.status & CT_STATUS.SEEN_REPLY)) {
    if (segment.rst) return { is: 'accept', timeout: undefined, count: true, kill: true }
    if (kind === KIND.SYN && old === 'SYN_SENT') return IGNORED
    if (next === 'ESTABLISHED') return accepted(Math.min(timeout, settings.timeout('tcp_unacknowledged')))
  } else if ((old === 'SYN_RECV' || old === 'ESTABLISHED') && next === 'ESTABLISHED') entry.status |= CT_STATUS.ASSURED
  return accepted(timeout)
}

const TIMEOUT_OF: Readonly<Record<TcpState, string>> = {
  NONE: 'tcp_syn_sent', SYN_SENT: 'tcp_syn_sent', SYN_RECV: 'tcp_syn_recv', ESTABLISHED: 'tcp_established', FIN_WAIT: 'tcp_fin_wait', CLOSE_WAIT: 'tcp_close_wait',
  LAST_ACK: 'tcp_last_ack', TIME_WAIT: 'tcp_time_wait', CLOSE: 'tcp_close', SYN_SENT2: 'tcp_syn_sent2',
} // biome-ignore format: a table

function timeoutOf(data: TcpData, kind: number, next: TcpState, settings: Settings): number {
  const usual = settings.timeout(TIMEOUT_OF[next])
  const retransmitted = settings.timeout('tcp_max_retrans')
  if (data.retransmits >= settings.maxRetransmits && usual > retransmitted) return retransmitted
  if (kind === KIND.RST) return settings.timeout('tcp_close')
  if ((data.seen.original.flags | data.seen.reply.flags) & FLAG.DATA_UNACKNOWLEDGED) {
    const unacknowledged = settings.timeout('tcp_unacknowledged')
    if (usual > unacknowledged) return unacknowledged
  }
  // a window of 0 was the last that was seen
  return data.lastWindow === 0 && usual > retransmitted ? retransmitted : usual
}
