import { type Ip, printIp } from '../../../address/ip.js'
import { put16 } from '../../../packet/packet.js'
import { ACCEPT, drop, type Helped } from '../helper.js'
import { mangleUdp } from '../mangle.js'
import type { Message } from './message.js'
import {
  addressParameter,
  headerIn,
  numberParameter,
  type Place,
  requestUri,
  type SessionName,
  sessionLine,
  standsAt,
  uriIn,
} from './text.js'

/** How SIP writes an address in a message; IPv6 in brackets. */
export const printed = (ip: Ip): string => (typeof ip === 'number' ? printIp(ip) : `[${printIp(ip)}]`)
export const printedPlace = (ip: Ip, port: number): string => `${printed(ip)}:${port}`

const TOO_LONG = drop('the packet would be too long')
/** Ports to which SIP may be told to answer. */
const LEAST_PORT = 1024

/** map_addr: an end of the connection is told as the other side knows it; any other address stays. */
function mapPlace(message: Message, { at, length, ip, port }: Place): boolean {
  const { own, other, notes } = message
  let to: readonly [Ip, number]
  if (ip === own.src && port === own.sport) to = [other.dst, other.dport]
  else if (ip === own.dst && port === own.dport) to = [other.src, notes.forcedPort || other.sport]
  else return true
  if (to[0] === ip && to[1] === port) return true
  return message.rewrite(at, length, printedPlace(...to))
}

/** nf_nat_sip: addresses in the first line, Via, Contact, From and To. */
export function translateMessage(message: Message): Helped {
  const { family, notes } = message
  if (notes.forcedPort === undefined)
    return {
      is: 'unknown',
      reason: 'the port on which a SIP phone listens, which its helper had seen when the snapshot was taken',
    }
  const request = !standsAt(message.text, 0, 'SIP/2.0')
  if (request) {
    const uri = requestUri(message.text, family)
    if (uri && !mapPlace(message, uri)) return TOO_LONG
  }
  if (!translateVia(message, request)) return TOO_LONG
  const reading = { at: 0, inside: false }
  for (;;) {
    const contact = uriIn(message.text, 'Contact', family, reading)
    if (contact === 'none' || contact === 'bad') break
    if (!mapPlace(message, contact)) return TOO_LONG
  }
  for (const header of ['From', 'To'] as const) {
    const place = uriIn(message.text, header, family)
    if (place !== 'none' && place !== 'bad' && !mapPlace(message, place)) return TOO_LONG
  }
  return redirectToVia(message)
}

/** The topmost Via header, where it is about this connection. */
function translateVia(message: Message, request: boolean): boolean {
  const { family, own, other } = message
  const via = uriIn(message.text, message.protocol === 6 ? 'Via TCP' : 'Via UDP', family)
  if (via === 'none' || via === 'bad') return true
  const [ip, port] = request ? [own.src, own.sport] : [own.dst, own.dport]
  if (via.ip !== ip || via.port !== port) return true
  const before = message.length
  if (!mapPlace(message, via)) return false
  const end = via.at + via.length + message.length - before
  const maddr = addressParameter(message.text, end, 'maddr=', family, false)
  if (maddr?.ip === own.src && own.src !== other.dst)
    if (!message.rewrite(maddr.at, maddr.length, printed(other.dst))) return false
  const received = addressParameter(message.text, end, 'received=', family, true)
  if (received?.ip === own.dst && own.dst !== other.src)
    if (!message.rewrite(received.at, received.length, printIp(other.src))) return false
  const rport = numberParameter(message.text, end, 'rport=')
  if (rport === undefined || rport === 'bad' || rport.value < LEAST_PORT) return true
  if (rport.value !== own.dport || rport.value === other.sport) return true
  return message.rewrite(rport.at, rport.length, `${other.sport}`)
}

/** Phones that send from one port and listen on the one that they write into Via: answers go there. */
function redirectToVia({ context, notes, direction, protocol }: Message): Helped {
  if (direction === 'original' || !notes.forcedPort) return ACCEPT
  if (protocol === 6)
    return { is: 'unknown', reason: 'a SIP request over TCP that said UDP: what the SIP helper makes of its answers' }
  const { packet, offset } = context
  put16(packet.bytes, offset + 2, notes.forcedPort)
  return mangleUdp(packet, offset, offset + 8, 0, '') ? ACCEPT : TOO_LONG
}

/** mangle_content_len: what the description is long. False: there is none, or no Content-Length. */
function correctLength(message: Message): boolean {
  const { text, family } = message
  const version = sessionLine(text, 0, 'version', family)
  const length = headerIn(text, 0, 'Content-Length', family)
  if (version.is !== 'found' || length.is !== 'found') return false
  return message.rewrite(length.at, length.length, `${text.length - version.at + 2}`)
}

/** mangle_sdp_packet: an address of the description, in front of the next media line. */
function rewriteSession(message: Message, from: number, kind: SessionName, to: string): 'done' | 'none' | 'failed' {
  const found = sessionLine(message.text, from, kind, message.family, 'media')
  if (found.is !== 'found') return 'none'
  return message.rewrite(found.at, found.length, to) ? 'done' : 'failed'
}

/** nf_nat_sdp_addr: the address of one medium. */
export const rewriteMediaAddress = (message: Message, from: number, ip: Ip): boolean =>
  rewriteSession(message, from, 'connection', printIp(ip)) === 'done' && correctLength(message)

/** nf_nat_sdp_port. */
export const rewriteMediaPort = (message: Message, at: number, length: number, port: number): boolean =>
  message.rewrite(at, length, `${port}`) && correctLength(message)

/** nf_nat_sdp_session: the address of who offers, and the one for all media where there is one. */
export const rewriteSessionAddress = (message: Message, from: number, ip: Ip): boolean =>
  rewriteSession(message, from, 'owner', printIp(ip)) === 'done' &&
  rewriteSession(message, from, 'connection', printIp(ip)) !== 'failed' &&
  correctLength(message)
