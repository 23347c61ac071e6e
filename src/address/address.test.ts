import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ifName, ifNamesFrom, printIfName } from './ifname.js'
import { type Ip, inetNtop, parseIpv4, parseIpv6, printIp, printIpv4, printIpv6 } from './ip.js'
import { BROADCAST_MAC, isMulticastMac, parseMac, printMac } from './mac.js'
import { contains, firstOf, lastOf, lengthOfMask, maskOf, parsePrefix, printPrefix } from './prefix.js'
import { parsePort, serviceName, servicePort } from './services.js'

const v4 = fc.integer({ min: 0, max: 0xffffffff })
const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
/** IPv6 addresses with runs of zeros, as real ones have. */
const gappy = fc
  .array(fc.constantFrom(0n, 0n, 0n, 1n, 0xffffn, 0xdb8n), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce<bigint>((ip, group) => (ip << 16n) | group, 0n))

describe('IPv6 as text', () => {
  /** RFC 5952 sections 4 and 5, RFC 4291 section 2.2. */
  const table: readonly (readonly [text: string, printed: string])[] = [
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ]
  for (const [text, printed] of table) test(text, () => expect(printIpv6(parseIpv6(text)!)).toBe(printed))

  test('what is none', () => {
    for (const text of [
      '',
      ':',
      ':::',
      '1',
      '1:2',
      '1::2::3',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      '12345::',
      'g::',
      '::1%lo',
      '::1.2.3',
      '::1.2.3.4:5',
      '1.2.3.4',
      ' ::1',
      '::1 ',
      '::01.2.3.4',
      '1:::2',
      ':1::2',
      '1::2:',
    ]) {
      expect(parseIpv6(text), text).toBeUndefined()
    }
  })
  test('printed and parsed again it is the same; node:net prints alike', () => {
    fc.assert(
      fc.property(fc.oneof(v6, gappy), (ip) => {
        const text = printIpv6(ip)
        expect(parseIpv6(text)).toBe(ip)
        expect(isIPv6(text)).toBe(true)
        // inet_ntop, which node:net uses, has its own mind about ::/96
        expect(inetNtop(ip)).toBe(new SocketAddress({ address: text, family: 'ipv6' }).address)
      }),
    )
  })
  test('IPv4-compatible addresses are printed as inet_ntop does only where it is asked for', () => {
    expect(printIp(0x01020304n)).toBe('::102:304')
    expect(inetNtop(0x01020304n)).toBe('::1.2.3.4')
    expect(inetNtop(1n)).toBe('::1')
    expect(inetNtop(0x0a000001)).toBe('10.0.0.1')
  })
  test('random text: node:net decides alike what is an address', () => {
    const part = fc.constantFrom(
      ':',
      '::',
      '0',
      '1',
      'ffff',
      'abcd',
      '12345',
      '1.2.3.4',
      '255.255.255.255',
      '256.1.1.1',
      '.',
      'g',
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
        (text) => (parseIpv6(text) !== undefined) === isIPv6(text),
      ),
      { numRuns: 3000 },
    )
  })
})

describe('IPv4 as text', () => {
  test('there and back', () => {
    fc.assert(fc.property(v4, (ip) => parseIpv4(printIpv4(ip)) === ip && isIPv4(printIpv4(ip))))
  })
  test('random text: node:net decides alike what is an address', () => {
    const part = fc.constantFrom('.', '0', '1', '00', '01', '255', '256', '10', '1e1', ' ', '+1', '0x1')
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
        (text) => (parseIpv4(text) !== undefined) === isIPv4(text),
      ),
      { numRuns: 3000 },
    )
    expect(parseIpv4('010.0.0.1')).toBeUndefined()
  })
})

const prefix = fc.oneof(
  fc.record({ ip: v4, length: fc.integer({ min: 0, max: 32 }) }),
  fc.record({ ip: fc.oneof(v6, gappy), length: fc.integer({ min: 0, max: 128 }) }),
)

describe('prefixes', () => {
  test('there and back', () => {
    fc.assert(
      fc.property(prefix, (one) => {
        expect(parsePrefix(printPrefix(one))).toEqual(one)
      }),
    )
  })
  test('without a length it is the whole address; what is none', () => {
    expect(parsePrefix('10.0.0.1')).toEqual({ ip: 0x0a000001, length: 32 })
    expect(parsePrefix('::1')).toEqual({ ip: 1n, length: 128 })
    for (const text of [
      '10.0.0.1/33',
      '::/129',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0.0/255.0.0.0',
      '/8',
      'x/8',
      '10.0.0.0/8/8',
    ])
      expect(parsePrefix(text), text).toBeUndefined()
  })
  test('first, last, contains: as node:net has it', () => {
    fc.assert(
      fc.property(prefix, v4, v6, (one, other4, other6) => {
        const family = typeof one.ip === 'number' ? 'ipv4' : 'ipv6'
        const list = new BlockList()
        list.addSubnet(printIp(one.ip), one.length, family)
        const first = firstOf(one)
        const last = lastOf(one)
        expect(first <= one.ip && one.ip <= last).toBe(true)
        const others: readonly Ip[] = [first, last, one.ip, family === 'ipv4' ? other4 : other6]
        for (const ip of others) expect(contains(one, ip)).toBe(list.check(printIp(ip), family))
        expect(contains(one, family === 'ipv4' ? 1n : 1)).toBe(false)
        const size = BigInt(last) - BigInt(first) + 1n
        expect(size).toBe(1n << BigInt((family === 'ipv4' ? 32 : 128) - one.length))
      }),
    )
  })
  test('masks', () => {
    for (let length = 0; length <= 32; length++) expect(lengthOfMask(maskOf(4, length))).toBe(length)
    for (let length = 0; length <= 128; length++) expect(lengthOfMask(maskOf(6, length))).toBe(length)
    expect(maskOf(4, 24)).toBe(0xffffff00)
    expect(maskOf(6, 64)).toBe(0xffffffffffffffff0000000000000000n)
    expect(lengthOfMask(0xff00ff00)).toBeUndefined()
  })
})

describe('MAC addresses', () => {
  test('there and back', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffffffff }), (mac) => parseMac(printMac(mac)) === mac))
    expect(printMac(1)).toBe('00:00:00:00:00:01')
    expect(parseMac('2-0-0-0-0-1')).toBe(0x020000000001)
  })
  test('what is none', () => {
    for (const text of [
      '',
      '00:00:00:00:00',
      '00:00:00:00:00:00:00',
      'gg:00:00:00:00:00',
      '000000000000',
      '000:0:0:0:0:0',
    ])
      expect(parseMac(text), text).toBeUndefined()
  })
  test('the group bit', () => {
    expect(isMulticastMac(BROADCAST_MAC)).toBe(true)
    expect(isMulticastMac(0x01005e000001)).toBe(true)
    expect(isMulticastMac(0x020000000001)).toBe(false)
  })
})

describe('interface names as numbers', () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9._@-]{1,15}$/)
  test('there and back', () => {
    fc.assert(fc.property(name, (text) => printIfName(ifName(text)) === text))
  })
  test('`eth+` is an interval of just the names that begin so', () => {
    fc.assert(
      fc.property(name, name, (begin, other) => {
        const [from, to] = ifNamesFrom(begin)
        const inside = (text: string) => from <= ifName(text) && ifName(text) <= to
        expect(inside(other)).toBe(other.startsWith(begin))
        expect(inside(`${begin}${other}`.slice(0, 15))).toBe(true)
      }),
    )
    const [from, to] = ifNamesFrom('')
    expect(from).toBe(0n)
    expect(to).toBe((1n << 128n) - 1n)
  })
})

describe('services', () => {
  test('names and ports', () => {
    expect(servicePort('https')).toBe(443)
    expect(servicePort('domain', 'udp')).toBe(53)
    expect(servicePort('ntp', 'tcp')).toBe(123)
    expect(servicePort('no-such-service')).toBeUndefined()
    expect(serviceName(514, 'udp')).toBe('syslog')
    expect(serviceName(514, 'tcp')).toBe('shell')
    expect(serviceName(80, 'tcp')).toBe('http')
    expect(serviceName(80, 'udp')).toBeUndefined()
  })
  test('ports as text', () => {
    for (const [text, port] of [
      ['0', 0],
      ['65535', 65535],
      ['65536', undefined],
      ['-1', undefined],
      ['1e3', undefined],
      ['ssh', 22],
      ['', undefined],
    ] as const)
      expect(parsePort(text), text).toBe(port)
  })
})
