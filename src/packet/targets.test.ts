import { expect, test } from 'vitest'
import { parseIp, printIp } from '../address/ip.js'
import { parsePrefix } from '../address/prefix.js'
import { checksumOk, recomputeTransport } from './checksum.js'
import { bytesToHex, hexToBytes } from './hex.js'
import { mapPrefix, translatePrefix } from './npt.js'
import { Packet } from './packet.js'
import { setTcpBits, stripOptions } from './tcp-options.js'

const mapped = (address: string, from: string, to: string) => {
  const { ip, neutral } = mapPrefix(parseIp(address) as bigint, parsePrefix(from)!, parsePrefix(to)!)
  return neutral ? printIp(ip) : undefined
}

// RFC 6296 section 3.1 has the first two: the word behind 48 bits makes up for the change
test.each([
  ['fd01:203:405:1::1234', 'fd01:203:405::/48', '2001:db8:1::/48', '2001:db8:1:d550::1234'],
  ['2001:db8:1:d550::1234', '2001:db8:1::/48', 'fd01:203:405::/48', 'fd01:203:405:1::1234'],
  // seen on Linux 6.18: prefixes beyond 48 bits take the first word of the interface identifier
  ['fd00:2::7', '2001:db8:9::/48', 'fd00:2::/64', 'fd00:2::30bf:0:0:7'],
  ['fd00:1::1', 'fd00:1::/64', 'fd00:1::/64', 'fd00:1::1'],
  // … that is not ffff already
  ['fd00:1::ffff:0:0:1', 'fd00:1::/64', 'fd00:2::/64', 'fd00:2::ffff:fffe:0:1'],
  ['fd00:1::ffff:ffff:ffff:ffff', 'fd00:1::/64', 'fd00:2::/64', undefined],
])('%s of %s under %s', (address, from, to, after) => {
  expect(mapped(address, from, to)).toBe(after)
})

test('a mapped packet keeps its checksum right', () => {
  const udp =
    '600000000009114020010db8000100000000000000000005fd00000000000000000000000000000103e80035000900006100'.slice(0, 98)
  const packet = new Packet(hexToBytes(udp)!)
  recomputeTransport(packet)
  const before = bytesToHex(packet.bytes)
  expect(translatePrefix(packet, 'src', parsePrefix('2001:db8:1::/48')!, parsePrefix('fd07:8:9::/48')!)).toBe(true)
  expect(bytesToHex(packet.bytes)).not.toBe(before)
  expect(checksumOk(packet)).toBe(true)
})

/** TCP from 10.0.0.1 to 10.0.0.2 with these options. */
function tcp(options: string, cut = 0): Packet {
  const words = 5 + options.length / 8
  const header = `03e80050${'00'.repeat(8)}${(words << 4).toString(16)}c2${'00'.repeat(6)}${options}`
  const length = (20 + header.length / 2).toString(16).padStart(4, '0')
  const packet = new Packet(hexToBytes(`4500${length}00000000400600000a0000010a000002${header}`)!)
  recomputeTransport(packet)
  if (cut > 0) packet.bytes = packet.bytes.slice(0, -cut)
  return packet
}
const optionsOf = ({ bytes }: Packet) => bytesToHex(bytes.subarray(40))

// net/netfilter/xt_TCPOPTSTRIP.c: tcpoptstrip_mangle_packet
test.each([
  ['020405b401030307', [2], '0101010101030307'],
  ['020405b401030307', [2, 3], '0101010101010101'],
  ['020405b401030307', [8], '020405b401030307'],
  ['0001020405b40000', [2], '0001010101010000'], // the end of the options is only one more byte to step over
  ['0500000002040000', [5], '0100000002040000'], // a length of 0 counts as 1
  ['02ff05b4', [2], '02ff05b4'], // longer than the header
])('options %s without %j', (options, kinds, after) => {
  const packet = tcp(options)
  expect(stripOptions(packet, kinds)).toBe(true)
  expect(optionsOf(packet)).toBe(after)
  expect(checksumOk(packet)).toBe(true)
})

test('a TCP header that is cut off is dropped', () => {
  expect(stripOptions(tcp('020405b4', 1), [2])).toBe(false)
  expect(setTcpBits(tcp('', 1), 0x3f, 0)).toBe('cut-off')
  expect(setTcpBits(tcp('020405b4', 1), 0x3f, 0)).toBe('changed') // ECN looks at twenty bytes
})

test('ECN bits', () => {
  const packet = tcp('')
  expect(setTcpBits(packet, 0x3f, 0)).toBe('changed')
  expect(packet.bytes[33]).toBe(0x02)
  expect(checksumOk(packet)).toBe(true)
  expect(setTcpBits(packet, 0xbf, 0x40)).toBe('changed')
  expect(setTcpBits(packet, 0xbf, 0x40)).toBe('kept')
  expect(packet.bytes[33]).toBe(0x42)
})
