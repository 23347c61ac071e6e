import { expect, test } from 'vitest'
import { buildPacket } from '../packet/build.js'
import { checksumOk, recomputeTransport } from '../packet/checksum.js'
import { hexToBytes } from '../packet/hex.js'
import { type Packet, put32, u32 } from '../packet/packet.js'
import type { Entry } from './entry.js'
import { adjustSequence, setAdjustment, shiftAt } from './sequence.js'

const entry = () => ({ status: 0 }) as Entry
const HEADER = 20

/** An acknowledgement with one block of what was received beyond. */
function acknowledgement(ack: number, from: number, to: number): Packet {
  const transport = {
    is: 'tcp',
    sport: 21,
    dport: 4000,
    flags: 16,
    sequence: 5000,
    acknowledgement: ack,
    window: 1000,
    options: hexToBytes('0101050a0000000000000000')!,
  } as const
  const packet = buildPacket(
    { src: 0x0a020009, dst: 0x0a010002, ttl: 64, id: 1, df: true },
    transport,
    new Uint8Array(0),
  )
  put32(packet.bytes, HEADER + 24, from)
  put32(packet.bytes, HEADER + 28, to)
  recomputeTransport(packet)
  return packet
}

test('what the other end acknowledges, SACK too, is told in the numbers of the one who sent it', () => {
  const one = entry()
  setAdjustment(one, 'original', 1000, 4) // 1000 to 1020 became 1000 to 1024
  const packet = acknowledgement(1024, 1030, 1040)
  expect(adjustSequence(packet, HEADER, one, 'reply')).toBe(true)
  expect([8, 24, 28].map((at) => u32(packet.bytes, HEADER + at))).toEqual([1020, 1026, 1036])
  expect(checksumOk(packet)).toBe(true)
  const earlier = acknowledgement(1000, 900, 1000)
  adjustSequence(earlier, HEADER, one, 'reply')
  expect([8, 24, 28].map((at) => u32(earlier.bytes, HEADER + at))).toEqual([1000, 900, 1000])
})

test('shifts add up; a segment sent again is not counted twice; options that are cut off drop the packet', () => {
  const one = entry()
  setAdjustment(one, 'original', 1000, 4)
  setAdjustment(one, 'original', 1000, 4)
  setAdjustment(one, 'original', 2000, -6)
  expect([1000, 1500, 2000, 2001].map((at) => shiftAt(one, 'original', at))).toEqual([4, 4, 4, -2])
  expect(shiftAt(one, 'reply', 2001)).toBe(0)
  const packet = acknowledgement(1000, 1, 2)
  packet.bytes[HEADER + 23] = 40 // a SACK option longer than the header
  expect(adjustSequence(packet, HEADER, one, 'reply')).toBe(false)
})
