import type { Injection } from '../lab.js'
import { address6, checksummed, FLAG, hex, icmp, ip4, ip6, type Seen, tcp } from './frames.js'
import { arrives, back, byProtocol, dataOf, ends, type Flow, network, type Stage, sport } from './stage.js'

interface Place {
  readonly src: string
  readonly dst: string
}

const words4 = (text: string): string =>
  text
    .split('.')
    .map((part) => hex(Number(part), 1))
    .join('')
const pseudo = ({ src, dst }: Place, protocol: number, length: number): string =>
  src.includes(':')
    ? address6(src) + address6(dst) + hex(length, 4) + hex(protocol, 4)
    : words4(src) + words4(dst) + hex(protocol, 2) + hex(length, 2)

const UDPLITE = 136
/** RFC 3828: the checksum covers the header and perhaps some of the data. `covers` 0: all. */
function udplite(
  place: Place & { readonly sport: number; readonly dport: number },
  data: string,
  covers: number,
): string {
  const digits = `${hex(place.sport, 2)}${hex(place.dport, 2)}${hex(covers, 2)}0000${data}`
  const length = digits.length / 2
  const seen = covers === 0 ? length : Math.min(covers, length)
  const summed = checksummed(digits.slice(0, 2 * seen), 6, pseudo(place, UDPLITE, length))
  return summed + digits.slice(2 * seen)
}

/** A question and its answer, what is covered by the checksum different each time. */
export function* udpliteFlow(stage: Stage): Flow {
  const { random, scene } = stage
  const { at, src, dst } = ends(stage)
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const covers = () =>
    random.weighted([
      [5, 0],
      [3, 8],
      [1, 12],
      [1, 4],
      [1, 200],
    ])
  for (let n = random.int(1, 2); n > 0; n--) {
    const packet = network(
      stage,
      { src, dst, protocol: UDPLITE },
      udplite({ src, dst, ...ports }, dataOf(stage), covers()),
    )
    const first = byProtocol(yield arrives(at, packet), UDPLITE, at)
    if (!first) continue
    const peer = { src: first.dst, dst: first.src, sport: first.dport, dport: first.sport }
    yield back(first, network(stage, { ...peer, protocol: UDPLITE }, udplite(peer, dataOf(stage), covers())))
  }
}

const GRE = 47
/** RFC 2784, RFC 2890: with and without a key; version 1 is PPTP's (RFC 2637). */
export function* greFlow(stage: Stage): Flow {
  const { random } = stage
  const { at, src, dst } = ends(stage)
  const key = hex(random.int(0, 3), 4)
  const header = random.weighted([
    [3, '00000800'],
    [2, `20000800${key}`],
    [1, `30000800${key}00000001`],
    [2, `2001880b${hex(random.int(0, 8), 2)}${key.slice(4)}`],
    [1, '0002'],
    [1, '80000800'],
  ])
  for (let n = random.int(1, 2); n > 0; n--) {
    const first = byProtocol(
      yield arrives(at, network(stage, { src, dst, protocol: GRE }, header + dataOf(stage))),
      GRE,
      at,
    )
    if (!first || random.chance(0.3)) continue
    yield back(first, network(stage, { src: first.dst, dst: first.src, protocol: GRE }, header + dataOf(stage)))
  }
}

const SCTP = 132
/** CRC-32C (RFC 9260 appendix A), least significant byte first. */
function crc32c(digits: string): string {
  let crc = 0xffffffff
  for (const two of digits.match(/../g) ?? []) {
    crc ^= Number.parseInt(two, 16)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  const value = ~crc >>> 0
  return [0, 8, 16, 24].map((shift) => hex((value >>> shift) & 255, 1)).join('')
}

const CHUNK = { DATA: 0, INIT: 1, INIT_ACK: 2, HEARTBEAT: 4, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8, COOKIE_ECHO: 10, COOKIE_ACK: 11, SHUTDOWN_COMPLETE: 14 } as const // biome-ignore format: a table
const chunk = (type: number, body: string, flags = 0): string =>
  hex(type, 1) + hex(flags, 1) + hex(4 + body.length / 2, 2) + body.padEnd(Math.ceil(body.length / 8) * 8, '0')

/** An association from INIT to SHUTDOWN, several chunks in a packet now and then; wrong tags, wrong sums, and an end before its time. */
export function* sctpFlow(stage: Stage): Flow {
  const { random, scene } = stage
  const { at, src, dst } = ends(stage)
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const [mine, its] = [random.int(1, 0xffffffff), random.int(1, 0xffffffff)]
  const init = (tag: number) => `${hex(tag, 4)}0000ffff00010001${hex(random.int(1, 1000), 4)}`
  const packet = (one: Place & { readonly sport: number; readonly dport: number }, tag: number, chunks: string) => {
    const wrong = random.chance(0.03)
    const head = `${hex(one.sport, 2)}${hex(one.dport, 2)}${hex(random.chance(0.05) ? tag ^ 1 : tag, 4)}`
    const sum = wrong ? '12345678' : crc32c(`${head}00000000${chunks}`)
    return network(stage, { src: one.src, dst: one.dst, protocol: SCTP }, `${head}${sum}${chunks}`)
  }
  const ask = (tag: number, chunks: string) => arrives(at, packet({ src, dst, ...ports }, tag, chunks))
  const first = byProtocol(yield ask(0, chunk(CHUNK.INIT, init(mine))), SCTP, at)
  if (!first) return
  const peer = { src: first.dst, dst: first.src, sport: first.dport, dport: first.sport }
  const answer = (tag: number, chunks: string) => back(first, packet(peer, tag, chunks))
  if (random.chance(0.1)) {
    yield answer(mine, chunk(CHUNK.ABORT, '', random.int(0, 1)))
    return
  }
  yield answer(mine, chunk(CHUNK.INIT_ACK, init(its)))
  const data = () => chunk(CHUNK.DATA, `${hex(random.int(1, 9), 4)}0000000000000000${dataOf(stage, 8)}`, 3)
  yield ask(its, chunk(CHUNK.COOKIE_ECHO, '01020304') + (random.chance(0.4) ? data() : ''))
  yield answer(mine, chunk(CHUNK.COOKIE_ACK, '') + (random.chance(0.3) ? data() : ''))
  for (let n = random.int(0, 3); n > 0; n--) {
    const chunks = random.weighted([
      [4, data()],
      [2, data() + data()],
      [1, chunk(CHUNK.HEARTBEAT, '00010008aabbccdd')],
      [1, chunk(CHUNK.INIT, init(mine))],
      [1, data() + chunk(CHUNK.ABORT, '')],
    ])
    yield random.chance(0.5) ? ask(its, chunks) : answer(mine, chunks)
  }
  if (random.chance(0.5)) return
  yield ask(its, chunk(CHUNK.SHUTDOWN, '00000001'))
  yield answer(mine, chunk(CHUNK.SHUTDOWN_ACK, ''))
  yield ask(its, chunk(CHUNK.SHUTDOWN_COMPLETE, ''))
}

/** A SYN or a ping in fragments, answered in fragments as well. */
export function* brokenFlow(stage: Stage): Flow {
  const { random, scene } = stage
  const { at, src, dst } = ends(stage)
  const four = scene.family === 4
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const ping = random.chance(0.5)
  const [echo, reply] = four ? [8, 0] : [128, 129]
  const protocol = ping ? (four ? 1 : 58) : 6
  const data = '61'.repeat(40)
  const whole = ping
    ? icmp({ src, dst }, echo!, 0, `00010001${data}`)
    : tcp({ src, dst, ...ports, seq: 1000, ack: 0, flags: FLAG.syn, options: '020405b4' }, data)
  let seen: readonly Seen[] = []
  for (const one of inPieces(stage, { src, dst }, protocol, whole)) seen = yield arrives(at, one)
  const [came] = seen.filter((one) => one.at !== at)
  if (!came) return
  const there = { src: came.dst, dst: came.src }
  const answer = ping
    ? icmp(there, reply!, 0, `00010001${data}`)
    : tcp(
        {
          ...there,
          sport: ports.dport,
          dport: ports.sport,
          seq: 5000,
          ack: 1041,
          flags: FLAG.syn | FLAG.ack,
          options: '020405b4',
        },
        data,
      )
  for (const one of inPieces(stage, there, protocol, answer)) yield back(came, one)
}

function* inPieces(stage: Stage, place: Place, protocol: number, payload: string): Generator<string> {
  const { random, ids } = stage
  const id = ids.next++ & 0xffff
  const length = payload.length / 2
  const cut = 8 * random.int(1, Math.floor((length - 1) / 8))
  const parts = [
    [0, cut],
    [cut, length],
  ] as const
  for (const [from, to] of random.chance(0.3) ? [parts[1], parts[0]] : parts) {
    const piece = payload.slice(2 * from, 2 * to)
    const more = to < length
    yield place.src.includes(':')
      ? ip6({ ...place, protocol, extensions: [[44, `00${hex(from | (more ? 1 : 0), 2)}${hex(id, 4)}`]] }, piece)
      : ip4({ ...place, protocol, id, fragment: (more ? 0x2000 : 0) | (from / 8) }, piece)
  }
}

/** IPv4 options that a conversation carries on its way. */
const OPTIONS = ['01010101', '94040000', '07070400000000' + '00', '070b0400000000' + '0000000000', '44080500000000' + '00', '440c0501' + '0000000000000000', '860a00000001' + '01040000' + '0000', '88040001'] // biome-ignore format: a list

/** A SYN with options and what answers it, with others. */
export function* optionsFlow(stage: Stage): Flow {
  const { random, scene } = stage
  const { at, src, dst } = ends(stage)
  if (scene.family === 6) return
  const ports = { sport: sport(stage), dport: random.pick(scene.ports) }
  const some = (): { readonly options?: string } => (random.chance(0.8) ? { options: random.pick(OPTIONS) } : {})
  const syn = tcp({ src, dst, ...ports, seq: 1000, ack: 0, flags: FLAG.syn })
  const asked: Injection = arrives(at, network(stage, { src, dst, protocol: 6, ...some() }, syn))
  const first = byProtocol(yield asked, 6, at)
  if (!first) return
  const there = { src: first.dst, dst: first.src }
  const answer = tcp({
    ...there,
    sport: first.dport,
    dport: first.sport,
    seq: 5000,
    ack: 1001,
    flags: FLAG.syn | FLAG.ack,
  })
  yield back(first, network(stage, { ...there, protocol: 6, ...some() }, answer))
  yield arrives(
    at,
    network(
      stage,
      { src, dst, protocol: 6, ...some() },
      tcp({ src, dst, ...ports, seq: 1001, ack: 5001, flags: FLAG.ack }),
    ),
  )
}
