import type { Random } from '../prng.js'
import { HEADER_MATCHES } from './header-matches.js'
import { MORE_MATCHES } from './more-matches.js'
import { destinations, prefixes } from './scene.js'
import type { Spot } from './spot.js'

const not = ({ random }: Spot, probability = 0.2): string => (random.chance(probability) ? '! ' : '')
const port = ({ random, scene }: Spot): number => random.pick(scene.ports)
const portRange = (spot: Spot): string =>
  spot.random.weighted([
    [5, () => `${port(spot)}`],
    [1, () => `:${port(spot)}`],
    [1, () => `${port(spot)}:`],
    [1, () => `${spot.random.int(0, 1024)}:${spot.random.int(1025, 65535)}`],
  ])()
const portOption = (spot: Spot): string => {
  const parts = []
  if (spot.random.chance(0.75)) parts.push(`${not(spot)}--dport ${portRange(spot)}`)
  if (parts.length === 0 || spot.random.chance(0.2)) parts.push(`${not(spot)}--sport ${portRange(spot)}`)
  return parts.join(' ')
}
export const MARKS = ['0x1', '0x2', '0x3', '0x4000', '0xff', '0x1/0x1', '0x4000/0xff00', '0x0/0xf', '0x2/0x3'] as const
const FLAGS = ['SYN', 'ACK', 'FIN', 'RST', 'URG', 'PSH'] as const
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const
const TYPES = ['UNICAST', 'LOCAL', 'BROADCAST', 'MULTICAST', 'UNREACHABLE', 'PROHIBIT', 'BLACKHOLE'] as const
const one = (spot: Spot, options: readonly string[]): string =>
  spot.random
    .some(
      options,
      spot.random.weighted([
        [6, 1],
        [2, 2],
      ]),
    )
    .join(' ')

function conntrack(spot: Spot): string {
  const { random, scene } = spot
  const whole = (list: readonly (readonly [number, string])[]) => random.weighted(list)
  return one(spot, [
    `${not(spot)}--ctstate ${random.some([...STATES, 'SNAT', 'DNAT'], random.int(1, 3)).join(',')}`,
    `${not(spot)}--ctstatus ${random.some(['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'], random.int(1, 2)).join(',')}`,
    `--ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
    `${not(spot)}--ctproto ${random.pick(['tcp', 'udp', 'icmp', '17'])}`,
    `${not(spot)}--ctorigdst ${whole(destinations(scene))}`,
    `${not(spot)}--ctorigsrc ${random.pick(prefixes(scene))}`,
    `${not(spot)}--ctrepldst ${random.pick(prefixes(scene))}`,
    `${not(spot)}--ctreplsrc ${whole(destinations(scene))}`,
    `${not(spot)}--ctorigdstport ${portRange(spot)}`,
    `${not(spot)}--ctreplsrcport ${portRange(spot)}`,
    `${not(spot)}--ctexpire ${random.pick(['0:10', '0:100000', '500000:'])}`,
  ])
}

function recent(spot: Spot): string {
  const { random, scene } = spot
  // the mask of a list is that of whichever rule came first
  const list = random.pick(['A', 'B'])
  const mask = list === 'B' ? ` --mask ${scene.family === 4 ? '255.255.0.0' : 'ffff:ffff::'}` : ''
  const name = `--name ${list} ${random.pick(['--rsource', '--rdest', ''])}${mask}`
  const ttl = random.chance(0.15) ? ' --rttl' : ''
  return random.weighted([
    [3, `--set ${name}`],
    [
      2,
      `${not(spot)}--rcheck ${name}${ttl}${random.chance(0.5) ? ' --seconds 3600' : ''}${random.chance(0.5) ? ` --hitcount ${random.int(1, 4)}` : ''}`,
    ],
    [2, `${not(spot)}--update ${name}${ttl}${random.chance(0.5) ? ` --hitcount ${random.int(1, 4)}` : ''}`],
    [1, `${not(spot)}--remove ${name}`],
  ])
}

/** What each match can be told, by its name in src/xtables/matches. A text without `-m NAME`; undefined: not here. */
export const MATCHES: Readonly<Record<string, (spot: Spot) => string | undefined>> = {
  ...MORE_MATCHES,
  ...HEADER_MATCHES,
  addrtype(spot) {
    const { random, hook } = spot
    const limits =
      hook === 'PREROUTING' || hook === 'INPUT'
        ? ['--limit-iface-in']
        : hook === 'POSTROUTING' || hook === 'OUTPUT'
          ? ['--limit-iface-out']
          : []
    const types = () =>
      random
        .some(
          TYPES,
          random.weighted([
            [5, 1],
            [2, 2],
          ]),
        )
        .join(',')
    const parts = random.weighted([
      [4, [`${not(spot)}--dst-type ${types()}`]],
      [2, [`${not(spot)}--src-type ${types()}`]],
      [1, [`--src-type ${types()}`, `--dst-type ${types()}`]],
    ])
    return [...parts, ...(limits.length > 0 && random.chance(0.15) ? limits : [])].join(' ')
  },
  comment: ({ random }) => `--comment "${random.pick(['web', 'a b', 'x/y', 'it is'])}"`,
  connmark: (spot) => `${not(spot)}--mark ${spot.random.pick(MARKS)}`,
  conntrack,
  hl: (spot) =>
    spot.scene.family === 6 ? spot.random.pick([`${not(spot)}--hl-eq 64`, '--hl-lt 3', '--hl-gt 1']) : undefined,
  icmp: (spot) =>
    spot.protocol === 'icmp'
      ? `${not(spot)}--icmp-type ${spot.random.pick(['echo-request', 'echo-reply', '3', '3/3', '11/0', 'any', 'port-unreachable', '8/0'])}`
      : undefined,
  icmp6: (spot) =>
    spot.protocol === 'ipv6-icmp'
      ? `${not(spot)}--icmpv6-type ${spot.random.pick(['echo-request', 'echo-reply', '1', '1/4', '3/0', '128/0'])}`
      : undefined,
  limit: ({ random }) => `--limit ${random.pick(['1/hour', '20/hour', '1/minute'])} --limit-burst ${random.int(1, 6)}`,
  mark: (spot) => `${not(spot)}--mark ${spot.random.pick(MARKS)}`,
  multiport(spot) {
    if (!['tcp', 'udp'].includes(spot.protocol ?? '')) return undefined
    const { random } = spot
    const list = Array.from({ length: random.int(1, 3) }, () =>
      random.chance(0.2) ? `${random.int(1, 500)}:${random.int(501, 40000)}` : `${port(spot)}`,
    )
    return `${not(spot)}--${random.pick(['dports', 'sports', 'ports'])} ${list.join(',')}`
  },
  owner: (spot) =>
    spot.hook === 'OUTPUT' || spot.hook === 'POSTROUTING'
      ? spot.random.pick([
          `${not(spot)}--uid-owner 0`,
          `${not(spot)}--gid-owner 0-100`,
          '--uid-owner 1000',
          `${not(spot)}--socket-exists`,
        ])
      : undefined,
  physdev: (spot) =>
    ['PREROUTING', 'INPUT', 'FORWARD'].includes(spot.hook)
      ? spot.random.pick([
          `${not(spot)}--physdev-in r0`,
          `${not(spot)}--physdev-is-in`,
          `${not(spot)}--physdev-is-bridged`,
          ...(spot.hook === 'FORWARD' ? [`${not(spot)}--physdev-is-out`, `${not(spot)}--physdev-out r+`] : []),
        ])
      : undefined,
  recent,
  state: (spot) => `${not(spot)}--state ${spot.random.some(STATES, spot.random.int(1, 2)).join(',')}`,
  statistic: ({ random }) => {
    // certain, or never: in between the kernel draws
    if (random.chance(0.2))
      return `${random.chance(0.3) ? '! ' : ''}--mode random --probability ${random.pick([0, 1])}`.replace(
        /^! (--mode random) /,
        '$1 ! ',
      )
    const every = random.int(2, 5)
    return `--mode nth --every ${every} --packet ${random.int(0, every - 1)}`
  },
  tcp(spot) {
    if (spot.protocol !== 'tcp') return undefined
    const { random } = spot
    return random.weighted([
      [6, () => portOption(spot)],
      [
        2,
        () =>
          `${not(spot)}--tcp-flags ${random.some(FLAGS, random.int(2, 4)).join(',')} ${random.some(FLAGS, 1).join(',')}`,
      ],
      [2, () => `${not(spot)}--syn`],
      [1, () => `${not(spot)}--tcp-option ${random.pick([1, 2, 3, 4, 5, 8])}`],
    ])()
  },
  ttl: (spot) =>
    spot.scene.family === 4
      ? spot.random.pick([
          `${not(spot)}--ttl-eq ${spot.random.pick([64, 63, 2, 1])}`,
          '--ttl-lt 3',
          '--ttl-gt 1',
          '--ttl-lt 64',
        ])
      : undefined,
  udp: (spot) => (spot.protocol === 'udp' ? portOption(spot) : undefined),
}

/** `-p`, `-s`, `-d`, `-i`, `-o`, `-f`: what needs no `-m`. */
export function basics(spot: Spot): readonly string[] {
  const { random, scene, hook } = spot
  const parts: string[] = []
  const link = () =>
    random.weighted([
      [6, random.pick(scene.spec.links).name],
      [1, 'r+'],
      [1, 'lo'],
      [1, 'eth0'],
    ])
  if (random.chance(0.25)) parts.push(`${not(spot)}-s ${random.pick(prefixes(scene))}`)
  if (random.chance(0.3)) parts.push(`${not(spot)}-d ${random.pick(prefixes(scene))}`)
  if (['PREROUTING', 'INPUT', 'FORWARD'].includes(hook) && random.chance(0.2)) parts.push(`${not(spot)}-i ${link()}`)
  if (['FORWARD', 'OUTPUT', 'POSTROUTING'].includes(hook) && random.chance(0.2)) parts.push(`${not(spot)}-o ${link()}`)
  if (scene.family === 4 && random.chance(0.03)) parts.push(`${not(spot, 0.5)}-f`)
  return parts
}

export const protocolOf = (random: Random, family: 4 | 6): string | undefined =>
  random.weighted([
    [40, undefined],
    [40, 'tcp'],
    [40, 'udp'],
    [20, family === 4 ? 'icmp' : 'ipv6-icmp'],
    [8, 'sctp'],
    [3, 'dccp'],
    [3, 'ah'],
    [3, 'esp'],
    [3, 'ipcomp'],
    [3, family === 4 ? undefined : 'mh'],
  ])
