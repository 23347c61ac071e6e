import { FLAG, hex, icmp, ip4, ip6, type Seen, tcp, tcpSeq, udp } from '../cases/frames.js'
import { arrives, back, type Flow } from '../cases/stage.js'
import type { Injection } from '../lab.js'
import type { Random } from '../prng.js'

export interface Talk {
  readonly random: Random
  readonly family: 4 | 6
}

export const hexOf = (text: string): string => Array.from(text, (c) => hex(c.charCodeAt(0) & 255, 1)).join('')
export const textOf = (digits: string): string =>
  (digits.match(/../g) ?? []).map((two) => String.fromCharCode(Number.parseInt(two, 16))).join('')

export const network = (
  { family, random }: Talk,
  src: string,
  dst: string,
  protocol: number,
  payload: string,
): string =>
  family === 4
    ? ip4({ src, dst, protocol, id: random.int(1, 65535), fragment: 0x4000 }, payload)
    : ip6({ src, dst, protocol }, payload)

interface End {
  /** Where it stands: a link and the addresses that it has seen, undefined before it has seen anything. */
  place: { at: string; src: string; dst: string; sport: number; dport: number; via: Seen | undefined } | undefined
  seq: number
  ack: number
}

export type Side = 'client' | 'server'
const PROTOCOL_TCP = 6
const HEADERS = 2 * (14 + 20)

/** An IPv4 frame as two fragments, cut where there is room. */
function inTwo({ family, random }: Talk, frame: string): readonly [string, string] | undefined {
  const payload = frame.slice(HEADERS)
  const most = Math.floor((payload.length / 2 - 1) / 8)
  if (family === 6 || most < 3) return undefined
  const cut = 8 * random.int(3, most)
  const whole = new Uint8Array(Buffer.from(frame.slice(28, HEADERS), 'hex'))
  const view = new DataView(whole.buffer)
  const part = (from: number, to: number, more: boolean) =>
    frame.slice(0, 28) +
    ip4(
      {
        src: whole.subarray(12, 16).join('.'),
        dst: whole.subarray(16, 20).join('.'),
        protocol: whole[9]!,
        ttl: whole[8]!,
        id: view.getUint16(4),
        fragment: (more ? 0x2000 : 0) | (from / 8),
      },
      payload.slice(2 * from, 2 * to),
    )
  return [part(0, cut, true), part(cut, payload.length / 2, false)]
}

/** A TCP connection whose two ends know of each other only what came out of the router. */
export class TcpTalk {
  readonly #talk: Talk
  readonly ends: Record<Side, End>
  #last: Injection | undefined

  constructor(talk: Talk, at: string, src: string, sport: number, dst: string, dport: number) {
    this.#talk = talk
    const { random } = talk
    const number = () => random.pick([1000, 0xfffffff0, random.int(0, 0xffffffff)])
    this.ends = {
      client: { place: { at, src, dst, sport, dport, via: undefined }, seq: number(), ack: 0 },
      server: { place: undefined, seq: number(), ack: 0 },
    }
  }

  /** One segment. What the other end got of it, as text; undefined: nothing came out. */
  *send(
    side: Side,
    text: string,
    flags: number = FLAG.psh | FLAG.ack,
    options = '',
  ): Generator<Injection, string | undefined, readonly Seen[]> {
    const end = this.ends[side]
    const other = this.ends[side === 'client' ? 'server' : 'client']
    const { place } = end
    if (!place) return undefined
    const segment = tcp(
      {
        src: place.src,
        dst: place.dst,
        sport: place.sport,
        dport: place.dport,
        seq: end.seq,
        ack: flags & FLAG.ack ? end.ack : 0,
        flags,
        options,
        window: 60000,
      },
      hexOf(text),
    )
    const packet = network(this.#talk, place.src, place.dst, PROTOCOL_TCP, segment)
    const injection = place.via ? back(place.via, packet) : arrives(place.at, packet)
    end.seq = (end.seq + text.length + (flags & FLAG.syn ? 1 : 0) + (flags & FLAG.fin ? 1 : 0)) >>> 0
    const halves = this.#talk.random.chance(0.08) ? inTwo(this.#talk, injection.frame) : undefined
    this.#last = halves ? undefined : injection
    if (halves) yield { ...injection, frame: halves[0] }
    const seen = yield halves ? { ...injection, frame: halves[1] } : injection
    const out = seen.filter((one) => one.protocol === PROTOCOL_TCP && one.at !== place.at)
    const [came] = out
    if (!came) return undefined
    if (!other.place || flags & FLAG.syn)
      other.place = { at: came.at, src: came.dst, dst: came.src, sport: came.dport, dport: came.sport, via: came }
    // what left in fragments is told piece by piece
    const whole = out.map(({ transport }) => transport).join('')
    const data = whole.slice(2 * 4 * Number.parseInt(whole[24]!, 16))
    other.ack = (tcpSeq(came) + data.length / 2 + (flags & FLAG.syn ? 1 : 0) + (flags & FLAG.fin ? 1 : 0)) >>> 0
    return textOf(data)
  }

  /** The last segment once more. */
  *again(): Flow {
    if (this.#last) yield this.#last
  }

  /** An ICMP error from one end about what it has got last, or what lies there of it. */
  *complain(side: Side): Flow {
    const { random, family } = this.#talk
    const { place } = this.ends[side]
    if (!place?.via) return
    const quote = place.via.packet.slice(0, 2 * random.pick([28, 40, 60, 48, 100]))
    const types: readonly (readonly [type: number, code: number])[] =
      family === 4
        ? [
            [3, 1],
            [3, 4],
            [11, 0],
            [4, 0],
          ]
        : [
            [1, 1],
            [2, 0],
            [3, 0],
          ]
    const [type, code] = random.pick(types)
    const message = icmp(place, type, code, hex(random.pick([0, 1400, random.int(0, 0xffffffff)]), 4) + quote)
    yield back(place.via, network(this.#talk, place.src, place.dst, family === 4 ? 1 : 58, message))
  }

  *open(): Generator<Injection, boolean, readonly Seen[]> {
    const { random } = this.#talk
    const options = random.pick(['', '020405b4', '020405b404020101', '020405b401030307'])
    if ((yield* this.send('client', '', FLAG.syn, options)) === undefined) return false
    if ((yield* this.send('server', '', FLAG.syn | FLAG.ack, options)) === undefined) return false
    return (yield* this.send('client', '', FLAG.ack)) !== undefined
  }

  /** An acknowledgement, perhaps with a block of what was received beyond. */
  *acknowledge(side: Side): Flow {
    const { random } = this.#talk
    const { ack } = this.ends[side]
    const block = `${hex(ack, 4)}${hex((ack + 10) >>> 0, 4)}`
    yield* this.send(side, '', FLAG.ack, random.chance(0.6) ? `0101050a${block}` : '')
  }

  *close(): Flow {
    yield* this.send('client', '', FLAG.fin | FLAG.ack)
    yield* this.send('server', '', FLAG.fin | FLAG.ack)
    yield* this.send('client', '', FLAG.ack)
  }
}

const PROTOCOL_UDP = 17
export interface Ends {
  readonly at: string
  readonly src: string
  readonly dst: string
  readonly sport: number
  readonly dport: number
  readonly via?: Seen
}

const withoutSum = (datagram: string): string => `${datagram.slice(0, 12)}0000${datagram.slice(16)}`

/** A datagram, with or without a checksum; what came out of it. */
export function* datagram(
  talk: Talk,
  ends: Ends,
  data: string,
): Generator<Injection, Seen | undefined, readonly Seen[]> {
  const packet = network(
    talk,
    ends.src,
    ends.dst,
    PROTOCOL_UDP,
    talk.family === 4 && talk.random.chance(0.15) ? withoutSum(udp(ends, data)) : udp(ends, data),
  )
  const seen = yield ends.via ? back(ends.via, packet) : arrives(ends.at, packet)
  return seen.find((one) => one.protocol === PROTOCOL_UDP)
}

/** The ends of an answer. */
export const answering = (seen: Seen, sport = seen.dport): Ends => ({
  at: seen.at,
  src: seen.dst,
  dst: seen.src,
  sport,
  dport: seen.sport,
  via: seen,
})
