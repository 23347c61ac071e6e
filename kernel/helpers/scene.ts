import type { RuleSpec, Ruleset } from '../cases/ruleset.js'
import type { LabSpec } from '../lab.js'
import type { Random } from '../prng.js'

/** Clients behind r0, servers behind r1; 10.2.0.9 is a Service that NAT leads to 10.2.0.20. */
export const ADDRESSES = {
  4: { client: '10.1.0.2', other: '10.1.0.3', server: '10.2.0.20', service: '10.2.0.9', public: '198.51.100.7', routers: ['10.1.0.1', '10.2.0.1'], length: 16, clients: '10.1.0.0/16' },
  6: { client: 'fd00:1::2', other: 'fd00:1::3', server: 'fd00:2::20', service: 'fd00:2::9', public: '2001:db8::7', routers: ['fd00:1::1', 'fd00:2::1'], length: 64, clients: 'fd00:1::/64' },
} as const // biome-ignore format: a table

export const labOf = (family: 4 | 6, backend: 'legacy' | 'nft'): LabSpec => ({
  family,
  backend,
  links: ADDRESSES[family].routers.map((ip, i) => ({ name: `r${i}`, addresses: [`${ip}/${ADDRESSES[family].length}`], arp: false, mtu: 1500 })),
  routes: ['default dev r1'],
  rules: [],
  neighbours: [],
  sysctls: family === 4
    ? { 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.all.send_redirects': '0', 'net.ipv4.conf.r0.send_redirects': '0', 'net.ipv4.conf.r1.send_redirects': '0' }
    : { 'net.ipv6.conf.all.forwarding': '1' },
  udp: [],
}) // biome-ignore format: a table

export interface Watched {
  readonly helper: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

const chains = (...names: readonly string[]) => names.map((name) => ({ name, policy: 'ACCEPT' as const }))
const rule = (chain: string, text: string, target = ''): RuleSpec => ({ chain, parts: [text], target })

/** The helper, counters of every state, and mostly some NAT. */
export function rulesOf(random: Random, family: 4 | 6, { helper, protocol, port }: Watched): Ruleset {
  const { clients, server, service } = ADDRESSES[family]
  const ip = (address: string, to?: number | string) =>
    to === undefined ? address : `${family === 6 ? `[${address}]` : address}:${to}`
  const translated = {
    src: random.weighted([
      [3, 'none'],
      [3, 'masquerade'],
      [2, 'snat'],
      [1, 'ports'],
    ] as const),
    dst: random.weighted([
      [3, 'none'],
      [3, 'dnat'],
      [2, 'port'],
    ] as const),
  }
  const dnat: Readonly<Record<string, readonly RuleSpec[]>> = {
    none: [],
    dnat: [rule('PREROUTING', `-d ${service}`, `-j DNAT --to-destination ${server}`)],
    port: [
      rule(
        'PREROUTING',
        `-d ${service} -p ${protocol} --dport ${port}`,
        `-j DNAT --to-destination ${ip(server, port + 2000)}`,
      ),
    ],
  }
  const snat: Readonly<Record<string, readonly RuleSpec[]>> = {
    none: [],
    masquerade: [rule('POSTROUTING', `-s ${clients} -o r1`, '-j MASQUERADE')],
    snat: [rule('POSTROUTING', `-s ${clients} -o r1`, `-j SNAT --to-source ${ADDRESSES[family].public}`)],
    ports: [
      rule(
        'POSTROUTING',
        `-s ${clients} -o r1 -p ${protocol}`,
        `-j SNAT --to-source ${ip(ADDRESSES[family].public, 3000)}`,
      ),
    ],
  }
  const states = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID'].map((state) =>
    rule('FORWARD', `-m conntrack --ctstate ${state}`),
  )
  const closed = random.chance(0.3)
    ? [
        rule('FORWARD', '-m conntrack --ctstate NEW -i r1', '-j DROP'),
        rule('FORWARD', '-m conntrack --ctstate INVALID', '-j DROP'),
      ]
    : []
  const marks = random.chance(0.3)
    ? [rule('PREROUTING', '-m conntrack --ctstate NEW', '-j CONNMARK --set-mark 0x7')]
    : []
  const zone = random.chance(0.1) ? ' --zone 5' : ''
  const zones =
    zone === '' ? [] : [rule('PREROUTING', '-i r0', '-j CT --zone 5'), rule('PREROUTING', '-i r1', '-j CT --zone 5')]
  return [
    { name: 'raw', chains: chains('PREROUTING', 'OUTPUT'), rules: [rule('PREROUTING', `-p ${protocol} --dport ${port}`, `-j CT --helper ${helper}${zone}`), rule('OUTPUT', `-p ${protocol} --dport ${port}`, `-j CT --helper ${helper}`), ...zones] },
    { name: 'mangle', chains: chains('PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'), rules: [...marks, ...states, rule('FORWARD', `-m helper --helper ${helper}`), rule('FORWARD', '-m helper ! --helper irc'), rule('FORWARD', '-m conntrack --ctstatus EXPECTED'), rule('FORWARD', '-m connmark --mark 0x7')] },
    { name: 'nat', chains: chains('PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'), rules: [...dnat[translated.dst]!, ...snat[translated.src]!] },
    { name: 'filter', chains: chains('INPUT', 'FORWARD', 'OUTPUT'), rules: closed },
  ] // biome-ignore format: a table
}
