import type { Attachment } from '../conntrack/entry.js'
import { adjustTimestamp, beginAdjustment } from '../conntrack/sequence.js'
import { PROTOCOL } from '../packet/checksum.js'
import { u16, u32 } from '../packet/packet.js'
import { OFFER, type ProxyOptions, readProxyOptions } from '../packet/proxy-options.js'
import { attach, FLAG, hasFlag, takeCookie, taken } from './answer-syn.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import { sendSegment } from './send-segment.js'

const CUT_OFF = 'SYNPROXY: the TCP header or its options are cut off'

/**
 * What SYNPROXY does with every packet of a connection that it has begun, right before that is confirmed (net/netfilter/nf_synproxy_core.c: ipv4_synproxy_hook,
 * ipv6_synproxy_hook): it ends the handshake with the server, and shifts timestamps from then on.
 */
export function proxied(cursor: Cursor, { entry, direction }: Attachment): Fate | undefined {
  const { skb, netns } = cursor
  const { synproxy, protocol } = entry
  const { packet } = skb
  if (!synproxy || protocol.kind !== 'tcp' || packet.transport.protocol !== PROTOCOL.TCP) return undefined
  if (skb.iif !== undefined && netns.interfaces.isLoopback(skb.iif)) return undefined
  const { offset } = packet.transport
  if (offset + 20 > packet.bytes.length) return cursor.drop('header-cut-off', CUT_OFF)
  const has = (flag: number) => hasFlag(cursor, flag)
  const own = direction === 'original'
  const sequence = u32(packet.bytes, offset + 4)!
  switch (protocol.state) {
    case 'CLOSE':
      if (has(FLAG.RST) && !own) {
        beginAdjustment(entry, direction, (synproxy.sequence - sequence + 1) | 0)
        break
      }
      if (!has(FLAG.SYN) || has(FLAG.ACK) || !own) break
      synproxy.later = 0
      return begins(cursor, synproxy, own)
    case 'SYN_SENT':
      return begins(cursor, synproxy, own)
    case 'SYN_RECV': {
      if (!has(FLAG.SYN) || !has(FLAG.ACK)) break
      const options = readProxyOptions(packet)
      if (!options) return cursor.drop('header-cut-off', CUT_OFF)
      return opened(cursor, { entry, direction, state: 'ESTABLISHED' }, options)
    }
    default:
      break
  }
  adjustTimestamp(packet, offset, synproxy.later, own)
  return undefined
}

/** The SYN to the server tells of the cookie; an ACK that comes instead is the client's, who has not heard of the server yet. */
function begins(cursor: Cursor, synproxy: NonNullable<Attachment['entry']['synproxy']>, own: boolean): Fate | undefined {
  const { packet } = cursor.skb
  const { offset } = packet.transport
  const options = readProxyOptions(packet)
  if (!options) return cursor.drop('header-cut-off', CUT_OFF)
  if (!hasFlag(cursor, FLAG.SYN) && hasFlag(cursor, FLAG.ACK) && own) {
    // a keepalive: its sequence number is one less than the next one
    const send = takeCookie(cursor, options, (u32(packet.bytes, offset + 4)! + 1) >>> 0)
    if (!send) return cursor.drop('synproxy', 'SYNPROXY: not the right cookie')
    return taken(cursor, 'SYNPROXY calls the server once more', send)
  }
  synproxy.sequence = u32(packet.bytes, offset + 8)!
  if (options.has & OFFER.TIMESTAMP) synproxy.clock = options.echo
  adjustTimestamp(packet, offset, synproxy.later, own)
  return undefined
} // biome-ignore format: one thing a line

/** The server has answered: it gets its acknowledgement, and the client its window. */
function opened(cursor: Cursor, { entry, direction }: Attachment, options: ProxyOptions): Fate {
  const { packet, sender } = cursor.skb
  const { bytes, transport } = packet
  const { offset } = transport
  // an answer of SYNPROXY's own, to a client that begins anew before the server has answered
  if (sender && !sender.socket) {
    const about = 'SYNPROXY takes its own SYN-ACK for that of the server: what it sends then hangs on its cookie'
    cursor.run.options.chooser.choose({ kind: 'unknown', weights: [1], about })
  }
  const synproxy = entry.synproxy!
  const [sequence, acknowledgement] = [u32(bytes, offset + 4)!, u32(bytes, offset + 8)!]
  if (options.has & OFFER.TIMESTAMP) synproxy.later = (options.value - synproxy.clock) | 0
  const kept = { ...options, has: options.has & ~(OFFER.MSS | OFFER.SCALE | OFFER.SACK) }
  const known = entry.protocol.kind === 'tcp' ? entry.protocol.seen.original.maxWindow : 0
  const next = (sequence + 1) >>> 0
  return taken(cursor, 'SYNPROXY takes the SYN-ACK of the server, acknowledges it, and tells the client of the window', () => {
    const times = { value: options.echo, echo: options.value }
    sendSegment(cursor, { back: true, flags: FLAG.ACK, sequence: acknowledgement, acknowledgement: next, window: known & 0xffff, options: { ...kept, ...times } }, 'SYNPROXY acknowledges', () => {})
    beginAdjustment(entry, direction, (synproxy.sequence - sequence) | 0)
    const window = u16(bytes, offset + 14)! >> options.scale
    sendSegment(cursor, { back: false, flags: FLAG.ACK, sequence: next, acknowledgement, window, options: kept }, 'SYNPROXY opens the window', (told) => attach(cursor, told))
  })
} // biome-ignore format: one thing a line
