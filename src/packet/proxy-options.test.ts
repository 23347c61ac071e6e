import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildPacket } from './build.js'
import { bytesToHex, hexToBytes } from './hex.js'
import { OFFER, proxyOptionBytes, readProxyOptions, timestampAt } from './proxy-options.js'

const segment = (options: Uint8Array) =>
  buildPacket({ src: 1, dst: 2 }, { is: 'tcp', sport: 1, dport: 2, flags: 2, options }, new Uint8Array(0))
const read = (hex: string) => readProxyOptions(segment(hexToBytes(hex)!))

test.each([
  ['nothing', '', { has: 0, mss: 0, scale: 0, value: 0, echo: 0 }],
  ['what Linux sends', '020405b40402080a000000010000000201030307', { has: 15, mss: 1460, scale: 7, value: 1, echo: 2 }],
  ['a scale that is too large', '0303ff00', { has: 2, mss: 0, scale: 14, value: 0, echo: 0 }],
  ['of two the last', '020405b402040218', { has: 1, mss: 536, scale: 0, value: 0, echo: 0 }],
  ['behind the end nothing counts', '00000000020405b4', { has: 0, mss: 0, scale: 0, value: 0, echo: 0 }],
  ['a length that is too long ends it', '020905b401010101', { has: 0, mss: 0, scale: 0, value: 0, echo: 0 }],
  ['a wrong length is passed over', '0203050104020000', { has: 4, mss: 0, scale: 0, value: 0, echo: 0 }],
])('%s', (_, hex, expected) => {
  expect(read(hex)).toEqual(expected)
})

test('a header that is cut off has no options', () => {
  const packet = segment(hexToBytes('020405b4')!)
  packet.bytes = packet.bytes.slice(0, 41)
  packet.touch()
  expect(readProxyOptions(packet)).toBeUndefined()
})

test('what is built is read again', () => {
  const number = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
  const options = fc.record({
    has: number(4),
    mss: number(16),
    scale: fc.integer({ min: 0, max: 14 }),
    value: number(32),
    echo: number(32),
  })
  fc.assert(
    fc.property(options, (given) => {
      const again = readProxyOptions(segment(proxyOptionBytes(given)))!
      const kept = {
        has: given.has,
        mss: given.has & OFFER.MSS ? given.mss : 0,
        scale: given.has & OFFER.SCALE ? given.scale : 0,
      }
      const times = given.has & OFFER.TIMESTAMP ? { value: given.value, echo: given.echo } : { value: 0, echo: 0 }
      expect(again).toEqual({ ...kept, ...times })
      expect(proxyOptionBytes(given).length % 4).toBe(0)
    }),
  )
})

test('SACK goes with the timestamp, or alone', () => {
  const bytes = (has: number) => bytesToHex(proxyOptionBytes({ has, mss: 1460, scale: 7, value: 1, echo: 2 }))
  expect(bytes(15)).toBe('020405b40402080a000000010000000201030307')
  expect(bytes(9)).toBe('020405b40101080a0000000100000002')
  expect(bytes(4)).toBe('01010402')
})

test.each([
  ['080a0000000100000002', 40],
  ['0101080a0000000100000002', 42],
  ['00080a0000000100000002', undefined],
  ['05ff080a0000000100000002', undefined],
])('a timestamp in %s', (hex, at) => {
  expect(timestampAt(segment(hexToBytes(hex)!))).toBe(at)
})
