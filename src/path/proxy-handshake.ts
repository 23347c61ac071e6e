import { u32 } from '../packet/packet.js'
import type { Fate, Walked } from './fate.js'
import type { Way } from './trail.js'

/** The two ends of a handshake through SYNPROXY. */
export interface Ends {
  /** The client's acknowledgement of this number. */
  acknowledge(number: number): Walked
  /** What the server answers to the SYN that it got; a sentence: nothing comes of it, and why. */
  answer(called: Walked): Walked | string
}

export type Opened =
  /** `request`: all that led to the server's SYN; `reply`: the window that the client was told; `acknowledged`: what it acknowledges from then on. */
  | { readonly request: Walked; readonly reply: Walked; readonly acknowledged: number }
  | { readonly request: Walked; readonly works: false | null; readonly symptom: string; readonly why: string }

const arrives = ({ outcome }: Fate): boolean => outcome === 'delivered' || outcome === 'sent'
const sequenceOf = ({ skb: { packet } }: Fate): number => u32(packet.bytes, packet.transport.offset + 4) ?? 0

const HANGS = 'hangs after the handshake'
const GONE = 'answers to answers are not followed any further'

/** From the SYN that SYNPROXY has answered to the connection that it has opened with the server. */
export function throughProxy(syn: Walked, ends: Ends): Opened {
  const stopped = (request: Walked, symptom: string, what: string, fate: Fate | undefined): Opened => {
    const undecided = fate === undefined || fate.outcome === 'undecided'
    const why = `${what}: ${fate?.text ?? GONE}`
    return {
      request,
      works: undecided ? null : false,
      symptom: undecided ? 'not decided: see the reason' : symptom,
      why,
    }
  }
  const [answered] = syn.fate.segments ?? []
  if (!answered || !arrives(answered.fate))
    return stopped(syn, 'timeout', 'what SYNPROXY answers does not come back', answered?.fate)
  const third = ends.acknowledge((sequenceOf(answered.fate) + 1) >>> 0)
  const request = behind(syn, third)
  if (arrives(third.fate))
    return stopped(
      request,
      'connection reset',
      'the acknowledgement goes past SYNPROXY to the server, which knows of no connection',
      third.fate,
    )
  if (third.fate.reason !== 'synproxy') return stopped(request, HANGS, 'the acknowledgement', third.fate)
  const [called] = third.fate.segments ?? []
  if (!called || !arrives(called.fate)) return stopped(request, HANGS, 'SYNPROXY calls the server', called?.fate)
  const whole = { ...request, fate: called.fate }
  const reply = ends.answer({ ...called, fate: called.fate })
  if (typeof reply === 'string') return { request: whole, works: false, symptom: HANGS, why: reply }
  if (reply.fate.reason !== 'synproxy')
    return stopped(whole, HANGS, 'the answer of the server does not come back through SYNPROXY', reply.fate)
  const [acknowledged, told] = reply.fate.segments ?? []
  for (const one of [acknowledged, told])
    if (!one || !arrives(one.fate)) return stopped(whole, HANGS, 'what SYNPROXY tells both ends', one?.fate)
  return { request: whole, reply: { ...reply, fate: told!.fate }, acknowledged: sequenceOf(told!.fate) }
}

/** Two packets of one end, one after the other. */
function behind(first: Walked, second: Walked): Walked {
  const later: Way = second.way.map((at) => ({ ...at, step: at.step + first.steps.length }))
  return { fate: second.fate, steps: [...first.steps, ...second.steps], way: [...first.way, ...later] }
}
