import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fragmentPacket } from './build.js'
import { packetOfCapture, readCapture } from './capture.js'
import { checksumOk, headerChecksumOk } from './checksum.js'
import { FIELDS, type Field, fieldSpec, printField } from './fields.js'
import { packetOfFrame } from './frame.js'
import { headersOf, describe as oneLine } from './headers.js'
import { concatBytes, hexToBytes } from './hex.js'
import { lowerMss, targetMss } from './mss.js'
import { Packet } from './packet.js'
import { echoReply, icmpError, rejectReset, stackReset } from './reply.js'

const runs = { numRuns: 5000 }
/** Random bytes, half of them with a first byte that makes an IP packet of them, and with protocols that have readers. */
const packets = fc
  .tuple(
    fc.uint8Array({ minLength: 1, maxLength: 100 }),
    fc.constantFrom(0, 0x45, 0x46, 0x4f, 0x40, 0x60, 0x6f),
    fc.constantFrom(-1, 1, 6, 17, 33, 132, 136, 58, 0, 43, 44, 51, 60),
  )
  .map(([bytes, first, protocol]) => {
    if (first) bytes[0] = first
    if (protocol >= 0 && bytes.length > 9) bytes[bytes[0]! >> 4 === 6 ? 6 : 9] = protocol
    return new Packet(bytes)
  })

describe('no bytes make anything throw', () => {
  test('field readers give a value of their width, or nothing; printers print it', () => {
    const fields = Object.keys(FIELDS) as Field[]
    fc.assert(
      fc.property(packets, (packet) => {
        for (const field of fields) {
          const { bits, read } = fieldSpec(field)
          const value = read?.(packet)
          if (value === undefined) continue
          expect(typeof value).toBe(bits > 48 ? 'bigint' : 'number')
          expect(value >= 0 && BigInt(value) < 1n << BigInt(bits), field).toBe(true)
          expect(printField(field, value)).not.toBe('')
        }
      }),
      runs,
    )
  })

  test('headers and their one line', () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 0, max: 0xffffffff }), (packet, mark) => {
        const headers = headersOf(packet, mark)
        expect(headers.length).toBe(packet.bytes.length)
        expect(oneLine(headers)).toContain(headers.protocol)
      }),
      runs,
    )
  })

  test('checksums, replies, fragments', () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 0, max: 120 }), (packet, mtu) => {
        checksumOk(packet)
        headerChecksumOk(packet)
        targetMss(packet.clone(), mtu)
        lowerMss(packet.clone(), mtu)
        const source = packet.family === 4 ? 1 : 1n
        const answers = [
          stackReset(packet),
          rejectReset(packet),
          echoReply(packet),
          icmpError(packet, { type: 3, code: 3, source }),
        ]
        for (const answer of answers) if (answer) expect(headerChecksumOk(answer) && checksumOk(answer)).toBe(true)
        for (const fragment of fragmentPacket(packet, mtu)) expect(fragment.bytes.length).toBeGreaterThan(0)
      }),
      runs,
    )
  })

  test('frames and captured packets of any link type', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(1, 12, 101, 113, 228, 229, 276, 9),
        (bytes, linktype) => {
          packetOfFrame(bytes)
          const packet = packetOfCapture({ bytes, linktype })
          expect(typeof packet === 'string' ? packet.length : packet.bytes.length).toBeGreaterThan(0)
        },
      ),
      { ...runs, examples: [[Uint8Array.of(64, 0, 0, 0), 12]] },
    )
  })

  test('capture files: random, and real ones with a byte turned over or cut off', () => {
    const good = [
      `d4c3b2a1020004000000000000000000ffff000001000000${'01000000020000000400000004000000deadbeef'.repeat(3)}`,
      '0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000' +
        '01000000280000000100000000000000020004006574683009000100090000000000000028000000' +
        '0600000024000000000000000000000001000000040000000400000045000000' +
        '24000000',
    ].map((text) => hexToBytes(text)!)
    const files = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.constantFrom(...good), fc.nat(), fc.nat({ max: 255 }), fc.nat()).map(([file, at, value, cut]) => {
        const copy = file.slice(0, file.length - (cut % 3 === 0 ? cut % file.length : 0))
        if (copy.length > 0) copy[at % copy.length] = value
        return copy
      }),
    )
    fc.assert(
      fc.property(files, fc.integer({ min: 1, max: 50 }), (file, size) => {
        const chunks = Array.from({ length: Math.ceil(file.length / size) }, (_, i) =>
          file.slice(i * size, (i + 1) * size),
        )
        const items = [...readCapture(chunks)]
        expect([...readCapture([concatBytes(...chunks)])]).toEqual(items)
        for (const item of items) expect(item.offset).toBeLessThanOrEqual(file.length)
        // a problem ends the reading
        expect(items.findIndex((item) => 'problem' in item)).toBe(
          items.length > 0 && 'problem' in items.at(-1)! ? items.length - 1 : -1,
        )
      }),
      runs,
    )
  })
})
