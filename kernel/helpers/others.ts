import { hex } from '../cases/frames.js'
import type { Flow } from '../cases/stage.js'
import { ADDRESSES } from './scene.js'
import { answering, datagram, hexOf, type Talk, TcpTalk, textOf } from './talk.js'

const numberOf = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const addressOf = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')

/** DCC offers, good and bad; somebody outside takes them up. */
export function* ircFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, other, server, service } = ADDRESSES[family]
  const chat = new TcpTalk(
    talk,
    'r0',
    client,
    random.pick([1025, random.int(1, 65535)]),
    random.pick([server, service]),
    6667,
  )
  if (!(yield* chat.open())) return
  for (let n = random.int(1, 6); n > 0; n--) {
    const ip = random.weighted([
      [7, client],
      [1, other],
      [1, server],
      [1, ADDRESSES[family].public],
    ])
    const port = random.weighted([
      [6, random.int(1, 65535)],
      [3, 5000],
      [1, 0],
      [1, 70000],
    ])
    const kind = random.pick(['SEND', 'CHAT', 'MOVE', 'TSEND', 'SCHAT', 'XYZ'])
    const end = random.pick(['\u0001\r\n', ' 1234\u0001\r\n', '\u0001\n', ' 1234567\u0001'])
    const offer = `\u0001DCC ${kind} file ${numberOf(ip)} ${port}${end}`
    const text = random.weighted([
      [8, `PRIVMSG you :${offer}`], [1, ` \r\nprivmsg you :${offer}`], [1, `PRIVMSG a b c :${offer}`], [1, `NOTICE you :${offer}`], [1, `PRIVMSG you :hello ${offer}`],
      [1, `PRIVMSG you :\u0001DCC SEND f\r\n`], [1, 'PING a\r\n'], [1, `PRIVMSG you :\u0001DCC SEND a very long name here ${numberOf(ip)} ${port}${end}`],
    ]) // biome-ignore format: a table
    const side = random.chance(0.9) ? 'client' : 'server'
    const heard = yield* chat.send(side, text)
    if (random.chance(0.2)) yield* chat.again()
    if (random.chance(0.3)) yield* chat.send('server', 'PING\r\n')
    if (random.chance(0.2)) yield* chat.acknowledge('server')
    const told = heard === undefined ? null : /DCC \w+ file (\d+) (\d+)/.exec(heard)
    const place = chat.ends.server.place
    if (!told || !place || random.chance(0.2)) continue
    const from = random.chance(0.5) ? place.src : '192.0.2.99'
    const data = new TcpTalk(
      talk,
      'r1',
      from,
      random.int(1024, 65535),
      addressOf(Number(told[1])),
      Number(told[2]) & 0xffff,
    )
    if ((yield* data.open()) && random.chance(0.5)) yield* data.send('client', 'data')
  }
}

/** A backup server asks; the client's answer names ports, good and bad. */
export function* amandaFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, server, service } = ADDRESSES[family]
  const ends = {
    at: 'r0',
    src: client,
    dst: random.pick([server, service]),
    sport: random.pick([900, 40000]),
    dport: 10080,
  }
  for (let n = random.int(1, 3); n > 0; n--) {
    const asked = yield* datagram(talk, ends, hexOf('Amanda 2.6 REQ HANDLE 000\n'))
    if (!asked) return
    const port = () =>
      random.weighted([
        [6, `${random.int(1024, 65535)}`],
        [2, '5000'],
        [1, '0'],
        [1, '700000'],
        [1, 'x'],
        [1, '99999'],
      ])
    const words = random.pick([
      ['DATA', 'MESG', 'INDEX'],
      ['DATA', 'MESG', 'INDEX', 'STATE'],
      ['DATA'],
      ['INDEX', 'DATA'],
      [],
    ])
    const line = `CONNECT ${words.map((word) => `${word} ${port()}`).join(' ')}`
    const text = random.weighted([
      [6, `Amanda 2.6 REP\n${line}\nOPTIONS ;\n`],
      [1, line],
      [1, `${line}\n`],
      [1, `CONNECT \n${line}\n`],
      [1, 'Amanda 2.6 ACK\n'],
    ])
    const answer = yield* datagram(talk, answering(asked), hexOf(text))
    if (!answer) continue
    const heard = textOf(answer.transport.slice(16))
    for (const [, told] of heard.matchAll(/(?:DATA|MESG|INDEX|STATE) (\d+)/g)) {
      if (random.chance(0.3)) continue
      const data = new TcpTalk(talk, 'r0', client, random.int(1, 65535), ends.dst, Number(told) & 0xffff)
      if ((yield* data.open()) && random.chance(0.5)) yield* data.send('client', 'data')
    }
  }
}

/** Calls to a scanner daemon, and pictures over the port that it names. */
export function* saneFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, server, service } = ADDRESSES[family]
  const control = new TcpTalk(talk, 'r0', client, random.int(1024, 65535), random.pick([server, service]), 6566)
  if (!(yield* control.open())) return
  for (let n = random.int(1, 4); n > 0; n--) {
    const call = random.weighted([
      [6, '0000000700000001'],
      [1, '0000000100000001'],
      [1, '00000007'],
      [1, '000000070000000100'],
    ])
    yield* control.send('client', textOf(call))
    const port = random.pick([5000, random.int(1, 65535)])
    const answer = random.weighted([
      [6, `00000000${'0000'}${hex(port, 2)}0000`],
      [1, `00000001${'0000'}${hex(port, 2)}`],
      [1, `00000000${'0001'}${hex(port, 2)}`],
      [1, '000000000000'],
    ])
    if ((yield* control.send('server', textOf(answer))) === undefined) continue
    if (random.chance(0.3)) yield* control.again()
    if (random.chance(0.2)) continue
    const data = new TcpTalk(talk, 'r0', client, random.int(1024, 65535), control.ends.client.place!.dst, port)
    if ((yield* data.open()) && random.chance(0.5)) yield* data.send('server', 'picture')
  }
}

/** The router asks everybody on r1; some answer, from the right port and from others, from the subnet and from elsewhere. */
export const broadcastFlow = (port: number) =>
  function* (talk: Talk): Flow {
    const { random } = talk
    for (let n = random.int(1, 3); n > 0; n--) {
      const dst = random.weighted([
        [6, '10.2.255.255'],
        [1, '10.2.0.20'],
        [1, '255.255.255.255'],
      ])
      const sport = random.pick([port, 40000, random.int(1024, 65535)])
      const seen = yield* datagram(talk, { at: 'local', src: '10.2.0.1', dst, sport, dport: port }, hexOf('who'))
      if (!seen) continue
      for (let answers = random.int(0, 4); answers > 0; answers--) {
        const src = random.weighted([
          [5, `10.2.0.${random.int(20, 90)}`],
          [1, '10.1.0.2'],
          [1, '192.0.2.9'],
        ])
        const from = random.weighted([
          [5, port],
          [1, port + 1],
        ])
        yield* datagram(talk, { at: 'r1', src, dst: '10.2.0.1', sport: from, dport: sport }, hexOf('me'))
      }
    }
  }
