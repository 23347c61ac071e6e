import { hex, icmp, ip6, tcp, udp } from '../cases/frames.js'
import { error } from './datagrams.js'
import { host, net, type Stage, view } from './stage.js'

/** Protocols without ports, headers cut off, extension headers. */
export async function odd(c: Stage) {
  const { random } = c
  const src = host(c, 'left', random.int(2, 5)),
    dst = host(c, 'right', random.pick([9, 3]))
  for (let n = random.int(1, 4); n > 0; n--) {
    const what = random.pick([
      'proto',
      'gre0',
      'gre1',
      'gre1x',
      'gre2',
      'short',
      'icmptype',
      'otherfamily',
      'badtcp',
      'dccp',
      'ext',
      'none',
      'esp',
    ])
    let h: string | undefined
    const sp = random.pick([1000, 2000])
    if (what === 'proto')
      h = net(
        c,
        src,
        dst,
        random.pick([2, 50, 51, 89, 253, 4, 41, 94, 103, 108, 112, 255]),
        random.pick(['0102030405060708090a0b0c0d0e0f10', '', '0102']),
      )
    else if (what === 'gre0') h = net(c, src, dst, 47, `00000800${'00'.repeat(8)}`)
    else if (what === 'gre1') h = net(c, src, dst, 47, `3001880b0004${hex(random.pick([5, 6]), 2)}0000000161626364`)
    else if (what === 'gre1x')
      h = net(c, src, dst, 47, random.pick(['300108000004000500000001', '3001880b', '3001', '3001880b0004', '']))
    else if (what === 'gre2') h = net(c, src, dst, 47, '3002880b0004000500000001')
    else if (what === 'short')
      h = net(
        c,
        src,
        dst,
        random.pick([6, 17, 132, 136, 33, c.family === 4 ? 1 : 58]),
        '0102030405060708090a0b0c0d0e0f10'.slice(0, 2 * random.int(0, 13)),
      )
    else if (what === 'icmptype') {
      const t = random.int(0, 255)
      h = net(
        c,
        src,
        dst,
        c.family === 4 ? 1 : 58,
        icmp({ src, dst }, t, 0, `00010002${'00'.repeat(random.pick([0, 4, 40]))}`),
      )
    } else if (what === 'otherfamily')
      h = net(
        c,
        src,
        dst,
        c.family === 4 ? 58 : 1,
        icmp({ src: '1.1.1.1', dst: '1.1.1.1' }, random.pick([8, 128, 3, 1, 135]), 0, '00010002'),
      )
    else if (what === 'badtcp') {
      const t = tcp({ src, dst, sport: sp, dport: 80, seq: 1, ack: 0, flags: random.int(0, 255) })
      h = net(c, src, dst, 6, random.pick([t, t.slice(0, 24) + random.pick(['4', 'f', '0']) + t.slice(25)]))
    } else if (what === 'dccp')
      h = net(c, src, dst, 33, `${hex(sp, 2)}0050${'0400000000000000000000000000'.padEnd(24, '0')}`)
    else if (what === 'esp') h = net(c, src, dst, 50, '0000000100000001')
    else if (c.family === 6) {
      const u = udp({ src, dst, sport: sp, dport: 80 }, 'abcd')
      const ext = random.pick([
        [[60, '00010400000000']],
        [[44, '00000100000001']],
        [[43, '00000000000000']],
        [
          [60, '00010400000000'],
          [60, '00010400000000'],
        ],
        [[135, '00000000000000']],
        [[51, '04000000000100000001000000000000000000000000']],
      ]) as [number, string][]
      h = ip6(
        {
          src,
          dst,
          protocol: what === 'none' ? 59 : random.pick([17, 59]),
          extensions: what === 'none' && random.chance(0.5) ? [] : ext,
        },
        u,
      )
    }
    if (!h) continue
    const seen = await c.send('r0', h)
    if (seen[0] && random.chance(0.5)) {
      const v = view(seen[0].at, seen[0].hex)
      const o = c.family === 4 ? 40 : 80
      if (random.chance(0.5)) await c.send(v.at, net(c, v.dst, v.src, v.proto, v.hex.slice(o)))
      else await error(c, v)
      if (random.chance(0.5)) await c.send('r0', h)
    }
  }
}
