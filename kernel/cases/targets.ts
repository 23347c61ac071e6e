import { MARKS } from './matches.js'
import { destinations, host, wan } from './scene.js'
import { setTarget } from './sets.js'
import type { Spot } from './spot.js'

const bracket = (family: 4 | 6, address: string, port: string): string =>
  port === '' ? address : family === 4 ? `${address}:${port}` : `[${address}]:${port}`
const withPorts = ({ protocol }: Spot): boolean => protocol === 'tcp' || protocol === 'udp'
const markText = ({ random }: Spot): string => random.pick(MARKS)
const masked = ({ random }: Spot): string => `${random.pick(['0x1', '0x4000', '0x3', '0xff'])}`

function dnat(spot: Spot): string | undefined {
  if (!['PREROUTING', 'OUTPUT'].includes(spot.hook) || spot.table !== 'nat') return undefined
  const { random, scene } = spot
  const port = withPorts(spot) && random.chance(0.6) ? `${random.pick([80, 8080, 53, 5000, 7777])}` : ''
  const persistent = random.chance(0.1) ? ' --persistent' : ''
  // several addresses: which one is a hash of the connection's
  if (random.chance(0.1))
    return `--to-destination ${host(scene.family, 2, 20)}-${host(scene.family, 2, random.int(21, 40))}${persistent}`
  const to = random.weighted(destinations(scene))
  const shifted = withPorts(spot) && random.chance(0.05)
  return `--to-destination ${bracket(scene.family, to, shifted ? '7000-7100/5000' : port)}${persistent}`
}

function snat(spot: Spot): string | undefined {
  if (!['POSTROUTING', 'INPUT'].includes(spot.hook) || spot.table !== 'nat') return undefined
  const {
    random,
    scene: { family },
  } = spot
  const to = random.pick([host(family, 2, 7), wan(family, 1), host(family, 1, 1), host(family, 2, 99), wan(family, 77)])
  if (random.chance(0.1)) return `--to-source ${host(family, 2, 90)}-${host(family, 2, random.int(91, 120))}`
  const port = withPorts(spot) && random.chance(0.25) ? random.pick(['2000', '1024', '40000']) : ''
  return `--to-source ${bracket(family, to, port)}`
}

function reject(spot: Spot): string | undefined {
  if (spot.table !== 'filter' || spot.hook === 'any') return undefined
  const {
    random,
    scene: { family },
    protocol,
  } = spot
  const types = family === 4
    ? ['icmp-net-unreachable', 'icmp-host-unreachable', 'icmp-proto-unreachable', 'icmp-port-unreachable', 'icmp-net-prohibited', 'icmp-host-prohibited', 'icmp-admin-prohibited']
    : ['icmp6-no-route', 'icmp6-adm-prohibited', 'icmp6-addr-unreachable', 'icmp6-port-unreachable', 'icmp6-policy-fail', 'icmp6-reject-route'] // biome-ignore format: lists
  return `--reject-with ${protocol === 'tcp' && random.chance(0.5) ? 'tcp-reset' : random.pick(types)}`
}

function connmark(spot: Spot): string {
  const { random } = spot
  return random.weighted([
    [3, () => `--set-xmark ${markText(spot)}`],
    [3, () => '--save-mark'],
    [3, () => '--restore-mark'],
    [1, () => `--save-mark --nfmask ${masked(spot)} --ctmask ${masked(spot)}`],
    [1, () => `--restore-mark --nfmask ${masked(spot)} --ctmask ${masked(spot)}`],
    [1, () => `--or-mark ${masked(spot)}`],
    [1, () => `--set-mark ${markText(spot)}`],
  ])()
}

function hmark(spot: Spot): string {
  const {
    random,
    scene: { family },
  } = spot
  const spi = random.chance(0.1)
  const names = ['src', 'dst', ...(spi ? ['spi'] : ['sport', 'dport']), 'proto']
  const bits = family === 4 ? 32 : 128
  const what = random.weighted([
    [5, () => `--hmark-tuple ${random.some(names, random.int(1, 4)).join(',')}`],
    [2, () => `--hmark-tuple ct,${random.some(names, random.int(1, 4)).join(',')}`],
    [1, () => `--hmark-src-prefix ${random.int(0, bits)} --hmark-dst-prefix ${random.int(0, bits)}`],
    [1, () => `--hmark-sport-mask 0xff${random.chance(0.5) ? ' --hmark-dport 0x100' : ''}`],
    [1, () => `--hmark-tuple src --hmark-sport ${random.int(0, 3)} --hmark-dport-mask 0xfff0`],
  ])()
  const offset = random.chance(0.4) ? ` --hmark-offset ${random.int(0, 300)}` : ''
  return `${what} --hmark-mod ${random.pick([1, 2, 3, 10, 1000, 0xffffffff])} --hmark-rnd 0x${random.int(0, 0x7fffffff).toString(16)}${offset}`
}

/** Source prefixes that the packets have, and some that they have not: the rule does not ask. */
function npt(spot: Spot, hooks: readonly string[]): string | undefined {
  const { random, table, hook, scene } = spot
  if (table !== 'mangle' || scene.family !== 6 || !hooks.includes(hook)) return undefined
  const prefix = () => random.pick(['fd00:1::/64', 'fd00:2::/64', 'fd00:3::/48', 'fd00:2::/60', 'fd00::/16', '2001:db8:9::/48', 'fd00:7:7:7::/64', 'fc00::/7']) // biome-ignore format: a list
  return `--src-pfx ${prefix()} --dst-pfx ${prefix()}`
}

const anywhere = ({ table }: Spot): boolean => table !== 'nat'

/** What each target can be told, by its name in src/xtables/targets. A text behind `-j NAME`; undefined: not here. */
export const TARGETS: Readonly<Record<string, (spot: Spot) => string | undefined>> = {
  ACCEPT: () => '',
  AUDIT: ({ random }) => `--type ${random.pick(['accept', 'drop', 'reject'])}`,
  CHECKSUM: ({ table, hook }) => (table === 'mangle' && hook === 'POSTROUTING' ? '--checksum-fill' : undefined),
  CLASSIFY: ({ table, hook, random }) =>
    table === 'mangle' && ['FORWARD', 'OUTPUT', 'POSTROUTING'].includes(hook)
      ? `--set-class ${random.int(0, 3)}:${random.int(0, 3)}`
      : undefined,
  CONNMARK: connmark,
  CT(spot) {
    if (spot.table !== 'raw') return undefined
    return spot.random.weighted([
      [4, '--notrack'],
      [2, '--zone 5'],
      [1, '--zone-orig 6'],
      [1, '--zone-reply 7'],
      [1, '--zone mark'],
      [1, '--ctevents new'],
      [
        spot.protocol === 'tcp' || spot.protocol === 'udp' ? 1 : 0,
        `--helper ${spot.protocol === 'tcp' ? 'ftp' : 'tftp'}`,
      ],
    ])
  },
  DNAT: dnat,
  DROP: (spot) => (anywhere(spot) ? '' : undefined),
  CLUSTERIP: () => undefined, // this kernel does not have it, nor LED and ULOG
  CONNSECMARK: ({ table, random }) =>
    table === 'mangle' || table === 'security' ? random.pick(['--save', '--restore']) : undefined,
  DNPT: (spot) => npt(spot, ['PREROUTING', 'OUTPUT']),
  DSCP: ({ table, random }) =>
    table === 'mangle'
      ? random.pick(['--set-dscp 0x2e', '--set-dscp 0x00', '--set-dscp 0x04', '--set-dscp-class AF21'])
      : undefined,
  ECN: ({ table, protocol, random, scene }) =>
    table === 'mangle' && scene.family === 4
      ? protocol === 'tcp'
        ? random.pick([
            '--ecn-tcp-remove',
            '--ecn-tcp-cwr 1',
            '--ecn-tcp-ece 1 --ecn-tcp-cwr 0',
            '--ecn-tcp-ece 1 --ecn-ip-ect 1',
          ])
        : `--ecn-ip-ect ${random.int(0, 3)}`
      : undefined,
  HL: (spot) =>
    spot.table === 'mangle' && spot.scene.family === 6
      ? spot.random.pick(['--hl-set 33', '--hl-dec 1', '--hl-inc 2'])
      : undefined,
  HMARK: hmark,
  IDLETIMER: ({ random }) => `--timeout ${random.int(5, 500)} --label t${random.int(1, 1000000)}`,
  LED: () => undefined,
  LOG: ({ random }) => `--log-prefix "${random.pick(['drop ', 'x'])}"`,
  MARK: ({ random, table }) =>
    table === 'nat' ? undefined : random.weighted([[3, `--set-xmark ${random.pick(MARKS)}`], [2, `--set-mark ${random.pick(MARKS)}`], [1, '--or-mark 0x10'], [1, '--and-mark 0xf0'], [1, '--xor-mark 0x3']]), // biome-ignore format: one thing
  MASQUERADE: (spot) =>
    spot.table === 'nat' && spot.hook === 'POSTROUTING'
      ? withPorts(spot) && spot.random.chance(0.1)
        ? '--to-ports 5555'
        : ''
      : undefined,
  NETMAP: ({ table, random, scene: { family } }) =>
    table === 'nat'
      ? `--to ${family === 4 ? random.pick(['10.2.0.0/16', '10.3.0.0/24', '10.2.0.20/32']) : 'fd00:2::/64'}`
      : undefined,
  NFQUEUE: (spot) =>
    anywhere(spot) && spot.random.chance(0.3)
      ? `--queue-num ${spot.random.int(0, 3)}${spot.random.chance(0.7) ? ' --queue-bypass' : ''}`
      : undefined,
  NFLOG: ({ random }) => `--nflog-group ${random.int(1, 5)}`,
  NOTRACK: ({ table }) => (table === 'raw' ? '' : undefined),
  QUEUE: (spot) => (anywhere(spot) && spot.scene.spec.backend === 'legacy' && spot.random.chance(0.2) ? '' : undefined),
  RATEEST: ({ random }) => `--rateest-name R${random.int(1, 1000000)} --rateest-interval 250ms --rateest-ewmalog 500ms`,
  REDIRECT: (spot) =>
    spot.table === 'nat' && ['PREROUTING', 'OUTPUT'].includes(spot.hook)
      ? withPorts(spot) && spot.random.chance(0.7)
        ? `--to-ports ${spot.random.pick([53, 5000, 8080])}`
        : ''
      : undefined,
  REJECT: reject,
  RETURN: () => '',
  SECMARK: () => undefined, // needs SELinux
  SET: setTarget,
  SNPT: (spot) => npt(spot, ['INPUT', 'POSTROUTING']),
  SNAT: snat,
  SYNPROXY: ({ hook, protocol, random }) =>
    protocol === 'tcp' && (hook === 'INPUT' || hook === 'FORWARD') && random.chance(0.2) ? '--mss 1460' : undefined,
  TCPMSS: ({ table, hook, protocol, random }) =>
    table === 'mangle' && protocol === 'tcp' && ['FORWARD', 'OUTPUT', 'POSTROUTING'].includes(hook)
      ? random.pick(['--set-mss 1000', '--set-mss 1400', '--clamp-mss-to-pmtu'])
      : undefined,
  TCPOPTSTRIP: ({ table, protocol, random }) =>
    table === 'mangle' && protocol === 'tcp'
      ? `--strip-options ${random.some(['mss', 'wscale', 'sack-permitted', 'timestamp', '5', '19', '254'], random.int(1, 3)).join(',')}`
      : undefined,
  TEE: ({ random, scene: { family } }) =>
    random.pick([
      `--gateway ${host(family, 2, 2)}`,
      `--gateway ${host(family, 1, 30)}`,
      `--gateway ${wan(family, 254)}`,
      `--gateway ${host(family, 2, 3)} --oif r1`,
      `--gateway ${host(family, 66, 9)}`,
    ]),
  TOS: ({ table, random }) =>
    table === 'mangle'
      ? random.pick(['--set-tos 0x10', '--set-tos 0x08/0x1c', '--or-tos 0x02', '--and-tos 0xf0', '--xor-tos 0xff'])
      : undefined,
  TPROXY: ({ table, hook, protocol, random }) =>
    table === 'mangle' && hook === 'PREROUTING' && (protocol === 'tcp' || protocol === 'udp') && random.chance(0.3)
      ? `--on-port ${random.pick([80, 5000, 0])}${random.chance(0.5) ? ' --tproxy-mark 0x1/0x1' : ''}`
      : undefined,
  TRACE: () => undefined, // the tracing cases put it where it belongs
  TTL: (spot) =>
    spot.table === 'mangle' && spot.scene.family === 4
      ? spot.random.pick(['--ttl-set 33', '--ttl-dec 1', '--ttl-inc 2', '--ttl-set 1'])
      : undefined,
  ULOG: () => undefined,
}
