import { udp } from '../cases/frames.js'
import { ping, udpFlow } from './datagrams.js'
import { odd } from './odd.js'
import { sctp } from './sctp.js'
import { host, net, type Stage } from './stage.js'
import { exhaust, tcpWalk } from './tcp.js'

/** By name. */
export const CONVERSATIONS: Readonly<Record<string, (c: Stage) => Promise<void>>> = {
  tcp: (c) => tcpWalk(c, c.random.int(0, 25)),
  async tcp2(c) {
    // several clients, same port: clashes
    for (let i = c.random.int(1, 3); i > 0; i--)
      await tcpWalk(
        c,
        c.random.int(0, 6),
        c.random.pick([3001, 3001, 5555, 500]),
        host(c, 'left', c.random.int(2, 4)),
        host(c, 'right', c.random.pick([9, 9, 3])),
      )
  },
  udp: (c) => udpFlow(c),
  udplite: (c) => udpFlow(c, { lite: true }),
  async udp2(c) {
    for (let i = c.random.int(2, 8); i > 0; i--)
      await udpFlow(c, { n: 1, sport: c.random.pick([3001, 5555, 5555, 500, 700]), dport: c.random.pick([53, 53, 51]) })
  },
  ping: async (c) => {
    for (let i = c.random.int(1, 4); i > 0; i--) await ping(c)
  },
  odd,
  sctp,
  exhaust,
  async stream(c) {
    const src = host(c, 'left', 2),
      dst = host(c, 'right', 3)
    const fwd = () => c.send('r0', net(c, src, dst, 17, udp({ src, dst, sport: 5, dport: 6 }, 'aa')))
    const back = () => c.send('r1', net(c, dst, src, 17, udp({ src: dst, dst: src, sport: 6, dport: 5 }, 'aa')))
    await fwd()
    await back()
    await fwd()
    await c.wait(c.random.pick([1500, 2300, 2600]))
    if (c.random.chance(0.5)) await fwd()
    else await back()
  },
}
