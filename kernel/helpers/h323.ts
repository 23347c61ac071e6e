import type { Flow } from '../cases/stage.js'
import {
  callMessage,
  controlMessage,
  hexOfBytes,
  type Message,
  rasMessage,
  type Speaker,
  type Told,
} from './h323-messages.js'
import { ADDRESSES, labOf } from './scene.js'
import { answering, datagram, type Ends, hexOf, type Side, type Talk, TcpTalk, textOf } from './talk.js'

interface Heard {
  readonly ip: string
  readonly port: number
}

/** What has come of an address that was told. */
function heardOf(text: string, { at, family }: Told): Heard | undefined {
  const digits = hexOf(text).slice(2 * at)
  const size = family === 4 ? 8 : 32
  if (digits.length < size + 4) return undefined
  const ip = digits.slice(0, size)
  const port = Number.parseInt(digits.slice(size, size + 4), 16)
  return {
    ip:
      family === 4
        ? ip
            .match(/../g)!
            .map((two) => Number.parseInt(two, 16))
            .join('.')
        : ip.match(/..../g)!.join(':'),
    port,
  }
}

/** Somebody whose gateway is the server. */
const BEHIND = { 4: '203.0.113.5', 6: 'fd00:99::5' } as const
export const h323Lab: typeof labOf = (family, backend) => {
  const spec = labOf(family, backend)
  return {
    ...spec,
    routes: [
      ...spec.routes,
      family === 4 ? '203.0.113.0/24 via 10.2.0.20 dev r1' : 'fd00:99::/64 via fd00:2::20 dev r1',
    ],
  }
}

/** Of whom else a message may speak. */
function othersThan({ dst }: { readonly dst: string }, family: 4 | 6): readonly string[] {
  const { client, server, service } = ADDRESSES[family]
  return [
    dst,
    dst,
    client,
    server,
    service,
    ADDRESSES[family].public,
    BEHIND[family],
    family === 4 ? '127.0.0.1' : '::1',
  ]
}

const other = (side: Side): Side => (side === 'client' ? 'server' : 'client')

/** One or several messages in one segment, or a header alone. */
function* say(
  talk: Talk,
  control: TcpTalk,
  side: Side,
  make: (speaker: Speaker) => Message,
  follow: (told: Told, heard: Heard) => Flow,
): Flow {
  const { random, family } = talk
  const { place } = control.ends[side]
  if (!place) return
  const speaker = { random, family, own: place.src, others: othersThan(place, family) }
  const messages = Array.from(
    {
      length: random.weighted([
        [8, 1],
        [1, 2],
      ] as const),
    },
    () => make(speaker),
  )
  const text = textOf(messages.map(({ bytes }) => hexOfBytes(bytes)).join('')).slice(0, 1400)
  let came: string | undefined
  if (random.chance(0.08)) {
    yield* control.send(side, text.slice(0, 4))
    const rest = yield* control.send(side, text.slice(4))
    came = rest === undefined ? undefined : text.slice(0, 4) + rest
  } else came = yield* control.send(side, text)
  if (random.chance(0.1)) yield* control.again()
  if (random.chance(0.3)) yield* control.acknowledge(other(side))
  if (came === undefined) return
  let begin = 0
  for (const { bytes, told } of messages) {
    for (const one of told) {
      const heard = heardOf(came, { ...one, at: one.at + begin })
      if (heard && one.family === family && random.chance(0.5)) yield* follow(one, heard)
    }
    begin += bytes.length
  }
}

/** Calls, their channels and media: messages drawn from all that H.323 may say, some broken. */
export function* callFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, other: second, server, service } = ADDRESSES[family]
  for (let calls = random.int(1, 2); calls > 0; calls--) {
    const src = random.pick([client, client, second])
    const control = new TcpTalk(
      talk,
      'r0',
      src,
      random.pick([1720, random.int(1024, 65535)]),
      random.pick([server, service]),
      1720,
    )
    if (!(yield* control.open())) continue
    for (let steps = random.int(1, 6); steps > 0; steps--) {
      const side = random.pick(['client', 'server'] as const)
      yield* say(talk, control, side, callMessage, (told, heard) => followed(talk, control, side, told, heard, 1))
    }
    if (random.chance(0.2)) yield* control.close()
  }
}

/** Who has heard of an address talks to it. */
function* followed(talk: Talk, control: TcpTalk, side: Side, { of }: Told, { ip, port }: Heard, depth: number): Flow {
  const { random } = talk
  const from = control.ends[other(side)].place
  if (!from) return
  const src = random.chance(0.9) ? from.src : ADDRESSES[talk.family].public
  if (of.startsWith('media')) {
    const dport = random.chance(0.6) ? port : port ^ 1
    const seen = yield* datagram(
      talk,
      { at: from.at, src, dst: ip, sport: random.int(1024, 65535), dport },
      hexOf('media'),
    )
    if (seen && random.chance(0.4)) yield* datagram(talk, answering(seen), hexOf('heard'))
    return
  }
  const channel = new TcpTalk(talk, from.at, src, random.int(1024, 65535), ip, port)
  if (!(yield* channel.open()) || depth === 0) return
  for (let steps = random.int(0, 3); steps > 0; steps--) {
    const speaker = random.pick(['client', 'server'] as const)
    yield* say(talk, channel, speaker, random.chance(0.95) ? controlMessage : callMessage, (told, heard) =>
      followed(talk, channel, speaker, told, heard, 0),
    )
  }
}

/** Registrations and admissions; who has heard of an address calls it, or asks there. */
export function* rasFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, other: second, server, service } = ADDRESSES[family]
  for (let sessions = random.int(1, 2); sessions > 0; sessions--)
    yield* asked(
      talk,
      {
        at: 'r0',
        src: random.pick([client, client, second]),
        dst: random.pick([server, service]),
        sport: random.pick([1719, random.int(1024, 65535)]),
        dport: 1719,
      },
      1,
    )
}

function* asked(talk: Talk, ends: Ends, depth: number): Flow {
  const { random, family } = talk
  const places: Ends[] = [ends]
  const ports: number[] = [random.int(1024, 65535)]
  for (let steps = random.int(1, 8); steps > 0; steps--) {
    const from = random.pick(places)
    const speaker = { random, family, own: from.src, others: othersThan(from, family), ports: [...ports, from.sport] }
    const { bytes, told } = rasMessage(speaker)
    const seen = yield* datagram(talk, from, hexOfBytes(bytes))
    if (!seen) continue
    const back = answering(seen)
    if (places.length === 1) places.push(back)
    const came = textOf(seen.transport.slice(16))
    for (const one of told) {
      const heard = one.family === family ? heardOf(came, one) : undefined
      if (!heard) continue
      ports.push(heard.port)
      if (!random.chance(0.5)) continue
      if (one.of === 'rasAddress' || one.of === 'replyAddress') {
        if (depth > 0)
          yield* asked(talk, { ...back, dst: heard.ip, dport: heard.port, sport: random.int(1024, 65535) }, 0)
        continue
      }
      const call = new TcpTalk(talk, back.at, back.src, random.int(1024, 65535), heard.ip, heard.port)
      if (!(yield* call.open())) continue
      for (let more = random.int(0, 2); more > 0; more--) {
        const side = random.pick(['client', 'server'] as const)
        yield* say(talk, call, side, callMessage, (what, where) => followed(talk, call, side, what, where, 0))
      }
    }
  }
}
