import { ACCEPT, type HelpContext, type Helped, type Helper, payloadOf, textOf } from './helper.js'
import { mangleTcp } from './mangle.js'
import { expectAtPort, type ToldPort } from './port.js'

const KINDS = ['SEND ', 'CHAT ', 'MOVE ', 'TSEND ', 'SCHAT ']
/** As far as the helper reads (MAX_SEARCH_SIZE). */
const MOST = 4095
/** The shortest message behind ` :`. */
const SHORTEST = 26

/** DCC offers in PRIVMSG: whoever is told may connect to the client. net/netfilter/nf_conntrack_irc.c, nf_nat_irc.c. */
export const irc: Helper = {
  name: 'irc',
  families: [4],
  protocol: 6,
  port: 6667,
  policies: [{ maxExpected: 8, timeout: 300 }],
  help(context) {
    const { attachment } = context
    if (attachment.direction === 'reply' || attachment.state !== 'ESTABLISHED') return ACCEPT
    const payload = payloadOf(context)
    if (!payload) return ACCEPT
    const text = textOf(payload.data.subarray(0, MOST))
    const offer = findOffer(text, context)
    return offer ? announceOffer(context, offer, payload.at) : ACCEPT
  },
}

interface Offer {
  readonly port: number
  /** Address and port as they stand in the payload. */
  readonly from: number
  readonly to: number
}

const BLANK: ReadonlySet<string> = new Set([' ', '\r', '\n'])

function findOffer(text: string, { attachment }: HelpContext): Offer | undefined {
  let at = 0
  while (at < text.length - 10 && BLANK.has(text[at]!)) at++
  if (at < text.length - 10) {
    if (text.slice(at, at + 8).toUpperCase() !== 'PRIVMSG ') return undefined
    at += 8
  }
  while (at < text.length - SHORTEST) {
    if (!text.startsWith(' :', at)) {
      at++
      continue
    }
    at += 2
    if (!text.startsWith('\u0001DCC ', at)) return undefined
    at += 5
    for (const kind of KINDS) {
      if (!text.startsWith(kind, at)) continue
      at += kind.length
      const offer = readOffer(text, at)
      if (!offer) continue
      const { original, reply } = attachment.entry
      // its own address, inside or outside of NAT
      if ((offer.ip !== original.src && offer.ip !== reply.dst) || offer.port === 0) continue
      return offer
    }
  }
  return undefined
}

/** parse_dcc: a name, the address as one number, the port; a line end must follow somewhere. */
function readOffer(text: string, start: number): (Offer & { readonly ip: number }) | undefined {
  let at = start
  while (text[at++] !== ' ') if (at > text.length - 12) return undefined
  if (!text.slice(at).includes('\n')) return undefined
  const from = at
  const ip = leadingNumber(text, at)
  at += ip.length
  while (text[at] === ' ') {
    if (at >= text.length) return undefined
    at++
  }
  const port = leadingNumber(text, at)
  return { ip: Number(ip.value & 0xffffffffn), port: Number(port.value & 0xffffn), from, to: at + port.length }
}

/** simple_strtoul: 64 bits. */
function leadingNumber(text: string, at: number): { readonly value: bigint; readonly length: number } {
  const digits = /^\d*/.exec(text.slice(at))![0]
  return { value: BigInt(digits || '0') & 0xffffffffffffffffn, length: digits.length }
}

function announceOffer(context: HelpContext, { port, from, to }: Offer, at: number): Helped {
  const { attachment, packet, offset } = context
  const { reply } = attachment.entry
  const told: ToldPort = {
    helper: irc,
    port,
    direction: 'reply',
    at: (dport) => ({ tuple: { ...reply, src: 0, sport: 0, protocol: 6, dport }, src: undefined, sport: undefined }),
    tell: (other) => mangleTcp(packet, offset, attachment, at + from, to - from, `${reply.dst} ${other}`),
  }
  return expectAtPort(told, context)
}
