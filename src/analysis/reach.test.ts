import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ifName } from '../address/ifname.js'
import { type Ip, parseIp, printIp } from '../address/ip.js'
import { parsePacketLine } from '../packet/language.js'
import { seededRandom } from '../path/choices.js'
import { trace } from '../path/trace.js'
import { type Hosts, placeName } from '../path/world.js'
import { EMPTY } from '../sets/bdd.js'
import { readFolder } from '../snapshot/files.js'
import { readSnapshot } from '../snapshot/index.js'
import { type Planted, plantedHost } from '../testing/planted.js'
import { getsThere, reach, reachable } from './reach.js'

const PACKETS = Number(process.env['PACKETWALK_PACKETS'] ?? 150)

async function sample(name: string): Promise<Hosts> {
  const read = readSnapshot(await readFolder(join(import.meta.dirname, `../../samples/${name}`)), { now: 0 })
  if (!read.ok) throw new Error(read.problems[0]!.message)
  return read.hosts
}

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

/** Random packets that arrive at a place: each that `trace` sees get to the target must be in the set. Gives how many did. */
function agree(
  hosts: Hosts,
  placed: string,
  to: { address: Ip; protocol: number; port: number },
  addresses: readonly string[],
  ports: readonly number[],
): number {
  const at = hosts.namespaces.find((namespace) => placeName(namespace) === placed)!
  const { scope, set } = reachable(hosts, { at, from: {}, to })
  const { space } = scope
  const random = seededRandom(7)
  const interfaces = at.links
    .filter(({ kind, master }) => kind !== 'loopback' && master === undefined)
    .map(({ name }) => name)
  let arrived = 0
  for (let n = 0; n < PACKETS; n++) {
    const [src, dst, sport, dport, iif] = [
      pick(random, addresses),
      pick(random, addresses),
      40000,
      pick(random, ports),
      pick(random, interfaces),
    ]
    const text = `tcp ${src}:${sport} > ${dst}:${dport} syn in ${placed}:${iif}`
    const parsed = parsePacketLine(text)
    if (!parsed.ok) throw new Error(text)
    const { branches } = trace(hosts, parsed.packet, { now: 0 })
    if (!branches.some((branch) => getsThere([branch], { at, from: {}, to }))) continue
    arrived++
    const parts = [
      space.equals('meta.l4proto', 6),
      space.equals('ip.saddr', parseIp(src)!),
      space.equals('ip.daddr', parseIp(dst)!),
      space.equals('th.sport', sport),
      space.equals('th.dport', dport),
      space.equals('meta.iifname', ifName(iif)),
      space.whole,
    ]
    expect(
      parts.reduce((all, one) => space.bdd.and(all, one), set),
      text,
    ).not.toBe(EMPTY)
  }
  return arrived
}

test('docker: every packet that trace sees arrive is in the set', async () => {
  const hosts = await sample('docker-ufw-host')
  const addresses = ['198.51.100.9', '192.0.2.10', '192.0.2.77', '172.17.0.1', '172.17.0.2', '172.17.0.9', '172.18.0.1', '172.18.0.2', '172.18.0.7', '10.1.2.3']
  for (const [address, port] of [['172.17.0.2', 80], ['172.18.0.2', 5432], ['192.0.2.10', 22]] as const)
    expect(agree(hosts, 'docker-ufw-host', { address: parseIp(address)!, protocol: 6, port }, addresses, [22, 80, 8080, 5432]), address).toBeGreaterThan(0)
}) // biome-ignore format: a table

test('Kubernetes: through a Service, a node port, and straight', async () => {
  const hosts = await sample('k8s-cluster')
  const addresses = [
    '198.51.100.9',
    '10.96.100.7',
    '10.244.1.3',
    '10.244.0.3',
    '10.244.1.9',
    '192.168.50.11',
    '192.168.50.12',
    '192.168.50.77',
  ]
  for (const node of ['node1', 'node2'])
    expect(
      agree(hosts, node, { address: parseIp('10.244.1.3')!, protocol: 6, port: 8080 }, addresses, [80, 8080, 30080]),
      node,
    ).toBeGreaterThan(0)
})

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
  sysctl: 'net.ipv4.ip_forward = 1\n',
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
  const [at] = hosts.namespaces
  const result = reach(hosts, { at: at!, from: {}, to: { address: parseIp(to)!, protocol: 6, port } })
  expect(result.packets).toEqual(packets)
  expect(result.answer).toBe(packets.length === 0 ? 'none' : 'some')
  for (const { packet } of result.examples) expect(packet).toMatch(/^tcp .* in (eth0|lan0)$/)
  expect(printIp(parseIp(to)!)).toBe(to)
})
