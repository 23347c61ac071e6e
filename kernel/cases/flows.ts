import type { Injection } from '../lab.js'
import { FLAG, hex, icmp, type Seen, tcp, tcpData, tcpFlags, tcpSeq, udp } from './frames.js'
import { headerFlow } from './header-flows.js'
import { brokenFlow, greFlow, optionsFlow, sctpFlow, udpliteFlow } from './more-flows.js'
import { fragmentFlow, oddFlow } from './odd-flows.js'
import { host } from './scene.js'
import { arrives, back, byProtocol, dataOf, ends, type Flow, network, type Stage, sport } from './stage.js'

export function* tcpFlow(stage: Stage): Flow {
  const { random, scene } = stage
  const { at, src, dst } = ends(stage)
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const wrong = () => random.chance(0.02)
  let seq = random.chance(0.1) ? 0xfffffff0 : random.int(1, 0x7fffffff)
  let ack = 0
  const options = random.chance(0.6) ? `020405b4${random.chance(0.5) ? '01030307' : '04020101'}` : ''
  const send = (flags: number, data = '', opts = '', shift = 0): Injection => {
    const segment = tcp(
      {
        src,
        dst,
        ...ports,
        seq: (seq + shift) >>> 0,
        ack: flags & FLAG.ack ? ack : 0,
        flags,
        options: opts,
        wrong: wrong(),
      },
      data,
    )
    return arrives(at, network(stage, { src, dst, protocol: 6 }, segment))
  }
  let seen = yield send(
    random.chance(0.04)
      ? random.pick([FLAG.ack, FLAG.syn | FLAG.fin, 0, FLAG.rst, FLAG.fin | FLAG.psh | FLAG.urg])
      : FLAG.syn,
    '',
    options,
  )
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
    const segment = tcp(
      {
        ...one,
        seq: (peerSeq + shift) >>> 0,
        ack: flags & FLAG.ack ? peerAck : 0,
        flags,
        options: opts,
        wrong: wrong(),
      },
      data,
    )
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
    const kind = random.weighted([
      [5, 'data'],
      [3, 'answer'],
      [1, 'again'],
      [1, 'outside'],
      [1, 'answer outside'],
      [1, 'stale ack'],
    ])
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
  const end = random.weighted([
    [4, 'fin'],
    [2, 'rst'],
    [1, 'peer rst'],
    [1, 'rst outside'],
    [2, 'none'],
    [1, 'syn again'],
  ])
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
    const answer = random.weighted([
      [6, 'reply'],
      [2, 'error'],
      [1, 'other port'],
      [1, 'two'],
    ])
    if (answer === 'error') yield errorAbout(stage, first)
    else if (answer === 'other port')
      yield back(
        first,
        network(stage, { ...peer, protocol: 17 }, udp({ ...peer, sport: peer.sport ^ 1 }, dataOf(stage))),
      )
    else {
      yield back(first, network(stage, { ...peer, protocol: 17 }, udp(peer, dataOf(stage))))
      if (answer === 'two') yield back(first, network(stage, { ...peer, protocol: 17 }, udp(peer, dataOf(stage))))
    }
  }
}

/** What a router or the peer behind the link would say about a packet. */
function errorAbout(stage: Stage, about: Seen): Injection {
  const {
    random,
    scene: { family },
  } = stage
  const from = random.chance(0.7) ? about.dst : host(family, 3, 77)
  const one = { src: from, dst: about.src }
  const quote = about.packet.slice(0, 2 * random.pick([28, 36, 60, 200]))
  const [type, code] = random.pick(
    family === 4
      ? [
          [3, 3],
          [3, 1],
          [11, 0],
          [3, 4],
          [12, 0],
          [5, 1],
          [4, 0],
        ]
      : [
          [1, 4],
          [1, 0],
          [3, 0],
          [2, 0],
          [4, 0],
        ],
  ) as [number, number]
  const rest =
    type === 3 && code === 4 && family === 4 ? '00000514' : family === 6 && type === 2 ? '00000500' : '00000000'
  return back(
    about,
    network(
      stage,
      { ...one, protocol: family === 4 ? 1 : 58 },
      icmp(one, type, code, rest + quote, random.chance(0.05)),
    ),
  )
}

export function* pingFlow(stage: Stage): Flow {
  const {
    random,
    scene: { family },
  } = stage
  const { at, src, dst } = ends(stage)
  const protocol = family === 4 ? 1 : 58
  const [request, response] = family === 4 ? [8, 0] : [128, 129]
  const id = random.int(1, 65535)
  for (let n = random.int(1, 2); n > 0; n--) {
    const echo = icmp({ src, dst }, request!, 0, hex(id, 2) + hex(n, 2) + dataOf(stage), random.chance(0.03))
    const seen = yield arrives(at, network(stage, { src, dst, protocol }, echo))
    const first = byProtocol(seen, protocol, at)
    if (!first || first.sport >> 8 !== request || random.chance(0.15)) continue
    if (random.chance(0.2)) yield errorAbout(stage, first)
    else {
      const one = { src: first.dst, dst: first.src }
      yield back(first, network(stage, { ...one, protocol }, icmp(one, response!, 0, first.transport.slice(8))))
    }
  }
  if (random.chance(0.1))
    yield arrives(at, network(stage, { src, dst, protocol }, icmp({ src, dst }, response!, 0, `${hex(id ^ 7, 2)}0001`)))
}

const FLOWS = [
  [5, tcpFlow],
  [4, udpFlow],
  [2, pingFlow],
  [1, fragmentFlow],
  [2, oddFlow],
  [2, headerFlow],
  [0.4, udpliteFlow],
  [0.4, greFlow],
  [0.7, sctpFlow],
  [0.6, brokenFlow],
  [0.3, optionsFlow],
] as const

/** Several conversations, their packets mixed; ends by itself. */
export function* randomTraffic(stage: Stage): Flow {
  const running = Array.from({ length: stage.random.int(3, 11) }, (_, i) => ({
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
