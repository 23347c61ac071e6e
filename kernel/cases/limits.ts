import type { Injection, LabSpec } from '../lab.js'
import { ethernet, icmp, ip4, ip6, udp } from './frames.js'

/** A router that limits its errors as Linux does by default. */
const lab =
  (family: 4 | 6) =>
  (backend: 'legacy' | 'nft'): LabSpec => ({
    family,
    backend,
    links: [
      { name: 'r0', addresses: family === 4 ? ['10.1.0.1/16'] : ['fd00:1::1/64'], arp: false, mtu: 1500 },
      { name: 'r1', addresses: family === 4 ? ['10.2.0.1/16'] : ['fd00:2::1/64'], arp: false, mtu: 1400 },
    ],
    routes:
      family === 4
        ? ['10.1.9.0/24 via 10.1.0.9', 'unreachable 10.8.0.0/16']
        : ['default via fd00:1::9', 'fd00:2::77/128 dev r1', 'unreachable fd00:8::/64'],
    rules: [],
    neighbours: [],
    sysctls:
      family === 4
        ? { 'net.ipv4.ip_forward': '1', 'net.ipv4.icmp_ratelimit': '1000', 'net.ipv4.icmp_ratemask': '6168' }
        : { 'net.ipv6.conf.all.forwarding': '1', 'net.ipv6.icmp.ratelimit': '1000' },
    udp: [],
  })
export const limitsLab4 = lab(4)
export const limitsLab6 = lab(6)

interface Change {
  readonly ttl?: number
  readonly length?: number
  readonly at?: 'r0' | 'r1'
}

const ROUTER = { r0: '02:00:00:00:00:10', r1: '02:00:00:00:00:11' } as const
const CLIENT = '02:00:00:00:02:12'

function datagram(src: string, dst: string, { ttl = 64, length = 3, at = 'r0' }: Change = {}): Injection {
  const ends = { src, dst, sport: 1000, dport: 2000 }
  const payload = udp(ends, '6f'.repeat(length))
  const packet = src.includes(':')
    ? ip6({ src, dst, protocol: 17, hopLimit: ttl }, payload)
    : ip4({ src, dst, protocol: 17, ttl, id: 7, fragment: length > 1000 ? 0x4000 : 0 }, payload)
  return { at, frame: ethernet(ROUTER[at], CLIENT, packet) }
}

const ping = (src: string, dst: string): Injection => {
  const message = icmp({ src, dst }, src.includes(':') ? 128 : 8, 0, '00010001')
  const packet = src.includes(':')
    ? ip6({ src, dst, protocol: 58 }, message)
    : ip4({ src, dst, protocol: 1, id: 7 }, message)
  return { at: 'r0', frame: ethernet(ROUTER.r0, CLIENT, packet) }
}

const times = (number: number, one: () => Injection): readonly Injection[] => Array.from({ length: number }, one)

type Cases = Readonly<Record<string, () => readonly Injection[]>>

/** Each case has a sender of its own: the kernel remembers whom it told. */
export const LIMIT_PACKETS4: Cases = {
  'nothing listens': () => times(9, () => datagram('10.1.0.21', '10.1.0.1')),
  'TTL 1': () => times(9, () => datagram('10.1.0.22', '10.2.0.5', { ttl: 1 })),
  'no route': () => times(9, () => datagram('10.1.0.23', '10.77.0.5')),
  'an unreachable route': () => times(9, () => datagram('10.1.0.24', '10.8.0.5')),
  'too long': () => times(9, () => datagram('10.1.0.25', '10.2.0.5', { length: 1420 })),
  'echo requests': () => times(9, () => ping('10.1.0.26', '10.1.0.1')),
  'one kind behind the other': () => [
    ...times(3, () => datagram('10.1.0.27', '10.1.0.1')),
    ...times(2, () => ping('10.1.0.27', '10.1.0.1')),
    ...times(2, () => datagram('10.1.0.27', '10.77.0.5')),
    ...times(3, () => datagram('10.1.0.27', '10.2.0.5', { ttl: 1 })),
  ],
  'through lo': () =>
    times(9, () => ({ at: 'local', frame: datagram('10.1.0.1', '10.2.0.1').frame.slice(28) }) satisfies Injection),
  redirects: () => times(3, () => datagram('10.1.0.28', '10.1.9.5')),
}

export const LIMIT_PACKETS6: Cases = {
  'nothing listens': () => times(30, () => datagram('fd00:1::21', 'fd00:1::1')),
  'hop limit 1': () => times(30, () => datagram('fd00:1::22', 'fd00:2::5', { ttl: 1 })),
  'an unreachable route': () => times(9, () => datagram('fd00:1::23', 'fd00:8::5')),
  'too long': () => times(9, () => datagram('fd00:1::24', 'fd00:2::5', { length: 1420 })),
  'echo requests': () => times(9, () => ping('fd00:1::25', 'fd00:1::1')),
  'to one by a route of its own': () => times(9, () => datagram('fd00:2::77', 'fd00:1::1', { at: 'r1' })),
  'to one behind a gateway': () => times(40, () => datagram('fd00:99::1', 'fd00:1::1')),
  'through lo': () =>
    times(9, () => ({ at: 'local', frame: datagram('fd00:1::1', 'fd00:2::1').frame.slice(28) }) satisfies Injection),
}
