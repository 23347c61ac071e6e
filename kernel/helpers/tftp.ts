import { hex } from '../cases/frames.js'
import type { Flow } from '../cases/stage.js'
import { ADDRESSES } from './scene.js'
import { answering, datagram, hexOf, type Talk } from './talk.js'

/** Requests good and bad; answers from the port that a server takes for a transfer, and from others. */
export function* tftpFlow(talk: Talk): Flow {
  const { random, family } = talk
  const { client, other, server, service, routers } = ADDRESSES[family]
  for (let n = random.int(1, 4); n > 0; n--) {
    const ends = {
      ...(random.chance(0.15)
        ? { at: 'local', src: routers[1] }
        : { at: 'r0', src: random.pick([client, client, other]) }),
      dst: random.pick([server, service]),
      sport: random.pick([2000, 2000, random.int(1, 65535)]),
      dport: 69,
    }
    const request = random.weighted([
      [5, `0001${hexOf('file\0octet\0')}`],
      [3, `0002${hexOf('file\0octet\0')}`],
      [1, '0003'],
      [1, '00'],
      [1, ''],
      [1, '0005000100'],
    ])
    const seen = yield* datagram(talk, ends, request)
    if (!seen) continue
    const port = random.pick([69, 3000, random.int(1, 65535)])
    let block = 1
    const answer = answering(seen, port)
    const first = yield* datagram(
      talk,
      random.chance(0.1)
        ? { ...answer, src: random.chance(0.5) ? other : answer.src, dport: answer.dport ^ 1 }
        : answer,
      `0003${hex(block, 2)}${hexOf('data')}`,
    )
    if (!first) continue
    for (let more = random.int(0, 3); more > 0; more--) {
      const acknowledged = yield* datagram(talk, answering(first), `0004${hex(block++, 2)}`)
      if (!acknowledged) break
      yield* datagram(talk, answering(acknowledged), `0003${hex(block, 2)}${hexOf('more')}`)
    }
    if (random.chance(0.2)) yield* datagram(talk, answering(seen), '0005')
  }
}
