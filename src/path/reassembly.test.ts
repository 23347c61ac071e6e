import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { buildPacket, fragmentOf } from '../packet/build.js'
import { recomputeHeader } from '../packet/checksum.js'
import { Packet } from '../packet/packet.js'
import { type Collected, Reassembly } from './reassembly.js'

const ends = { 4: ['10.0.0.1', '10.0.0.2'], 6: ['fd00::1', 'fd00::2'] } as const
const whole = (family: 4 | 6, length: number, tos = 0) =>
  buildPacket(
    { src: parseIp(ends[family][0])!, dst: parseIp(ends[family][1])!, id: 7, tos },
    { is: 'udp', sport: 1, dport: 2 },
    Uint8Array.from({ length }, (_, i) => i),
  )

/** `[from, to)` of the bytes behind the network header; `more` unless it is the end. */
const piece = (packet: Packet, from: number, to: number) =>
  fragmentOf(packet, from, to - from, to < packet.bytes.length - packet.transport.offset, 7)

const add = (packet: Packet, ranges: readonly (readonly [number, number])[], lenient = false): Collected => {
  const reassembly = new Reassembly(lenient)
  let last: Collected = { is: 'queued' }
  for (const [from, to] of ranges) last = reassembly.add(piece(packet, from, to), 0)
  return last
}

describe.each([4, 6] as const)('IPv%s', (family) => {
  test('pieces in any order, some of them twice, give the packet and its pieces', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 29 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(cuts, fc.integer(), (units, seed) => {
        const packet = whole(family, 232)
        const at = [0, ...new Set(units.map((unit) => unit * 8))].sort((a, b) => a - b)
        const ranges = at.map((from, i) => [from, at[i + 1] ?? 240] as const)
        const order = ranges.map((range, i) => [(seed >>> (i * 3)) & 7, range] as const).sort((a, b) => a[0] - b[0])
        const last = order.at(-1)![1]
        const said = add(packet, [...order.slice(0, -1).flatMap(([, range]) => [range, range]), last])
        expect(said.is).toBe('whole')
        if (said.is !== 'whole') return
        expect(said.whole.packet.bytes).toEqual(packet.bytes)
        expect(said.whole.pieces).toEqual(ranges.map(([from, to]) => to - from))
      }),
      { numRuns: 200 },
    )
  })

  test.each<[string, readonly (readonly [number, number])[]]>([
    ['overlapping', [[0, 16], [8, 40], [16, 40]]],
    ['beyond the end', [[24, 40], [0, 24], [32, 56]]],
  ])('%s: all is thrown away', (_, ranges) => {
    expect(add(whole(family, 32), ranges).is).toBe('queued')
  }) // biome-ignore format: a table
})

test('a fragment inside of what came in one go is a repeated one', () => {
  expect(
    add(whole(4, 32), [
      [0, 16],
      [16, 24],
      [8, 24],
      [24, 40],
    ]).is,
  ).toBe('whole')
})

test('what congestion marked in one fragment is marked in all; with fragments that know no ECN there is no packet', () => {
  const marked = (tos: number, from: number, to: number) => piece(whole(4, 32, tos), from, to)
  const together = (one: number, other: number) => {
    const reassembly = new Reassembly(false)
    reassembly.add(marked(one, 0, 16), 0)
    return reassembly.add(marked(other, 16, 40), 0)
  }
  const both = together(2, 3)
  expect(both.is === 'whole' && both.whole.packet.bytes[1]).toBe(3)
  expect(together(0, 3).is).toBe('queued')
  expect(together(1, 2).is).toBe('whole')
})

test('DF stays where the longest fragment had it', () => {
  const withDf = (fragment: Packet) => {
    fragment.bytes[6]! |= 0x40
    recomputeHeader(fragment)
    return new Packet(fragment.bytes)
  }
  const packet = whole(4, 32)
  const together = (...pieces: readonly Packet[]) => {
    const reassembly = new Reassembly(false)
    return pieces.map((one) => reassembly.add(one, 0)).at(-1)!
  }
  const df = (said: Collected) => said.is === 'whole' && [said.whole.df, (said.whole.packet.bytes[6]! & 0x40) !== 0]
  expect(df(together(withDf(piece(packet, 0, 24)), piece(packet, 24, 40)))).toEqual([true, true])
  expect(df(together(piece(packet, 0, 24), withDf(piece(packet, 24, 40))))).toEqual([false, false])
  const [first, last] = [piece(packet, 0, 24), piece(packet, 24, 40)]
  expect(df(together(first, withDf(piece(packet, 0, 24)), last)), 'a repeated one is not heard').toEqual([false, false])
})

test('IPv6 fragments that no packet can be put together of', () => {
  const packet = whole(6, 32)
  const reassembly = new Reassembly(true)
  const cut = fragmentOf(packet, 0, 4, true, 1)
  expect(reassembly.add(cut, 0)).toEqual({ is: 'left', code: 3, pointer: 0 })
  const odd = fragmentOf(packet, 0, 12, true, 1)
  expect(reassembly.add(odd, 0)).toEqual({ is: 'left', code: 0, pointer: 4 })
})

test('nobody waits for ever', () => {
  const packet = whole(4, 32)
  const reassembly = new Reassembly(false)
  reassembly.add(piece(packet, 0, 16), 0)
  expect(reassembly.add(piece(packet, 16, 40), 31).is).toBe('queued')
})
