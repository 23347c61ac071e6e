import { sctpChecksum } from '../../src/packet/checksum.js'
import { hex } from '../cases/frames.js'
import { host, net, type Stage, view } from './stage.js'

function sctpPacket(sport: number, dport: number, tag: number, chunks: string, wrong = false): string {
  const d = `${hex(sport, 2) + hex(dport, 2) + hex(tag, 4)}00000000${chunks}`
  const b = new Uint8Array(Buffer.from(d, 'hex'))
  const crc = sctpChecksum(b, 0)
  return d.slice(0, 16) + hex(wrong ? crc ^ 1 : crc, 4) + d.slice(24)
}
export async function sctp(c: Stage) {
  const { random } = c
  const e = { src: host(c, 'left', 2), dst: host(c, 'right', 9) }
  const [sport, dport] = [random.int(1, 65535), 36412]
  const tags = [random.int(1, 1 << 30), random.int(1, 1 << 30)] // what each side wants to receive
  const other = random.int(1, 1 << 30)
  let far = { at: 'r1' as 'r0' | 'r1', src: e.dst, dst: e.src, sport: dport, dport: sport }
  const chunk = (type: number, flags = 0, body = '') =>
    hex(type, 1) + hex(flags, 1) + hex(4 + body.length / 2, 2) + body + '00'.repeat((4 - ((body.length / 2) % 4)) % 4)
  const init = (type: number, tag: number) => chunk(type, 0, `${hex(tag, 4)}0000ffff0001000100000001`)
  const go = async (dir: 0 | 1, tag: number, chunks: string) => {
    const f = dir === 0 ? { at: 'r0' as const, src: e.src, dst: e.dst, sport, dport } : far
    const seen = await c.send(
      f.at,
      net(c, f.src, f.dst, 132, sctpPacket(f.sport, f.dport, tag, chunks, random.chance(0.02))),
    )
    if (seen[0] && dir === 0) {
      const v = view(seen[0].at, seen[0].hex)
      far = { at: v.at, src: v.dst, dst: v.src, sport: v.dport, dport: v.sport }
    }
  }
  const start = random.weighted([
    [5, 'full'],
    [2, 'hb'],
    [2, 'none'],
    [1, 'init'],
  ])
  if (start === 'full' || start === 'init') {
    await go(0, 0, init(1, tags[0]!))
    if (start === 'full') {
      await go(1, tags[0]!, init(2, tags[1]!))
      await go(0, tags[1]!, chunk(10, 0, '01020304'))
      await go(1, tags[0]!, chunk(11))
    }
  } else if (start === 'hb') {
    await go(0, tags[1]!, chunk(4, 0, '00010008aabbccdd'))
    if (random.chance(0.7)) await go(1, tags[0]!, chunk(5, 0, '00010008aabbccdd'))
  }
  for (let n = random.int(0, 12); n > 0; n--) {
    const dir = random.pick([0, 1] as const)
    const right = tags[1 - dir]!
    const tag = random.weighted([
      [8, right],
      [1, 0],
      [1, tags[dir]!],
      [2, other],
    ])
    const type = random.weighted([
      [4, 0],
      [2, 3],
      [2, 1],
      [2, 2],
      [2, 4],
      [2, 5],
      [1, 6],
      [2, 7],
      [2, 8],
      [1, 9],
      [2, 10],
      [2, 11],
      [2, 14],
      [1, 13],
      [1, 0x80],
    ])
    const flags = random.chance(0.3) ? 1 : 0
    const one = (t: number) =>
      t === 1 || t === 2
        ? init(t, random.pick([tags[dir]!, other]))
        : chunk(t, flags, t === 0 ? '0000000100000001000000000a' : t === 10 ? '01020304' : '')
    let chunks = one(type)
    if (random.chance(0.25)) chunks += one(random.pick([0, 3, 1, 4, 5, 10, 11, 14, 7]))
    if (random.chance(0.05))
      chunks = random.pick(['', '0100', '00000000', '01000004', '0100000800000001', chunks.slice(0, -6)])
    await go(dir, tag, chunks)
  }
}
