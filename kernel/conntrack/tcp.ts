import { hex, tcp } from '../cases/frames.js'
import { host, net, type Stage, view } from './stage.js'

const FLAG = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 } as const
const bits = (t: string) => [...t].reduce((s, c) => s | FLAG[c as 'F'], 0)

/** A TCP conversation of which both sides are out of their mind now and then. */
export async function tcpWalk(
  c: Stage,
  steps: number,
  clientPort?: number,
  client = host(c, 'left', 2),
  server = host(c, 'right', 9),
) {
  const { random } = c
  const sport = clientPort ?? random.pick([1000, 5555, 40000, random.int(1, 65535)])
  const dport = random.pick([80, 22])
  const near = { at: 'r0' as const, src: client, dst: server, sport, dport }
  let far: { at: 'r0' | 'r1'; src: string; dst: string; sport: number; dport: number } = {
    at: 'r1',
    src: server,
    dst: client,
    sport: dport,
    dport: sport,
  }
  const seq = [
    random.pick([1000, 0xfffffff0, random.int(0, 0xffffffff), 0]),
    random.pick([5000, 0xffffff00, random.int(0, 0xffffffff)]),
  ]
  const acked = [0, 0]
  const opt = () =>
    random.weighted<string>([
      [6, ''],
      [2, '020405b4'],
      [3, `020405b401030${random.pick(['3', '3'])}0${random.pick(['0', '7', '3', 'f'])}`.padEnd(16, '0')],
      [2, '020405b404020101'],
      [2, `020405b40402080a00000001000000000103030${random.pick(['7', '2', 'e'])}`],
      [1, '0101'.repeat(2)],
      [1, '00000000'],
      [1, '03ff0000'],
      [1, '0402030e'],
    ])
  const sackOpt = (edge: number) =>
    random.weighted<string>([
      [6, ''],
      [2, '0101080a0000000100000000'],
      [2, `0101050a${hex(edge - 10, 4)}${hex(edge, 4)}`],
      [
        1,
        `01010512${hex(edge - 30, 4)}${hex(edge - 20, 4)}${hex(edge - 10, 4)}${hex((edge + random.pick([0, 1, 1000])) >>> 0, 4)}`,
      ],
      [1, `0101050a${hex(edge, 4)}${hex((edge + 100000) >>> 0, 4)}`],
    ])
  const win = () =>
    random.weighted([
      [8, 1000],
      [3, 65535],
      [2, 0],
      [2, 1],
      [2, 30000],
      [1, random.int(0, 65535)],
    ])
  const go = async (
    dir: 0 | 1,
    flags: string,
    s: number,
    a: number,
    data: number,
    options: string,
    w: number,
    wrong = false,
  ) => {
    const e = dir === 0 ? near : far
    const segment = tcp(
      {
        src: e.src,
        dst: e.dst,
        sport: e.sport,
        dport: e.dport,
        seq: s >>> 0,
        ack: a >>> 0,
        flags: bits(flags),
        window: w,
        options,
        wrong,
      },
      '61'.repeat(data),
    )
    const seen = await c.send(e.at, net(c, e.src, e.dst, 6, segment))
    if (seen[0] && dir === 0) {
      const v = view(seen[0].at, seen[0].hex)
      far = { at: v.at, src: v.dst, dst: v.src, sport: v.dport, dport: v.sport }
    }
    return seen.length > 0
  }
  const start = random.weighted([
    [6, 'handshake'],
    [2, 'syn'],
    [2, 'mid'],
    [1, 'simul'],
    [3, 'none'],
  ])
  const w0 = [win(), win()]
  if (start === 'handshake' || start === 'syn') {
    await go(0, 'S', seq[0]!, 0, 0, opt(), w0[0]!)
    seq[0] = (seq[0]! + 1) >>> 0
    if (start === 'handshake') {
      await go(1, 'SA', seq[1]!, seq[0]!, 0, opt(), w0[1]!)
      seq[1] = (seq[1]! + 1) >>> 0
      acked[1] = seq[0]!
      if (random.chance(0.9)) {
        await go(0, 'A', seq[0]!, seq[1]!, 0, '', win())
        acked[0] = seq[1]!
      }
    }
  } else if (start === 'mid') {
    await go(0, 'A', seq[0]!, seq[1]!, random.int(0, 20), '', win())
    if (random.chance(0.7)) await go(1, random.pick(['A', 'PA']), seq[1]!, seq[0]!, random.int(0, 20), '', win())
  } else if (start === 'simul') {
    await go(0, 'S', seq[0]!, 0, 0, opt(), win())
    seq[0] = (seq[0]! + 1) >>> 0
    await go(1, 'S', seq[1]!, 0, 0, opt(), win())
    seq[1] = (seq[1]! + 1) >>> 0
    if (random.chance(0.5)) await go(0, 'SA', seq[0]! - 1, seq[1]!, 0, opt(), win())
    if (random.chance(0.5)) await go(1, random.pick(['SA', 'A']), seq[1]! - 1, seq[0]!, 0, opt(), win())
  }
  let previous: Parameters<typeof go> | undefined
  for (let i = 0; i < steps; i++) {
    const dir = random.pick([0, 1] as const)
    const own = seq[dir]!,
      peer = seq[1 - dir]!
    if (previous && random.chance(0.08)) {
      for (let k = random.int(1, 4); k > 0; k--) await go(...previous)
      continue
    }
    const flags = random.weighted<string>([
      [10, 'A'],
      [8, 'PA'],
      [4, 'FA'],
      [3, 'R'],
      [3, 'RA'],
      [4, 'S'],
      [3, 'SA'],
      [1, 'F'],
      [1, 'SF'],
      [1, ''],
      [1, 'U'],
      [1, 'AU'],
      [1, 'SU'],
      [1, 'FPU'],
      [1, 'AEC'],
      [1, 'SEC'],
      [1, 'SR'],
      [1, 'FAU'],
    ])
    const data = /S|R/.test(flags)
      ? random.chance(0.1)
        ? 5
        : 0
      : random.weighted([
          [4, 0],
          [4, random.int(1, 40)],
          [1, 999],
          [1, 1001],
          [1, 1400],
        ])
    const s = random.weighted<number>([
      [14, own],
      [1, own - 1],
      [1, own + 1],
      [1, own - data],
      [1, own + 1000],
      [1, own + 1001],
      [1, own - 1000],
      [1, own + 65535],
      [1, own - 70000],
      [1, own + 100000],
      [1, 0],
      [1, random.int(0, 0xffffffff)],
      [1, acked[1 - dir]!],
    ])
    const a = random.weighted<number>([
      [14, peer],
      [2, acked[dir]!],
      [1, peer + 1],
      [1, peer - 1],
      [1, peer + 100000],
      [1, peer - 66000],
      [1, peer - 66001],
      [1, peer - 70000],
      [1, 0],
      [1, random.int(0, 0xffffffff)],
    ])
    const options = /S/.test(flags) ? opt() : sackOpt(peer)
    const call: Parameters<typeof go> = [dir, flags, s, a, data, options, win(), random.chance(0.02)]
    const passed = await go(...call)
    previous = call
    if (passed && s === own && !/R/.test(flags)) {
      seq[dir] = (own + data + (/S/.test(flags) ? 1 : 0) + (/F/.test(flags) ? 1 : 0)) >>> 0
      if (/A/.test(flags)) acked[dir] = a
    }
    if (random.chance(0.03)) {
      seq[dir] = random.int(0, 0xffffffff)
    }
  }
}

/** Several clients for few ports: NAT has to search, and to give away what is over. */
export async function exhaust(c: Stage): Promise<void> {
  const { random } = c
  const dst = host(c, 'right', 3)
  for (let i = random.int(4, 14); i > 0; i--) {
    const src = host(c, 'left', random.int(2, 12))
    const sport = random.pick([3000, 3001, 5555, 5555, 6000])
    const seq = random.int(1, 0xffffffff)
    const seen = await c.send('r0', net(c, src, dst, 6, tcp({ src, dst, sport, dport: 80, seq, ack: 0, flags: 2 })))
    if (!seen[0]) continue
    const v = view(seen[0].at, seen[0].hex)
    const back = (s: number, a: number, flags: number) =>
      c.send(
        v.at,
        net(
          c,
          v.dst,
          v.src,
          6,
          tcp({ src: v.dst, dst: v.src, sport: v.dport, dport: v.sport, seq: s >>> 0, ack: a >>> 0, flags }),
        ),
      )
    const fwd = (s: number, a: number, flags: number) =>
      c.send('r0', net(c, src, dst, 6, tcp({ src, dst, sport, dport: 80, seq: s >>> 0, ack: a >>> 0, flags })))
    const how = random.pick(['syn', 'open', 'time', 'rst', 'close'])
    if (how === 'syn') continue
    await back(500, seq + 1, 0x12)
    await fwd(seq + 1, 501, 0x10)
    if (how === 'rst') await back(501, seq + 1, 0x14)
    if (how === 'time' || how === 'close') {
      await fwd(seq + 1, 501, 0x11)
      await back(501, seq + 2, 0x11)
      if (how === 'time') await fwd(seq + 2, 502, 0x10)
    }
  }
}
