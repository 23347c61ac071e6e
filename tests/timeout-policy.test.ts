import { expect, test } from 'vitest'
import { parseIp } from '../src/address/ip.js'
import { buildPacket } from '../src/packet/build.js'
import { buildFrame } from '../src/packet/frame.js'
import { simulate } from '../src/path/simulate.js'
import { readSnapshot } from '../src/snapshot/index.js'

const ip = (text: string) => parseIp(text)!
const FILES = {
  'ip-link.json': JSON.stringify([{ ifindex: 2, ifname: 'e0', flags: ['BROADCAST', 'UP', 'LOWER_UP'], mtu: 1500, operstate: 'UP', link_type: 'ether', address: '02:00:00:00:00:01' }]),
  'ip-addr.json': JSON.stringify([{ ifindex: 2, ifname: 'e0', addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24, scope: 'global' }] }]),
  'ip-route.json': JSON.stringify([{ dst: '10.0.0.0/24', dev: 'e0', scope: 'link' }]),
  sysctl: 'net.ipv4.ip_forward = 0\nnet.ipv4.conf.all.rp_filter = 0\n',
  sockets: 'udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:*\n',
} // biome-ignore format: a table

/** How a datagram fares at each of these seconds, with this rule in raw. */
function outcomes(rule: string, seconds: readonly number[]): readonly string[] {
  const rules = `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rule}\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n`
  const read = readSnapshot(
    Object.entries({ ...FILES, 'iptables-save': rules }).map(([path, text]) => ({ path, text })),
  )
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const [place] = read.hosts.namespaces
  const simulation = simulate(read.hosts, { now: 0, seed: 1, assumeNeighbours: true })
  const datagram = buildPacket(
    { src: ip('10.0.0.9'), dst: ip('10.0.0.1'), ttl: 64, id: 1 },
    { is: 'udp', sport: 5000, dport: 53 },
    Uint8Array.of(1),
  )
  const frame = buildFrame({ source: 2, destination: 0x020000000001, ethertype: 0x0800 }, datagram.bytes)
  return seconds.map((at) => {
    const { outcome, where } = simulation.receive(place!, 'e0', frame, at).branch
    return outcome === 'undecided' ? where.text : outcome
  })
}

test('times that are not in the snapshot are not made up: a silent connection with a timeout policy is undecided', () => {
  const unsure = 'the times of timeout policy short: the connection may be over'
  expect(outcomes('-A PREROUTING -p udp -j CT --timeout short', [0, 1, 60, 61])).toEqual([
    'delivered',
    'delivered',
    unsure,
    'delivered',
  ])
  expect(outcomes('-A PREROUTING -p udp -j CT --zone 0', [0, 1, 60, 61])).toEqual(Array(4).fill('delivered'))
})
