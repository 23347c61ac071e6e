import type { LabSpec } from '../lab.js'
import type { Random } from '../prng.js'
import { host, outside, wan } from './scene.js'

export const macOf = (number: number): string => `02:00:00:00:02:${number.toString(16).padStart(2, '0')}`

/** A router with three links; which sysctls, routes and policy rules it has hangs on the seed. */
export function randomLab(random: Random, family: 4 | 6, backend: 'legacy' | 'nft'): LabSpec {
  const length = family === 4 ? 16 : 64
  const any = family === 4 ? '0.0.0.0/0' : '::/0'
  // neighbours that know each other by link-local addresses: as next hops, and to be told of them
  const linkLocal = family === 6 && random.fork('link-local').chance(0.3)
  const own = linkLocal ? ['fe80::1/64'] : []
  const links = [
    { name: 'r0', addresses: [`${host(family, 1, 1)}/${length}`, ...own], arp: false, mtu: 1500 },
    {
      name: 'r1',
      addresses: [`${host(family, 2, 1)}/${length}`, `${host(family, 2, 7)}/${length}`, ...own],
      arp: false,
      mtu: random.chance(0.1) ? 1280 : 1500,
    },
    { name: 'r2', addresses: [`${wan(family, 1)}/${family === 4 ? 24 : 64}`, ...own], arp: false, mtu: 1500 },
  ]
  const net = (number: number) => (family === 4 ? `10.${number}.0.0/16` : `fd00:${number.toString(16)}::/64`)
  const routes = [
    `${net(3)} via ${linkLocal ? 'fe80::2' : host(family, 2, 2)} dev r1`,
    `blackhole ${net(66)}`,
    `unreachable ${net(67)}`,
    `prohibit ${net(68)}`,
    `${any} via ${host(family, 2, 3)} dev r1 table 100`,
    `throw ${net(2)} table 101`,
    `${net(3)} via ${wan(family, 253)} dev r2 table 101`,
  ]
  if (random.chance(0.8)) routes.push(`default via ${wan(family, 254)} dev r2`)
  const rules = [
    ...(random.chance(0.6) ? ['fwmark 0x1/0x1 lookup 100 pref 1000'] : []),
    ...(random.chance(0.3) ? ['fwmark 0x4000/0xff00 lookup 101 pref 1001'] : []),
    ...(random.chance(0.15) ? [`from ${host(family, 1, 0)}/${family === 4 ? 17 : 120} lookup 101 pref 1002`] : []),
    ...(random.chance(0.1) ? ['iif r2 fwmark 0x2/0x2 unreachable pref 1003'] : []),
  ]
  const gateways = [
    [linkLocal ? 'fe80::2' : host(family, 2, 2), 'r1', 2],
    [host(family, 2, 3), 'r1', 3],
    [wan(family, 254), 'r2', 4],
    [wan(family, 253), 'r2', 5],
  ] as const
  const neighbours = [
    ...gateways.map(([ip, dev, mac]) => `${ip} lladdr ${macOf(mac)} dev ${dev} nud permanent`),
    `${host(family, 2, 20)} lladdr ${macOf(20)} dev r1 nud permanent`,
    `${host(family, 1, 30)} lladdr ${macOf(30)} dev r0 nud permanent`,
    ...(random.chance(0.5) ? [`${outside(family, 9)} lladdr ${macOf(9)} dev r2 nud permanent`] : []),
  ]
  return { family, backend, links, routes, rules, neighbours, sysctls: sysctls(random, family), udp: listeners(family) }
}

const listeners = (family: 4 | 6) => [
  [family === 4 ? '0.0.0.0' : '::', 53] as const,
  [host(family, 1, 1), 5000] as const,
]

export function sysctls(random: Random, family: 4 | 6): Readonly<Record<string, string>> {
  const maybe = (probability: number, usual: string, odd: string) => (random.chance(probability) ? odd : usual)
  const conntrack = {
    'net.netfilter.nf_conntrack_tcp_loose': maybe(0.1, '1', '0'),
    'net.netfilter.nf_conntrack_tcp_be_liberal': maybe(0.1, '0', '1'),
    'net.netfilter.nf_conntrack_checksum': maybe(0.1, '1', '0'),
  }
  if (family === 6) return { 'net.ipv6.conf.all.forwarding': maybe(0.05, '1', '0'), ...conntrack }
  const conf = (name: string, value: string) => ({ [`net.ipv4.conf.${name}`]: value })
  return {
    'net.ipv4.ip_forward': maybe(0.05, '1', '0'),
    ...conf('all.rp_filter', random.weighted([[8, '0'], [1, '1'], [1, '2']])),
    ...conf('r0.rp_filter', random.weighted([[6, '0'], [1, '1'], [1, '2']])),
    ...conf('r1.rp_filter', random.weighted([[6, '0'], [1, '1'], [1, '2']])),
    ...conf('all.send_redirects', '0'), ...conf('r0.send_redirects', '0'), ...conf('r1.send_redirects', '0'), ...conf('r2.send_redirects', '0'),
    ...conf('r0.route_localnet', maybe(0.1, '0', '1')),
    ...conf('r0.accept_local', maybe(0.1, '0', '1')),
    ...conf('all.src_valid_mark', maybe(0.1, '0', '1')),
    'net.ipv4.ip_default_ttl': maybe(0.1, '64', '33'),
    'net.ipv4.icmp_echo_ignore_broadcasts': maybe(0.1, '1', '0'),
    'net.ipv4.icmp_echo_ignore_all': maybe(0.05, '0', '1'),
    'net.ipv4.fwmark_reflect': maybe(0.1, '0', '1'),
    ...conntrack,
  } // biome-ignore format: a table
}
