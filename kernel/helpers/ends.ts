import { FLAG } from '../cases/frames.js'
import type { Flow } from '../cases/stage.js'
import { ADDRESSES } from './scene.js'
import { type Talk, TcpTalk } from './talk.js'

/** Connections that are refused, ended, reset and begun anew from the same ports. */
export function* endsFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, server, service } = ADDRESSES[family]
  for (let n = random.int(2, 6); n > 0; n--) {
    const tcp = new TcpTalk(talk, 'r0', client, random.pick([1025, 1026]), random.pick([server, service]), 21)
    const way = random.weighted([
      [3, 'refused'],
      [3, 'closed'],
      [2, 'reset'],
      [2, 'silent'],
      [1, 'half'],
    ] as const)
    if ((yield* tcp.send('client', '', FLAG.syn)) === undefined) continue
    if (way === 'silent') continue
    if (way === 'refused') {
      yield* tcp.send('server', '', FLAG.rst | FLAG.ack)
      continue
    }
    yield* tcp.send('server', '', FLAG.syn | FLAG.ack)
    if (way === 'half') {
      yield* tcp.send('client', '', FLAG.rst)
      continue
    }
    yield* tcp.send('client', '', FLAG.ack)
    if (random.chance(0.4)) yield* tcp.send('server', 'hello\r\n')
    if (way === 'reset') yield* tcp.send(random.pick(['client', 'server'] as const), '', FLAG.rst | FLAG.ack)
    else yield* tcp.close()
  }
}
