import type { Injection, LabSpec } from '../lab.js'
import { ethernet, type Ip6, ip6, udp } from './frames.js'

/** A router whose r0 has a link-local address, with neighbours there that are nearer to some destinations than it is. */
export const redirectLab = (backend: 'legacy' | 'nft'): LabSpec => ({
  family: 6,
  backend,
  links: [
    { name: 'r0', addresses: ['fd00:1::1/64', 'fe80::1/64'], arp: false, mtu: 1500 },
    { name: 'r1', addresses: ['fd00:2::1/64'], arp: false, mtu: 1500 },
  ],
  routes: [
    'fd00:8::/64 via fe80::9 dev r0',
    'fd00:9::/64 via fd00:1::8 dev r0',
    'fd00:a::/64 via fe80::a dev r0',
    'fd00:7::/64 via fd00:2::7 dev r1',
    'fd00:5::/64 via fd00:1::5 dev r0',
  ],
  rules: [],
  neighbours: [
    'fd00:1::2 lladdr 02:00:00:00:02:12 dev r0 nud permanent',
    'fd00:1::9 lladdr 02:00:00:00:02:19 dev r0 nud permanent',
    'fd00:1::5 lladdr 02:00:00:00:02:15 dev r0 nud permanent',
    'fd00:1::8 lladdr 02:00:00:00:02:18 dev r0 nud permanent',
    'fe80::9 lladdr 02:00:00:00:02:19 dev r0 nud permanent',
  ],
  sysctls: { 'net.ipv6.conf.all.forwarding': '1' },
  udp: [],
})

const ROUTER = '02:00:00:00:00:10'
const CLIENT = '02:00:00:00:02:12'

const client = (dst: string, src = 'fd00:1::2', more: Partial<Ip6> = {}, length = 3): Injection => {
  const ends = { src, dst, sport: 1000, dport: 2000 }
  return {
    at: 'r0',
    frame: ethernet(ROUTER, CLIENT, ip6({ src, dst, protocol: 17, ...more }, udp(ends, '6f'.repeat(length)))),
  }
}

/** By name: the packets of one case. Nobody is told twice of the same: each has ends of its own. */
export const REDIRECT_PACKETS: Readonly<Record<string, () => readonly Injection[]>> = {
  'to a neighbour': () => [client('fd00:1::9')],
  'through a neighbour': () => [client('fd00:8::1', 'fd00:1::21')],
  'through one that nobody knows': () => [client('fd00:a::1', 'fd00:1::22')],
  'to one that nobody knows': () => [client('fd00:1::77', 'fd00:1::23')],
  'through one without a link-local address': () => [client('fd00:9::1', 'fd00:1::24')],
  'through the other device': () => [client('fd00:7::1', 'fd00:1::25')],
  'of somebody behind a neighbour': () => [client('fd00:1::9', 'fd00:5::1')],
  'of somebody elsewhere': () => [client('fd00:1::9', 'fd00:7::1')],
  'of a link-local address': () => [client('fd00:8::2', 'fe80::26')],
  long: () => [client('fd00:8::3', 'fd00:1::27', {}, 1300)],
  'odd lengths': () =>
    [0, 1, 2, 5, 9].map((length, i) =>
      client(`fd00:8::1${i}`, `fd00:1::3${i}`, { trafficClass: 4, flowLabel: 7 }, length),
    ),
  'hop limit 2': () => [client('fd00:8::4', 'fd00:1::28', { hopLimit: 2 })],
  'again and again': () => Array.from({ length: 12 }, () => client('fd00:8::5', 'fd00:1::29')),
  'one sender, many destinations': () =>
    Array.from({ length: 12 }, (_, i) => client(`fd00:8::4${i.toString(16)}`, 'fd00:1::2a')),
  'many senders, one destination': () =>
    Array.from({ length: 12 }, (_, i) => client('fd00:8::6', `fd00:1::4${i.toString(16)}`)),
}
