import type { Injection, LabSpec } from '../lab.js'
import { ethernet, type Ip4, icmp, ip4, tcp, udp } from './frames.js'
import { BASE_CHAINS, type Ruleset } from './ruleset.js'

/** Router r0 10.1.0.1/16 with the client 10.1.0.2, r1 10.2.0.1/16 with 10.3.0.0/16 behind it; nothing but the kernel's defaults. */
export const oddLab = (backend: 'legacy' | 'nft'): LabSpec => ({
  family: 4,
  backend,
  links: [
    { name: 'r0', addresses: ['10.1.0.1/16'], arp: false, mtu: 1500 },
    { name: 'r1', addresses: ['10.2.0.1/16'], arp: false, mtu: 1500 },
  ],
  routes: ['10.3.0.0/16 via 10.2.0.2'],
  rules: [],
  neighbours: [
    '10.2.0.2 lladdr 02:00:00:00:02:02 dev r1 nud permanent',
    '10.1.0.2 lladdr 02:00:00:00:02:12 dev r0 nud permanent',
  ],
  sysctls: { 'net.ipv4.ip_forward': '1' },
  udp: [],
})

/** Counts in raw and mangle PREROUTING, INPUT, FORWARD, POSTROUTING and OUTPUT; `tracking` adds rules that turn connection tracking on. */
export function countingRules(tracking: boolean): Ruleset {
  const rules = (chains: readonly string[], states = false) =>
    chains.flatMap((chain) => [
      { chain, parts: [], target: '' },
      ...(states
        ? ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID'].map((state) => ({
            chain,
            parts: [`-m conntrack --ctstate ${state}`],
            target: '',
          }))
        : []),
    ])
  const chainsOf = (table: string) => BASE_CHAINS[table]!.map((name) => ({ name, policy: 'ACCEPT' as const }))
  return [
    { name: 'raw', chains: chainsOf('raw'), rules: rules(['PREROUTING', 'OUTPUT']) },
    {
      name: 'mangle',
      chains: chainsOf('mangle'),
      rules: [...rules(['PREROUTING'], tracking), ...rules(['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])],
    },
  ]
}

const ROUTER = '02:00:00:00:00:10'
const CLIENT = '02:00:00:00:02:12'
const CLIENT_IP = '10.1.0.2'
const SERVER_IP = '10.3.0.9'

type Change = Partial<Ip4> & {
  readonly to?: string
  readonly type?: number
  readonly tail?: string
  readonly cut?: number
}

let id = 0x100
function udpPacket(change: Change = {}, sport = 1000): Injection {
  const { to = ROUTER, type, tail = '', cut, ...ip } = change
  const ends = { src: ip.src ?? CLIENT_IP, dst: ip.dst ?? SERVER_IP, sport, dport: 2000 }
  const whole = ip4({ ...ends, protocol: 17, id: id++, ...ip }, udp(ends, '6f6464'))
  return { at: 'r0', frame: ethernet(to, CLIENT, (cut === undefined ? whole : whole.slice(0, 2 * cut)) + tail, type) }
}
const from = (src: string) => udpPacket({ src })
const to = (dst: string, mac = ROUTER) => udpPacket({ dst, to: mac })
const ends = { src: CLIENT_IP, dst: SERVER_IP, sport: 1000, dport: 2000 }
const raw = (protocol: number, payload: string, more: Partial<Ip4> = {}): Injection => ({
  at: 'r0',
  frame: ethernet(ROUTER, CLIENT, ip4({ ...ends, protocol, id: id++, ...more }, payload)),
})
const flags = (bits: number, wrong = false) =>
  raw(6, tcp({ ...ends, seq: 100, ack: bits & 16 ? 200 : 0, flags: bits, wrong }))

/** The odd packets of the notes on Linux 6.18, each by the name that it has there. */
export const ODD_PACKETS: Readonly<Record<string, () => Injection>> = {
  plain: () => udpPacket(),
  'dst mac of another host': () => udpPacket({ to: '02:00:00:00:09:09' }),
  'broadcast mac, unicast ip': () => udpPacket({ to: 'ff:ff:ff:ff:ff:ff' }),
  'src 127.0.0.1 (martian)': () => from('127.0.0.1'),
  "src router's own ip 10.1.0.1": () => from('10.1.0.1'),
  "src router's other ip 10.2.0.1": () => from('10.2.0.1'),
  'src 0.0.0.0': () => from('0.0.0.0'),
  'src 0.1.2.3': () => from('0.1.2.3'),
  'src 224.0.0.1': () => from('224.0.0.1'),
  'src 255.255.255.255': () => from('255.255.255.255'),
  'src 240.0.0.1': () => from('240.0.0.1'),
  'src 10.1.255.255 (subnet broadcast)': () => from('10.1.255.255'),
  'src 198.51.100.1 (no route back)': () => from('198.51.100.1'),
  'src 10.2.0.50 (belongs to other side)': () => from('10.2.0.50'),
  'dst router 10.1.0.1': () => to('10.1.0.1'),
  "dst router's other ip": () => to('10.2.0.1'),
  'dst 127.0.0.1': () => to('127.0.0.1'),
  'dst 0.0.0.0': () => to('0.0.0.0'),
  'dst 0.1.2.3': () => to('0.1.2.3'),
  'dst 224.0.0.1 mcast mac': () => to('224.0.0.1', '01:00:5e:00:00:01'),
  'dst 239.1.1.1': () => to('239.1.1.1', '01:00:5e:01:01:01'),
  'dst 255.255.255.255': () => to('255.255.255.255', 'ff:ff:ff:ff:ff:ff'),
  'dst subnet bcast 10.1.255.255 bc mac': () => to('10.1.255.255', 'ff:ff:ff:ff:ff:ff'),
  'dst 10.2.255.255 (far subnet bcast)': () => to('10.2.255.255'),
  'dst 240.0.0.1': () => to('240.0.0.1'),
  'dst no route 198.51.100.1': () => to('198.51.100.1'),
  'dst back to same iface 10.1.0.77': () => to('10.1.0.77'),
  'ttl 1': () => udpPacket({ ttl: 1 }),
  'ttl 0': () => udpPacket({ ttl: 0 }),
  'ttl 2': () => udpPacket({ ttl: 2 }),
  'ttl 1 to router itself': () => udpPacket({ ttl: 1, dst: '10.1.0.1' }),
  'bad ip csum': () => udpPacket({ checksum: 0xbad0 }),
  'bad udp csum': () => raw(17, udp(ends, '6f6464', true)),
  'bad tcp csum': () => flags(2, true),
  'ip version 6 in 0x0800': () => udpPacket({ version: 6, type: 0x0800 }),
  'ihl 4': () => udpPacket({ ihl: 4 }),
  'ihl 15 (beyond packet)': () => udpPacket({ ihl: 15 }),
  'tot_len too long': () => udpPacket({ totalLength: 1000 }),
  'tot_len < ihl': () => udpPacket({ totalLength: 16 }),
  'padding after tot_len': () => udpPacket({ tail: '00000000000000000000' }),
  'truncated in ip header': () => udpPacket({ cut: 12 }),
  'truncated in udp header': () => raw(17, '03e807d0'),
  'first fragment MF': () => udpPacket({ fragment: 0x2000, tail: '' }),
  'later fragment off 8': () => raw(17, '0011223344556677', { fragment: 1 }),
  'option RR': () => udpPacket({ options: '0707040000000000' }),
  'option source route LSRR': () => udpPacket({ options: '8307040a03000900' }),
  'option router alert': () => udpPacket({ options: '94040000' }),
  'bad option length': () => udpPacket({ options: '07ff0400' }),
  'tcp null flags': () => flags(0),
  'tcp xmas': () => flags(0x29),
  'tcp ack mid-stream': () => flags(0x10),
  'tcp syn+fin': () => flags(3),
  'tcp rst': () => flags(4),
  'proto 132 garbage': () => raw(132, '00112233445566778899aabb'),
  'proto 50': () => raw(50, '00112233445566778899aabb'),
  'udp sport 0': () => udpPacket({}, 0),
  'vlan-tagged ethertype 0x8100': () => udpPacket({ type: 0x8100 }),
  'icmp echo': () => raw(1, icmp(ends, 8, 0, '00010001616263')),
}
