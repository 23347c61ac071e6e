import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { PROTOCOL } from '../packet/checksum.js'
import { parsePacketLine } from '../packet/language.js'
import { Packet } from '../packet/packet.js'
import type { Effect } from '../rules/effect.js'
import { plantedHost } from '../testing/planted.js'
import { hashedMark } from './hmark.js'
import { Skb } from './skb.js'
import { trace } from './trace.js'

const LINKS = [
  '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN',
  '    inet 127.0.0.1/8 scope host lo',
  '    inet6 ::1/128 scope host',
  '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP',
  '    inet 192.0.2.10/24 scope global eth0',
  '    inet6 2001:db8::10/64 scope global',
  '3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP',
  '    inet 10.0.0.1/24 scope global eth1',
  '    inet6 fd00::1/64 scope global',
  '',
].join('\n')
const ROUTES = [
  '192.0.2.0/24 dev eth0 scope link src 192.0.2.10',
  '10.0.0.0/24 dev eth1 scope link src 10.0.0.1',
  'default via 192.0.2.1 dev eth0',
  '',
].join('\n')
const ROUTES6 = [
  '2001:db8::/64 dev eth0 proto kernel metric 256',
  'fd00::/64 dev eth1 proto kernel metric 256',
  'default via 2001:db8::1 dev eth0 metric 1024',
  '',
].join('\n')
const SYSCTL = [
  'net.ipv4.ip_forward = 1',
  'net.ipv6.conf.all.forwarding = 1',
  'net.ipv4.conf.all.rp_filter = 0',
  '',
].join('\n')

const host = (rules: { readonly iptables?: string[]; readonly ip6tables?: string[]; readonly ss?: string }) =>
  plantedHost({ ...rules, 'ip-addr': LINKS, 'ip-route': ROUTES, 'ip-route6': ROUTES6, sysctl: SYSCTL })
const walked = (hosts: ReturnType<typeof host>, line: string) => {
  const read = parsePacketLine(line)
  if (!read.ok) throw new Error(read.problem.message)
  return trace(hosts, read.packet, { now: 0 }).branches
}

/** Bytes of a UDP datagram, its checksum left out: HMARK does not look at it. */
function udp(src: string, dst: string, sport: number, dport: number): Packet {
  const [from, to] = [parseIp(src)!, parseIp(dst)!]
  const bytesOf = (ip: typeof from, size: number) =>
    Array.from({ length: size }, (_, i) => Number((BigInt(ip) >> BigInt(8 * (size - 1 - i))) & 255n))
  const transport = [sport >> 8, sport & 255, dport >> 8, dport & 255, 0, 9, 0, 0, 120]
  const header =
    typeof from === 'number'
      ? [0x45, 0, 0, 29, 0, 0, 0, 0, 64, PROTOCOL.UDP, 0, 0, ...bytesOf(from, 4), ...bytesOf(to, 4)]
      : [0x60, 0, 0, 0, 0, 9, PROTOCOL.UDP, 64, ...bytesOf(from, 16), ...bytesOf(to, 16)]
  return new Packet(Uint8Array.from([...header, ...transport]))
}

describe('HMARK gives the marks that Linux 6.18 gave', () => {
  const effectOf = (options: string, family: 4 | 6): Extract<Effect, { do: 'hash-mark' }>['by'] => {
    const rule = `mangle: -A OUTPUT -j HMARK ${options}`
    const { namespaces } = plantedHost(family === 4 ? { iptables: [rule] } : { ip6tables: [rule] })
    const text = namespaces[0]!.tables.find(({ name }) => name === 'mangle')!.chains.get('OUTPUT')!.rules[0]!
    const found = text.steps.flatMap((step) => ('do' in step && step.do.do === 'hash-mark' ? [step.do.by] : []))
    if (found.length !== 1) throw new Error(`${found.length} effects`)
    return found[0]!
  }
  test.each<[family: 4 | 6, options: string, mark: number]>([
    [4, '--hmark-tuple src,dst,sport,dport,proto --hmark-mod 1000 --hmark-rnd 0x1234 --hmark-offset 100', 631],
    [4, '--hmark-tuple src --hmark-mod 4294967295 --hmark-rnd 0x1', 2055104091],
    [4, '--hmark-src-prefix 8 --hmark-dst-prefix 24 --hmark-mod 4294967295 --hmark-rnd 0xdeadbeef', 2339790488],
    [4, '--hmark-tuple sport,dport --hmark-mod 4294967295 --hmark-rnd 0x7', 261727208],
    [4, '--hmark-tuple sport --hmark-dport-mask 0xff00 --hmark-mod 65536 --hmark-rnd 0x7', 19814],
    [6, '--hmark-tuple src,dst,sport,dport,proto --hmark-mod 1000 --hmark-rnd 0x1234 --hmark-offset 100', 481],
    [6, '--hmark-tuple dst --hmark-mod 4294967295 --hmark-rnd 0x1', 909408821],
    [6, '--hmark-src-prefix 64 --hmark-mod 4294967295 --hmark-rnd 0xdeadbeef', 796680952],
  ])('IPv%i %s', (family, options, mark) => {
    const packet = family === 4 ? udp('127.0.0.5', '127.0.0.1', 40001, 5353) : udp('::1', '::1', 40001, 5353)
    expect(hashedMark(new Skb(packet), effectOf(options, family))).toBe(mark)
  })

  test('of a packet without a connection, where the connection’s tuple is asked, there is none', () =>
    expect(
      hashedMark(
        new Skb(udp('10.0.0.1', '10.0.0.2', 1, 2)),
        effectOf('--hmark-tuple ct,src --hmark-mod 9 --hmark-rnd 0x1', 4),
      ),
    ).toBeUndefined())
})

describe('-m socket over IPv6', () => {
  const SS = [
    'Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port',
    'tcp   LISTEN 0      128             [::]:80              [::]:*',
    'tcp   LISTEN 0      128        [fd00::1]:443             [::]:*',
    'udp   UNCONN 0      0          [fd00::1]:53              [::]:*',
    '',
  ].join('\n')
  const reaches = (options: string, line: string, ss = SS): boolean => {
    const hosts = host({ ip6tables: [`-A INPUT -m socket${options} -j ACCEPT`, 'INPUT DROP'], ss })
    return walked(hosts, line)[0]!.where.reason !== 'policy-drop'
  }
  test.each<[options: string, line: string, found: boolean]>([
    [' --nowildcard', 'tcp fd00::9 > [fd00::1]:80 in eth1', true],
    ['', 'tcp fd00::9 > [fd00::1]:443 in eth1', true],
    ['', 'tcp fd00::9 > [fd00::1]:80 in eth1', false],
    ['', 'tcp fd00::9 > [2001:db8::10]:443 in eth1', false],
    ['', 'udp fd00::9 > [fd00::1]:53 in eth1', true],
    ['', 'udp fd00::9 > [fd00::1]:443 in eth1', false],
    [' --nowildcard', 'icmp6 fd00::9 > fd00::1 echo-request in eth1', false],
  ])('-m socket%s: %s: %s', (options, line, found) => expect(reaches(options, line)).toBe(found))

  test('a host that listens to nothing has none', () =>
    expect(
      reaches(
        ' --nowildcard',
        'tcp fd00::9 > [fd00::1]:80 in eth1',
        'Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n',
      ),
    ).toBe(false))
})

describe('NETMAP maps what its hook is for', () => {
  const final = (rules: string[], line: string, six = false) => {
    const [branch] = walked(host(six ? { ip6tables: rules } : { iptables: rules }), line)
    return `${branch!.final.src} > ${branch!.final.dst}`
  }
  test.each<[rule: string, line: string, final: string]>([
    ['-A PREROUTING -d 198.51.100.0/24 -j NETMAP --to 10.0.0.0/24', 'udp 203.0.113.7 > 198.51.100.77:53 in eth0', '203.0.113.7 > 10.0.0.77'],
    ['-A OUTPUT -d 198.51.100.0/24 -j NETMAP --to 10.0.0.0/24', 'udp > 198.51.100.77:53 from host', '192.0.2.10 > 10.0.0.77'],
    ['-A POSTROUTING -s 10.0.0.0/24 -j NETMAP --to 198.51.100.0/24', 'udp 10.0.0.9 > 203.0.113.7:53 in eth1', '198.51.100.9 > 203.0.113.7'],
    ['-A INPUT -s 10.0.0.0/24 -j NETMAP --to 198.51.100.0/24', 'udp 10.0.0.9 > 10.0.0.1:53 in eth1', '198.51.100.9 > 10.0.0.1'],
  ])('%s', (rule, line, expected) => expect(final([`nat: ${rule}`], line)).toBe(expected)) // biome-ignore format: a table

  test('IPv6: the bits behind the prefix stay', () => {
    const rule = 'nat: -A PREROUTING -d 2001:db8:1::/48 -j NETMAP --to fd00::/48'
    expect(final([rule], 'udp 2001:db8:9::7 > [2001:db8:1::77]:53 in eth0', true)).toBe('2001:db8:9::7 > fd00::77')
  })
})
