import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildPacket, type TransportFields } from './build.js'
import { checksumOk, headerChecksumOk, recomputeHeader, recomputeTransport } from './checksum.js'
import { FIELDS, type Field, fieldSpec } from './fields.js'
import { bytesToHex, hexToBytes } from './hex.js'
import { Packet, u16 } from './packet.js'
import { decreaseTtl, manipulate, writeField } from './rewrite.js'

const v4 = fc.integer({ min: 0, max: 0xffffffff })
const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
const port = fc.integer({ min: 0, max: 0xffff })
const transports: fc.Arbitrary<TransportFields> = fc.oneof(
  fc.record({ is: fc.constant('tcp' as const), sport: port, dport: port, flags: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ is: fc.constant('udp' as const), sport: port, dport: port }),
  fc.record({ is: fc.constant('sctp' as const), sport: port, dport: port }),
  fc.record({ is: fc.constant('icmp' as const), type: fc.constantFrom(8, 0, 128), code: fc.constant(0), rest: v4 }),
)
const packets = fc
  .tuple(fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)), transports, fc.uint8Array({ maxLength: 30 }))
  .map(([[src, dst], transport, payload]) => buildPacket({ src, dst }, transport, payload))

const WRITTEN: readonly Field[] = [
  'ip.tos', 'ip.ttl', 'ip.id', 'ip.flags', 'ip.saddr', 'ip.daddr', 'ip6.saddr', 'ip6.daddr', 'ip6.flowlabel', 'frag.more',
  'th.sport', 'th.dport', 'tcp.sequence', 'tcp.acknowledgement', 'tcp.flags', 'tcp.window', 'icmp.type', 'icmp.code', 'icmp.id', 'icmp.sequence',
] // biome-ignore format: a table

const ofFamily = (field: Field, packet: Packet): boolean => {
  const name = field.split('.')[0]!
  const { protocol } = packet.transport
  if (name === 'ip6') return packet.family === 6
  if (['ip.id', 'ip.flags', 'ip.saddr', 'ip.daddr', 'frag.more'].includes(field)) return packet.family === 4
  if (name === 'tcp') return protocol === 6
  if (name === 'icmp') return protocol === 1 || protocol === 58
  return name === 'th' ? [6, 17, 132].includes(protocol) : true
}

describe('writing a field', () => {
  test('what is written is read, and good checksums stay good', () => {
    fc.assert(
      fc.property(
        packets,
        fc.constantFrom(...WRITTEN),
        v6,
        fc.constantFrom('kernel' as const, 'nft' as const),
        (packet, field, random, style) => {
          fc.pre(ofFamily(field, packet))
          const { bits } = fieldSpec(field)
          const wide = random & ((1n << BigInt(bits)) - 1n)
          const value = bits > 48 ? wide : Number(wide)
          expect(writeField(packet, field, value, style)).toBe(true)
          expect(fieldSpec(field).read!(packet)).toBe(value)
          expect(headerChecksumOk(packet)).toBe(true)
          if (packet.transport.fragmentOffset === 0 && packet.family === new Packet(packet.bytes).family)
            expect(checksumOk(packet)).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('a wrong checksum stays wrong by as much', () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 0xfffe }), v4, (packet, off, value) => {
        fc.pre(packet.family === 4 && (packet.transport.protocol === 6 || packet.transport.protocol === 17))
        const at = packet.transport.offset + (packet.transport.protocol === 6 ? 16 : 6)
        const wrong = (u16(packet.bytes, at)! + off) % 0xffff || 0xffff
        packet.bytes[at] = wrong >> 8
        packet.bytes[at + 1] = wrong & 255
        writeField(packet, 'ip.daddr', value)
        const right = packet.clone()
        recomputeTransport(right, true)
        expect((u16(packet.bytes, at)! - u16(right.bytes, at)! + 2 * 0xffff) % 0xffff).toBe(off % 0xffff)
      }),
    )
  })

  test('bytes that are not there, other families, later fragments, metadata: nothing happens', () => {
    const whole = hexToBytes('4500001c00000000401166cf0a0000010a0000029c40003500084f66')!
    const cases: readonly (readonly [field: Field, bytes: Uint8Array])[] = [
      ['ip6.saddr', whole],
      ['meta.mark', whole],
      ['tcp.window', whole],
      ['th.dport', whole.slice(0, 23)],
      ['ip.daddr', whole.slice(0, 19)],
      ['th.dport', hexToBytes('4500001c00000001401166ce0a0000010a0000029c40003500084f66')!],
      ['ether.saddr', whole],
    ]
    for (const [field, bytes] of cases) {
      const packet = new Packet(bytes.slice())
      expect(writeField(packet, field, 1), field).toBe(false)
      expect(bytesToHex(packet.bytes), field).toBe(bytesToHex(bytes))
    }
  })

  test('MAC addresses are in the MAC header, which is replaced', () => {
    const mac = { source: 1, destination: 2, ethertype: 0x800 }
    const packet = new Packet(hexToBytes('45')!, mac)
    const other = packet.clone()
    expect(writeField(packet, 'ether.daddr', 3)).toBe(true)
    expect(packet.mac).toEqual({ source: 1, destination: 3, ethertype: 0x800 })
    expect(other.mac).toEqual(mac)
  })

  test('protocol and header length move the transport header', () => {
    const packet = buildPacket({ src: 1, dst: 2 }, { is: 'udp', sport: 3, dport: 4 })
    expect(packet.transport.protocol).toBe(17)
    writeField(packet, 'ip.protocol', 6)
    expect(packet.transport.protocol).toBe(6)
  })

  test('a TCP header quoted by an ICMP error is cut off before its checksum: only the port changes', () => {
    const tcp = buildPacket({ src: 1, dst: 2 }, { is: 'tcp', sport: 3, dport: 4, flags: 2 })
    const quote = new Packet(tcp.bytes.slice(0, 28))
    expect(manipulate(quote, 'dst', { ip: 9, port: 80 })).toBe(true)
    expect(FIELDS['th.dport'].read(quote)).toBe(80)
    expect(headerChecksumOk(quote)).toBe(true)
  })

  test('no bytes make it throw', () => {
    const fields = Object.keys(FIELDS) as Field[]
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 90 }),
        fc.constantFrom(...fields),
        v6,
        (bytes, field, value) => {
          const packet = new Packet(bytes)
          const { length } = bytes
          writeField(packet, field, fieldSpec(field).bits > 48 ? value : Number(value & 0xffffn))
          manipulate(packet, 'src', { ip: packet.family === 4 ? 5 : 5n, port: 7 })
          recomputeHeader(packet)
          recomputeTransport(packet)
          expect(packet.bytes.length).toBe(length)
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('one hop less', () => {
  for (const [family, src, dst] of [
    [4, 1, 2],
    [6, 1n, 2n],
  ] as const) {
    test(`IPv${family}`, () => {
      const packet = buildPacket({ src, dst, ttl: 2 }, { is: 'udp', sport: 3, dport: 4 })
      expect(decreaseTtl(packet)).toBe(1)
      expect(FIELDS['ip.ttl'].read(packet)).toBe(1)
      expect(headerChecksumOk(packet)).toBe(true)
    })
  }
})

describe('NAT', () => {
  test('gives up where eight bytes of transport header are missing', () => {
    const udp = buildPacket({ src: 1, dst: 2 }, { is: 'udp', sport: 3, dport: 4 })
    expect(manipulate(new Packet(udp.bytes.slice(0, 27)), 'src', { ip: 5, port: 6 })).toBe(false)
  })
  test('there and back gives the bytes that were', () => {
    fc.assert(
      fc.property(
        packets,
        fc.constantFrom('src' as const, 'dst' as const),
        v4,
        v6,
        port,
        (packet, manip, ip4, ip6, to) => {
          const { protocol, offset } = packet.transport
          fc.pre(protocol === 6 || protocol === 17)
          const before = packet.clone()
          const field: Field = `${packet.family === 4 ? 'ip' : 'ip6'}.${manip === 'src' ? 'saddr' : 'daddr'}` as Field
          const old = {
            ip: fieldSpec(field).read!(before)!,
            port: u16(before.bytes, offset + (manip === 'src' ? 0 : 2)),
          }
          manipulate(packet, manip, { ip: packet.family === 4 ? ip4 : ip6, port: to })
          manipulate(packet, manip, old)
          expect(bytesToHex(packet.bytes).replace(/ffff/g, '0000')).toBe(
            bytesToHex(before.bytes).replace(/ffff/g, '0000'),
          )
        },
      ),
    )
  })
  test('GRE: the call id of PPTP in one direction, nothing in version 0', () => {
    const pptp = () => buildPacket({ src: 1, dst: 2 }, { is: 'other', protocol: 47 }, hexToBytes('3001880b00040102')!)
    const there = pptp()
    expect(manipulate(there, 'dst', { ip: 9, port: 0x7777 })).toBe(true)
    expect(bytesToHex(there.bytes.subarray(20))).toBe('3001880b00047777')
    const back = pptp()
    manipulate(back, 'src', { ip: 9, port: 0x7777 })
    expect(bytesToHex(back.bytes.subarray(20))).toBe('3001880b00040102')
  })
})
