import type { Family } from '../address/ip.js'
import { printIp } from '../address/ip.js'
import { arriving, type Beginning, generated, outsideOf, ownedAddresses } from '../analysis/walk-begin.js'
import type { Ground } from '../analysis/walk-ground.js'
import { type Hosts, placeName } from '../path/world.js'
import { changeHosts } from '../snapshot/change/index.js'
import { readSnapshot } from '../snapshot/index.js'
import { randomRules, type Surroundings } from './random-rules.js'

type Random = () => number

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

export const SAMPLES = ['docker-host', 'docker-ufw-host', 'k8s-cluster'] as const
export type Sample = (typeof SAMPLES)[number]

/** The files of a sample. */
export type Files = readonly { readonly path: string; readonly text: string }[]

/** Ports that random rules and random packets ask for. */
const SERVICES = [22, 53, 80, 443, 8080, 5432, 30080, 9153, 6443]

/** What becomes of the samples so that they speak IPv6 too: addresses beside those of IPv4, routes that lead the same ways. */
const DOCKER6 = [
  'sysctl -w net.ipv6.conf.all.forwarding=1',
  'ip -6 addr add 2001:db8::10/64 dev eth0',
  'ip -6 route add default via 2001:db8::1 dev eth0',
  'ip -6 addr add fd00:17::1/64 dev docker0',
  ...(['web', 'dns'] as const).flatMap((name, i) => [
    `/${name}: ip -6 addr add fd00:17::${i + 2}/64 dev eth0`,
    `/${name}: ip -6 route add default via fd00:17::1 dev eth0`,
  ]),
]
const NODES6 = [1, 2].flatMap((n) => [
  `node${n}: sysctl -w net.ipv6.conf.all.forwarding=1`,
  `node${n}: ip -6 addr add 2001:db8::1${n}/64 dev eth0`,
  `node${n}: ip -6 route add default via 2001:db8::1 dev eth0`,
  `node${n}: ip -6 addr add fd00:${n}::1/64 dev cni0`,
  `node${n}: ip -6 route add fd00:${3 - n}::/64 via 2001:db8::1${3 - n} dev eth0`,
  ...(n === 1 ? ['shell', 'coredns-a'] : ['web', 'coredns-b']).flatMap((name, i) => [
    `node${n}/${name}: ip -6 addr add fd00:${n}::${i + 2}/64 dev eth0`,
    `node${n}/${name}: ip -6 route add default via fd00:${n}::1 dev eth0`,
  ]),
])

interface Topology {
  readonly interfaces: readonly string[]
  readonly ports: readonly string[]
  readonly addresses: Readonly<Record<Family, readonly string[]>>
  readonly prefixes: Readonly<Record<Family, readonly string[]>>
  /** Addresses that packets have besides those of the hosts. */
  readonly others: Readonly<Record<Family, readonly string[]>>
  readonly commands6: readonly string[]
}

const DOCKER: Topology = {
  interfaces: ['eth0', 'docker0', 'veth+', 'lo', 'br-+'],
  ports: ['veth+', 'eth0', 'veth1ff3b5a'],
  addresses: {
    4: ['172.17.0.2', '172.17.0.3', '172.18.0.2', '192.0.2.10', '198.51.100.9', '172.17.0.1'],
    6: ['fd00:17::2', 'fd00:17::3', '2001:db8::10', 'fd00:17::1', '2001:db8:9::9'],
  },
  prefixes: {
    4: ['172.17.0.0/16', '172.18.0.0/16', '192.0.2.0/24', '198.51.100.0/24'],
    6: ['fd00:17::/64', '2001:db8::/64', '2001:db8:9::/48', 'fd00::/8'],
  },
  others: {
    4: ['198.51.100.9', '192.0.2.77', '172.17.0.77'],
    6: ['2001:db8:9::9', '2001:db8::77', 'fd00:17::77'],
  },
  commands6: DOCKER6,
}

const CLUSTER: Topology = {
  interfaces: ['eth0', 'cni0', 'veth+', 'lo', 'flannel.1'],
  ports: ['veth+', 'eth0', 'veth2'],
  addresses: {
    4: ['10.244.1.3', '10.244.0.2', '10.96.0.10', '192.168.50.11', '192.168.50.12', '198.51.100.9'],
    6: ['fd00:1::2', 'fd00:2::2', '2001:db8::11', '2001:db8::12', 'fd00:2::3', '2001:db8:9::9'],
  },
  prefixes: {
    4: ['10.244.0.0/16', '10.96.0.0/12', '192.168.50.0/24', '198.51.100.0/24'],
    6: ['fd00:1::/64', 'fd00:2::/64', '2001:db8::/64', '2001:db8:9::/48'],
  },
  others: {
    4: ['198.51.100.9', '10.96.100.7', '10.96.0.10', '10.96.0.1', '192.168.50.77'],
    6: ['2001:db8:9::9', 'fd00:1::77', '2001:db8::77'],
  },
  commands6: NODES6,
}

const TOPOLOGIES: Readonly<Record<Sample, Topology>> = {
  'docker-host': DOCKER,
  'docker-ufw-host': DOCKER,
  'k8s-cluster': CLUSTER,
}

/** A sample as it is, or with other rulesets. */
function sample(name: Sample, files: Files, rules?: { readonly family: Family; readonly text: () => string }): Hosts {
  const read = readSnapshot(
    files.flatMap((file) => {
      if (!rules || !/(ip6?tables-save|nft-ruleset.*|conntrack)$/.test(file.path)) return [file]
      const [, folder] = /^(.*\/|)iptables-save$/.exec(file.path) ?? []
      if (folder === undefined) return []
      const own = `${folder}${rules.family === 4 ? 'iptables-save' : 'ip6tables-save'}`
      return [
        { path: own, text: rules.text() },
        { path: `${folder}ipset`, text: setsOf(TOPOLOGIES[name], rules.family) },
      ]
    }),
    { now: 0 },
  )
  if (!read.ok)
    throw new Error(read.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'))
  return read.hosts
}

const SETS = { addresses: 'some', services: 'listed' }

function setsOf({ addresses }: Topology, family: Family): string {
  const [one, , two, three] = addresses[family]
  const inet = family === 4 ? 'inet' : 'inet6'
  return [
    `create ${SETS.addresses} hash:ip family ${inet} hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1`,
    ...[one, two].map((ip) => `add ${SETS.addresses} ${ip}`),
    `create ${SETS.services} hash:ip,port family ${inet} hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1`,
    `add ${SETS.services} ${one},tcp:80`,
    `add ${SETS.services} ${three},udp:53`,
    '',
  ].join('\n')
}

function carriedOut(hosts: Hosts, commands: readonly string[]): Hosts {
  const [root] = hosts.namespaces
  const changes = commands.map((text) => ({ text: text.startsWith('/') ? `${root!.host}${text}` : text, name: text }))
  const changed = changeHosts(hosts, changes, () => root!)
  if (!changed.ok) throw new Error(JSON.stringify(changed.problems))
  return changed.hosts
}

export const plainSample = (name: Sample, files: Files): Hosts => sample(name, files)

/** A sample's hosts with random rules, routes and settings. `chancy`: lots and limits decide of some packets. */
export function randomHosts(
  name: Sample,
  files: Files,
  family: Family,
  random: Random,
): { readonly hosts: Hosts; readonly chancy: boolean } {
  const topology = TOPOLOGIES[name]
  const chancy = random() < 0.25
  const around: Surroundings = {
    ...topology,
    family,
    addresses: topology.addresses[family],
    prefixes: topology.prefixes[family],
    services: SERVICES,
    sets: SETS,
  }
  const given = sample(name, files, { family, text: () => randomRules(random, around, chancy) })
  const hosts = family === 6 ? carriedOut(given, topology.commands6) : given
  const root = hosts.namespaces[0]!
  return {
    hosts: carriedOut(
      hosts,
      commandsOf(random, topology, family, chancy).map((text) => `${placeName(root)}: ${text}`),
    ),
    chancy,
  }
}

/** Policy routing, several next hops, settings that decide where packets go. */
function commandsOf(random: Random, { prefixes, interfaces, others }: Topology, family: Family, chancy: boolean): readonly string[] {
  const found: string[] = []
  const maybe = (chance: number, ...commands: string[]) => {
    if (random() < chance) found.push(...commands)
  }
  const [one, two] = [pick(random, prefixes[family]), pick(random, prefixes[family])]
  const ip = family === 4 ? 'ip' : 'ip -6'
  const bridge = interfaces[1]
  const outside = pick(random, others[family])
  const length = family === 4 ? 32 : 128
  maybe(0.3, `${ip} rule add fwmark 0x1 table 100`, `${ip} route add ${pick(random, ['unreachable', 'blackhole', 'prohibit'])} ${one} table 100`)
  maybe(0.25, `${ip} rule add from ${one} to ${two} table 101`, `${ip} route add ${outside}/${length} dev ${bridge} table 101`)
  maybe(0.15, `${ip} rule add iif ${pick(random, [interfaces[0]!, 'lo'])} ipproto ${pick(random, ['tcp', 'udp'])} dport ${pick(random, SERVICES)} lookup 102`, `${ip} route add blackhole ${two} table 102`)
  maybe(0.1, `${ip} rule add fwmark 0x2/0x3 prohibit`)
  maybe(0.1, `${ip} route add throw ${outside}/${length} table 100`)
  if (family === 4) {
    maybe(0.4, `sysctl -w net.ipv4.conf.all.rp_filter=${pick(random, [0, 1, 2])}`)
    maybe(0.15, `sysctl -w net.ipv4.conf.eth0.rp_filter=${pick(random, [0, 1, 2])}`)
    maybe(0.15, 'sysctl -w net.ipv4.conf.all.src_valid_mark=1')
    maybe(0.15, 'sysctl -w net.ipv4.conf.all.route_localnet=1')
    maybe(0.1, 'sysctl -w net.ipv4.conf.all.accept_local=1')
    // what a bridge sends back where nothing is forwarded is not followed for sets
    if (chancy) maybe(0.3, 'sysctl -w net.ipv4.ip_forward=0')
    maybe(0.15, 'sysctl -w net.bridge.bridge-nf-call-iptables=0')
  } else {
    if (chancy) maybe(0.3, 'sysctl -w net.ipv6.conf.all.forwarding=0')
    maybe(0.15, 'sysctl -w net.bridge.bridge-nf-call-ip6tables=0')
  }
  return found
} // biome-ignore format: one line each

/** Places where packets set out: each interface that leads outside, each namespace. */
export const beginnings = (ground: Ground): readonly Beginning[] => [
  ...outsideOf(ground).map(({ place, link }) => arriving(ground, place, link.name)),
  ...ground.hosts.namespaces.map((place) => generated(ground, place)),
]

/** Addresses that random packets have. */
export const addressesOf = (name: Sample, hosts: Hosts, family: Family): readonly string[] => [
  ...ownedAddresses(hosts, family)
    .map(printIp)
    .filter((ip) => !/^(127\.|::1$|fe80:)/.test(ip)),
  ...TOPOLOGIES[name].others[family],
]

/** A random packet's words; `local`: its sender chooses the source. */
export function randomWords(random: Random, family: Family, addresses: readonly string[], local: boolean): string {
  const written = (ip: string, port: number | undefined) =>
    port === undefined ? ip : `${family === 6 ? `[${ip}]` : ip}:${port}`
  const [src, dst] = [pick(random, addresses), pick(random, addresses)]
  const port = pick(random, SERVICES)
  const from = (sport?: number) => (local ? '' : ` ${written(src, sport)}`)
  const sport = pick(random, [40000, 53, 80, 1024, 65535])
  const kind = random()
  const ttl = random() < 0.1 ? ` ttl ${pick(random, [1, 2, 3, 64])}` : ''
  if (kind < 0.15) {
    const [word, types] = family === 4 ? ['icmp', [8, 8, 8, 0, 13, 30]] : ['icmpv6', [128, 128, 128, 129, 139, 200]]
    return `${word}${from()} > ${dst} type ${pick(random, types as number[])} code 0${ttl}`
  }
  if (kind < 0.35) return `udp${from(sport)} > ${written(dst, port)}${ttl}`
  const flags = random() < 0.8 ? 'syn' : pick(random, ['ack', 'syn,ack', 'rst', 'fin,ack', 'syn,ece,cwr'])
  return `tcp${from(sport)} > ${written(dst, port)} ${flags}${ttl}`
}
