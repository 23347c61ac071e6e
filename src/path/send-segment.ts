import { buildPacket } from '../packet/build.js'
import { describe, headersOf } from '../packet/headers.js'
import { type Packet, u32 } from '../packet/packet.js'
import { type ProxyOptions, proxyOptionBytes } from '../packet/proxy-options.js'
import { destinationOf, sourceOf } from '../packet/reply.js'
import { Cursor } from './cursor.js'
import { Skb } from './skb.js'

/** A segment without payload that SYNPROXY makes; addresses are those of the packet that it makes it from. */
export interface OwnSegment {
  readonly flags: number
  readonly sequence: number
  readonly acknowledgement: number
  readonly window: number
  readonly options: ProxyOptions
}

/**
 * SYNPROXY's own segments (net/netfilter/nf_synproxy_core.c: synproxy_build_ip, synproxy_send_tcp): TOS 0, id 0, DF, no mark. `back`: to the sender of `about`, from
 * its receiver; else on to its receiver, in its sender's name. `before`: what it has to have before it walks through OUTPUT. Gives the sequence number
 * with which it was on its way last: the shifts of a connection may have changed it.
 */
export function sendSegment(
  cursor: Cursor,
  { back, ...segment }: OwnSegment & { readonly back: boolean },
  text: string,
  before: (skb: Skb) => void,
): number {
  const { run, netns } = cursor
  const about = cursor.skb.packet
  const packet = buildSegment(about, back, segment, hopsOf(cursor))
  const skb = new Skb(packet)
  skb.sender = { uid: undefined, gid: undefined, socket: false }
  skb.partial = true
  before(skb)
  const walk = new Cursor(run, cursor.walkOn, netns, skb)
  const headers = headersOf(packet, 0)
  const fate = run.nested(() => cursor.walkOn(walk, 'generate'))
  if (!fate) return segment.sequence
  cursor.segments.push({ fate, steps: walk.steps, way: walk.way })
  const said = `${text}: ${describe(headers)}`
  if (back) cursor.record({ kind: 'reply', text: said, reply: headers, walked: walk.steps, way: walk.way })
  else cursor.record({ kind: 'copy', text: said, copy: headers, walked: walk.steps, way: walk.way })
  return u32(skb.packet.bytes, skb.packet.transport.offset + 4) ?? segment.sequence
}

const hopsOf = ({ netns, skb }: Cursor): number =>
  skb.packet.family === 4 ? netns.defaultTtl(4) : netns.number('net.ipv6.conf.all.hop_limit', 64)

function buildSegment(about: Packet, back: boolean, segment: OwnSegment, ttl: number): Packet {
  const { bytes, transport } = about
  const port = (at: number) => (bytes[transport.offset + at]! << 8) | bytes[transport.offset + at + 1]!
  const [here, there] = [sourceOf(about)!, destinationOf(about)!]
  const [src, dst, sport, dport] = back ? [there, here, port(2), port(0)] : [here, there, port(0), port(2)]
  const { options, ...rest } = segment
  return buildPacket(
    { src, dst, ttl, df: true, id: 0 },
    { is: 'tcp', sport, dport, ...rest, options: proxyOptionBytes(options) },
    new Uint8Array(0),
  )
}
