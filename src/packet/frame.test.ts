import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildFrame, packetOfFrame, parseFrame } from './frame.js'
import { bytesToHex, concatBytes, hexToBytes } from './hex.js'

const UDP = '4500001c00000000401166cf0a0000010a0000029c40003500084f66'
const MAC = '020000000002020000000001'
const frames: readonly (readonly [what: string, hex: string, payload: string | undefined])[] = [
  ['IPv4', `${MAC}0800${UDP}`, UDP],
  ['IPv4 with padding behind it', `${MAC}0800${UDP}000000000000`, UDP],
  ['IPv4 cut off', `${MAC}0800${UDP.slice(0, 40)}`, UDP.slice(0, 40)],
  ['one tag', `${MAC}8100200a0800${UDP}`, UDP],
  ['two tags', `${MAC}88a80001810020020800${UDP}`, UDP],
  ['IPv6 with padding', `${MAC}86dd60000000000111400000000000000000000000000000000100000000000000000000000000000002aabbcc`, '60000000000111400000000000000000000000000000000100000000000000000000000000000002aa'],
  ['no IP packet', `${MAC}08060001`, undefined],
  ['nothing behind the header', `${MAC}0800`, undefined],
  ['cut off', MAC, undefined],
  ['tag cut off', `${MAC}8100200a08`, undefined],
] // biome-ignore format: a table

describe('Ethernet frames', () => {
  for (const [what, hex, payload] of frames) {
    test(what, () => {
      const packet = packetOfFrame(hexToBytes(hex)!)
      expect(packet && bytesToHex(packet.bytes)).toBe(payload)
      if (packet) expect(packet.mac).toMatchObject({ source: 0x020000000001, destination: 0x020000000002 })
    })
  }
  test('tags, outermost first', () => {
    expect(parseFrame(hexToBytes(`${MAC}88a80001810060020800`)!)!.vlans).toEqual([
      { id: 1, priority: 0, tpid: 0x88a8 },
      { id: 2, priority: 3, tpid: 0x8100 },
    ])
  })
  test('built frames are read as what they were built from', () => {
    const address = fc.integer({ min: 0, max: 0xffffffffffff })
    const tag = fc.record({
      id: fc.integer({ min: 0, max: 4095 }),
      priority: fc.integer({ min: 0, max: 7 }),
      tpid: fc.constantFrom(0x8100, 0x88a8),
    })
    const ethertype = fc
      .integer({ min: 0, max: 0xffff })
      .filter((type) => ![0x8100, 0x88a8, 0x0800, 0x86dd].includes(type))
    fc.assert(
      fc.property(
        address,
        address,
        ethertype,
        fc.array(tag, { maxLength: 3 }),
        fc.uint8Array(),
        (source, destination, type, vlans, payload) => {
          const mac = { source, destination, ethertype: type }
          expect(parseFrame(buildFrame(mac, payload, vlans))).toEqual({ mac, vlans, payload })
        },
      ),
    )
  })
})

describe('hex', () => {
  test('there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes)
      }),
    )
    expect(hexToBytes('0x01:02 03-aB')).toEqual(Uint8Array.of(1, 2, 3, 0xab))
  })
  test('what is none', () => {
    for (const text of ['0', 'xy', '012', '0g']) expect(hexToBytes(text), text).toBeUndefined()
  })
  test('parts put together', () => {
    expect(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3))
  })
})
