import { u32 } from '../../../packet/packet.js'
import type { SipNotes } from '../../entry.js'
import { setAdjustment } from '../../sequence.js'
import { ACCEPT, type HelpContext, type Helped, type Helper, isTranslated, payloadOf } from '../helper.js'
import { SIP, SIP_NAME } from './classes.js'
import { handleRequest, handleResponse } from './handlers.js'
import { Message } from './message.js'
import { translateMessage } from './nat.js'
import { headerIn, numberAt, SIP_PORT, standsAt } from './text.js'

/** sip_timeout: how long signalling may be silent. */
const SILENCE = 3600
const LEAST_LENGTH = 'SIP/2.0 200'.length
const [TCP, UDP] = [6, 17]

/**
 * RFC 3261 and RFC 4566: registrations, calls and their media, with the parameters of the module as they are by themselves (sip_direct_signalling and
 * sip_direct_media 1, sip_external_media 0). net/netfilter/nf_conntrack_sip.c, nf_nat_sip.c.
 */
export const sipOverUdp: Helper = {
  name: SIP_NAME,
  families: [4, 6],
  protocol: UDP,
  port: SIP_PORT,
  policies: SIP.policies,
  help(context) {
    const payload = begin(context)
    return payload ? process(new Message(context, payload.at, payload.length, notesOf(context))) : ACCEPT
  },
}

export const sipOverTcp: Helper = {
  name: SIP_NAME,
  families: [4, 6],
  protocol: TCP,
  port: SIP_PORT,
  policies: SIP.policies,
  help(context) {
    if (context.attachment.state !== 'ESTABLISHED') return ACCEPT
    const payload = begin(context)
    return payload ? processAll(context, payload.at, payload.length) : ACCEPT
  },
}

/** Undefined: there is nothing to look at. */
function begin(context: HelpContext): { readonly at: number; readonly length: number } | undefined {
  const payload = payloadOf(context)
  if (!payload) return undefined
  const { table, now, attachment } = context
  table.refresh(attachment.entry, now + SILENCE)
  context.linearize?.()
  return payload.data.length < LEAST_LENGTH ? undefined : { at: payload.at, length: payload.data.length }
}

function notesOf({ attachment: { entry } }: HelpContext): SipNotes {
  entry.helping ??= { original: [], reply: [], listed: true }
  const { helping } = entry
  helping.sip ??= helping.listed
    ? { registerNumber: undefined, inviteNumber: undefined, forcedPort: undefined }
    : { registerNumber: 0, inviteNumber: 0, forcedPort: 0 }
  return helping.sip
}

/** process_sip_msg. */
function process(message: Message): Helped {
  const helped = standsAt(message.text, 0, 'SIP/2.0 ') ? handleResponse(message) : handleRequest(message)
  return helped.is === 'accept' && message.translated ? translateMessage(message) : helped
}

/** sip_help_tcp: every message that is whole. The sequence numbers behind are shifted by what all of them have grown. */
function processAll(context: HelpContext, from: number, length: number): Helped {
  const { packet, offset, attachment } = context
  const { entry, direction } = attachment
  const notes = notesOf(context)
  let at = from
  let left = length
  let grown = 0
  for (;;) {
    const whole = wholeMessage(new Message(context, at, left, notes))
    if (whole === 'none') break
    if (whole > left) return ACCEPT
    const message = new Message(context, at, whole, notes)
    const helped = process(message)
    if (helped.is !== 'accept') return helped
    grown += message.length - whole
    at += message.length
    left -= whole
  }
  if (isTranslated(entry)) setAdjustment(entry, direction, u32(packet.bytes, offset + 4)!, grown)
  return ACCEPT
}

const END = '\r\n\r\n'

/** How long the first message is, which may be more than there is. */
function wholeMessage({ text, family }: Message): number | 'none' {
  const found = headerIn(text, 0, 'Content-Length', family)
  if (found.is !== 'found') return 'none'
  const { value, length } = numberAt(text, found.at)
  if (length === 0 || value > text.length) return 'none'
  const end = text.indexOf(END, found.at + length)
  return end < 0 ? 'none' : end + END.length + value
}
