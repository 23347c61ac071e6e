import { describe, expect, test } from 'vitest'
import { flagsText, headersOf, describe as oneLine } from './headers.js'
import { hexToBytes } from './hex.js'
import { icmpKind, icmpName, icmpNames } from './icmp-names.js'
import { parsePacketLine } from './language.js'
import { Packet } from './packet.js'
import { toPacket } from './request.js'

function packet(line: string): Packet {
  const parsed = parsePacketLine(line)
  if (!parsed.ok || parsed.packet.is !== 'fields') throw new Error(line)
  const { src, dst } = parsed.packet
  if (!src || !('ip' in src) || !('ip' in dst)) throw new Error(line)
  return toPacket(parsed.packet, { src: src.ip, dst: dst.ip })
}

describe('one line of a packet', () => {
  const lines: readonly (readonly [line: string, mark: number, text: string])[] = [
    ['tcp 192.168.50.11:40000 > 10.96.100.7:80', 0, 'tcp 192.168.50.11:40000 > 10.96.100.7:80 [syn] ttl 64'],
    ['tcp 10.0.0.1:1 > 10.0.0.2:80 fin,syn,ack ttl 3', 0x4000, 'tcp 10.0.0.1:1 > 10.0.0.2:80 [syn,fin,ack] ttl 3 mark 0x4000'],
    ['tcp 10.0.0.1:1 > 10.0.0.2:80 none', 0, 'tcp 10.0.0.1:1 > 10.0.0.2:80 [none] ttl 64'],
    ['udp [2001:db8::1]:5 > [2001:db8::2]:53', 0, 'udp [2001:db8::1]:5 > [2001:db8::2]:53 ttl 64'],
    ['icmp 10.0.0.1 > 10.0.0.2', 0, 'icmp 10.0.0.1 > 10.0.0.2 echo-request ttl 64'],
    ['icmp 10.0.0.1 > 10.0.0.2 host-unreachable', 0, 'icmp 10.0.0.1 > 10.0.0.2 host-unreachable ttl 64'],
    ['icmpv6 fe80::1 > fe80::2 type 200 code 3', 0, 'icmpv6 fe80::1 > fe80::2 type 200 code 3 ttl 64'],
    ['udp 10.0.0.1 > 10.0.0.2 fragment 8', 0, 'udp 10.0.0.1 > 10.0.0.2 ttl 64'],
    ['89 10.0.0.1 > 10.0.0.2', 0, 'ospf 10.0.0.1 > 10.0.0.2 ttl 64'],
    ['99 10.0.0.1 > 10.0.0.2', 0, '99 10.0.0.1 > 10.0.0.2 ttl 64'],
  ] // biome-ignore format: a table
  for (const [line, mark, text] of lines) test(line, () => expect(oneLine(headersOf(packet(line), mark))).toBe(text))
})

describe('headers', () => {
  test('of a whole packet', () => {
    expect(headersOf(packet('icmp 10.0.0.1 > 10.0.0.2 id 7 len 84'), 5)).toEqual({
      src: '10.0.0.1',
      dst: '10.0.0.2',
      protocol: 'icmp',
      sport: undefined,
      dport: undefined,
      icmp: { type: 8, code: 0, id: 7 },
      flags: undefined,
      ttl: 64,
      length: 84,
      mark: 5,
    })
  })
  test('an ICMP error has no id', () => {
    expect(headersOf(packet('icmp 10.0.0.1 > 10.0.0.2 port-unreachable'), 0).icmp).toEqual({
      type: 3,
      code: 3,
      id: undefined,
    })
  })
  test('ports of a packet that is cut off', () => {
    expect(headersOf(new Packet(hexToBytes('4500001c00000000401166cf0a0000010a0000029c4000')!), 0)).toMatchObject({
      sport: 40000,
      dport: undefined,
    })
    expect(headersOf(new Packet(hexToBytes('45')!), 0)).toMatchObject({ src: '?', dst: '?', protocol: '0', ttl: 0 })
  })
  test('IPv6: behind extension headers', () => {
    const hop = '60000000001000' + '40' + '20010db8000000000000000000000001' + '20010db8000000000000000000000002'
    expect(headersOf(new Packet(hexToBytes(`${hop}1100050200000100${'0035003500080000'}`)!), 0)).toMatchObject({
      protocol: 'udp',
      sport: 53,
      dport: 53,
    })
  })
})

describe('names', () => {
  test('flags: syn first, then in the order of their bits', () => {
    expect(flagsText(0x12)).toBe('syn,ack')
    expect(flagsText(0x11)).toBe('fin,ack')
    expect(flagsText(0xff)).toBe('syn,fin,rst,psh,ack,urg,ece,cwr')
    expect(flagsText(0)).toBe('none')
  })
  test('every ICMP name is found, and what is printed is its kind again', () => {
    for (const family of [4, 6] as const) {
      for (const name of icmpNames(family)) {
        const kind = icmpKind(family, name)!
        const printed = icmpName(family, kind.type, kind.code ?? 0)
        const again = icmpKind(family, printed)!
        expect([again.type, again.code ?? 0], name).toEqual([kind.type, kind.code ?? 0])
      }
    }
    expect(icmpName(4, 3, 99)).toBe('type 3 code 99')
    expect(icmpKind(4, 'no-such')).toBeUndefined()
  })
})
