import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildPacket, fragmentOf, fragmentPacket } from './build.js'
import { headerChecksumOk } from './checksum.js'
import { bytesToHex, concatBytes, hexToBytes } from './hex.js'
import { Packet, u16 } from './packet.js'
import { echoReply, icmpError, mayProvokeError, rejectReset, stackReset, timestampReply } from './reply.js'

const hex = (text: string) => hexToBytes(text)!

describe('building', () => {
  test('options are padded and lengths are right', () => {
    const packet = buildPacket(
      { src: 1, dst: 2, options: hex('9404') },
      { is: 'tcp', sport: 1, dport: 2, flags: 2, options: hex('0101') },
      hex('aa'),
    )
    expect(bytesToHex(packet.bytes.subarray(0, 4))).toBe('46000031')
    expect(bytesToHex(packet.bytes.subarray(20, 24))).toBe('94040000')
    expect(packet.bytes[24 + 12]).toBe(0x60)
    expect(headerChecksumOk(packet)).toBe(true)
  })
  test('IPv6: class and flow label', () => {
    const packet = buildPacket({ src: 1n, dst: 2n, tos: 0xab, flowLabel: 0xcdef1 }, { is: 'udp', sport: 1, dport: 2 })
    expect(bytesToHex(packet.bytes.subarray(0, 8))).toBe('6abcdef100081140')
  })
  test('DCCP requests are five words long', () => {
    expect(bytesToHex(buildPacket({ src: 1, dst: 2 }, { is: 'dccp', sport: 1, dport: 2 }).bytes.subarray(20))).toMatch(
      /^000100020500....01000000/,
    )
  })
})

/** What a receiver makes of fragments: the transport bytes. */
function reassembled(fragments: readonly Packet[]): Uint8Array {
  const parts = fragments.map((fragment) => ({
    at: fragment.transport.fragmentOffset * 8,
    bytes: fragment.bytes.subarray(fragment.transport.offset),
  }))
  const whole = new Uint8Array(Math.max(...parts.map(({ at, bytes }) => at + bytes.length)))
  for (const { at, bytes } of parts) whole.set(bytes, at)
  return whole
}

describe('fragments', () => {
  test('they fit, say whether more follow, and give the packet again', () => {
    const ends = fc.constantFrom<readonly [number | bigint, number | bigint]>([1, 2], [1n, 2n])
    fc.assert(
      fc.property(
        ends,
        fc.uint8Array({ maxLength: 600 }),
        fc.integer({ min: 68, max: 400 }),
        ([src, dst], payload, mtu) => {
          const packet = buildPacket({ src, dst, id: 77 }, { is: 'udp', sport: 1, dport: 2 }, payload)
          const fragments = fragmentPacket(packet, mtu, 77)
          for (const [index, fragment] of fragments.entries()) {
            expect(fragment.bytes.length).toBeLessThanOrEqual(mtu)
            expect(headerChecksumOk(fragment)).toBe(true)
            expect(fragment.transport.moreFragments).toBe(index < fragments.length - 1)
            expect(fragment.transport.protocol).toBe(17)
            expect(fragment.family === 4 ? u16(fragment.bytes, 2) : u16(fragment.bytes, 4)! + 40).toBe(
              fragment.bytes.length,
            )
          }
          expect(bytesToHex(reassembled(fragments))).toBe(bytesToHex(packet.bytes.subarray(packet.transport.offset)))
        },
      ),
    )
  })
  test('the last one may be longer than the others, but not of what this host sends over IPv6', () => {
    const lengths = (src: number | bigint, length: number, full?: boolean) =>
      fragmentPacket(
        buildPacket({ src, dst: src }, { is: 'udp', sport: 1, dport: 2 }, new Uint8Array(length)),
        src === 1 ? 1400 : 1284,
        5,
        full,
      ).map(({ bytes }) => bytes.length)
    // as Linux 6.18 sent them
    const udp = 8
    expect(lengths(1, 2756 - udp)).toEqual([1396, 1400])
    expect(lengths(1, 2757 - udp)).toEqual([1396, 1396, 25])
    expect(lengths(1, 1381 - udp)).toEqual([1396, 25])
    expect(lengths(1n, 2460)).toEqual([1280, 1280, 52])
    expect(lengths(1n, 2452)).toEqual([1280, 1276])
    expect(lengths(1n, 3684)).toEqual([1280, 1280, 1276])
    expect(lengths(1n, 2460, true)).toEqual([1280, 1284])
  })
  test('a fragment is cut again', () => {
    const packet = buildPacket({ src: 1, dst: 2 }, { is: 'udp', sport: 1, dport: 2 }, new Uint8Array(200))
    const [first, second] = fragmentPacket(packet, 124)
    const all = [...fragmentPacket(first!, 68), ...fragmentPacket(second!, 68)]
    expect(all.map(({ transport }) => [transport.fragmentOffset * 8, transport.moreFragments])).toEqual([
      [0, true],
      [48, true],
      [96, true],
      [104, true],
      [152, true],
      [200, false],
    ])
    expect(bytesToHex(reassembled(all))).toBe(bytesToHex(packet.bytes.subarray(20)))
  })
  test('only options with the copied flag go into later fragments', () => {
    // record route (7) is not copied, loose source route (0x83) is
    const packet = buildPacket(
      { src: 1, dst: 2, options: hex('01070704000000008307040000000000') },
      { is: 'udp', sport: 1, dport: 2 },
      new Uint8Array(100),
    )
    const [first, later] = fragmentPacket(packet, 84)
    expect(bytesToHex(first!.bytes.subarray(20, 36))).toBe('01070704000000008307040000000000')
    expect(bytesToHex(later!.bytes.subarray(20, 36))).toBe('01010101010101018307040000000000')
  })
  test('IPv6: the fragment header stands behind the extension headers that every router reads', () => {
    const hop = new Packet(
      concatBytes(
        hex('6000000000200040'),
        new Uint8Array(32),
        hex('1100050200000100'),
        hex('0001000200180000'),
        new Uint8Array(16),
      ),
    )
    const fragment = fragmentOf(hop, 8, 16, false, 5)
    expect(fragment.bytes[6]).toBe(0)
    expect(fragment.bytes[40]).toBe(44)
    expect(bytesToHex(fragment.bytes.subarray(48, 56))).toBe('1100000800000005')
    expect(fragment.transport).toMatchObject({ protocol: 17, fragmentOffset: 1, offset: 56 })
  })
})

describe('about what no answer is sent', () => {
  const udp = buildPacket({ src: 1, dst: 2 }, { is: 'udp', sport: 1, dport: 2 })
  const icmp = (type: number) => buildPacket({ src: 1, dst: 2 }, { is: 'icmp', type, code: 0 })
  const icmp6 = (type: number) => buildPacket({ src: 1n, dst: 2n }, { is: 'icmp', type, code: 0 })
  test('ICMP errors: not about errors, later fragments, senders that are no single host', () => {
    expect([0, 3, 4, 5, 8, 11, 12, 13, 18, 19, 42].map((type) => mayProvokeError(icmp(type), 3, 1))).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      false,
      true,
      true,
      false,
      false,
    ])
    expect([1, 2, 3, 4, 127, 128, 129, 135, 137].map((type) => mayProvokeError(icmp6(type), 1, 4))).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
      true,
      true,
      true,
    ])
    expect(mayProvokeError(fragmentOf(udp, 0, 8, true, 1), 3, 1)).toBe(true)
    const later = buildPacket({ src: 1, dst: 2 }, { is: 'udp', sport: 1, dport: 2 }, new Uint8Array(8))
    later.bytes[7] = 1
    later.touch()
    expect(mayProvokeError(later, 3, 1)).toBe(false)
    const to = (src: bigint, dst: bigint) => buildPacket({ src, dst }, { is: 'udp', sport: 1, dport: 2 })
    const group = 0xff02n << 112n
    expect(mayProvokeError(to(0n, 2n), 1, 4)).toBe(false)
    expect(mayProvokeError(to(group, 2n), 1, 4)).toBe(false)
    expect(mayProvokeError(to(1n, group), 1, 4)).toBe(false)
    expect(mayProvokeError(to(1n, group), 2, 0)).toBe(true)
  })
  test('no quotation where the route back is too narrow', () => {
    expect(icmpError(udp, { type: 3, code: 3, source: 9, mtu: 48 })).toBeUndefined()
    expect(icmpError(udp, { type: 3, code: 3, source: 9, mtu: 60 })!.bytes.length).toBe(56)
  })
  test('RST: not for RST, other protocols, headers cut off; REJECT looks at the checksum unless the packet is our own', () => {
    const tcp = (flags: number) => buildPacket({ src: 1, dst: 2 }, { is: 'tcp', sport: 1, dport: 2, flags })
    expect(stackReset(tcp(4))).toBeUndefined()
    expect(stackReset(udp)).toBeUndefined()
    expect(stackReset(new Packet(tcp(2).bytes.slice(0, 39)))).toBeUndefined()
    const wrong = tcp(2)
    wrong.bytes[36]! ^= 1
    expect(rejectReset(wrong)).toBeUndefined()
    expect(rejectReset(wrong, { trusted: true })).toBeDefined()
  })
  test('echo replies only to echo requests', () => {
    expect(echoReply(icmp(0))).toBeUndefined()
    expect(echoReply(udp)).toBeUndefined()
    expect(echoReply(icmp(8), { source: 7 })!.bytes.subarray(12, 16)).toEqual(Uint8Array.of(0, 0, 0, 7))
  })
})

test('a timestamp reply, as Linux 6.18 answered eight hours and a half after midnight', () => {
  const request = buildPacket(
    { src: 0x0a010115, dst: 0x0a010001, tos: 0x10 },
    { is: 'icmp', type: 13, code: 5, rest: 0x12345678 },
    hexToBytes('a1a2a3a4b1b2b3b4c1c2c3c4d1d2d3d4')!,
  )
  const reply = timestampReply(request, { source: 0x0a010001, now: 86_400_000 + 0x01d92420, id: 0x2ef5 })
  expect(bytesToHex(reply!.bytes)).toBe(
    '451000282ef50000400136b90a0100010a0101150e00f81912345678a1a2a3a401d9242001d92420',
  )
  const cut = buildPacket({ src: 1, dst: 2 }, { is: 'icmp', type: 13, code: 0 }, new Uint8Array(3))
  expect(timestampReply(cut, { source: 2, now: 0 })).toBeUndefined()
})
