import { arpField, isArp } from '../packet/arp.js'
import { ETHERTYPE, payloadOfFrame, tagsOf } from '../packet/frame.js'
import { describe, headersOf } from '../packet/headers.js'
import type { Packet } from '../packet/packet.js'
import { type PacketRequest, toPacket } from '../packet/request.js'
import { Cursor, type Engine } from './cursor.js'
import { findPlace, QuestionError, resolve, type Start } from './resolve.js'
import type { Run } from './run.js'
import { Skb } from './skb.js'
import { outputSource } from './source.js'
import type { StageName } from './stages.js'
import { placeName } from './world.js'

/** A packet about to be walked. */
export interface Beginning {
  readonly cursor: Cursor
  readonly stage: StageName
  readonly start: Start
}

/** Puts the packet that a question asks about where it begins. */
export function begin(run: Run, engine: Engine, request: PacketRequest): Beginning {
  if (request.is === 'capture') throw new QuestionError('a packet of a capture must be read from its file first')
  if (request.is === 'frame') return beginFrame(run, engine, request)
  const start = resolve(run, request)
  const netns = run.netns(start.place)
  const packet = (src: Start['src']): Packet =>
    toPacket(request, { src: src ?? (typeof start.dst === 'number' ? 0 : 0n), dst: start.dst })
  const skb = new Skb(packet(start.src))
  const cursor = new Cursor(run, engine, netns, skb)
  skb.mark = request.mark ?? 0
  skb.supposed = request.ctstate
  if (start.in !== undefined) {
    arrive(cursor, start.in, request)
    return { cursor, stage: 'receive', start }
  }
  skb.sender = { uid: request.uid, gid: request.gid, socket: true }
  skb.chooseSource = start.src === undefined
  if (start.src === undefined) {
    const src = outputSource(cursor, start.dst, undefined)
    if (src !== undefined) skb.packet = packet(src)
  }
  netns.openFlow(skb.packet)
  const here = placeName(start.place)
  cursor.record({ kind: 'generate', text: `${here} sends ${describe(headersOf(skb.packet, skb.mark))}` })
  return { cursor, stage: 'generate', start }
}

function arrive(cursor: Cursor, dev: string, request: Extract<PacketRequest, { is: 'fields' }>): void {
  const { skb, netns } = cursor
  const link = netns.link(dev)!
  skb.iif = dev
  if (request.vlan !== undefined) skb.vlans = [{ id: request.vlan, priority: 0, tpid: ETHERTYPE.VLAN }]
  const ethertype = skb.packet.family === 4 ? 0x0800 : 0x86dd
  const source =
    request.mac ?? netns.state.neighbours.find(({ ip }) => ip === netns.addressOf(skb.packet, 'src'))?.mac ?? 0
  const master = netns.link(link.master)
  const target = master && master.kind !== 'vrf' ? master.mac : link.mac
  skb.packet.mac = { source, destination: request.macDestination ?? target ?? 0, ethertype }
}

function beginFrame(run: Run, engine: Engine, request: Extract<PacketRequest, { is: 'frame' }>): Beginning {
  const packet = payloadOfFrame(request.frame)
  if (!packet) throw new QuestionError('the frame is cut off')
  const dev = request.in
  if (dev === undefined) throw new QuestionError('a frame arrives somewhere: frame hex:… in IFACE')
  const named = request.from === undefined ? undefined : findPlace(run.hosts, request.from)
  const place = named ?? run.hosts.namespaces.find(({ links }) => links.some(({ name }) => name === dev))
  if (!place?.links.some(({ name }) => name === dev)) throw new QuestionError(`no interface is called "${dev}"`)
  const skb = new Skb(packet)
  const cursor = new Cursor(run, engine, run.netns(place), skb)
  skb.iif = dev
  skb.vlans = tagsOf(request.frame)
  skb.mark = request.mark ?? 0
  const address = (end: 'src' | 'dst') =>
    isArp(packet) ? (arpField(packet, end === 'src' ? 'spa' : 'tpa') ?? 0) : cursor.netns.addressOf(packet, end)
  return { cursor, stage: 'receive', start: { place, in: dev, src: address('src'), dst: address('dst') } }
}
