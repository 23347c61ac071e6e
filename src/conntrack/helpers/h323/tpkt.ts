import { u16 } from '../../../packet/packet.js'
import type { H323Notes } from '../../entry.js'
import type { Direction } from '../../tuple.js'

const HEADER = 4
const VERSION = 0x0300

/** Where a message lies, from the start of the packet. */
export interface Framed {
  readonly at: number
  readonly end: number
}

/**
 * get_tpkt_data: the messages in the payload of a TCP segment (RFC 1006), which begins at `at`. A header may come in a segment of its own; what is spread over
 * several segments otherwise is not read. `unknown`: it hangs on a segment that was seen before the snapshot was taken.
 */
export function* messagesIn(
  bytes: Uint8Array,
  at: number,
  direction: Direction,
  { left }: H323Notes,
): Generator<Framed | 'unknown', void> {
  let from = at
  if (!beginsAt(bytes, from)) {
    const announced = left[direction]
    if (announced === undefined) yield 'unknown'
    left[direction] = 0
    if (!announced || announced > bytes.length - from) return
    yield { at: from, end: from + announced }
    from += announced
  } else if (bytes.length - from === HEADER && length(bytes, from) > HEADER) {
    left[direction] = length(bytes, from) - HEADER
    return
  }
  left[direction] = 0
  while (beginsAt(bytes, from) && (from === at || bytes.length - from > HEADER)) {
    const end = from + length(bytes, from)
    if (end < from + HEADER || end > bytes.length) return
    yield { at: from + HEADER, end }
    from = end
  }
}

const length = (bytes: Uint8Array, at: number): number => u16(bytes, at + 2)!

const beginsAt = (bytes: Uint8Array, at: number): boolean => bytes.length - at >= HEADER && u16(bytes, at) === VERSION
