import { type Packet, u8, u16, u32 } from '../packet/packet.js'
import { isMulticast } from '../routing/classify.js'
import { sendIcmpError } from './answers.js'
import type { Cursor } from './cursor.js'
import { reassemble6 } from './defragment.js'
import type { Fate } from './fate.js'

/** Next-header values of extension headers (RFC 8200 section 4). */
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const NO_NEXT_HEADER = 59
const DESTINATION = 60

/** net.ipv6.max_hbh_opts_number, max_dst_opts_number. */
const MOST_OPTIONS = 8
/** Padding in one place, in bytes (RFC 4942 section 2.1.9.5). */
const MOST_PADDING = 7

const PARAMETER_PROBLEM = 4
const ERRONEOUS_FIELD = 0
const UNKNOWN_OPTION = 2

const PAD1 = 0
const PADN = 1
const ROUTER_ALERT = 5
const CALIPSO = 7
const IOAM = 49
const JUMBO = 194

/** What is wrong with options; `tell`: the code of the parameter problem that is sent, `pointer` from the start of the packet. */
interface Fault {
  readonly text: string
  readonly tell?: number
  readonly pointer?: number
}

/** net/ipv6/exthdrs.c: ip6_parse_tlv. `at`: where the header stands. */
function optionsFault({ bytes }: Packet, at: number, hopByHop: boolean): Fault | undefined {
  const end = lengthOf(bytes, at) + at
  if (end > bytes.length) return { text: 'options that are cut off' }
  let padding = 0
  let count = 0
  for (let off = at + 2; off < end; ) {
    const kind = bytes[off]!
    if (kind === PAD1) {
      if (++padding > MOST_PADDING) return { text: 'too much padding' }
      off++
      continue
    }
    const length = (bytes[off + 1] ?? 0) + 2
    if (end - off < 2 || length > end - off) return { text: `option ${kind} is longer than its header` }
    if (kind === PADN) {
      padding += length
      if (padding > MOST_PADDING) return { text: 'too much padding' }
      if (bytes.subarray(off + 2, off + length).some((byte) => byte !== 0)) return { text: 'padding that is not zero' }
    } else {
      if (++count > MOST_OPTIONS) return { text: `more than ${MOST_OPTIONS} options` }
      const fault = (hopByHop ? hopByHopFault(bytes, off, kind) : undefined) ?? unknownFault(bytes, off, kind, hopByHop)
      if (fault) return fault
      padding = 0
    }
    off += length
  }
  return undefined
}

/** ipv6_hop_ra, ipv6_hop_jumbo, ipv6_hop_calipso, ipv6_hop_ioam (which is off unless an interface has ioam6_enabled). */
function hopByHopFault(bytes: Uint8Array, off: number, kind: number): Fault | undefined {
  const length = bytes[off + 1]!
  switch (kind) {
    case ROUTER_ALERT:
      return length === 2 ? undefined : { text: `a router alert of ${length} bytes` }
    case IOAM:
      return off & 3 ? { text: 'an IOAM option that is not aligned' } : undefined
    case CALIPSO:
      return length < 8 || bytes[off + 6]! * 4 + 8 > length ? { text: 'a broken CALIPSO option' } : undefined
    case JUMBO: {
      if (length !== 4 || (off & 3) !== 2) return { text: 'a jumbo payload option of the wrong length or place' }
      const size = u32(bytes, off + 2)!
      if (size <= 0xffff) return { text: `a jumbo payload of ${size} bytes`, tell: ERRONEOUS_FIELD, pointer: off + 2 }
      if (u16(bytes, 4) !== 0)
        return { text: 'a jumbo payload option beside a payload length', tell: ERRONEOUS_FIELD, pointer: off }
      return size > bytes.length - 40 ? { text: 'a jumbo payload that is cut off' } : undefined
    }
  }
  return undefined
}

const KNOWN_HOP_BY_HOP: ReadonlySet<number> = new Set([ROUTER_ALERT, IOAM, CALIPSO, JUMBO])

/** ip6_tlvopt_unknown: the two upper bits of an unknown option say what becomes of its packet (RFC 8200 section 4.2). */
function unknownFault(bytes: Uint8Array, off: number, kind: number, hopByHop: boolean): Fault | undefined {
  if (hopByHop && KNOWN_HOP_BY_HOP.has(kind)) return undefined
  const action = kind >> 6
  if (action === 0) return undefined
  const text = `an unknown option ${kind}`
  const silent = action === 1 || (action === 3 && bytes[24] === 0xff)
  return silent ? { text } : { text, tell: UNKNOWN_OPTION, pointer: off }
}

const lengthOf = (bytes: Uint8Array, at: number): number => ((bytes[at + 1] ?? 0) + 1) * 8

function refuse(cursor: Cursor, { text, tell, pointer }: Fault): Fate {
  const answer =
    tell === undefined ? undefined : sendIcmpError(cursor, { type: PARAMETER_PROBLEM, code: tell, info: pointer! })
  return cursor.drop('ip6-options', `IPv6 extension headers: ${text}`, { answer })
}

/** ipv6_parse_hopopts: every router looks at hop-by-hop options, before any hook. */
export function lookAtHopByHop(cursor: Cursor): Fate | undefined {
  const { packet } = cursor.skb
  if (packet.family === 4 || packet.bytes[6] !== HOP_BY_HOP) return undefined
  const fault = optionsFault(packet, 40, true)
  return fault && refuse(cursor, fault)
}

/** What stands behind the extension headers. `named`: the byte that says so, counted from the start of the packet. */
export interface Upper {
  readonly protocol: number
  readonly named: number
}

/**
 * net/ipv6/ip6_input.c: ip6_protocol_deliver_rcu: headers for this host are worked off one after the other, fragments put together where their header
 * stands. A header that nobody knows ends it, whatever may stand behind.
 */
export function openHeaders(cursor: Cursor): Upper | Fate {
  const { skb } = cursor
  let named = 6
  let at = 40
  if (skb.packet.bytes[6] === HOP_BY_HOP) {
    named = 40
    at += lengthOf(skb.packet.bytes, 40)
  }
  at = skb.deliverAt ?? at
  for (let together = false; ; ) {
    const { packet } = skb
    const { bytes } = packet
    const protocol = bytes[named]!
    switch (protocol) {
      case DESTINATION: {
        const fault = optionsFault(packet, at, false)
        if (fault) return refuse(cursor, fault)
        break
      }
      case ROUTING: {
        const fate = lookAtRouting(cursor, at)
        if (fate) return fate
        break
      }
      case FRAGMENT: {
        if (together) return refuse(cursor, { text: 'a fragment in a fragment', tell: ERRONEOUS_FIELD, pointer: at })
        if (at + 8 > bytes.length) return refuse(cursor, { text: 'it is cut off', tell: ERRONEOUS_FIELD, pointer: at })
        together = true
        if ((u16(bytes, at + 2)! & 0xfff9) === 0) {
          named = at
          at += 8
          continue
        }
        const waiting = reassemble6(cursor)
        if (waiting) return waiting
        continue
      }
      case NO_NEXT_HEADER:
        return cursor.drop('no-next-header', 'no next header')
      default:
        return { protocol, named }
    }
    named = at
    at += lengthOf(bytes, at)
  }
}

/** ipv6_rthdr_rcv: only where no way is left to go. Segment routing (RFC 8754) and RPL are off unless an interface has them on. */
function lookAtRouting(cursor: Cursor, at: number): Fate | undefined {
  const { packet, type } = cursor.skb
  const { bytes } = packet
  if (at + lengthOf(bytes, at) > bytes.length) return refuse(cursor, { text: 'a routing header that is cut off' })
  if (type !== 'host' || isMulticast(cursor.netns.addressOf(packet, 'dst')))
    return refuse(cursor, { text: 'a routing header to a multicast address' })
  const kind = u8(bytes, at + 2)!
  if (kind === 3 || kind === 4)
    return refuse(cursor, { text: `a routing header of type ${kind}, which is not enabled` })
  if (u8(bytes, at + 3) === 0) return undefined
  return refuse(cursor, { text: `a routing header of type ${kind}`, tell: ERRONEOUS_FIELD, pointer: at + 2 })
}
