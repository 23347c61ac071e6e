import { type Packet, put32, u8, u16, u32 } from './packet.js'

/** The TCP options that SYNPROXY knows (struct synproxy_options). A value may be there without its bit in `has`. */
export interface ProxyOptions {
  /** Bits of `OFFER`. */
  has: number
  mss: number
  /** Window scale. */
  scale: number
  /** Timestamp: the sender's own, and the one that it echoes. */
  value: number
  echo: number
}

/** XT_SYNPROXY_OPT_* (include/uapi/linux/netfilter/nf_synproxy.h). */
export const OFFER = { MSS: 1, SCALE: 2, SACK: 4, TIMESTAMP: 8, ECN: 16 } as const

const KIND = { END: 0, NOP: 1, MSS: 2, SCALE: 3, SACK: 4, TIMESTAMP: 8 } as const
const LENGTH = { MSS: 4, SCALE: 3, SACK: 2, TIMESTAMP: 10 } as const
const LARGEST_SCALE = 14
const HEADER = 20

/** What a segment offers (synproxy_parse_options); undefined where its options are cut off. The last of two options of one kind counts. */
export function readProxyOptions({ bytes, transport: { offset } }: Packet): ProxyOptions | undefined {
  const length = ((u8(bytes, offset + 12) ?? 0) >> 4) * 4
  const end = offset + length
  if (length < HEADER || end > bytes.length) return undefined
  const options: ProxyOptions = { has: 0, mss: 0, scale: 0, value: 0, echo: 0 }
  for (let at = offset + HEADER; at < end; ) {
    const kind = bytes[at]!
    if (kind === KIND.END) break
    if (kind === KIND.NOP) {
      at++
      continue
    }
    const size = at + 1 < end ? bytes[at + 1]! : 0
    if (size < 2 || at + size > end) break
    take(options, bytes, at, kind, size)
    at += size
  }
  return options
}

function take(options: ProxyOptions, bytes: Uint8Array, at: number, kind: number, size: number): void {
  if (kind === KIND.MSS && size === LENGTH.MSS) {
    options.mss = u16(bytes, at + 2)!
    options.has |= OFFER.MSS
  } else if (kind === KIND.SCALE && size === LENGTH.SCALE) {
    options.scale = Math.min(bytes[at + 2]!, LARGEST_SCALE)
    options.has |= OFFER.SCALE
  } else if (kind === KIND.TIMESTAMP && size === LENGTH.TIMESTAMP) {
    options.value = u32(bytes, at + 2)!
    options.echo = u32(bytes, at + 6)!
    options.has |= OFFER.TIMESTAMP
  } else if (kind === KIND.SACK && size === LENGTH.SACK) options.has |= OFFER.SACK
}

/** The bytes of those that `has` names, each filling whole words: MSS, SACK permitted with the timestamp or alone, window scale (synproxy_build_options). */
export function proxyOptionBytes({ has, mss, scale, value, echo }: ProxyOptions): Uint8Array {
  const bytes: number[] = []
  const word = (...four: readonly number[]) => bytes.push(...four)
  const sack = (has & OFFER.SACK) !== 0
  if (has & OFFER.MSS) word(KIND.MSS, LENGTH.MSS, mss >>> 8, mss & 255)
  if (has & OFFER.TIMESTAMP) {
    word(sack ? KIND.SACK : KIND.NOP, sack ? LENGTH.SACK : KIND.NOP, KIND.TIMESTAMP, LENGTH.TIMESTAMP)
    const times = new Uint8Array(8)
    put32(times, 0, value)
    put32(times, 4, echo)
    word(...times)
  } else if (sack) word(KIND.NOP, KIND.NOP, KIND.SACK, LENGTH.SACK)
  if (has & OFFER.SCALE) word(KIND.NOP, KIND.SCALE, LENGTH.SCALE, scale)
  return Uint8Array.from(bytes)
}

/** Where the first timestamp option stands in the packet; undefined: there is none, or the options before it are broken (synproxy_tstamp_adjust). */
export function timestampAt({ bytes, transport: { offset } }: Packet): number | undefined {
  const end = Math.min(bytes.length, offset + ((u8(bytes, offset + 12) ?? 0) >> 4) * 4)
  for (let at = offset + HEADER; at < end; ) {
    const kind = bytes[at]!
    if (kind === KIND.END) return undefined
    if (kind === KIND.NOP) {
      at++
      continue
    }
    const size = at + 1 < end ? bytes[at + 1]! : 0
    if (size < 2 || at + size > end) return undefined
    if (kind === KIND.TIMESTAMP && size === LENGTH.TIMESTAMP) return at
    at += size
  }
  return undefined
}
