import { familyOf, parseIp } from '../../src/address/ip.js'
import type { Seen } from '../cases/frames.js'
import type { Flow } from '../cases/stage.js'
import type { Injection } from '../lab.js'
import { ADDRESSES } from './scene.js'
import { answer, CALM, contact, MEDIA_PORTS, type Method, type Offer, request, type Talker } from './sip-messages.js'
import { answering, datagram, type Ends, hexOf, type Side, type Talk, TcpTalk, textOf } from './talk.js'

/** What carries signalling: whoever speaks is told what the other end has heard. */
interface Channel {
  say(side: Side, text: string): Generator<Injection, string | undefined, readonly Seen[]>
  /** The two ends as one of them knows them. */
  ends(
    side: Side,
  ): { readonly me: { ip: string; port: number }; readonly them: { ip: string; port: number } } | undefined
}

class UdpChannel implements Channel {
  readonly #talk: Talk
  readonly #ends: Record<Side, Ends | undefined>

  constructor(talk: Talk, first: Ends) {
    this.#talk = talk
    this.#ends = { client: first, server: undefined }
  }

  *say(side: Side, text: string): Generator<Injection, string | undefined, readonly Seen[]> {
    const ends = this.#ends[side]
    if (!ends) return undefined
    const seen = yield* datagram(this.#talk, ends, hexOf(text))
    if (!seen || seen.at === ends.at) return undefined
    this.#ends[side === 'client' ? 'server' : 'client'] ??= answering(seen)
    return textOf(seen.transport.slice(16))
  }

  ends(side: Side) {
    const ends = this.#ends[side]
    return ends && { me: { ip: ends.src, port: ends.sport }, them: { ip: ends.dst, port: ends.dport } }
  }
}

class TcpChannel implements Channel {
  readonly tcp: TcpTalk

  constructor(tcp: TcpTalk) {
    this.tcp = tcp
  }

  say(side: Side, text: string) {
    return this.tcp.send(side, text)
  }

  ends(side: Side) {
    const { place } = this.tcp.ends[side]
    return place && { me: { ip: place.src, port: place.sport }, them: { ip: place.dst, port: place.dport } }
  }
}

const isAddress = ({ family }: Talk, text: string): boolean => {
  const ip = parseIp(text)
  return ip !== undefined && familyOf(ip) === family
}

/** Where media are to go, as a description tells it. */
function mediaIn(text: string | undefined): { readonly ip: string; readonly port: number } | undefined {
  const ip = /^c=IN IP\d ([\da-f.:]+)/m.exec(text ?? '')
  const port = /^m=\w+ (\d+)/m.exec(text ?? '')
  return ip && port ? { ip: ip[1]!, port: Number(port[1]) & 0xffff } : undefined
}

function talkerOf(talk: Talk, transport: 'UDP' | 'TCP', channel: Channel, side: Side): Talker | undefined {
  const ends = channel.ends(side)
  const { client, other, server, service, public: outside } = ADDRESSES[talk.family]
  return ends && { ...talk, transport, ...ends, others: [client, other, server, service, outside, '192.0.2.9'] }
}

/** Phones that register, call and talk, and are called; good messages, bad ones, and some that are no messages at all. */
export const sipFlow = (transport: 'UDP' | 'TCP') =>
  function* (talk: Talk): Flow {
    const { random, family } = talk
    const { client, other, server, service } = ADDRESSES[family]
    if (random.chance(0.4)) return yield* calls(talk, transport)
    for (let dialogs = random.int(1, 3); dialogs > 0; dialogs--) {
      const src = random.pick([client, client, other])
      const sport = random.weighted([
        [4, 5060],
        [2, 5061],
        [2, random.int(1024, 65535)],
        [1, 3000],
      ])
      const dst = random.pick([server, service])
      let channel: Channel
      if (transport === 'UDP') channel = new UdpChannel(talk, { at: 'r0', src, dst, sport, dport: 5060 })
      else {
        const tcp = new TcpTalk(talk, 'r0', src, sport, dst, 5060)
        if (!(yield* tcp.open())) continue
        channel = new TcpChannel(tcp)
      }
      for (let steps = random.int(1, 6); steps > 0; steps--) yield* exchange(talk, transport, channel)
      if (channel instanceof TcpChannel && random.chance(0.2)) yield* channel.tcp.close()
    }
  }

const port = ({ random }: Talk): number =>
  random.weighted([
    [12, random.pick(MEDIA_PORTS)],
    [2, 10001],
    [1, random.int(1024, 65535)],
    [1, 0],
    [1, 80],
    [1, 65534],
    [1, 65535],
    [1, 70000],
  ])

/** A request and its answers, and media of those who now know of each other. */
function* exchange(talk: Talk, transport: 'UDP' | 'TCP', channel: Channel): Flow {
  const { random } = talk
  const side: Side = channel.ends('server') && random.chance(0.15) ? 'server' : 'client'
  const far: Side = side === 'client' ? 'server' : 'client'
  const talker = talkerOf(talk, transport, channel, side)
  if (!talker) return
  const method = random.weighted<Method>([
    [8, 'INVITE'],
    [5, 'REGISTER'],
    [1, 'ACK'],
    [1, 'BYE'],
    [1, 'UPDATE'],
    [1, 'PRACK'],
    [1, 'OPTIONS'],
    [1, 'CANCEL'],
  ])
  const offers = ['INVITE', 'UPDATE', 'ACK', 'PRACK'].includes(method) && random.chance(method === 'INVITE' ? 0.9 : 0.5)
  const offer = (ip: string): Offer => ({
    ip,
    ports: Array.from(
      {
        length: random.weighted([
          [8, 1],
          [4, 2],
          [1, 4],
          [1, 0],
        ]),
      },
      () => port(talk),
    ),
  })
  const cseq = random.weighted([
    [8, random.int(1, 4)],
    [1, 0],
    [1, 4294967295],
    [1, 4294967296],
  ])
  const text = request(talker, method, cseq, offers ? offer(talker.me.ip) : undefined)
  const two = transport === 'TCP' && random.chance(0.15) ? request(talker, 'REGISTER', cseq + 1, undefined) : ''
  const heard = yield* channel.say(side, text + two)
  if (heard !== undefined && random.chance(0.3)) yield* media(talk, far, mediaIn(heard), talker.them.ip)
  if (heard === undefined || random.chance(0.1)) return
  const other = talkerOf(talk, transport, channel, far)
  if (!other) return
  for (
    let answers = random.weighted([
      [6, 1],
      [2, 2],
      [1, 0],
    ]);
    answers > 0;
    answers--
  ) {
    const code = random.weighted([
      [10, '200 OK'],
      [3, '183 Session Progress'],
      [1, '100 Trying'],
      [1, '404 Not Found'],
      [1, '486 Busy'],
      [1, '000 X'],
      [1, 'abc'],
      [1, '2000'],
    ])
    const bindings = method === 'REGISTER' && random.chance(0.85)
    const more = bindings
      ? [
          heard.split(/\r\n(?![ \t])/).find((line) => /^(contact|m)\b/i.test(line) && random.chance(0.8)) ??
            contact(other, other.them),
        ]
      : random.chance(0.7)
        ? [contact(other)]
        : []
    const expires = method === 'REGISTER' && random.chance(0.4) ? [`Expires: ${random.pick([1800, 0, 30])}`] : []
    const said = answer(
      other,
      heard,
      code,
      [...more, ...expires],
      offers && random.chance(0.8) ? offer(other.me.ip) : undefined,
    )
    const back = yield* channel.say(far, said)
    if (random.chance(0.4)) yield* media(talk, side, mediaIn(back), other.me.ip)
  }
  if (method === 'INVITE' && random.chance(0.5)) yield* media(talk, far, mediaIn(heard), talker.them.ip)
  if (method === 'REGISTER' && random.chance(0.5)) yield* callOf(talk, transport, heard, other)
}

/** A stream and its reports, answered perhaps, from the port that was told or from another. */
function* media(
  talk: Talk,
  from: Side,
  to: { readonly ip: string; readonly port: number } | undefined,
  known: string,
): Flow {
  const { random, family } = talk
  const { client, server, public: outside } = ADDRESSES[family]
  if (!to || !isAddress(talk, to.ip)) return
  const src =
    from === 'client'
      ? client
      : random.weighted([
          [6, server],
          [1, outside],
          [1, known],
        ])
  for (const more of random.pick([[0], [0, 1], [1], [2]])) {
    const sport =
      random.weighted([
        [6, random.pick(MEDIA_PORTS)],
        [2, random.int(1024, 65535)],
      ]) + more
    const ends = { at: from === 'client' ? 'r0' : 'r1', src, dst: to.ip, sport, dport: (to.port + more) & 0xffff }
    const seen = yield* datagram(talk, ends, '80000001')
    if (seen && random.chance(0.6)) yield* datagram(talk, answering(seen), '80000002')
  }
}

/** Somebody calls whom the registrar knows. */
function* callOf(talk: Talk, transport: 'UDP' | 'TCP', heard: string, registrar: Talker): Flow {
  const { random } = talk
  const told = /^(?:contact|m)\s*:[^\r\n]*?sip:(?:[^@\r\n]*@)?\[?([\da-f.:]+?)\]?(?::(\d+))?[>;,\r\n]/im.exec(heard)
  if (!told) return
  const ends = {
    at: 'r1',
    src: random.weighted([[8, registrar.me.ip], [1, '192.0.2.9']]),
    dst: told[1]!,
    sport: random.pick([5060, 40000]),
    dport: Number(told[2] ?? 5060) & 0xffff,
  } // biome-ignore format: a table
  if (!isAddress(talk, ends.src) || !isAddress(talk, ends.dst)) return
  if (transport === 'TCP') {
    const tcp = new TcpTalk(talk, ends.at, ends.src, ends.sport, ends.dst, ends.dport)
    if (yield* tcp.open()) yield* exchange(talk, transport, new TcpChannel(tcp))
    return
  }
  yield* exchange(talk, transport, new UdpChannel(talk, ends))
}

/** Ordinary calls at the same time, often with the same ports: of one phone by two connections, of two phones, by the server's address and by the service's. */
function* calls(talk: Talk, transport: 'UDP' | 'TCP'): Flow {
  const { random, family } = talk
  const { client, other, server, service } = ADDRESSES[family]
  const channels: Channel[] = []
  for (const sport of random.some([5060, 5061, 5062, 40000], random.int(2, 3))) {
    const [src, dst] = [random.pick([client, client, other]), random.pick([server, service])]
    if (transport === 'UDP') channels.push(new UdpChannel(talk, { at: 'r0', src, dst, sport, dport: 5060 }))
    else {
      const tcp = new TcpTalk(talk, 'r0', src, sport, dst, 5060)
      if (yield* tcp.open()) channels.push(new TcpChannel(tcp))
    }
  }
  const ports = random.some(MEDIA_PORTS, random.int(1, 2))
  for (let steps = random.int(2, 7); steps > 0 && channels.length > 0; steps--) {
    const channel = random.pick(channels)
    const offered: Record<Side, number[]> = { client: [], server: [] }
    const told: Partial<Record<Side, string | undefined>> = {}
    let heard: string | undefined
    for (const side of ['client', 'server'] as const) {
      const talker = talkerOf(talk, transport, channel, side)
      if (!talker || (side === 'server' && heard === undefined)) break
      const calm = { ...talker, random: random.chance(0.9) ? CALM : random }
      offered[side] = Array.from(
        {
          length: random.weighted([
            [6, 1],
            [2, 2],
          ]),
        },
        () => random.pick(ports),
      )
      const offer = { ip: talker.me.ip, ports: offered[side] }
      const text =
        side === 'client' ? request(calm, 'INVITE', random.int(1, 3), offer) : answer(calm, heard!, '200 OK', [], offer)
      heard = yield* channel.say(side, text)
      told[side === 'client' ? 'server' : 'client'] = heard
    }
    for (const side of random.some<Side>(['client', 'server'], random.int(0, 2))) {
      const to = mediaIn(told[side])
      const ends = channel.ends(side)
      if (!to || !ends || !isAddress(talk, to.ip)) continue
      const sport = offered[side][0] ?? 10000
      for (const more of random.pick([[0], [0, 1], [1, 0]])) {
        const stream = {
          at: side === 'client' ? 'r0' : 'r1',
          src: ends.me.ip,
          dst: to.ip,
          sport: sport + more,
          dport: (to.port + more) & 0xffff,
        }
        const seen = yield* datagram(talk, stream, '80000001')
        if (seen && random.chance(0.7)) yield* datagram(talk, answering(seen), '80000002')
      }
    }
  }
}
