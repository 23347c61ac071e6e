import { ACCEPT, type HelpContext, type Helped, type Helper, payloadOf } from '../helper.js'
import { control } from './h245.js'
import { CONTROL_MESSAGE } from './h245-types.js'
import { NAMES, POLICIES } from './notes.js'
import { Bits, Kept } from './per.js'
import { callSignal } from './q931.js'
import { registration } from './ras.js'
import { RAS_MESSAGE } from './ras-types.js'
import { Signal } from './signal.js'
import { type Framed, messagesIn } from './tpkt.js'

const [TCP, UDP] = [6, 17]

/** Each message of a segment, as long as they can be read. */
function eachMessage(context: HelpContext, signal: Signal, take: (message: Framed) => Helped | 'bad'): Helped {
  const { attachment, packet } = context
  const payload = payloadOf(context)
  if (!payload) {
    signal.notes.left[attachment.direction] = 0
    return ACCEPT
  }
  for (const message of messagesIn(packet.bytes, payload.at, attachment.direction, signal.notes)) {
    if (message === 'unknown')
      return { is: 'unknown', reason: 'what the helper of H.323 had seen when the snapshot was taken' }
    const helped = take(message)
    if (helped === 'bad') return ACCEPT
    if (helped.is !== 'accept') return helped
  }
  return ACCEPT
}

/** Calls of H.323: ITU-T Q.931 and H.225.0 over TCP. net/netfilter/nf_conntrack_h323_main.c, net/ipv4/netfilter/nf_nat_h323.c. */
export const q931: Helper = {
  name: NAMES.q931,
  families: [4, 6],
  protocol: TCP,
  port: 1720,
  policies: POLICIES.q931.policies,
  help(context) {
    if (context.attachment.state !== 'ESTABLISHED') return ACCEPT
    const signal = new Signal(context, POLICIES.q931)
    return eachMessage(context, signal, (message) => callSignal(signal, message))
  },
}

/** The channels of a call: ITU-T H.245. Its connections are those that Q.931 expects. */
export const h245: Helper = {
  name: NAMES.h245,
  families: [4, 6],
  protocol: TCP,
  port: -1,
  policies: POLICIES.h245.policies,
  help(context) {
    if (context.attachment.state !== 'ESTABLISHED') return ACCEPT
    const signal = new Signal(context, POLICIES.h245)
    return eachMessage(context, signal, (message) => {
      const kept = new Kept()
      const how = CONTROL_MESSAGE(new Bits(context.packet.bytes, message.at, message.end), kept)
      return how === 'bad' ? 'bad' : control(signal, kept)
    })
  },
}

/** Gatekeepers of H.323: RAS of ITU-T H.225.0 over UDP. */
export const ras: Helper = {
  name: NAMES.ras,
  families: [4, 6],
  protocol: UDP,
  port: 1719,
  policies: POLICIES.ras.policies,
  help(context) {
    const payload = payloadOf(context)
    if (!payload) return ACCEPT
    const { bytes } = context.packet
    const kept = new Kept()
    const how = RAS_MESSAGE(new Bits(bytes, payload.at, bytes.length), kept)
    return how === 'bad' ? ACCEPT : registration(new Signal(context, POLICIES.ras), kept)
  },
}
