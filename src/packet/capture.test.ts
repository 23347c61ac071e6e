import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { packetOfCapture, readCapture } from './capture.js'
import { isCaptureProblem, LINKTYPE } from './capture-types.js'
import { buildFrame } from './frame.js'
import { bytesToHex, concatBytes, hexToBytes } from './hex.js'
import { pcapngHeader, pcapngPacket } from './pcapng.js'

const hex = (text: string) => hexToBytes(text)!
const UDP = '4500001c00000000401166cf0a0000010a0000029c40003500084f66'
const read = (...chunks: readonly Uint8Array[]) =>
  [...readCapture(chunks)].map((item) => (isCaptureProblem(item) ? item : { ...item, bytes: bytesToHex(item.bytes) }))

/** A pcap file of one packet of 4 bytes, 60 on the wire, at 1 s + 2 units; numbers in either byte order. */
function pcap(magic: number, little: boolean, linktype = 1): Uint8Array {
  const view = new DataView(new ArrayBuffer(24 + 16 + 4))
  const put = [magic, 0, 0, 0, 65535, linktype, 1, 2, 4, 60]
  for (const [index, value] of put.entries()) view.setUint32(index * 4, value, little)
  view.setUint16(4, 2, little)
  view.setUint16(6, 4, little)
  view.setUint32(40, 0xdeadbeef)
  return new Uint8Array(view.buffer)
}

describe('pcap', () => {
  const packet = { number: 1, interface: undefined, linktype: 1, bytes: 'deadbeef', originalLength: 60, offset: 24 }
  for (const little of [true, false]) {
    test(`microseconds, ${little ? 'little' : 'big'}-endian`, () => {
      expect(read(pcap(0xa1b2c3d4, little))).toEqual([{ ...packet, nanoseconds: 1_000_002_000n }])
    })
    test(`nanoseconds, ${little ? 'little' : 'big'}-endian`, () => {
      expect(read(pcap(0xa1b23c4d, little))).toEqual([{ ...packet, nanoseconds: 1_000_000_002n }])
    })
  }
  test('a frame check sequence in the link type is not the link type', () => {
    expect(read(pcap(0xa1b2c3d4, true, 0x54000001))[0]).toMatchObject({ linktype: 1 })
  })

  const whole = pcap(0xa1b2c3d4, true)
  const broken: readonly (readonly [what: string, bytes: Uint8Array, problem: string, offset: number])[] = [
    ['nothing', hex(''), 'the file is empty', 0],
    ['three bytes', hex('d4c3b2'), 'too short for a capture file', 0],
    ['something else', hex('504b030400000000000000000000000000000000000000000000'), 'neither pcap nor pcapng', 0],
    ['header cut off', whole.slice(0, 20), 'the file header is cut off', 0],
    ['record header cut off', whole.slice(0, 30), 'packet 1: its header is cut off', 24],
    ['packet cut off', whole.slice(0, 42), 'packet 1 is cut off', 24],
    ['a length that cannot be', concatBytes(whole.slice(0, 32), hex('ffffff7f'), whole.slice(36)), 'packet 1 claims 2147483647 bytes', 24],
  ] // biome-ignore format: a table
  for (const [what, bytes, problem, offset] of broken)
    test(what, () => expect(read(bytes)).toEqual([{ problem, offset }]))
})

/** A pcapng block, big-endian. */
function block(type: string, body: string): string {
  const length = (12 + body.length / 2).toString(16).padStart(8, '0')
  return type + length + body + length
}
const SECTION = block('0a0d0d0a', '1a2b3c4d00010000ffffffffffffffff')
/** lan0, Ethernet, milliseconds, 10 seconds later than stamped. */
const LAN = block(
  '00000001',
  `00010000${'00000000'}0002${'0004'}${'6c616e30'}0009000103000000${'000e0008000000000000000a'}00000000`,
)
const ENHANCED = block('00000006', '0000000000000000000003e800000002' + '0000003c' + 'abcd0000')
const SIMPLE = block('00000003', '00000002' + 'abcd0000')
const OBSOLETE = block('00000002', '0000000000000000000003e800000002' + '0000003c' + 'abcd0000')
const STATISTICS = block('00000005', '000000000000000000000000')

describe('pcapng', () => {
  const at = (SECTION.length + LAN.length) / 2
  const packet = {
    number: 1,
    nanoseconds: 11_000_000_000n,
    interface: 'lan0',
    linktype: 1,
    bytes: 'abcd',
    originalLength: 60,
    offset: at,
  }
  test('big-endian, with if_name, if_tsresol, if_tsoffset; other blocks passed over', () => {
    expect(read(hex(SECTION + LAN + STATISTICS + ENHANCED))).toEqual([
      { ...packet, offset: at + STATISTICS.length / 2 },
    ])
  })
  test('the obsolete packet block', () => {
    expect(read(hex(SECTION + LAN + OBSOLETE))).toEqual([packet])
  })
  test('a simple packet has no time', () => {
    expect(read(hex(SECTION + LAN + SIMPLE))).toEqual([{ ...packet, nanoseconds: undefined, originalLength: 2 }])
  })
  test('a second section begins anew: byte order and interfaces', () => {
    const second = pcapngHeader([{ name: 'wan0', linktype: 101 }])
    const found = read(hex(SECTION + LAN + ENHANCED), second, pcapngPacket(0, 5n, hex('45')))
    expect(found).toMatchObject([packet, { number: 2, interface: 'wan0', linktype: 101, nanoseconds: 5n, bytes: '45' }])
  })
  test('time stamps in powers of two', () => {
    const halves = block('00000001', '00010000000000000009000181000000')
    expect(read(hex(SECTION + halves + ENHANCED))).toMatchObject([
      { nanoseconds: 500_000_000_000n, interface: undefined },
    ])
  })

  const broken: readonly (readonly [what: string, hex: string, problem: string, offset: number])[] = [
    ['block header cut off', `${SECTION}000000`, 'a block is cut off', 28],
    ['block cut off', SECTION + LAN.slice(0, 40), 'a block is cut off', 28],
    ['byte order unknown', `0a0d0d0a${'0000001c'}${'11111111'}${SECTION.slice(24)}`, 'a section header without byte order', 0],
    ['two lengths', `${SECTION}00000005${'00000010'}${'00000000'}00000014`, "a block's two lengths differ", 28],
    ['a length that cannot be', `${SECTION}00000005${'00000007'}00000007`, 'a block claims 7 bytes', 28],
    ['no interface', SECTION + ENHANCED, 'packet 1 is of interface 0, which no block describes', 28],
    ['more than there is', SECTION + LAN + ENHANCED.replace('00000002', '00000009'), 'packet 1 claims 9 bytes, more than its block has', at],
    ['too short', SECTION + LAN + block('00000006', '00000000'), 'packet 1 is too short', at],
    ['interface block too short', SECTION + block('00000001', ''), 'an interface block is too short', 28],
  ] // biome-ignore format: a table
  for (const [what, text, problem, offset] of broken)
    test(what, () => expect(read(hex(text))).toEqual([{ problem, offset }]))

  test('what is written is read', () => {
    const names = fc.array(fc.tuple(fc.stringMatching(/^[a-z0-9.@]{1,15}$/), fc.constantFrom(1, 101)), {
      minLength: 1,
      maxLength: 4,
    })
    const packets = fc.array(
      fc.tuple(fc.nat(), fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), fc.uint8Array({ maxLength: 50 })),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(names, packets, fc.integer({ min: 1, max: 40 }), (interfaces, all, size) => {
        const links = interfaces.map(([name, linktype]) => ({ name, linktype }))
        const file = concatBytes(
          pcapngHeader(links),
          ...all.map(([link, time, bytes]) => pcapngPacket(link % links.length, time, bytes)),
        )
        const chunks = Array.from({ length: Math.ceil(file.length / size) }, (_, i) =>
          file.slice(i * size, (i + 1) * size),
        )
        const expected = all.map(([link, nanoseconds, bytes], i) => ({
          number: i + 1,
          nanoseconds,
          bytes: bytesToHex(bytes),
          interface: links[link % links.length]!.name,
          linktype: links[link % links.length]!.linktype,
          originalLength: bytes.length,
        }))
        expect(read(...chunks)).toMatchObject(expected)
      }),
    )
  })
})

describe('the IP packet in a captured one', () => {
  const SLL = `0000000100060200000000010000`
  const SLL2 = `0800000000000002000100060200000000010000`
  const cases: readonly (readonly [what: string, linktype: number, hex: string, result: string])[] = [
    ['Ethernet, padded', LINKTYPE.ETHERNET, `0200000000020200000000010800${UDP}0000`, UDP],
    ['raw IP', LINKTYPE.RAW, `${UDP}00`, UDP],
    ['raw IP as 12', LINKTYPE.DLT_RAW, UDP, UDP],
    ['raw IPv4', LINKTYPE.IPV4, UDP, UDP],
    ['raw IPv6', LINKTYPE.IPV6, '60', '60'],
    ['Linux cooked', LINKTYPE.LINUX_SLL, `${SLL}0800${UDP}`, UDP],
    ['Linux cooked v2', LINKTYPE.LINUX_SLL2, SLL2 + UDP, UDP],
  ] // biome-ignore format: a table
  for (const [what, linktype, text, result] of cases) {
    test(what, () => {
      const packet = packetOfCapture({ linktype, bytes: hex(text) })
      expect(typeof packet === 'string' ? packet : bytesToHex(packet.bytes)).toBe(result)
    })
  }
  const none: readonly (readonly [why: string, linktype: number, hex: string])[] = [
    ['the Ethernet header is cut off', LINKTYPE.ETHERNET, '0200'],
    ['no IP packet (ether type 0x0806)', LINKTYPE.ETHERNET, '02000000000202000000000108060001'],
    ['no IP packet (ether type 0x0000)', LINKTYPE.RAW, '10'],
    ['the packet is empty', LINKTYPE.LINUX_SLL, `${SLL}0800`],
    ['the link header is cut off', LINKTYPE.LINUX_SLL2, '0800'],
    ['link type 147 is not read', 147, '45'],
  ]
  for (const [why, linktype, text] of none)
    test(why, () => expect(packetOfCapture({ linktype, bytes: hex(text) })).toBe(why))
  test('its bytes are its own', () => {
    const bytes = buildFrame({ source: 1, destination: 2, ethertype: 0x800 }, hex(UDP))
    const packet = packetOfCapture({ linktype: 1, bytes })
    bytes.fill(0)
    expect(typeof packet === 'string' ? packet : bytesToHex(packet.bytes)).toBe(UDP)
  })
})
