import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { hexToBytes } from '../packet/hex.js'
import { Packet } from '../packet/packet.js'
import { invertTuple, locateL4, printTuple, tupleAt, tupleKey, tupleOf, WITH_PORTS } from './tuple.js'

/** An IPv4 packet from 10.0.0.1 to 10.0.0.2 without sound lengths and checksum: nobody looks. */
const four = (protocol: string, rest: string, fragment = '0000') =>
  new Packet(hexToBytes(`45000000${'0000'}${fragment}40${protocol}00000a0000010a000002${rest}`)!)
const ENDS6 = `fd00${'0'.repeat(27)}1fd00${'0'.repeat(27)}2`
const six = (next: string, rest: string) => new Packet(hexToBytes(`600000000000${next}40${ENDS6}${rest}`)!)
const show = (packet: Packet) => {
  const tuple = tupleOf(packet)
  return tuple && printTuple(tuple).replace(/^src=\S+ dst=\S+ ?/, '')
}

describe('tupleOf', () => {
  test.each<[string, Packet, string | undefined]>([
    ['TCP: four bytes are enough', four('06', '03e80050'), 'sport=1000 dport=80'],
    ['TCP, three bytes', four('06', '03e800'), undefined],
    ['UDP', four('11', '03e80035'), 'sport=1000 dport=53'],
    ['UDP-Lite', four('88', '03e80035'), 'sport=1000 dport=53'],
    ['SCTP', four('84', '03e80035'), 'sport=1000 dport=53'],
    ['DCCP: since 6.16 like any other', four('21', '03e80035'), ''],
    ['ICMP', four('01', '0800000000070001'), 'type=8 code=0 id=7'],
    ['ICMP, seven bytes', four('01', '08000000000700'), undefined],
    ['ICMPv6 in IPv4', four('3a', '8000000000070001'), 'type=128 code=0 id=7'],
    ['GRE', four('2f', '00000800'), 'srckey=0x0 dstkey=0x0'],
    ['GRE, PPTP', four('2f', '3001880b00041234'), 'srckey=0x0 dstkey=0x1234'],
    ['GRE version 1 without PPP', four('2f', '3001080000041234'), undefined],
    ['GRE version 1, cut off', four('2f', '3001880b'), 'srckey=0x0 dstkey=0x0'],
    ['ESP', four('32', ''), ''],
    ['a first fragment', four('11', '03e80035', '2000'), 'sport=1000 dport=53'],
    ['a later fragment', four('11', '03e80035', '0001'), undefined],
    ['IPv6 UDP', six('11', '03e80035'), 'sport=1000 dport=53'],
    ['IPv6, destination options', six('3c', '110001040000000003e80035'), 'sport=1000 dport=53'],
    ['IPv6, authentication header', six('33', `11040000${'00'.repeat(20)}03e80035`), 'sport=1000 dport=53'],
    ['IPv6, a first fragment', six('2c', '110000010000000103e80035'), 'sport=1000 dport=53'],
    ['IPv6, a later fragment', six('2c', '110000080000000103e80035'), undefined],
    ['IPv6, no next header', six('3b', ''), undefined],
    ['IPv6, no next header behind an extension', six('3c', '3b00010400000000'), undefined],
    ['IPv6, an extension cut off', six('3c', '11'), undefined],
    ['IPv6, mobility: a protocol like any other', six('87', ''), ''],
  ])('%s', (_, packet, expected) => {
    expect(show(packet)).toBe(expected)
  })

  test('a header that says to be longer than the packet', () => {
    const packet = four('11', '03e80035')
    packet.bytes[0] = 0x4f
    expect(locateL4(packet.bytes, 4)).toBeUndefined()
  })
  test('the family is given, not read: what is quoted may say what it likes', () => {
    const { bytes } = four('11', '03e80035')
    bytes[0] = 0x65
    expect(tupleAt(bytes, 4)).toMatchObject({ family: 4, sport: 1000, dport: 53 })
  })
})

describe('invertTuple', () => {
  const ends = { src: parseIp('10.0.0.1')!, dst: parseIp('10.0.0.2')! }
  test.each<[1 | 58, number, number | undefined]>([
    [1, 8, 0], [1, 0, 8], [1, 13, 14], [1, 14, 13], [1, 15, 16], [1, 16, 15], [1, 17, 18], [1, 18, 17], [1, 3, undefined], [1, 9, undefined],
    [58, 128, 129], [58, 129, 128], [58, 139, 140], [58, 140, 139], [58, 1, undefined], [58, 135, undefined],
  ])('protocol %i, type %i: %s', (protocol, type, answer) => {
    const inverse = invertTuple({ ...ends, family: protocol === 1 ? 4 : 6, protocol, sport: 77, dport: type * 256 + 5 })
    expect(inverse && [inverse.dport >> 8, inverse.dport & 255, inverse.sport, inverse.src]).toEqual(answer === undefined ? undefined : [answer, 5, 77, ends.dst])
  }) // biome-ignore format: a table

  test('twice is nothing', () => {
    const tuple = fc.record({
      family: fc.constant(4 as const),
      protocol: fc.constantFrom(...WITH_PORTS, 50, 47),
      src: fc.nat(0xffffffff),
      dst: fc.nat(0xffffffff),
      sport: fc.nat(65535),
      dport: fc.nat(65535),
    })
    fc.assert(
      fc.property(tuple, (one) => {
        expect(tupleKey(invertTuple(invertTuple(one)!)!)).toBe(tupleKey(one))
      }),
    )
  })
})
