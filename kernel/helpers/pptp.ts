import { hex, type Seen } from '../cases/frames.js'
import { arrives, back, type Flow } from '../cases/stage.js'
import type { Injection } from '../lab.js'
import { ADDRESSES } from './scene.js'
import { network, type Talk, TcpTalk, textOf } from './talk.js'

const GRE = 47
/** RFC 2637: what follows the header of each message, in bytes. */
const SIZES = [0, 144, 144, 4, 4, 4, 8, 156, 20, 208, 12, 16, 4, 136, 28, 12]

/** A control message; `fields`: digits with which what follows its header begins. */
function message({ random }: Talk, type: number, fields: string): string {
  const size = Math.max(SIZES[type] ?? 0, fields.length / 2) - (random.chance(0.03) ? 1 : 0)
  const body = fields.padEnd(2 * size, '0').slice(0, 2 * size)
  const magic = random.chance(0.02) ? '00000000' : '1a2b3c4d'
  return textOf(`${hex(12 + size, 2)}${random.chance(0.02) ? '0002' : '0001'}${magic}${hex(type, 2)}0000${body}`)
}

/** The number at an offset behind the headers of a message as it came. */
const idIn = (text: string | undefined, at: number): number =>
  text === undefined || text.length < 14 + at ? 0 : (text.charCodeAt(12 + at) << 8) | text.charCodeAt(13 + at)

/** A packet of a call, of PPP mostly. */
const gre = ({ random }: Talk, call: number): string =>
  `30${random.weighted([
    [9, '01'],
    [1, '81'],
    [1, '00'],
  ] as const)}${random.weighted([
    [12, '880b'],
    [1, '0800'],
  ] as const)}0004${hex(call, 2)}00000001ff03c021`

function* call(
  talk: Talk,
  ends: { at: string; src: string; dst: string; via?: Seen },
  id: number,
): Generator<Injection, Seen | undefined, readonly Seen[]> {
  const packet = network(talk, ends.src, ends.dst, GRE, gre(talk, id))
  const seen = yield ends.via ? back(ends.via, packet) : arrives(ends.at, packet)
  return seen.find(({ protocol }) => protocol === GRE)
}

/** Control connections whose calls are asked for by either end, in turn and out of turn, and GRE from both ends before, during and after a call. */
export function* pptpFlow(talk: Talk): Flow {
  const { random } = talk
  const { client, other, server, service } = ADDRESSES[4]
  for (let sessions = random.int(1, 2); sessions > 0; sessions--) {
    const src = random.pick([client, client, other])
    const dst = random.pick([server, service])
    const control = new TcpTalk(talk, 'r0', src, random.pick([1024, random.int(1025, 65535)]), dst, 1723)
    if (!(yield* control.open())) continue
    let [pns, pac] = [random.int(0, 65535), random.int(0, 65535)]
    /** As the ends know each other's. */
    let [pnsSeen, pacSeen] = [pns, pac]
    const ok = () => (random.chance(0.9) ? '01' : '02')
    const start = function* (): Flow {
      yield* control.send('client', message(talk, 1, '01000000'))
      yield* control.send('server', message(talk, 2, `0100${ok()}00`))
    }
    if (random.chance(0.92)) yield* start()
    for (let steps = random.int(2, 9); steps > 0; steps--) {
      const step = random.weighted([
        [5, 'out'],
        [2, 'in'],
        [8, 'call'],
        [2, 'clear'],
        [1, 'echo'],
        [1, 'stop'],
        [1, 'start'],
        [1, 'odd'],
        [1, 'again'],
      ] as const)
      if (step === 'out') {
        pns = random.int(0, 65535)
        const asked = yield* control.send('client', message(talk, 7, hex(pns, 2)))
        pnsSeen = idIn(asked, 0)
        pac = random.int(0, 65535)
        const peer = random.chance(0.93) ? pnsSeen : pns ^ 1
        const told = yield* control.send('server', message(talk, 8, `${hex(pac, 2)}${hex(peer, 2)}${ok()}00`))
        pacSeen = idIn(told, 0)
      } else if (step === 'in') {
        pac = random.int(0, 65535)
        const asked = yield* control.send('server', message(talk, 9, hex(pac, 2)))
        pacSeen = idIn(asked, 0)
        pns = random.int(0, 65535)
        const peer = random.chance(0.93) ? pacSeen : pac ^ 1
        const told = yield* control.send('client', message(talk, 10, `${hex(pns, 2)}${hex(peer, 2)}${ok()}00`))
        pnsSeen = idIn(told, 0)
        yield* control.send('server', message(talk, 11, hex(pnsSeen, 2)))
      } else if (step === 'call') {
        let via: Seen | undefined
        for (let n = random.int(1, 4); n > 0; n--) {
          const wrong = random.chance(0.1) ? 1 : 0
          const there = control.ends.server.place
          if (random.chance(0.5)) {
            const came = yield* call(talk, { at: 'r0', src, dst }, pacSeen ^ wrong)
            via = came ?? via
          } else if (there)
            yield* call(
              talk,
              { at: there.at, src: there.src, dst: there.dst, ...(there.via ? { via: there.via } : {}) },
              pnsSeen ^ wrong,
            )
        }
      } else if (step === 'clear') {
        if (random.chance(0.7)) yield* control.send('client', message(talk, 12, hex(pns, 2)))
        if (random.chance(0.8)) yield* control.send('server', message(talk, 13, hex(pac, 2)))
      } else if (step === 'echo') {
        const [from, to] = random.pick([
          ['client', 'server'],
          ['server', 'client'],
        ] as const)
        yield* control.send(from, message(talk, 5, '00000001'))
        yield* control.send(to, message(talk, 6, '0000000101'))
      } else if (step === 'stop') {
        yield* control.send('client', message(talk, 3, '01'))
        yield* control.send('server', message(talk, 4, ok()))
      } else if (step === 'start') yield* start()
      else if (step === 'again') yield* control.again()
      else
        yield* control.send(
          random.pick(['client', 'server'] as const),
          message(talk, random.int(0, 16), hex(random.pick([pns, pac, 5]), 2)),
        )
    }
    if (random.chance(0.3)) yield* control.close()
  }
}
