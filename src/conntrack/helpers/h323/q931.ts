import { ACCEPT, type Helped } from '../helper.js'
import { expectControl, expectForwarded } from './expect.js'
import { USER_INFORMATION } from './h225-types.js'
import { control, inTurn, openChannel } from './h245.js'
import { Bits, Kept } from './per.js'
import type { Signal } from './signal.js'
import type { Framed } from './tpkt.js'

const DISCRIMINATOR = 8
const USER_USER = 0x7e

/** ITU-T Q.931: where the user-user information element has its value, behind the discriminator. Undefined: there is none. Every other element is taken for one with a length. */
export function userInformation(bytes: Uint8Array, { at, end }: Framed): Framed | undefined {
  const byte = (where: number): number => (where < end ? bytes[where]! : Number.NaN)
  if (byte(at) !== DISCRIMINATOR) return undefined
  let from = at + 2 + byte(at + 1)
  if (!(from + 2 <= end)) return undefined
  from += byte(from + 1) & 0x80 ? 2 : 1
  while (from < end) {
    if (byte(from) === USER_USER) {
      const length = (byte(from + 1) << 8) | byte(from + 2)
      if (from + 3 > end || from + 3 + length > end) return undefined
      return { at: from + 4, end: from + 3 + length }
    }
    from += 2 + byte(from + 1)
  }
  return undefined
}

/** DecodeQ931, process_q931. `bad`: the message cannot be read, and passes. */
export function callSignal(signal: Signal, framed: Framed): Helped | 'bad' {
  const { bytes } = signal.context.packet
  const where = userInformation(bytes, framed)
  if (!where) return 'bad'
  const kept = new Kept()
  if (USER_INFORMATION(new Bits(bytes, where.at, where.end), kept) === 'bad') return 'bad'
  const pdu = kept.get('pdu')
  const body = pdu?.get('body')
  const message = body?.get(body.choice)
  return inTurn(
    () => (body && message ? (HANDLERS[body.choice] ?? progress)(signal, message) : ACCEPT),
    ...(pdu?.get('h245Control')?.items ?? []).map((item) => () => control(signal, item)),
  )
}

const fastStart = (signal: Signal, message: Kept): Helped =>
  inTurn(...(message.get('fastStart')?.items ?? []).map((item) => () => openChannel(signal, item)))

/** process_callproceeding, process_connect, process_alerting, process_progress. */
const progress = (signal: Signal, message: Kept): Helped =>
  inTurn(
    () => expectControl(signal, message.get('h245Address')),
    () => fastStart(signal, message),
  )

/** process_setup: both ends of the call are told as the other side knows them. */
const setup = (signal: Signal, message: Kept): Helped =>
  inTurn(
    () => expectControl(signal, message.get('h245Address')),
    () => {
      const { other, translated } = signal
      const destination = signal.place(message.get('destCallSignalAddress'))
      if (translated && destination && destination.ip !== other.src) signal.tell(destination, other.src, other.sport)
      const source = signal.place(message.get('sourceCallSignalAddress'))
      if (translated && source && source.ip !== other.dst) signal.tell(source, other.dst, other.dport)
      return fastStart(signal, message)
    },
  )

/** process_facility. */
const facility = (signal: Signal, message: Kept): Helped =>
  message.get('reason')?.choice === 'callForwarded'
    ? expectForwarded(signal, message.get('alternativeAddress'))
    : progress(signal, message)

/** All others are like progress. */
const HANDLERS: Readonly<Record<string, typeof progress>> = { setup, facility }
