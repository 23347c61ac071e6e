import { describe, expect, test } from 'vitest'
import { parsePacketLine } from '../packet/language.js'
import { type Planted, plantedHost } from '../testing/planted.js'
import { connect } from './connect.js'
import { trace } from './trace.js'

const LINKS = [
  '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536',
  '    inet 127.0.0.1/8 scope host lo',
  '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500',
  '    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff',
  '    inet 192.0.2.10/24 scope global eth0',
  '3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500',
  '    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff',
  '    inet 10.0.0.1/24 scope global eth1',
  '',
].join('\n')
const ROUTES = '10.0.0.0/24 dev eth1 scope link src 10.0.0.1\n192.0.2.0/24 dev eth0 scope link src 192.0.2.10\n'
const SYSCTL = 'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\n'
const RULES = ['INPUT DROP', '-A INPUT -p tcp --dport 22 -j ACCEPT']

const parsed = (line: string) => {
  const read = parsePacketLine(line)
  if (!read.ok) throw new Error(read.problem.message)
  return read.packet
}
const told = (given: Planted, line: string) =>
  trace(plantedHost({ iptables: RULES, 'ip-addr': LINKS, ...given }), parsed(line), { now: 0 }).branches.map(
    ({ supposing, outcome, where }) => `${supposing ?? 'known'}: ${outcome} ${where.reason}`,
  )

describe('what an answer hangs on that the snapshot does not have is walked each way', () => {
  test.each<[what: string, given: Planted, line: string, told: string[]]>([
    [
      'ip_forward',
      { 'ip-route': ROUTES },
      'udp 10.0.0.2 > 192.0.2.9:53 in eth1',
      ['net.ipv4.ip_forward of host is 0: dropped ip-forward-off', 'net.ipv4.ip_forward of host is 1: sent sent'],
    ],
    [
      'ip_forward is known',
      { 'ip-route': ROUTES, sysctl: SYSCTL },
      'udp 10.0.0.2 > 192.0.2.9:53 in eth1',
      ['known: sent sent'],
    ],
    [
      'rp_filter, where the way back is another: loose is content with it',
      { 'ip-route': ROUTES },
      'tcp 10.0.0.2 > 192.0.2.10:22 in eth0',
      [
        'net.ipv4.conf.all.rp_filter of host is 0 or 2: delivered socket',
        'net.ipv4.conf.all.rp_filter of host is 1: dropped rp_filter',
      ],
    ],
    [
      'no setting makes a difference',
      { 'ip-route': ROUTES },
      'tcp 10.0.0.2 > 10.0.0.1:22 in eth1',
      ['known: delivered socket'],
    ],
    [
      'routes',
      { sysctl: SYSCTL },
      'udp 10.0.0.2 > 198.51.100.1:53 in eth1',
      ['host has no route to 198.51.100.1: rejected no-route', 'host has a route to 198.51.100.1 by eth0: sent sent'],
    ],
    [
      'routes that were given are all that there are',
      { 'ip-route': ROUTES, sysctl: SYSCTL },
      'udp 10.0.0.2 > 198.51.100.1:53 in eth1',
      ['known: rejected no-route'],
    ],
    [
      'one thing after the other',
      {},
      'udp 10.0.0.2 > 198.51.100.1:53 in eth1',
      [
        'net.ipv4.ip_forward of host is 0: dropped ip-forward-off',
        'net.ipv4.ip_forward of host is 1, and host has no route to 198.51.100.1: rejected no-route',
        'net.ipv4.ip_forward of host is 1, and host has a route to 198.51.100.1 by eth0: sent sent',
      ],
    ],
  ])('%s', (_, given, line, ways) => {
    expect(told(given, line)).toEqual(ways)
  })

  test('probabilities add up to 1', () => {
    const { branches } = trace(
      plantedHost({ iptables: RULES, 'ip-addr': LINKS }),
      parsed('udp 10.0.0.2 > 198.51.100.1:53 in eth1'),
    )
    expect(branches.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12)
  })

  test('a conversation', () => {
    const hosts = plantedHost({ iptables: RULES, 'ip-addr': LINKS, 'ip-route': ROUTES })
    const { branches } = connect(hosts, parsed('tcp 192.0.2.9 > 10.0.0.2:80 in eth0'))
    expect(branches.map(({ supposing, works }) => [supposing, works])).toEqual([
      ['net.ipv4.ip_forward of host is 0', false],
      ['net.ipv4.ip_forward of host is 1', true],
    ])
  })
})
