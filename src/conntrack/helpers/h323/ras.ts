import { CT_STATUS } from '../../../packet/fields.js'
import { followMaster } from '../follow.js'
import { ACCEPT, announce, type Helped } from '../helper.js'
import { findPort } from '../port.js'
import { comingTo, expectAsTold, UNSEEN } from './expect.js'
import { inTurn } from './h245.js'
import { NAMES } from './notes.js'
import type { Kept } from './per.js'
import type { Place, Signal } from './signal.js'

const [TCP, UDP] = [6, 17]
/** Parameters of the module as they are by themselves: default_rrq_ttl 300, gkrouted_only 1. */
const REGISTERED_FOR = 300
const UNREGISTERED_FOR = 30
/** Times that are longer run over in the kernel's ticks, of which there may be 1000 in a second. */
const LONGEST = 0x7fffffff / 1000

type Handler = (signal: Signal, message: Kept) => Helped

const places = (signal: Signal, list: Kept | undefined): readonly (Place | undefined)[] =>
  (list?.items ?? []).map((item) => signal.place(item))

const isLoopback = (place: Place | undefined): place is Place => place !== undefined && Number(place.ip) >>> 24 === 127

/** set_ras_addr: the first that is where the message comes from is told as the other side sees it. */
function tellSender(signal: Signal, told: readonly (Place | undefined)[]): void {
  const { own, other, translated } = signal
  if (!translated) return
  const sender = told.find((place) => place?.ip === own.src && place.port === own.sport)
  if (sender) signal.tell(sender, other.dst, other.dport)
}

/** set_sig_addr: where calls are to come, likewise. Some phones name their loopback address first: it is told in place of the other. */
function tellSignal(signal: Signal, told: readonly (Place | undefined)[]): Helped {
  const { own, other, translated, notes, direction, back } = signal
  if (!translated) return ACCEPT
  if (notes.listed) return UNSEEN
  const port = notes.signalPort[direction]
  for (const place of told) {
    if (place?.port !== port || (place.ip !== own.src && place.ip !== own.dst)) continue
    if (place.ip === own.src) signal.tell(isLoopback(told[0]) ? told[0] : place, other.dst, notes.signalPort[back])
    else signal.tell(place, other.src, notes.signalPort[back])
    return ACCEPT
  }
  return ACCEPT
}

/** expect_q931, nat_q931: calls to who registers, as many as there are, from its gatekeeper. */
function expectCalls(signal: Signal, told: readonly (Place | undefined)[]): Helped {
  const { context, entry, own, other, translated, notes, direction, back } = signal
  const place = told.find((one) => one?.ip === own.src && one.port !== 0)
  if (!place) return ACCEPT
  const at = (port: number) => comingTo(signal, TCP, other.dst, port, { permanent: true, helper: NAMES.q931 })
  if (!translated) {
    const helped = expectAsTold(signal, at(place.port))
    if (helped.is === 'accept') notes.signalPort[direction] = place.port
    return helped
  }
  if (notes.listed) return UNSEEN
  const first = notes.signalPort[direction] === place.port ? notes.signalPort[back] : place.port
  const follow = followMaster(entry, back, place.port, context)
  const found = findPort(signal, (port) => announce(entry, { ...at(port), follow }), first, context)
  if (!found) return ACCEPT
  signal.tell(place, other.dst, found.port)
  notes.signalPort[direction] = place.port
  notes.signalPort[back] = found.port
  if (place !== told[0] && isLoopback(told[0])) signal.tell(told[0], other.dst, found.port)
  return ACCEPT
}

const discover: Handler = (signal, message) => {
  tellSender(signal, [signal.place(message.get('rasAddress'))])
  return ACCEPT
}

/** process_gcf: the gatekeeper registers elsewhere than it is found. */
const discovered: Handler = (signal, message) => {
  const place = signal.place(message.get('rasAddress'))
  const { own, entry } = signal
  if (!place || (place.ip === own.src && place.port === own.sport) || entry.status & CT_STATUS.EXPECTED) return ACCEPT
  return expectAsTold(signal, comingTo(signal, UDP, place.ip, place.port, { helper: NAMES.ras }))
}

const register: Handler = (signal, message) =>
  inTurn(
    () => expectCalls(signal, places(signal, message.get('callSignalAddress'))),
    () => {
      tellSender(signal, places(signal, message.get('rasAddress')))
      signal.notes.seconds = message.get('timeToLive')?.value ?? REGISTERED_FOR
      return ACCEPT
    },
  )

/**
 * process_rcf: as long as the registration counts lives the connection in which it was made. What is expected does not live as long: Linux looks for
 * it without the gatekeeper's address, and so finds nothing.
 */
const registered: Handler = (signal, message) =>
  inTurn(
    () => tellSignal(signal, places(signal, message.get('callSignalAddress'))),
    () => {
      const { notes, context, entry } = signal
      notes.seconds = message.get('timeToLive')?.value ?? notes.seconds
      if (notes.seconds === undefined || notes.seconds > LONGEST)
        return { is: 'unknown', reason: 'for how long the registration in a message of H.323 counts' }
      if (notes.seconds > 0) context.table.refresh(entry, context.now + notes.seconds)
      return ACCEPT
    },
  )

const unregister: Handler = (signal, message) =>
  inTurn(
    () => tellSignal(signal, places(signal, message.get('callSignalAddress'))),
    () => {
      const { context, entry, notes } = signal
      context.table.expectations.removeOf(entry)
      notes.signalPort.original = notes.signalPort.reply = 0
      context.table.refresh(entry, context.now + UNREGISTERED_FOR)
      return ACCEPT
    },
  )

/** process_arq: of a call that is answered, and of one that is made. */
const admit: Handler = (signal, message) => {
  const { own, other, translated, notes, direction, back } = signal
  if (!translated) return ACCEPT
  const destination = signal.place(message.get('destCallSignalAddress'))
  const source = signal.place(message.get('srcCallSignalAddress'))
  if (destination?.ip === own.src) {
    if (notes.listed) return UNSEEN
    if (destination.port === notes.signalPort[direction]) {
      signal.tell(destination, other.dst, notes.signalPort[back])
      return ACCEPT
    }
  }
  if (source?.ip === own.src) signal.tell(source, other.dst, source.port)
  return ACCEPT
}

/** process_acf, process_lcf: where the call is to go. */
const callTo = (signal: Signal, { ip, port }: Place): Helped =>
  expectAsTold(signal, comingTo(signal, TCP, ip, port, { permanent: true, helper: NAMES.q931 }))

const admitted: Handler = (signal, message) => {
  const place = signal.place(message.get('destCallSignalAddress'))
  if (!place) return ACCEPT
  return place.ip === signal.own.dst ? tellSignal(signal, [place]) : callTo(signal, place)
}

const locate: Handler = (signal, message) => {
  tellSender(signal, [signal.place(message.get('replyAddress'))])
  return ACCEPT
}

const located: Handler = (signal, message) => {
  const place = signal.place(message.get('callSignalAddress'))
  return place ? callTo(signal, place) : ACCEPT
}

const informed: Handler = (signal, message) => {
  tellSender(signal, [signal.place(message.get('rasAddress'))])
  return tellSignal(signal, places(signal, message.get('callSignalAddress')))
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  gatekeeperRequest: discover,
  gatekeeperConfirm: discovered,
  registrationRequest: register,
  registrationConfirm: registered,
  unregistrationRequest: unregister,
  admissionRequest: admit,
  admissionConfirm: admitted,
  locationRequest: locate,
  locationConfirm: located,
  infoRequestResponse: informed,
}

/** process_ras. */
export function registration(signal: Signal, message: Kept): Helped {
  const part = message.get(message.choice)
  const handler = HANDLERS[message.choice]
  return part && handler ? handler(signal, part) : ACCEPT
}
