import { expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { type Planted, plantedHost } from '../testing/planted.js'
import { reach } from './reach.js'

const NET: Planted = {
  'ip-addr': [
    '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN group default',
    '    inet 127.0.0.1/8 scope host lo',
    '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP group default',
    '    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff',
    '    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0',
    '3: lan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP group default',
    '    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff',
    '    inet 10.0.0.1/24 brd 10.0.0.255 scope global lan0',
    '',
  ].join('\n'),
  'ip-route':
    'default via 192.0.2.1 dev eth0\n10.0.0.0/24 dev lan0 proto kernel scope link src 10.0.0.1\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10\n',
  sysctl: 'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\n',
}

const rules: readonly (readonly [name: string, rules: readonly string[], to: string, port: number, packets: readonly string[]])[] = [
  ['no rules', [], '10.0.0.5', 22, ['tcp any → 10.0.0.5:22']],
  ['a filter', ['FORWARD DROP', '-A FORWARD -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -j ACCEPT'], '10.0.0.5', 22, ['tcp 198.51.100.0/24 → 10.0.0.5:22']],
  ['closed', ['FORWARD DROP'], '10.0.0.5', 22, []],
  [
    'a translation, and a filter behind it',
    ['nat: -A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.5:22', 'FORWARD DROP', '-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT'],
    '10.0.0.5',
    22,
    ['tcp any → 192.0.2.10:2222'],
  ],
  ['a mark on the way', ['FORWARD DROP', 'mangle: -A PREROUTING -s 203.0.113.0/24 -j MARK --set-mark 0x7', '-A FORWARD -m mark --mark 0x7 -j ACCEPT'], '10.0.0.5', 22, ['tcp 203.0.113.0/24 → 10.0.0.5:22']],
  ['in raw already', ['raw: -A PREROUTING ! -i lan0 -p tcp -m tcp --dport 22 -j DROP'], '192.0.2.10', 22, ['tcp any → 192.0.2.10:22 in lan0']],
] // biome-ignore format: a table

test.each(rules)('%s', (_, iptables, to, port, packets) => {
  const hosts = plantedHost({ ...NET, iptables: [...iptables, 'OUTPUT ACCEPT'] })
  const result = reach(hosts, { from: { outside: true }, to: { address: parseIp(to)!, protocol: 6, port } })
  expect(result.ways.flatMap((way) => way.packets)).toEqual(packets)
  expect(result.answer).toBe(packets.length === 0 ? 'none' : 'some')
  expect(result.open).toEqual([])
  for (const { example, perhaps } of result.ways) {
    expect(perhaps).toEqual([])
    expect(example?.packet).toMatch(/^tcp .* syn in host:(eth0|lan0)$/)
  }
})

test('what hangs on a setting that the snapshot does not have is not sure', () => {
  const hosts = plantedHost({ ...NET, sysctl: 'net.ipv4.conf.all.rp_filter = 0\n', iptables: ['FORWARD ACCEPT'] })
  const { answer, ways } = reach(hosts, {
    from: { outside: true },
    to: { address: parseIp('10.0.0.5')!, protocol: 6, port: 22 },
  })
  expect(answer).toBe('unknown')
  expect(ways[0]).toMatchObject({ packets: [], perhaps: ['tcp any → 10.0.0.5:22'] })
  expect(ways[0]!.hangs.join()).toContain('if net.ipv4.ip_forward of host is 0')
})

test('rules alone prove nothing', () => {
  const hosts = plantedHost({ iptables: ['FORWARD DROP', 'INPUT DROP'] })
  const result = reach(hosts, { from: { outside: true }, to: { address: parseIp('10.0.0.5')! } })
  expect(result).toMatchObject({ answer: 'unknown', open: ['host: which addresses and routes it has is not known'] })
})
