import type { Packet } from '../packet.js'
import { u32 } from '../packet.js'

export interface TextSought {
  /** The text, small letters where the case is ignored. */
  readonly bytes: readonly number[]
  /** Offsets from the IP header on; the text lies whole between them. */
  readonly from: number
  readonly to: number
  readonly ignoreCase: boolean
}

const small = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)

/**
 * net/core/skbuff.c: skb_find_text: where the text occurs first, it has to end before `to`. Both algorithms (bm, kmp) find the same in a packet
 * that lies in one piece.
 */
export function textFound({ bytes }: Packet, { bytes: text, from, to, ignoreCase }: TextSought): boolean {
  const last = Math.min(bytes.length, to) - text.length
  const same = ignoreCase
    ? (byte: number, wanted: number) => small(byte) === small(wanted)
    : (byte: number, wanted: number) => byte === wanted
  next: for (let at = from; at <= last; at++) {
    for (let i = 0; i < text.length; i++) if (!same(bytes[at + i]!, text[i]!)) continue next
    return true
  }
  return false
}

/** `@`: the value so far moves the place from which the next word is read. */
export interface WordStep {
  readonly do: '&' | '<<' | '>>' | '@'
  readonly number: number
}

/** net/netfilter/xt_u32.c: u32_match_it, one test: undefined where a word lies beyond the packet's end. */
export function wordAt({ bytes }: Packet, position: number, steps: readonly WordStep[]): number | undefined {
  let base = 0
  let value = u32(bytes, position)
  for (const { do: what, number } of steps) {
    if (value === undefined) return undefined
    switch (what) {
      case '&':
        value = (value & number) >>> 0
        break
      case '<<': // by the lowest five bits, as x86 shifts
        value = (value << number) >>> 0
        break
      case '>>':
        value >>>= number
        break
      case '@':
        base += value
        value = u32(bytes, base + number)
    }
  }
  return value
}
