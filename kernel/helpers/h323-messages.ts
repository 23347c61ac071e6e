import { USER_INFORMATION } from '../../src/conntrack/helpers/h323/h225-types.js'
import { CONTROL_MESSAGE } from '../../src/conntrack/helpers/h323/h245-types.js'
import { Bits, Kept, type Type } from '../../src/conntrack/helpers/h323/per.js'
import { RAS_MESSAGE } from '../../src/conntrack/helpers/h323/ras-types.js'
import { address, hex } from '../cases/frames.js'
import { Random } from '../prng.js'

const MOST = 1100
const noise = new Random('noise')
const NOISE = Uint8Array.from({ length: MOST + 64 }, () => noise.int(0, 255))

/**
 * Bits that are drawn as they are asked for, behind those of an earlier drawing: what has been read of them is a value of the type, as the model understands it.
 * The kernel tells whether it is one.
 */
class Drawing extends Bits {
  readonly bytes: Uint8Array
  readonly values: number[] = []
  readonly #random: Random
  readonly #before: readonly (number | undefined)[]
  readonly #lengths: { readonly at: number; readonly to: number; readonly long: boolean }[] = []

  constructor(random: Random, before: readonly (number | undefined)[] = []) {
    super(new Uint8Array(0), 0, 0)
    this.#random = random
    this.#before = before
    this.bytes = NOISE.slice()
  }

  override has(bytes: number): boolean {
    return this.at + bytes < MOST
  }

  override take(bits: number): number {
    const value = (this.#before[this.values.length] ?? this.#drawn(bits)) % 2 ** bits
    this.values.push(value)
    this.#write(value, bits)
    return value
  }

  /** Lengths are mostly short. */
  #drawn(bits: number): number {
    const random = this.#random
    if (bits === 8)
      return random.weighted([
        [6, random.int(0, 2)],
        [3, random.int(3, 12)],
        [1, random.int(0, 255)],
      ] as const)
    if (bits === 7)
      return random.weighted([
        [6, random.int(0, 9)],
        [3, random.int(5, 34)],
        [1, random.int(0, 127)],
      ] as const)
    return random.int(0, 2 ** bits - 1)
  }

  #write(value: number, bits: number): void {
    for (let left = bits - 1; left >= 0; left--) {
      const mask = 0x80 >> this.bit
      if (Math.floor(value / 2 ** left) % 2 === 1) this.bytes[this.at]! |= mask
      else this.bytes[this.at]! &= ~mask
      this.skip(1)
    }
  }

  override length(): number {
    const { at } = this
    const drawn = this.take(8)
    const value = drawn % 128
    const long = drawn % 2 === 1
    this.to(at)
    if (long) this.#write(0x8000 | value, 16)
    else this.#write(value, 8)
    this.#lengths.push({ at, to: this.at + value, long })
    return value
  }

  /** What has turned out to be longer than was said: it is said again. */
  override to(at: number): void {
    const end = this.at + (this.bit > 0 ? 1 : 0)
    const said = at < end ? this.#lengths.findLast((one) => one.to === at) : undefined
    super.to(said ? end : at)
    if (!said) return
    const begin = said.at + (said.long ? 2 : 1)
    if (said.long) this.bytes[said.at] = 0x80 | ((end - begin) >> 8)
    this.bytes[begin - 1] = end - begin
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

const INNER: ReadonlySet<string> = new Set([
  'ipAddress',
  'ip6Address',
  'iPAddress',
  'iP6Address',
  'unicastAddress',
  'ip',
  'network',
])

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

/** How much there is of interest. */
function worth(kept: Kept, wanted: readonly string[], family: 4 | 6): number {
  let sum = kept.choice === '' ? 0 : wanted.includes(kept.choice) ? 20 : 1
  for (const [name, part] of kept.parts) {
    const fits = family === 4 ? name === 'ip' || name === 'network' : name.includes('6')
    sum += (wanted.includes(name) ? 20 : 1) + (fits ? 5 : 0) + worth(part, wanted, family)
  }
  for (const item of kept.items) sum += worth(item, wanted, family)
  return sum
}

interface Drawn {
  readonly message: Message
  readonly score: number
  readonly values: readonly number[]
}

/** A value of the type, drawn again from some place on, or in one place, as often as this, as long as there is more of interest in it. */
function climbed(
  random: Random,
  type: Type,
  family: 4 | 6,
  wanted: readonly string[],
  times: number,
  from?: Drawn,
): Drawn | undefined {
  let best = from
  for (let n = times; n > 0; n--) {
    const place = random.int(0, best?.values.length ?? 0)
    const before = random.chance(0.5)
      ? best?.values.slice(0, place)
      : best?.values.map((value, i) => (i === place ? undefined : value))
    const bits = new Drawing(random, before)
    const kept = new Kept()
    if (type(bits, new Kept()) === 'bad' || bits.at > MOST - 20) continue
    // some room behind it: of a length Linux asks for two bytes
    const end = bits.at + 1 + random.int(0, 2)
    if (type(new Bits(bits.bytes, 0, end), kept) === 'bad') continue
    const score = worth(kept, wanted, family) - bits.at / 100
    // at the end of the way it may be worth somewhat less
    if (best && score < best.score - (from ? 4 : 0)) continue
    const told = addressesIn(kept)
    best = { message: { bytes: bits.bytes.slice(0, end), told }, score, values: bits.values }
  }
  return best
}

interface Subject {
  readonly name: string
  readonly type: Type
  readonly parts: readonly string[]
}

/** Where climbing begins: values with each of the parts. */
const beginnings = new Map<string, Drawn | undefined>()

function beginning({ name, type }: Subject, family: 4 | 6, wanted: string, number: number): Drawn | undefined {
  const key = `${name} ${family} ${wanted} ${number}`
  if (!beginnings.has(key)) beginnings.set(key, climbed(new Random(key), type, family, wanted.split(' '), 4000))
  return beginnings.get(key)
}

/** A value with some part, or any. */
function drawn(random: Random, subject: Subject, family: 4 | 6): Message {
  const wanted = random.pick(subject.parts)
  const from = random.chance(0.85) ? beginning(subject, family, wanted, random.int(0, 1)) : undefined
  const found = climbed(random, subject.type, family, wanted.split(' '), random.pick([5, 20, 60]), from)
  if (!found) return { bytes: Uint8Array.from([0]), told: [] }
  return { bytes: found.message.bytes.slice(), told: found.message.told }
}

const ANY = [
  'mediaChannel',
  'mediaControlChannel',
  'forward mediaChannel',
  'reverse mediaChannel',
  'separateLANStack localAreaAddress',
]
const BODIES = ['setup', 'callProceeding', 'connect', 'alerting', 'facility', 'progress']
const CALL: Subject = {
  name: 'call',
  type: USER_INFORMATION,
  parts: [
    ...BODIES.flatMap((body) => ['h245Address', ...ANY.map((any) => `fastStart ${any}`)].map((part) => `${body} ${part}`)),
    ...['setup sourceCallSignalAddress', 'setup destCallSignalAddress', 'facility callForwarded alternativeAddress'].flatMap((part) => [part, part, part]),
    ...ANY.map((any) => `h245Control openLogicalChannel ${any}`),
    'h245Control openLogicalChannelAck mediaChannel',
    'setup h245Control openLogicalChannel mediaChannel',
    ...Array.from({ length: 4 }, () => 'progress mediaChannel'),
  ],
} // biome-ignore format: a list
const CONTROL: Subject = {
  name: 'control',
  type: CONTROL_MESSAGE,
  parts: [...ANY.map((any) => `openLogicalChannel ${any}`), 'openLogicalChannelAck forwardAck mediaChannel mediaControlChannel', 'openLogicalChannelAck reverse mediaChannel', 'openLogicalChannelAck localAreaAddress'],
} // biome-ignore format: a list
const RAS: Subject = {
  name: 'ras',
  type: RAS_MESSAGE,
  parts: ['gatekeeperRequest rasAddress', 'gatekeeperConfirm rasAddress', 'registrationRequest callSignalAddress rasAddress', 'registrationRequest timeToLive', 'registrationConfirm callSignalAddress', 'registrationConfirm timeToLive', 'unregistrationRequest callSignalAddress', 'admissionRequest destCallSignalAddress', 'admissionRequest srcCallSignalAddress', 'admissionConfirm destCallSignalAddress', 'locationRequest replyAddress', 'locationConfirm callSignalAddress', 'infoRequestResponse rasAddress callSignalAddress'],
} // biome-ignore format: a list

const bytesOf = (digits: string): Uint8Array =>
  Uint8Array.from((digits.match(/../g) ?? []).map((two) => Number.parseInt(two, 16)))
export const hexOfBytes = (bytes: Uint8Array): string => Array.from(bytes, (byte) => hex(byte, 1)).join('')

/** Who sends the message, and of whom it may speak. */
export interface Speaker {
  readonly random: Random
  readonly family: 4 | 6
  readonly own: string
  readonly others: readonly string[]
  /** Ports of which it speaks already. */
  readonly ports?: readonly number[]
}

/** The addresses are the sender's mostly; a part of the messages is broken. */
function filled({ random, family, own, others, ports = [] }: Speaker, message: Message): Message {
  const { bytes, told } = message
  for (const one of told) {
    if (one.family !== family) continue
    const ip = random.weighted([
      [8, own],
      [2, random.pick(others)],
    ] as const)
    const port =
      ports.length > 0 && random.chance(0.6)
        ? random.pick(ports)
        : random.weighted([
            [5, random.int(2, 32000) * 2],
            [2, 5000],
            [1, 5001],
            [1, 5002],
            [1, random.int(1, 65535)],
            [1, random.pick([0, 1, 1720, 65534, 65535])],
          ] as const)
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
  const message = filled(speaker, drawn(random, CALL, family))
  const elements = random.weighted([
    [5, ''],
    [3, '0403808090'],
    [1, '2803414243'],
    [1, '04ff8080'],
    [1, 'a1'],
  ] as const)
  const length = hex(message.bytes.length + 1 + (random.chance(0.02) ? random.int(-3, 3) : 0), 2)
  const whole = `${random.chance(0.02) ? '09' : '08'}${random.pick(['020001', '020001', '00', '0105'])}${random.pick(['05', '02', '07', '62', '0580'])}${elements}7e${length}05`
  return framed(random, joined(whole, message))
}

/** ITU-T H.245. */
export const controlMessage = (speaker: Speaker): Message =>
  framed(speaker.random, filled(speaker, drawn(speaker.random, CONTROL, speaker.family)))

/** RAS of ITU-T H.225.0. */
export const rasMessage = (speaker: Speaker): Message => filled(speaker, drawn(speaker.random, RAS, speaker.family))
