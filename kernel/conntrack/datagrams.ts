import { address, checksummed, hex, icmp, udp } from '../cases/frames.js'
import { host, net, type Stage, type View, view } from './stage.js'

/** An ICMP error about a packet that came out, cut where it hurts. */
export async function error(c: Stage, v: View) {
  const { random } = c
  const at = v.at
  const from = random.pick([v.dst, host(c, at === 'r1' ? 'right' : 'left', 77)])
  const to = random.chance(0.08) ? host(c, at === 'r1' ? 'left' : 'right', 99) : v.src
  let quoted = v.hex
  const hl = c.family === 4 ? 40 : 80
  const len = random.weighted([
    [6, quoted.length],
    [3, hl + 16],
    [1, hl + 8],
    [1, hl + 14],
    [1, hl],
    [1, hl - 4],
    [1, hl + 40],
  ])
  quoted = quoted.slice(0, len)
  if (random.chance(0.05)) quoted = `${c.family === 4 ? '65' : '45'}${quoted.slice(2)}`
  if (random.chance(0.05) && c.family === 4) quoted = `${quoted.slice(0, 12)}2001${quoted.slice(16)}`
  const [type, code] = random.pick(
    c.family === 4
      ? [
          [3, 3],
          [3, 1],
          [3, 4],
          [11, 0],
          [12, 0],
          [4, 0],
          [5, 1],
          [3, 13],
        ]
      : [
          [1, 4],
          [2, 0],
          [3, 0],
          [4, 0],
          [1, 1],
          [100, 0],
          [127, 0],
        ],
  ) as [number, number]
  const rest =
    (type === 3 && code === 4) || type === 2 ? '00000500' : type === 5 ? address(host(c, 'right', 8)) : '00000000'
  await c.send(
    at,
    net(
      c,
      from,
      to,
      c.family === 4 ? 1 : 58,
      icmp({ src: from, dst: to }, type, code, rest + quoted, random.chance(0.05)),
    ),
  )
}

export async function udpFlow(
  c: Stage,
  opts: { n?: number; client?: number; sport?: number; dport?: number; dst?: string; lite?: boolean } = {},
) {
  const { random } = c
  const src = host(c, 'left', opts.client ?? random.int(2, 5))
  const dst = opts.dst ?? host(c, 'right', random.pick([9, 9, 3, 4]))
  const sport = opts.sport ?? random.pick([53, 500, 700, 1023, 1024, 3001, 5555, 40000])
  const dport = opts.dport ?? random.pick([53, 80, 40001, 51])
  const proto = opts.lite ? 136 : 17
  const make = (s: string, d: string, sp: number, dp: number) => {
    const data = '62'.repeat(random.int(0, 20))
    if (!opts.lite) {
      let u = udp({ src: s, dst: d, sport: sp, dport: dp }, data, random.chance(0.04))
      if (random.chance(0.1)) u = `${u.slice(0, 12)}0000${u.slice(16)}`
      if (random.chance(0.04)) u = `${u.slice(0, 8)}${hex(random.pick([7, 8, 9, 100, 0]), 2)}${u.slice(12)}`
      if (random.chance(0.03)) u = u.slice(0, random.pick([4, 8, 12, 14]))
      return u
    }
    const len = 8 + data.length / 2
    const cov = random.weighted([
      [4, 0],
      [4, 8],
      [2, len],
      [1, 7],
      [1, len + 1],
      [1, 9],
    ])
    const d0 = `${hex(sp, 2) + hex(dp, 2) + hex(cov, 2)}0000${data}`
    const pseudo = (p: number) =>
      c.family === 4
        ? address(s) + address(d) + hex(p, 2) + hex(len, 2)
        : address(s) + address(d) + hex(len, 4) + hex(p, 4)
    const covered = cov === 0 ? d0 : d0.slice(0, cov * 2)
    const sum = checksummed(covered, 6, pseudo(random.pick([17, 136])), random.chance(0.1)).slice(12, 16)
    return d0.slice(0, 12) + (random.chance(0.1) ? '0000' : sum) + d0.slice(16)
  }
  for (let n = opts.n ?? random.int(1, 4); n > 0; n--) {
    const seen = await c.send('r0', net(c, src, dst, proto, make(src, dst, sport, dport)))
    if (!seen[0]) continue
    const v = view(seen[0].at, seen[0].hex)
    const what = random.weighted([
      [5, 'reply'],
      [3, 'error'],
      [1, 'nothing'],
      [1, 'wrong'],
    ])
    if (what === 'error') await error(c, v)
    else if (what === 'reply') {
      const back = await c.send(v.at, net(c, v.dst, v.src, proto, make(v.dst, v.src, v.dport, v.sport)))
      if (back[0] && random.chance(0.3)) await error(c, view(back[0].at, back[0].hex))
    } else if (what === 'wrong')
      await c.send(v.at, net(c, v.dst, v.src, proto, make(v.dst, v.src, v.dport ^ 1, v.sport)))
  }
}

export async function ping(c: Stage) {
  const { random } = c
  const src = host(c, 'left', random.int(2, 5)),
    dst = host(c, 'right', random.pick([9, 9, 3]))
  const proto = c.family === 4 ? 1 : 58
  const pairs =
    c.family === 4
      ? [
          [8, 0],
          [13, 14],
          [15, 16],
          [17, 18],
        ]
      : c.translated
        ? [[128, 129]]
        : [
            [128, 129],
            [139, 140],
          ]
  const [q, a] = random.pick(pairs) as [number, number]
  const id = random.pick([1, 7, 7, 0, 65535])
  for (let n = random.int(1, 3); n > 0; n--) {
    const seen = await c.send(
      'r0',
      net(
        c,
        src,
        dst,
        proto,
        icmp(
          { src, dst },
          q,
          random.chance(0.1) ? 3 : 0,
          hex(id, 2) + hex(n, 2) + '00'.repeat(12),
          random.chance(0.04),
        ),
      ),
    )
    if (!seen[0]) continue
    const v = view(seen[0].at, seen[0].hex)
    const what = random.weighted([
      [5, 'reply'],
      [3, 'error'],
      [1, 'nothing'],
      [1, 'code'],
    ])
    if (what === 'error') await error(c, v)
    else if (what !== 'nothing') {
      const t = Buffer.from(v.hex, 'hex')
      const o = c.family === 4 ? 20 : 40
      const body = v.hex.slice((o + 4) * 2)
      await c.send(
        v.at,
        net(c, v.dst, v.src, proto, icmp({ src: v.dst, dst: v.src }, a, what === 'code' ? 5 : t[o + 1]!, body)),
      )
    }
  }
  if (random.chance(0.3)) await c.send('r0', net(c, src, dst, proto, icmp({ src, dst }, a, 0, '00070001')))
}
