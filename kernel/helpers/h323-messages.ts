import { USER_INFORMATION } from '../../src/conntrack/helpers/h323/h225-types.js'
import { CONTROL_MESSAGE } from '../../src/conntrack/helpers/h323/h245-types.js'
import { Bits, Kept, type Type } from '../../src/conntrack/helpers/h323/per.js'
import { address, hex } from '../cases/frames.js'
import type { Random } from '../prng.js'

const MOST = 1100

/** Bits that are drawn as they are asked for: what has been read of them is a value of the type, as the model understands it. The kernel tells whether it is one. */
class Drawing extends Bits {
  readonly bytes: Uint8Array
  readonly #random: Random

  constructor(random: Random) {
    super(new Uint8Array(0), 0, 0)
    this.#random = random
    this.bytes = Uint8Array.from({ length: MOST + 64 }, () => random.int(0, 255))
  }

  override has(bytes: number): boolean {
    return this.at + bytes < MOST
  }

  /** Lengths are mostly short. */
  override take(bits: number): number {
    const random = this.#random
    const value = bits === 8 ? random.weighted([[6, random.int(0, 2)], [3, random.int(3, 12)], [1, random.int(0, 255)]] as const) : bits === 7 ? random.weighted([[4, random.int(0, 7)], [1, random.int(0, 127)]] as const) : random.int(0, 2 ** bits - 1) // biome-ignore format: one line
    for (let left = bits - 1; left >= 0; left--) {
      const mask = 0x80 >> this.bit
      if (Math.floor(value / 2 ** left) % 2 === 1) this.bytes[this.at]! |= mask
      else this.bytes[this.at]! &= ~mask
      this.skip(1)
    }
    return value
  }
}

/** An address in a message. */
export interface Told {
  /** What it is the address of: the name of the innermost part that is none of the address itself. */
  readonly of: string
  /** In bytes from the start of the message. */
  at: number
  readonly family: 4 | 6
}

export interface Message {
  bytes: Uint8Array
  told: readonly Told[]
}

const INNER: ReadonlySet<string> = new Set(['ipAddress', 'ip6Address', 'iPAddress', 'iP6Address', 'unicastAddress', 'ip', 'network']) // biome-ignore format: one line

function addressesIn(kept: Kept, path: readonly string[] = []): readonly Told[] {
  const last = path.at(-1)
  if (last === 'ip' || last === 'network') {
    const of = path.filter((name) => !INNER.has(name)).at(-1) ?? ''
    return [{ of, at: kept.at, family: path.at(-2)!.includes('6') ? 6 : 4 }]
  }
  return [
    ...[...kept.parts].flatMap(([name, part]) => addressesIn(part, [...path, name])),
    ...kept.items.flatMap((item) => addressesIn(item, path)),
  ]
}

/** A value of the type with as many addresses of this family as can be had by drawing often. */
function drawn(random: Random, type: Type, family: 4 | 6): Message {
  let best: { message: Message; score: number } | undefined
  for (let n = random.pick([1, 30, 300]); n > 0; n--) {
    const bits = new Drawing(random)
    const kept = new Kept()
    const how = type(bits, kept)
    if (how === 'bad' || how === 'unknown' || bits.at > MOST - 20) continue
    const told = addressesIn(kept)
    const score = told.filter((one) => one.family === family).length - bits.at / 400
    const end = Math.max(bits.at + (bits.bit > 0 ? 1 : 0), ...told.map((one) => one.at + 20))
    if (!best || score > best.score) best = { message: { bytes: bits.bytes.slice(0, end), told }, score }
  }
  return best?.message ?? { bytes: Uint8Array.from([0]), told: [] }
}

const bytesOf = (digits: string): Uint8Array => Uint8Array.from((digits.match(/../g) ?? []).map((two) => Number.parseInt(two, 16))) // biome-ignore format: one line
export const hexOfBytes = (bytes: Uint8Array): string => Array.from(bytes, (byte) => hex(byte, 1)).join('')

/** Who sends the message, and of whom it may speak. */
export interface Speaker {
  readonly random: Random
  readonly family: 4 | 6
  readonly own: string
  readonly others: readonly string[]
}

/** The addresses are the sender's mostly; a part of the messages is broken. */
function filled({ random, family, own, others }: Speaker, message: Message): Message {
  const { bytes, told } = message
  for (const one of told) {
    if (one.family !== family) continue
    const ip = random.weighted([[8, own], [2, random.pick(others)]] as const) // biome-ignore format: one line
    const port = random.weighted([[5, random.int(2, 32000) * 2], [2, 5000], [1, 5001], [1, 5002], [1, random.int(1, 65535)], [1, random.pick([0, 1, 1720, 65534, 65535])]] as const) // biome-ignore format: one line
    bytes.set(bytesOf(address(ip) + hex(port, 2)), one.at)
  }
  if (random.chance(0.2))
    for (let n = random.int(1, 3); n > 0; n--) {
      const at = random.int(0, bytes.length - 1)
      bytes[at]! ^= 1 << random.int(0, 7)
    }
  return random.chance(0.05) ? { bytes: bytes.slice(0, random.int(1, bytes.length)), told: [] } : message
}

function joined(before: string, message: Message): Message {
  const head = bytesOf(before)
  const bytes = new Uint8Array(head.length + message.bytes.length)
  bytes.set(head)
  bytes.set(message.bytes, head.length)
  return { bytes, told: message.told.map((one) => ({ ...one, at: one.at + head.length })) }
}

/** A TPKT. */
const framed = (random: Random, message: Message): Message => {
  const length = message.bytes.length + 4 + (random.chance(0.02) ? random.int(-5, 5) : 0)
  return joined(`${random.chance(0.01) ? '0301' : '0300'}${hex(Math.max(0, length), 2)}`, message)
}

/** ITU-T Q.931 with a user-user information element. */
export function callMessage(speaker: Speaker): Message {
  const { random, family } = speaker
  const message = filled(speaker, drawn(random, USER_INFORMATION, family))
  const elements = random.weighted([[5, ''], [3, '0403808090'], [1, '2803414243'], [1, '04ff8080'], [1, 'a1']] as const) // biome-ignore format: one line
  const length = hex(message.bytes.length + 1 + (random.chance(0.02) ? random.int(-3, 3) : 0), 2)
  const whole = `${random.chance(0.02) ? '09' : '08'}${random.pick(['020001', '020001', '00', '0105'])}${random.pick(['05', '02', '07', '62', '0580'])}${elements}7e${length}05` // biome-ignore format: one line
  return framed(random, joined(whole, message))
}

/** ITU-T H.245. */
export const controlMessage = (speaker: Speaker): Message =>
  framed(speaker.random, filled(speaker, drawn(speaker.random, CONTROL_MESSAGE, speaker.family)))
