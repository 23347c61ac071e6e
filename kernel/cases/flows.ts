import type { Injection } from '../lab.js'
import { farMac, routerMac } from '../lab.js'
import type { Random } from '../prng.js'
import { ethernet, FLAG, hex, icmp, ip4, ip6, type Ip4, read, type Seen, tcp, tcpData, tcpFlags, tcpSeq, udp } from './frames.js'
import { clients, destinations, host, routers, type Scene } from './scene.js'

/** A conversation: gives the next packet, and is told what came out of the router because of it. */
export type Flow = Generator<Injection, void, readonly Seen[]>

export interface Stage {
  readonly random: Random
  readonly scene: Scene
  /** IP ids and fragment ids, never the same twice in a lab. */
  readonly ids: { next: number }
}

interface Header {
  readonly src: string
  readonly dst: string
  readonly protocol: number
  readonly ttl?: number
  readonly tos?: number
  readonly fragment?: number
  readonly id?: number
  readonly options?: string
}

const number = (link: string): number => Number(link.slice(1))
/** A packet that arrives at a link; or, at `local`, one that the router itself sends. */
function arrives(at: string, packet: string, macs?: { readonly to?: string; readonly from?: string; readonly type?: number }): Injection {
  if (at === 'local') return { at, frame: packet }
  const link = number(at)
  return { at, frame: ethernet(macs?.to ?? routerMac(link), macs?.from ?? farMac(link), packet, macs?.type) }
}

function network({ scene, ids, random }: Stage, header: Header, payload: string): string {
  const { src, dst, protocol, ttl = random.chance(0.02) ? random.int(0, 3) : random.pick([64, 64, 64, 128, 63]), tos = random.chance(0.05) ? random.pick([4, 8, 0x10, 0xb8, 3]) : 0 } = header
  if (scene.family === 6) return ip6({ src, dst, protocol, hopLimit: ttl, trafficClass: tos, flowLabel: 0 }, payload)
  const whole: Ip4 = { src, dst, protocol, ttl, tos, id: header.id ?? (ids.next++ & 0xffff), fragment: header.fragment ?? 0x4000, options: header.options ?? '' }
  return ip4(whole, payload)
}

const dataOf = ({ random }: Stage, most = 24): string => Array.from({ length: random.int(0, most) }, (_, i) => hex(0x61 + (i % 26), 1)).join('')
const byProtocol = (seen: readonly Seen[], protocol: number, except?: string): Seen | undefined =>
  seen.find((one) => one.protocol === protocol && one.at !== except) ?? seen.find((one) => one.protocol === protocol)

/** Who talks to whom. */
function ends(stage: Stage): { readonly at: string; readonly src: string; readonly dst: string } {
  const { random, scene } = stage
  if (random.chance(0.15)) {
    const dst = random.chance(0.05) ? (scene.family === 4 ? '127.0.0.1' : '::1') : random.weighted(destinations(scene))
    return { at: 'local', src: random.pick(routers(scene.family)), dst }
  }
  const [at, src] = random.weighted([[5, clients(scene)[0]!], [2, clients(scene)[1]!], [2, clients(scene)[2]!], [1, clients(scene)[3]!], [1, clients(scene)[4]!]])
  return { at, src, dst: random.weighted(destinations(scene)) }
}

const sport = ({ random }: Stage): number => random.weighted([[8, random.int(32768, 60999)], [1, random.pick([1024, 2000, 40000])], [1, random.int(1, 1023)]])

/** The peer's answer goes back over the link where its packet came out, to the MAC that sent it. */
const back = (seen: Seen, packet: string): Injection => arrives(seen.at, packet, { from: seen.destinationMac, to: seen.sourceMac })

// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: a conversation told in order
export function* tcpFlow(stage: Stage): Flow {
  const { random, scene } = stage
  const { at, src, dst } = ends(stage)
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const wrong = () => random.chance(0.02)
  let seq = random.chance(0.1) ? 0xfffffff0 : random.int(1, 0x7fffffff)
  let ack = 0
  const options = random.chance(0.6) ? `020405b4${random.chance(0.5) ? '01030307' : '04020101'}` : ''
  const send = (flags: number, data = '', opts = '', shift = 0): Injection => {
    const segment = tcp({ src, dst, ...ports, seq: (seq + shift) >>> 0, ack: flags & FLAG.ack ? ack : 0, flags, options: opts, wrong: wrong() }, data)
    return arrives(at, network(stage, { src, dst, protocol: 6 }, segment))
  }
  let seen = yield send(random.chance(0.04) ? random.pick([FLAG.ack, FLAG.syn | FLAG.fin, 0, FLAG.rst, FLAG.fin | FLAG.psh | FLAG.urg]) : FLAG.syn, '', options)
  if (random.chance(0.15)) seen = yield send(FLAG.syn, '', options)
  const first = byProtocol(seen, 6, at)
  if (!first || !(tcpFlags(first) & FLAG.syn)) {
    if (random.chance(0.3)) yield send(FLAG.ack)
    return
  }
  // from here on the peer answers what it really saw
  let peerSeq = random.int(1, 0x7fffffff)
  let peerAck = (tcpSeq(first) + 1) >>> 0
  const reply = (flags: number, data = '', opts = '', shift = 0): Injection => {
    const one = { src: first.dst, dst: first.src, sport: first.dport, dport: first.sport }
    const segment = tcp({ ...one, seq: (peerSeq + shift) >>> 0, ack: flags & FLAG.ack ? peerAck : 0, flags, options: opts, wrong: wrong() }, data)
    return back(first, network(stage, { ...one, protocol: 6 }, segment))
  }
  if (random.chance(0.08)) {
    yield reply(FLAG.rst | FLAG.ack)
    return
  }
  seen = yield reply(FLAG.syn | FLAG.ack, '', options)
  if (random.chance(0.1)) seen = yield reply(FLAG.syn | FLAG.ack, '', options)
  const second = byProtocol(seen, 6)
  if (!second && random.chance(0.8)) return
  seq = (seq + 1) >>> 0
  ack = second ? (tcpSeq(second) + 1) >>> 0 : 0
  peerSeq = (peerSeq + 1) >>> 0
  yield send(FLAG.ack)
  for (let n = random.int(0, 4); n > 0; n--) {
    const data = dataOf(stage)
    const length = data.length / 2
    const kind = random.weighted([[5, 'data'], [3, 'answer'], [1, 'again'], [1, 'outside'], [1, 'answer outside'], [1, 'stale ack']])
    if (kind === 'data') {
      const out = byProtocol(yield send(FLAG.ack | FLAG.psh, data), 6)
      seq = (seq + length) >>> 0
      if (out) peerAck = (tcpSeq(out) + tcpData(out)) >>> 0
    } else if (kind === 'answer') {
      yield reply(FLAG.ack | FLAG.psh, data)
      peerSeq = (peerSeq + length) >>> 0
      ack = (ack + length) >>> 0
    } else if (kind === 'again') yield send(FLAG.ack, data, '', -length)
    else if (kind === 'outside') yield send(FLAG.ack, data, '', random.pick([100_000, -100_000, 0x7fffffff]))
    else if (kind === 'answer outside') yield reply(FLAG.ack, data, '', random.pick([100_000, -100_000]))
    else {
      const keep = ack
      ack = (ack + 1_000_000) >>> 0
      yield send(FLAG.ack)
      ack = keep
    }
  }
  const end = random.weighted([[4, 'fin'], [2, 'rst'], [1, 'peer rst'], [1, 'rst outside'], [2, 'none'], [1, 'syn again']])
  if (end === 'rst') yield send(FLAG.rst)
  else if (end === 'peer rst') yield reply(FLAG.rst | FLAG.ack)
  else if (end === 'rst outside') yield send(FLAG.rst, '', '', 1_000_000)
  else if (end === 'syn again') yield send(FLAG.syn, '', options, 10_000)
  else if (end === 'fin') {
    yield send(FLAG.fin | FLAG.ack)
    peerAck = (peerAck + 1) >>> 0
    yield reply(FLAG.fin | FLAG.ack)
    seq = (seq + 1) >>> 0
    ack = (ack + 1) >>> 0
    yield send(FLAG.ack)
    if (random.chance(0.4)) {
      seq = (seq + 100_000) >>> 0
      yield send(FLAG.syn, '', options)
    }
  }
}

export function* udpFlow(stage: Stage): Flow {
  const { random, scene } = stage
  const { at, src, dst } = ends(stage)
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  for (let n = random.int(1, 3); n > 0; n--) {
    const datagram = udp({ src, dst, ...ports }, dataOf(stage), random.chance(0.03))
    const seen = yield arrives(at, network(stage, { src, dst, protocol: 17 }, datagram))
    const first = byProtocol(seen, 17, at)
    if (!first || random.chance(0.15)) continue
    const peer = { src: first.dst, dst: first.src, sport: first.dport, dport: first.sport }
    const answer = random.weighted([[6, 'reply'], [2, 'error'], [1, 'other port'], [1, 'two']])
    if (answer === 'error') yield errorAbout(stage, first)
    else if (answer === 'other port') yield back(first, network(stage, { ...peer, protocol: 17 }, udp({ ...peer, sport: peer.sport ^ 1 }, dataOf(stage))))
    else {
      yield back(first, network(stage, { ...peer, protocol: 17 }, udp(peer, dataOf(stage))))
      if (answer === 'two') yield back(first, network(stage, { ...peer, protocol: 17 }, udp(peer, dataOf(stage))))
    }
  }
}

/** What a router or the peer behind the link would say about a packet. */
function errorAbout(stage: Stage, about: Seen): Injection {
  const { random, scene: { family } } = stage
  const from = random.chance(0.7) ? about.dst : host(family, 3, 77)
  const one = { src: from, dst: about.src }
  const quote = about.packet.slice(0, 2 * random.pick([28, 36, 60, 200]))
  const [type, code] = random.pick(family === 4 ? [[3, 3], [3, 1], [11, 0], [3, 4], [12, 0], [5, 1], [4, 0]] : [[1, 4], [1, 0], [3, 0], [2, 0], [4, 0]]) as [number, number]
  const rest = type === 3 && code === 4 && family === 4 ? '00000514' : family === 6 && type === 2 ? '00000500' : '00000000'
  return back(about, network(stage, { ...one, protocol: family === 4 ? 1 : 58 }, icmp(one, type, code, rest + quote, random.chance(0.05))))
}

export function* pingFlow(stage: Stage): Flow {
  const { random, scene: { family } } = stage
  const { at, src, dst } = ends(stage)
  const protocol = family === 4 ? 1 : 58
  const [request, response] = family === 4 ? (random.chance(0.05) ? [13, 14] : [8, 0]) : [128, 129]
  const id = random.int(1, 65535)
  for (let n = random.int(1, 2); n > 0; n--) {
    const echo = icmp({ src, dst }, request!, 0, hex(id, 2) + hex(n, 2) + dataOf(stage) + (request === 13 ? '000000000000000000000000' : ''), random.chance(0.03))
    const seen = yield arrives(at, network(stage, { src, dst, protocol }, echo))
    const first = byProtocol(seen, protocol, at)
    if (!first || first.sport >> 8 !== request || random.chance(0.15)) continue
    if (random.chance(0.2)) yield errorAbout(stage, first)
    else {
      const one = { src: first.dst, dst: first.src }
      yield back(first, network(stage, { ...one, protocol }, icmp(one, response!, 0, first.transport.slice(8))))
    }
  }
  if (random.chance(0.1)) yield arrives(at, network(stage, { src, dst, protocol }, icmp({ src, dst }, response!, 0, `${hex(id ^ 7, 2)}0001`)))
}

/** One datagram in pieces: in order or not, whole or with a piece missing, twice the same piece. */
export function* fragmentFlow(stage: Stage): Flow {
  const { random, scene, ids } = stage
  const { at, src, dst } = ends(stage)
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const datagram = udp({ src, dst, ...ports }, Array.from({ length: 40 }, (_, i) => hex(i, 1)).join(''))
  const id = ids.next++ & 0xffff
  const cuts = [[0, 16], [16, 32], [32, 48]] as const
  const order = random.weighted([[4, cuts], [2, [cuts[1], cuts[0], cuts[2]]], [1, [cuts[0], cuts[1]]], [1, [cuts[1]]], [1, [cuts[0], cuts[0], cuts[1], cuts[2]]]])
  for (const [from, to] of order) {
    const piece = datagram.slice(2 * from, 2 * to)
    const more = to < 48
    if (scene.family === 4) yield arrives(at, network(stage, { src, dst, protocol: 17, id, ttl: 64, tos: 0, fragment: (more ? 0x2000 : 0) | (from / 8) }, piece))
    else yield arrives(at, ip6({ src, dst, protocol: 17, extensions: [[44, `00${hex(from | (more ? 1 : 0), 2)}${hex(id, 4)}`]] }, piece))
  }
}

/** Packets that nobody should send. */
export function* oddFlow(stage: Stage): Flow {
  const { random, scene, ids } = stage
  const { family } = scene
  const [at, src] = random.pick(clients(scene))
  const dst = random.weighted(destinations(scene))
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const plain = (header: Partial<Header>, data = dataOf(stage)) => {
    const whole = { src, dst, ...header }
    return network(stage, { protocol: 17, ...whole }, udp({ ...whole, ...ports }, data))
  }
  const everywhere: readonly (() => Injection)[] = [
    () => arrives(at, plain({}), { to: '02:00:00:00:09:09' }),
    () => arrives(at, plain({}), { to: 'ff:ff:ff:ff:ff:ff' }),
    () => arrives(at, plain({ ttl: random.int(0, 2) })),
    () => arrives(at, plain({ src: random.pick(routers(family)) })),
    () => arrives(at, `${plain({})}00000000`),
    () => arrives(at, plain({}), { type: 0x8100 }),
    () => arrives(at, network(stage, { src, dst, protocol: random.pick([50, 47, 132, 136, 2, 89, 253, 33]) }, '0102030405060708090a0b0c0d0e0f10')),
    () => arrives(at, network(stage, { src, dst, protocol: random.pick([6, 17]) }, '01020304')),
    () => arrives(at, network(stage, { src, dst, protocol: 6 }, `${tcp({ src, dst, ...ports, seq: 1, ack: 0, flags: 2 }).slice(0, 24)}f${tcp({ src, dst, ...ports, seq: 1, ack: 0, flags: 2 }).slice(25)}`)),
  ] // biome-ignore format: a list
  const only4: readonly (() => Injection)[] = [
    () => arrives(at, plain({ src: random.pick(['127.0.0.1', '0.0.0.0', '0.1.2.3', '224.0.0.1', '255.255.255.255', '240.0.0.1', '10.1.255.255', '198.51.100.1', '10.2.0.50']) })),
    () => arrives(at, plain({ dst: random.pick(['127.0.0.1', '0.0.0.0', '0.1.2.3', '240.0.0.1', '10.2.255.255', '10.1.0.77']) })),
    () => arrives(at, plain({ dst: random.pick(['255.255.255.255', '10.1.255.255']) }), { to: 'ff:ff:ff:ff:ff:ff' }),
    () => arrives(at, plain({ dst: '224.0.0.1' }), { to: '01:00:5e:00:00:01' }),
    () => arrives(at, plain({ dst: '239.1.1.1' }), { to: '01:00:5e:01:01:01' }),
    () => arrives(at, plain({ options: random.pick(['07070400000000' + '00', '94040000', '83070400000000' + '00', '01010101', '83030400']) })),
    () => arrives(at, ip4({ src, dst, protocol: 17, checksum: 0x1234 }, udp({ src, dst, ...ports }))),
    () => arrives(at, ip4({ src, dst, protocol: 17, ihl: random.pick([4, 15]) }, udp({ src, dst, ...ports }))),
    () => arrives(at, ip4({ src, dst, protocol: 17, totalLength: random.pick([16, 1000]) }, udp({ src, dst, ...ports }))),
    () => arrives(at, ip4({ src, dst, protocol: 17, version: 6 }, udp({ src, dst, ...ports })), { type: 0x0800 }),
    () => arrives(at, plain({}).slice(0, 24), {}),
    () => arrives(at, plain({ fragment: random.pick([0x2000, 0x2002, 1, 8]), id: ids.next++ & 0xffff })),
    () => ({ at: 'local', frame: plain({ src: random.pick(['0.0.0.0', '10.1.0.1', '1.2.3.4']), dst: random.pick([dst, '255.255.255.255', '10.1.255.255', '224.0.0.1']), protocol: 17 }) }),
  ] // biome-ignore format: a list
  for (let n = random.int(1, 2); n > 0; n--) yield random.pick(family === 4 ? [...everywhere, ...only4, ...only4] : everywhere)()
}


const FLOWS = [[5, tcpFlow], [4, udpFlow], [2, pingFlow], [1, fragmentFlow], [2, oddFlow]] as const

/** Several conversations, their packets mixed; ends by itself. */
export function* randomTraffic(stage: Stage): Flow {
  const running = Array.from({ length: stage.random.int(2, 9) }, (_, i) => ({
    flow: stage.random.weighted<(s: Stage) => Flow>(FLOWS)({ ...stage, random: stage.random.fork(`flow${i}`) }),
    next: undefined as IteratorResult<Injection, void> | undefined,
  }))
  for (const one of running) one.next = one.flow.next([])
  for (;;) {
    const alive = running.filter(({ next }) => next && !next.done)
    if (alive.length === 0) return
    const one = stage.random.pick(alive)
    const seen: readonly Seen[] = yield one.next!.value as Injection
    one.next = one.flow.next(seen)
  }
}

export const seenOf = (sent: readonly (readonly [string, string])[]): readonly Seen[] =>
  sent.flatMap(([at, frame]) => read(at, frame) ?? [])
