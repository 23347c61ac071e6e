import type { ProtocolState, TcpSide } from './entry.js'
import type { Settings } from './settings.js'
import { after, before, FLAG, highestSack, KIND, type Segment, takeOptions, wrap } from './tcp-segment.js'
import { type Direction, opposite } from './tuple.js'

export type TcpData = Extract<ProtocolState, { kind: 'tcp' }>

/** What tcp_in_window says: `ignored` packets pass without changing the connection, `invalid` ones are INVALID. */
export type Window = { readonly is: 'inside' } | { readonly is: 'ignored' | 'invalid'; readonly reason: string }

const INSIDE: Window = { is: 'inside' }
/** MAXACKWINCONST: how far an acknowledgement may lag behind. */
const SMALLEST_ACK_WINDOW = 66000

/** A sender's first SYN, or one that begins anew (tcp_init_sender). Scaling holds only where both ends ask for it (RFC 7323 section 2.2). */
function beginSide(sender: TcpSide, receiver: TcpSide, segment: Segment, direction: Direction): void {
  sender.end = sender.maxEnd = segment.end
  sender.maxWindow = segment.window || 1
  takeOptions(sender, segment)
  if (direction === 'reply' && !(sender.flags & receiver.flags & FLAG.WINDOW_SCALE)) sender.scale = receiver.scale = 0
}

/** A sender whose beginning was not seen: what the segment says is taken for true. */
function guessSide(sender: TcpSide, receiver: TcpSide, { end, window }: Segment, sack: number): void {
  sender.end = end
  sender.maxWindow = wrap(window << sender.scale) || 1
  sender.maxEnd = wrap(end + sender.maxWindow)
  if (receiver.maxWindow === 0) receiver.end = receiver.maxEnd = sack
  else if (sack === wrap(receiver.end + 1)) receiver.end = wrap(receiver.end + 1) // answers a keepalive
}

/**
 * Whether a segment lies in the window (tcp_in_window, net/netfilter/nf_conntrack_proto_tcp.c), after Guido van Rooij's "Real Stateful TCP Packet
 * Filtering in IP Filter". Keeps the sender's and receiver's windows; changes nothing more for what is outside. `shift`:
 * by how much a helper has shifted what is acknowledged; windows are kept in the sender's own numbers.
 */
export function checkWindow(
  data: TcpData,
  segment: Segment,
  kind: number,
  direction: Direction,
  settings: Settings,
  shift: number,
): Window {
  const sender = data.seen[direction]
  const receiver = data.seen[opposite(direction)]
  let { sequence, end } = segment
  let ack = wrap(segment.acknowledgement - shift)
  let sack = receiver.flags & FLAG.SACK_PERM ? wrap(highestSack(segment) - shift) : ack
  if (sender.maxWindow === 0) {
    if (segment.syn) {
      beginSide(sender, receiver, segment, direction)
      if (!segment.ack) return INSIDE // simultaneous open
    } else guessSide(sender, receiver, segment, sack)
  } else if (segment.syn && after(end, sender.end) && (data.state === 'SYN_SENT' || data.state === 'SYN_RECV')) {
    beginSide(sender, receiver, segment, direction)
    if (direction === 'reply' && !segment.ack) return INSIDE
  }
  // no acknowledgement, or the 0 that some stacks put into RST, counts as a good one
  if (!segment.ack || (segment.rst && ack === 0)) ack = sack = receiver.end
  if (segment.rst && sequence === 0 && data.state === 'SYN_SENT') sequence = end = sender.end
  const outside = findOutside(sender, receiver, sequence, end, sack)
  if (outside) return sender.flags & FLAG.BE_LIBERAL || settings.beLiberal ? INSIDE : outside
  advance(sender, receiver, segment, { end, ack, sack })
  if (kind === KIND.ACK) countRetransmit(data, direction, { sequence, ack, end, window: segment.window })
  return INSIDE
}

function findOutside(
  sender: TcpSide,
  receiver: TcpSide,
  sequence: number,
  end: number,
  sack: number,
): Window | undefined {
  const lowestAck = wrap(receiver.end - Math.max(sender.maxWindow, SMALLEST_ACK_WINDOW) - 1)
  const inReceiveWindow = after(end, wrap(sender.end - receiver.maxWindow - 1))
  const ackSeen = before(sack, wrap(receiver.end + 1))
  if (!before(sequence, wrap(sender.maxEnd + 1))) {
    const overshot = wrap(end - sender.maxEnd + 1)
    const overbearing = receiver.maxWindow !== 0 && inReceiveWindow && overshot <= receiver.maxWindow
    if (!overbearing || !after(sack, lowestAck) || !ackSeen)
      return { is: 'invalid', reason: 'SEQ is over the upper bound (over the window of the receiver)' }
    // The receiver may take it after all: its acknowledgement must not be over the upper bound then.
    sender.end = end
    sender.flags |= FLAG.DATA_UNACKNOWLEDGED
    return { is: 'ignored', reason: `${overshot} bytes more than expected` }
  }
  if (!ackSeen) return { is: 'invalid', reason: 'ACK is over the upper bound (ACKed data not seen yet)' }
  if (receiver.maxWindow !== 0 && !inReceiveWindow)
    return { is: 'ignored', reason: 'SEQ is under the lower bound (already ACKed data retransmitted)' }
  if (!after(sack, lowestAck))
    return { is: 'ignored', reason: 'ACK is under the lower bound (possible overly delayed ACK)' }
  return undefined
}

interface Numbers {
  readonly end: number
  readonly ack: number
  readonly sack: number
}

/** What a segment in the window says about both ends. */
function advance(sender: TcpSide, receiver: TcpSide, segment: Segment, { end, ack, sack }: Numbers): void {
  const window = segment.syn ? segment.window : wrap(segment.window << sender.scale)
  sender.maxWindow = Math.max(sender.maxWindow, wrap(window + (sack - ack)))
  if (after(end, sender.end)) {
    sender.end = end
    sender.flags |= FLAG.DATA_UNACKNOWLEDGED
  }
  if (segment.ack && (!(sender.flags & FLAG.MAXACK_SET) || after(ack, sender.maxAck))) {
    sender.maxAck = ack
    sender.flags |= FLAG.MAXACK_SET
  }
  if (receiver.maxWindow !== 0 && after(end, sender.maxEnd))
    receiver.maxWindow = wrap(receiver.maxWindow + end - sender.maxEnd)
  const edge = wrap(sack + window)
  if (after(edge, wrap(receiver.maxEnd - 1))) receiver.maxEnd = window === 0 ? wrap(edge + 1) : edge
  if (ack === receiver.end) receiver.flags &= ~FLAG.DATA_UNACKNOWLEDGED
}

function countRetransmit(
  data: TcpData,
  direction: Direction,
  { sequence, ack, end, window }: { sequence: number; ack: number; end: number; window: number },
): void {
  const same =
    data.lastDirection === direction &&
    data.lastSeq === sequence &&
    data.lastAck === ack &&
    data.lastEnd === end &&
    data.lastWindow === window
  data.retransmits = same ? (data.retransmits + 1) & 255 : 0
  data.lastDirection = direction
  data.lastSeq = sequence
  data.lastAck = ack
  data.lastEnd = end
  data.lastWindow = window
}
