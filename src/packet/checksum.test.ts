import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildPacket } from './build.js'
import {
  checksum,
  checksumOk,
  fold,
  headerChecksumOk,
  pseudoHeader,
  recomputeTransport,
  replaceSum,
  replaceSumNft,
  sctpChecksum,
  sum,
  sumOfIp,
} from './checksum.js'
import { hexToBytes } from './hex.js'
import { Packet, put16, u16 } from './packet.js'

const bytes = (hex: string) => hexToBytes(hex)!

describe('the internet checksum', () => {
  test('the example of RFC 1071 section 3', () => {
    expect(fold(sum(bytes('0001f203f4f5f6f7')))).toBe(0xddf2)
    expect(checksum(bytes('0001f203f4f5f6f7'))).toBe(0x220d)
  })
  test('an odd last byte is the high half of a word', () => {
    expect(sum(bytes('0102ff'))).toBe(0x0102 + 0xff00)
  })
  test('the example of RFC 1624 section 4: never 0xffff', () => {
    expect(replaceSum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000)
    expect(replaceSumNft(0xdd2f, 0x5555, 0x3285)).toBe(0xffff)
  })
  test('sums of addresses', () => {
    expect(sumOfIp(0x0a000001)).toBe(0x0a01)
    expect(sumOfIp(0x20010db8_00000000_00000000_00000001n)).toBe(0x2001 + 0xdb8 + 1)
  })
  test('updating is computing anew', () => {
    const words = fc
      .uint8Array({ minLength: 8, maxLength: 40 })
      .filter((data) => data.length % 2 === 0 && data.some((byte) => byte !== 0))
    fc.assert(
      fc.property(words, fc.nat(), fc.integer({ min: 0, max: 0xffff }), (data, where, value) => {
        const before = checksum(data)
        const at = (where % (data.length / 2)) * 2
        const old = u16(data, at)!
        const changed = data.slice()
        put16(changed, at, value)
        // 0 and 0xffff are one number in one's complement
        expect(replaceSum(before, old, value) % 0xffff).toBe(checksum(changed) % 0xffff)
        expect(replaceSum(before, old, value)).not.toBe(0xffff)
      }),
    )
  })
})

describe('CRC-32C of SCTP', () => {
  test('32 bytes of zeros (RFC 3720 appendix B.4), least significant byte first', () => {
    expect(sctpChecksum(new Uint8Array(32), 0)).toBe(0xaa36918a)
  })
  test('its own field counts as zero', () => {
    const data = new Uint8Array(32).fill(0xff, 8, 12)
    expect(sctpChecksum(data, 0)).toBe(0xaa36918a)
  })
})

const packets: readonly (readonly [what: string, hex: string, good: boolean])[] = [
  ['TCP', '4500002800000000400666ce0a0000010a0000029c40005000000000000000005002faf0045f0000', true],
  ['TCP, wrong', '4500002800000000400666ce0a0000010a0000029c40005000000000000000005002faf0046f0000', false],
  ['TCP, cut off before the checksum', '4500002000000000400666d60a0000010a0000029c4000500000000000000000', false],
  ['UDP', '4500001e00000000401166cd0a0000010a0000029c400035000ae6f86869', true],
  ['UDP without checksum', '4500001e00000000401166cd0a0000010a0000029c400035000a00006869', true],
  ['UDP, wrong', '4500001e00000000401166cd0a0000010a0000029c400035000ae6f96869', false],
  ['ICMP', '4500001c00000000400166df0a0000010a0000020800f7fd00010001', true],
  ['ICMP, wrong', '4500001c00000000400166df0a0000010a0000020800f7fe00010001', false],
  ['a later fragment has none', '450000140000000140110000' + '0a0000010a000002', true],
  ['a protocol without one', '45000014000000004063' + '0000' + '0a0000010a000002', true],
  ['ICMPv6 over IPv4 is only bytes', '4500001c00000000403a00000a0000010a00000280000000' + '00010001', true],
] // biome-ignore format: a table

describe('what connection tracking says of the transport checksum', () => {
  for (const [what, hex, good] of packets) test(what, () => expect(checksumOk(new Packet(bytes(hex)))).toBe(good))

  test('a UDP length shorter than the IP packet does not shorten the sum', () => {
    const packet = buildPacket({ src: 1, dst: 2 }, { is: 'udp', sport: 1, dport: 2 }, Uint8Array.of(1, 2, 3, 4, 5))
    put16(packet.bytes, 24, 10)
    for (const [summed, good] of [
      [10, false],
      [13, true],
    ] as const) {
      put16(packet.bytes, 26, 0)
      put16(packet.bytes, 26, ~fold(sum(packet.bytes, 20, 20 + summed, pseudoHeader(packet, 17, summed))) & 0xffff)
      expect(checksumOk(packet)).toBe(good)
    }
  })
  test('DCCP is not tracked', () => {
    const packet = buildPacket({ src: 1, dst: 2 }, { is: 'dccp', sport: 1, dport: 2 })
    packet.bytes[26]! ^= 1
    expect(checksumOk(packet)).toBe(true)
  })
  test('UDP-Lite is summed as UDP, so that good ones look bad (udplite_error)', () => {
    const packet = buildPacket({ src: 1, dst: 2 }, { is: 'udplite', sport: 1, dport: 2 })
    expect(checksumOk(packet)).toBe(false)
  })
})

describe('IPv4 header', () => {
  test('good, wrong, and IPv6 has none', () => {
    expect(headerChecksumOk(new Packet(bytes('4500001400000000400666e20a0000010a000002')))).toBe(true)
    expect(headerChecksumOk(new Packet(bytes('4500001400000000400666e30a0000010a000002')))).toBe(false)
    expect(headerChecksumOk(new Packet(bytes('60')))).toBe(true)
  })
})

describe('computing anew', () => {
  test('UDP: none stays none unless asked, 0 is written 0xffff', () => {
    const none = new Packet(bytes('4500001e00000000401166cd0a0000010a0000029c400035000a00006869'))
    recomputeTransport(none)
    expect(u16(none.bytes, 26)).toBe(0)
    recomputeTransport(none, true)
    expect(u16(none.bytes, 26)).toBe(0xe6f8)
    // 0xe6f8 put into the payload makes the sum 0xffff
    const zero = new Packet(bytes('4500002000000000401166cb0a0000010a0000029c400035000c00006869e6f4'))
    recomputeTransport(zero, true)
    expect(u16(zero.bytes, 26)).toBe(0xffff)
  })
  test('of a wrong one becomes a right one, whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(6, 17, 1, 132, 33),
        fc.uint8Array({ minLength: 20, maxLength: 80 }),
        (protocol, content) => {
          const header = bytes('4500001400000000400600000a0000010a000002')
          header[9] = protocol
          const packet = new Packet(Uint8Array.from([...header, ...content]))
          if (protocol === 33) packet.bytes[25] = 0
          recomputeTransport(packet, true)
          expect(checksumOk(packet)).toBe(true)
        },
      ),
    )
  })
})
