import { ACCEPT, drop, type Helped } from '../helper.js'
import { CLASS } from './classes.js'
import { expectSignalling } from './expect.js'
import type { Message } from './message.js'
import { followSession } from './session.js'
import { headerIn, isAlpha, numberAt, numberParameter, standsAt, transportAt, uriIn } from './text.js'

/** What is made of a message with this number (CSeq). */
type Ask = (message: Message, cseq: number) => Helped
type Answer = (message: Message, cseq: number, code: number) => Helped

/** flush_expectations: what is expected of the media of a talk that is over, or the one of a registration. */
function forget({ context, entry }: Message, media: boolean): void {
  const { table, now } = context
  const all = table.expectations.of(entry, now).filter((one) => (one.class !== CLASS.signalling) === media)
  for (const one of media ? all : all.slice(0, 1)) table.expectations.remove(one)
}

function invite(message: Message, cseq: number): Helped {
  forget(message, true)
  const helped = followSession(message)
  if (helped.is === 'accept') message.notes.inviteNumber = cseq
  return helped
}

const isProvisional = (code: number): boolean => code >= 100 && code <= 199
const isSuccess = (code: number): boolean => code >= 200 && code <= 299

/** process_invite_response and its like: refused, nothing will come of what was announced. */
function answered(message: Message, cseq: number, code: number): Helped {
  if (isProvisional(code) || isSuccess(code)) return followSession(message)
  const { inviteNumber } = message.notes
  if (inviteNumber === undefined) return unseen('INVITE')
  if (inviteNumber === cseq) forget(message, true)
  return ACCEPT
}

const unseen = (method: string): Helped => ({
  is: 'unknown',
  reason: `the number of the last ${method} that the SIP helper had seen when the snapshot was taken`,
})

const expiresIn = ({ text, family }: Message): number => {
  const found = headerIn(text, 0, 'Expires', family)
  return found.is === 'found' ? numberAt(text, found.at).value : 0
}

/** process_register_request. */
function register(message: Message, cseq: number): Helped {
  if (message.expected) return ACCEPT
  const { text, family } = message
  const contact = uriIn(text, 'Contact', family)
  if (contact === 'bad') return drop('the contact of a SIP registration is no address')
  if (contact === 'none' || contact.ip !== message.own.src) return ACCEPT
  const end = contact.at + contact.length
  const protocol = transportAt(text, end, message.protocol)
  if (protocol === undefined) return ACCEPT
  const parameter = numberParameter(text, end, 'expires=')
  if (parameter === 'bad') return drop('for how long a SIP registration counts is no number')
  const seconds = parameter ? parameter.value : expiresIn(message)
  const helped = seconds === 0 ? ACCEPT : expectSignalling(message, contact, protocol)
  if (helped.is === 'accept') message.notes.registerNumber = cseq
  return helped
}

/** process_register_response: calls are let in once the registrar has agreed, for as long as it says. */
function registered(message: Message, cseq: number, code: number): Helped {
  const { registerNumber } = message.notes
  if (registerNumber === undefined) return unseen('REGISTER')
  if (registerNumber !== cseq || isProvisional(code)) return ACCEPT
  if (isSuccess(code)) {
    const done = confirmContacts(message)
    if (done) return done
  }
  forget(message, false)
  return ACCEPT
}

/** Undefined: none of the contacts is what was expected. */
function confirmContacts(message: Message): Helped | undefined {
  const { text, family } = message
  const reading = { at: 0, inside: false }
  for (;;) {
    const contact = uriIn(text, 'Contact', family, reading)
    if (contact === 'bad') return drop('the contact of a SIP registration is no address')
    if (contact === 'none') return undefined
    if (contact.ip !== message.own.dst) continue
    const end = contact.at + contact.length
    const protocol = transportAt(text, end, message.protocol)
    if (protocol === undefined) continue
    const parameter = numberParameter(text, end, 'expires=')
    if (parameter === 'bad') return drop('for how long a SIP registration counts is no number')
    const seconds = parameter ? parameter.value : expiresIn(message)
    if (seconds === 0) return undefined
    if (activate(message, contact.ip, contact.port, protocol, seconds)) return ACCEPT
  }
}

/** refresh_signalling_expectation. */
function activate({ context, entry }: Message, ip: unknown, port: number, protocol: number, seconds: number): boolean {
  const { table, now } = context
  const found = table.expectations
    .of(entry, now)
    .find(
      (one) =>
        one.class === CLASS.signalling &&
        one.tuple.dst === ip &&
        one.tuple.protocol === protocol &&
        one.tuple.dport === port,
    )
  if (!found) return false
  found.expires = now + seconds
  found.inactive = false
  return true
}

const bye: Ask = (message) => {
  forget(message, true)
  return ACCEPT
}

interface Method {
  readonly name: string
  readonly ask: Ask
  readonly answer?: Answer
}

const METHODS: readonly Method[] = [
  { name: 'INVITE', ask: invite, answer: answered },
  { name: 'UPDATE', ask: followSession, answer: answered },
  { name: 'ACK', ask: followSession },
  { name: 'PRACK', ask: followSession, answer: answered },
  { name: 'BYE', ask: bye },
  { name: 'REGISTER', ask: register, answer: registered },
]

/** CSeq's number, and where it ends. */
function numberOf({ text, family }: Message): { readonly value: number; readonly end: number } | undefined {
  const found = headerIn(text, 0, 'CSeq', family)
  if (found.is !== 'found') return undefined
  const { value, length } = numberAt(text, found.at)
  return length === 0 ? undefined : { value, end: found.at + found.length }
}

const NO_NUMBER = drop('a SIP message has no number (CSeq)')

/** process_sip_request. */
export function handleRequest(message: Message): Helped {
  const { text, own, notes } = message
  const via = uriIn(text, 'Via UDP', message.family)
  if (via !== 'none' && via !== 'bad' && via.ip === own.src) {
    if (via.port !== own.sport) notes.forcedPort = via.port
    else notes.forcedPort ??= 0
  }
  const method = METHODS.find(
    ({ name }) => text.length >= name.length + 2 && standsAt(text, 0, `${name} `) && isAlpha(text[name.length + 1]),
  )
  if (!method) return ACCEPT
  const cseq = numberOf(message)
  return cseq ? method.ask(message, cseq.value) : NO_NUMBER
}

const ANSWER = 'SIP/2.0 '
/** process_sip_response. */
export function handleResponse(message: Message): Helped {
  const { text } = message
  const { value: code } = numberAt(text, ANSWER.length)
  if (code === 0) return drop('a SIP answer has no code')
  const cseq = numberOf(message)
  if (!cseq) return NO_NUMBER
  const method = METHODS.find(({ name, answer }) => answer && standsAt(text, cseq.end + 1, name))
  return method?.answer ? method.answer(message, cseq.value, code) : ACCEPT
}
