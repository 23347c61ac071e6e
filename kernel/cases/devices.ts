import type { Injection, LabSpec } from '../lab.js'
import { ethernet, hex, type Ip4, ip4, udp } from './frames.js'

const VXLAN = '02:00:00:00:03:01'
const FIXED = '02:00:00:00:03:02'
const UNKNOWN = '02:00:00:00:03:03'
const LEARNED = '02:00:00:00:03:09'
const MACVLAN = '02:00:00:00:04:01'

/** A router with a VXLAN device on r1 and a macvlan on r0. The outer source port is fixed, else a secret of the kernel would choose it. */
export const deviceLab = (backend: 'legacy' | 'nft'): LabSpec => ({
  family: 4,
  backend,
  links: [
    { name: 'r0', addresses: ['10.1.0.1/16'], arp: false, mtu: 1500 },
    { name: 'r1', addresses: ['10.2.0.1/16'], arp: false, mtu: 1500 },
  ],
  devices: {
    ip: [
      `link add vx0 address ${VXLAN} mtu 1450 type vxlan id 7 local 10.2.0.1 dev r1 dstport 4789 srcport 7777 7778 ttl 9`,
      'link set vx0 arp off up',
      'addr add 10.7.0.1/24 dev vx0',
      `link add link r0 name m0 address ${MACVLAN} type macvlan mode bridge`,
      'link set m0 arp off up',
      'addr add 10.8.0.1/24 dev m0',
      'xfrm policy add src 10.1.0.0/16 dst 10.2.77.0/24 dir out action block priority 5',
      'xfrm policy add src 10.1.0.0/16 dst 10.2.78.0/24 proto udp dport 2000 dir fwd action block priority 5',
      'xfrm policy add src 10.1.7.0/24 dst 10.2.0.0/16 dir fwd priority 9 tmpl src 198.51.100.1 dst 198.51.100.2 proto esp mode tunnel',
      'xfrm policy add src 10.1.7.9/32 dst 10.2.0.0/16 dir fwd priority 4',
      'xfrm policy add src 10.1.7.0/24 dst 10.1.0.1/32 dir in priority 9 tmpl src 198.51.100.1 dst 198.51.100.2 proto esp mode tunnel',
      'xfrm policy add src 10.1.8.0/24 dst 10.2.0.0/16 dir fwd priority 9 tmpl src 198.51.100.1 dst 198.51.100.2 proto esp mode tunnel level use',
      'xfrm policy add src 10.1.0.0/16 dst 10.2.79.0/24 proto udp dport 2001 dir out action block priority 5',
      'xfrm policy add src 10.1.9.0/24 dst 10.2.0.0/16 dir out mark 1 mask 1 action block priority 5',
    ],
    bridge: [
      `fdb append ${FIXED} dev vx0 dst 10.2.0.20 self permanent`,
      'fdb append 00:00:00:00:00:00 dev vx0 dst 10.2.0.20 self permanent',
      'fdb append 00:00:00:00:00:00 dev vx0 dst 10.2.0.21 self permanent',
    ],
  },
  routes: ['10.9.0.0/16 via 10.7.0.2 dev vx0'],
  rules: [],
  neighbours: [
    '10.1.0.2 lladdr 02:00:00:00:02:12 dev r0 nud permanent',
    '10.2.0.20 lladdr 02:00:00:00:02:20 dev r1 nud permanent',
    ...['77', '78', '79'].map((net) => `10.2.${net}.20 lladdr 02:00:00:00:02:${net} dev r1 nud permanent`),
    '10.2.0.21 lladdr 02:00:00:00:02:21 dev r1 nud permanent',
    `10.7.0.2 lladdr ${FIXED} dev vx0 nud permanent`,
    `10.7.0.3 lladdr ${UNKNOWN} dev vx0 nud permanent`,
    `10.7.0.9 lladdr ${LEARNED} dev vx0 nud permanent`,
    '10.8.0.2 lladdr 02:00:00:00:02:82 dev m0 nud permanent',
  ],
  sysctls: { 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.all.send_redirects': '0', 'net.ipv4.conf.r0.send_redirects': '0' },
  udp: [],
}) // biome-ignore format: a lab

const ROUTER = '02:00:00:00:00:10'
const CLIENT = '02:00:00:00:02:12'

let id = 0x300
const datagram = (src: string, dst: string, more: Partial<Ip4> = {}, length = 3, sport = 1000): string => {
  const ends = { src, dst, sport, dport: 2000 }
  return ip4({ ...ends, protocol: 17, id: id++, ...more }, udp(ends, '6f'.repeat(length)))
}
const client = (dst: string, more: Partial<Ip4> = {}, length = 3, sport = 1000): Injection => ({
  at: 'r0',
  frame: ethernet(ROUTER, CLIENT, datagram('10.1.0.2', dst, more, length, sport)),
})

const from = (src: string, dst: string): Injection => ({
  at: 'r0',
  frame: ethernet(ROUTER, CLIENT, datagram(src, dst)),
})

interface Wrapped {
  readonly from?: string
  readonly mac?: string
  readonly to?: string
  readonly src?: string
  readonly vni?: number
  readonly flags?: number
  readonly cut?: number
  readonly port?: number
  readonly wrong?: boolean
}

/** What another host of the VXLAN sends to the client, or to `to`. */
function wrapped(change: Wrapped = {}): Injection {
  const { from = '10.2.0.20', mac = FIXED, to = VXLAN, src = '10.7.0.2', vni = 7, flags = 8, port = 4789 } = change
  const frame = ethernet(to, mac, datagram(src, '10.1.0.2'))
  const header = `${hex(flags, 1)}000000${hex(vni, 3)}00`
  const payload = (header + frame).slice(0, change.cut === undefined ? undefined : 2 * change.cut)
  const ends = { src: from, dst: '10.2.0.1', sport: 40000, dport: port }
  const outer = ip4({ ...ends, protocol: 17, id: id++ }, udp(ends, payload, change.wrong))
  return { at: 'r1', frame: ethernet('02:00:00:00:00:11', '02:00:00:00:02:20', outer) }
}

const atMacvlan = (dst: string, mac = MACVLAN): Injection => ({
  at: 'r0',
  frame: ethernet(mac, CLIENT, datagram('10.8.0.9', dst)),
})

/** By name: packets of one case, in their order. What VXLAN learns outlives a case, so each learns of an address of its own. */
export const DEVICE_PACKETS: Readonly<Record<string, () => readonly Injection[]>> = {
  'vxlan: to an address in the table': () => [client('10.7.0.2')],
  'vxlan: through a gateway': () => [client('10.9.0.5')],
  'vxlan: ECN and TOS': () => [0x01, 0x02, 0x03, 0xb8, 0xbb].map((tos, i) => client('10.7.0.2', { tos }, 3, 1100 + i)),
  'vxlan: to an address that is flooded': () => [client('10.7.0.3')],
  'vxlan: too long, with DF': () => [client('10.7.0.2', { fragment: 0x4000 }, 1460)],
  'vxlan: too long, in fragments': () => [client('10.7.0.2', {}, 1460)],
  'vxlan: the longest that fits': () => [client('10.7.0.2', { fragment: 0x4000 }, 1422)],
  'vxlan: from the table': () => [wrapped()],
  'vxlan: there and back': () => [client('10.7.0.2'), wrapped()],
  'vxlan: another VNI': () => [wrapped({ vni: 8 })],
  'vxlan: without the I flag': () => [wrapped({ flags: 0 })],
  'vxlan: with a reserved flag': () => [wrapped({ flags: 0x18 })],
  'vxlan: another port': () => [wrapped({ port: 4790 })],
  'vxlan: cut off in its header': () => [wrapped({ cut: 6 })],
  'vxlan: cut off in the inner Ethernet header': () => [wrapped({ cut: 18 })],
  'vxlan: a wrong outer checksum': () => [wrapped({ wrong: true })],
  'vxlan: from its own address': () => [wrapped({ mac: VXLAN })],
  'vxlan: to another MAC address': () => [wrapped({ to: '02:00:00:00:09:09' })],
  'vxlan: an address in the table from elsewhere': () => [wrapped({ from: '10.2.0.21' })],
  'vxlan: learned, then sent there': () => [
    wrapped({ from: '10.2.0.21', mac: LEARNED, src: '10.7.0.9' }),
    client('10.7.0.9'),
  ],
  'macvlan: for its MAC address': () => [atMacvlan('10.2.0.20')],
  'macvlan: for this host, by its MAC address': () => [atMacvlan('10.8.0.1')],
  'macvlan: for the MAC address of the lower device': () => [atMacvlan('10.2.0.20', ROUTER)],
  'macvlan: a broadcast frame': () => [atMacvlan('10.8.0.255', 'ff:ff:ff:ff:ff:ff')],
  'xfrm: blocked on the way out': () => [client('10.2.77.20')],
  'xfrm: blocked on the way through': () => [client('10.2.78.20')],
  'xfrm: blocked for another port': () => [client('10.2.79.20')],
  'xfrm: forwarded in the clear, where it should come encrypted': () => [from('10.1.7.5', '10.2.0.20')],
  'xfrm: forwarded in the clear, by a policy of its own': () => [from('10.1.7.9', '10.2.0.20')],
  'xfrm: for this host in the clear, where it should come encrypted': () => [from('10.1.7.5', '10.1.0.1')],
  'xfrm: the template is optional': () => [from('10.1.8.5', '10.2.0.20')],
  'xfrm: a policy of a mark that the packet does not have': () => [from('10.1.9.5', '10.2.0.20')],
  'macvlan: out of it': () => [client('10.8.0.2')],
}
