import { farMac, routerMac } from '../lab.js'
import type { Random } from '../prng.js'
import { clients, destinations, prefixes, type Scene, type SetSpec } from './scene.js'
import type { Spot } from './spot.js'

/** What this kernel has: not hash:mac, hash:ip,mac, hash:ip,mark, hash:net,net, hash:net,port,net. */
const TYPES4 = [
  'bitmap:ip',
  'bitmap:ip,mac',
  'bitmap:port',
  'hash:ip',
  'hash:ip,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'hash:net',
  'hash:net,port',
  'hash:net,iface',
  'list:set',
] as const
const TYPES6 = TYPES4.filter((type) => !type.startsWith('bitmap:ip'))
type Type = (typeof TYPES4)[number]

/**
 * What `ipset save` printed, with the forceadd that it does not print (7.17): `lines` made the sets.
 */
export function withForceadd(saved: string, lines: readonly string[]): string {
  const names = new Set(lines.flatMap((line) => /^create (\S+) .* forceadd\b/.exec(line)?.[1] ?? []))
  return saved.replaceAll(/^create (\S+) .*$/gm, (line, name) => (names.has(name) ? `${line} forceadd` : line))
}

/** `share`: of the cases that have any. */
export function randomSets(random: Random, scene: Scene, share = 0.2): readonly SetSpec[] {
  if (!random.chance(share)) return []
  const types = scene.family === 4 ? TYPES4 : TYPES6
  const sets: SetSpec[] = []
  for (let i = 0; i < random.int(2, 5); i++) {
    const type = random.pick(types)
    sets.push(randomSet(random.fork(`${i}`), scene, `S${i}`, type, sets))
  }
  return sets
}

const address = (random: Random, scene: Scene): string =>
  random.chance(0.6) ? random.pick(clients(scene))[1] : random.weighted(destinations(scene))

/** A host, or something near by. */
function other(random: Random, scene: Scene): string {
  return scene.family === 4
    ? `10.${random.int(1, 3)}.${random.int(0, 3)}.${random.int(0, 255)}`
    : `fd00:${random.int(1, 3)}::${random.int(0, 999).toString(16)}`
}

const ip = (random: Random, scene: Scene): string => (random.chance(0.7) ? address : other)(random, scene)

function network(random: Random, scene: Scene): string {
  const whole = scene.family === 4 ? 32 : 128
  if (random.chance(0.4)) return random.pick(prefixes(scene))
  const length =
    scene.family === 4 ? random.pick([8, 16, 20, 24, 28, 30, 31, 32]) : random.pick([16, 32, 48, 64, 96, 120, 127, 128])
  return length === whole && random.chance(0.5) ? address(random, scene) : `${address(random, scene)}/${length}`
}

function port(random: Random, scene: Scene): string {
  const icmp =
    scene.family === 4
      ? ['icmp:8/0', 'icmp:0/0', 'icmp:3/3', 'icmp:11/0']
      : ['icmpv6:128/0', 'icmpv6:129/0', 'icmpv6:1/4', 'icmpv6:3/0']
  const number = () => random.pick(scene.ports)
  return random.weighted([
    [6, () => `tcp:${number()}`],
    [4, () => `udp:${number()}`],
    [1, () => `${number()}`],
    [1, () => `udp:${random.int(1, 100)}-${random.int(101, 200)}`],
    [2, () => random.pick(icmp)],
    [1, () => random.pick(['sctp:80', 'udplite:53', 'gre:0', 'ospf:0'])],
  ])()
}

const ether = (random: Random): string =>
  random.weighted([
    [5, farMac(random.int(0, 2))],
    [3, routerMac(random.int(0, 2))],
    [1, '02:00:00:00:00:99'],
  ])

const iface = (random: Random): string =>
  random.weighted([
    [6, random.pick(['r0', 'r1', 'r2'])],
    [1, 'lo'],
    [1, 'physdev:r0'],
    [1, 'eth0'],
  ])

const ELEMENTS: Readonly<Record<Exclude<Type, 'list:set'>, (random: Random, scene: Scene) => string>> = {
  'bitmap:ip': (random) => `10.1.${random.int(0, 15)}.${random.int(0, 255)}`,
  'bitmap:ip,mac': (random, scene) =>
    `${clients(scene)[random.int(0, 1)]![1]}${random.chance(0.6) ? `,${ether(random)}` : ''}`,
  'bitmap:port': (random, scene) => `${random.pick(scene.ports)}`,
  'hash:ip': ip,
  'hash:ip,port': (random, scene) => `${ip(random, scene)},${port(random, scene)}`,
  'hash:ip,port,ip': (random, scene) => `${ip(random, scene)},${port(random, scene)},${ip(random, scene)}`,
  'hash:ip,port,net': (random, scene) => `${ip(random, scene)},${port(random, scene)},${network(random, scene)}`,
  'hash:net': network,
  'hash:net,port': (random, scene) => `${network(random, scene)},${port(random, scene)}`,
  'hash:net,iface': (random, scene) =>
    `${random.chance(0.1) ? (scene.family === 4 ? '0.0.0.0/0' : '::/0') : network(random, scene)},${iface(random)}`,
}

const NETS: ReadonlySet<string> = new Set(['hash:net', 'hash:net,port', 'hash:net,iface', 'hash:ip,port,net'])
const NETMASKS: ReadonlySet<string> = new Set(['hash:ip', 'hash:ip,port'])

function randomSet(random: Random, scene: Scene, name: string, type: Type, before: readonly SetSpec[]): SetSpec {
  const [counters, skbinfo, timeout] = [random.chance(0.5), random.chance(0.4), random.chance(0.3)]
  const hash = type.startsWith('hash:')
  const forceadd = hash && random.chance(0.12)
  const options = [
    ...(timeout ? [`timeout ${random.pick([0, 1000, 2000])}`] : []),
    ...(counters ? ['counters'] : []),
    ...(random.chance(0.1) ? ['comment'] : []),
    ...(skbinfo ? ['skbinfo'] : []),
    ...(hash ? hashOptions(random, scene, type, forceadd) : []),
    ...(type.startsWith('bitmap:ip') ? ['range 10.1.0.0/20'] : []),
    ...(type === 'bitmap:ip' && random.chance(0.3) ? ['netmask 28'] : []),
    ...(type === 'bitmap:port' ? ['range 1-65535'] : []),
  ]
  const add = (element: string): string => {
    const nomatch = NETS.has(type) && random.chance(0.25) ? ' nomatch' : ''
    const wildcard = type === 'hash:net,iface' && random.chance(0.2) ? ' wildcard' : ''
    return `add ${name} ${element}${extensions(random, { counters, skbinfo, timeout })}${nomatch}${wildcard} -exist`
  }
  const members = before.filter((set) => set.type !== 'list:set').map((set) => set.name)
  const elements =
    type === 'list:set'
      ? random.some(members, random.int(0, 3))
      : Array.from({ length: random.pick([0, 1, 3, 6, 12, 30]) }, () => ELEMENTS[type](random, scene))
  const dimension = type === 'list:set' ? 1 : type.split(',').length
  return {
    name,
    type,
    directions: dimension,
    skbinfo,
    lines: [`create ${name} ${type} ${options.join(' ')}`, ...elements.map(add)],
  }
}

function hashOptions(random: Random, scene: Scene, type: Type, forceadd: boolean): readonly string[] {
  const mask =
    scene.family === 4
      ? random.pick(['netmask 24', 'bitmask 255.255.0.255', 'netmask 31'])
      : random.pick(['netmask 64', 'bitmask ffff:ffff::ffff', 'netmask 120'])
  return [
    `family ${scene.family === 4 ? 'inet' : 'inet6'}`,
    `initval 0x${random.int(0, 0xffffffff).toString(16)}`,
    ...(random.chance(0.7) ? ['hashsize 64'] : []),
    ...(random.chance(0.3) ? [`bucketsize ${random.pick([2, 4])}`] : []),
    ...(forceadd
      ? [`maxelem ${random.pick([3, 8, 31])} forceadd`]
      : random.chance(0.12)
        ? [`maxelem ${random.pick([1, 4, 12])}`]
        : []),
    ...(NETMASKS.has(type) && random.chance(0.25) ? [mask] : []),
  ]
}

function extensions(
  random: Random,
  has: { readonly counters: boolean; readonly skbinfo: boolean; readonly timeout: boolean },
): string {
  return [
    ...(has.timeout && random.chance(0.5) ? [`timeout ${random.pick([0, 500, 5000])}`] : []),
    ...(has.counters && random.chance(0.5)
      ? [`packets ${random.int(0, 4)} bytes ${random.pick([0, 40, 100, 1000])}`]
      : []),
    ...(has.skbinfo && random.chance(0.7)
      ? [`skbmark ${random.pick(['0x1', '0x4000/0xff00', '0x2/0x3', '0xff/0xf0'])}`]
      : []),
    ...(has.skbinfo && random.chance(0.3) ? [`skbprio 1:${random.int(1, 9)}`] : []),
  ]
    .map((text) => ` ${text}`)
    .join('')
}

/** As many as the set has, mostly. */
function directions({ random }: Spot, { directions: dimension }: SetSpec): string {
  const count = random.weighted([
    [10, dimension],
    [1, dimension + 1],
    [1, Math.max(1, dimension - 1)],
  ])
  return Array.from({ length: count }, () => random.pick(['src', 'dst'])).join(',')
}

const not = ({ random }: Spot): string => (random.chance(0.25) ? '! ' : '')

/** `--match-set …`; undefined where the case has no sets. */
export function setMatch(spot: Spot): string | undefined {
  const { random, scene } = spot
  if (scene.sets.length === 0) return undefined
  const set = random.pick(scene.sets)
  const compare = (what: string, values: readonly number[]): string => {
    const value = random.pick(values)
    return random.weighted([
      [2, ` ${not(spot)}--${what}-eq ${value}`],
      [1, ` --${what}-lt ${value}`],
      [2, ` --${what}-gt ${value}`],
    ])
  }
  return [
    `${not(spot)}--match-set ${set.name} ${directions(spot, set)}`,
    random.chance(0.15) ? ' --return-nomatch' : '',
    random.chance(0.15) ? ' ! --update-counters' : '',
    random.chance(0.15) ? ' ! --update-subcounters' : '',
    random.chance(0.15) ? compare('packets', [0, 1, 2, 3, 5]) : '',
    random.chance(0.1) ? compare('bytes', [0, 40, 100, 200]) : '',
  ].join('')
}

/** What SET is told; undefined where the case has no sets. */
export function setTarget(spot: Spot): string | undefined {
  const { random, scene, table, hook } = spot
  if (scene.sets.length === 0) return undefined
  const use = (set: SetSpec) => `${set.name} ${directions(spot, set)}`
  const pick = () => random.pick(scene.sets)
  const add = () =>
    `--add-set ${use(pick())}${random.chance(0.4) ? ' --exist' : ''}${random.chance(0.3) ? ` --timeout ${random.pick([0, 700, 3000])}` : ''}`
  const del = () => `--del-set ${use(pick())}`
  const carrying = scene.sets.filter(({ skbinfo }) => skbinfo)
  const maps = ['FORWARD', 'OUTPUT', 'POSTROUTING'].includes(hook)
    ? random.pick(['--map-mark', '--map-mark --map-prio', '--map-prio'])
    : '--map-mark'
  const map = () => `--map-set ${use(random.pick(carrying.length > 0 ? carrying : scene.sets))} ${maps}`
  return random.weighted([
    [6, add],
    [3, del],
    [1, () => `${add()} ${del()}`],
    [table === 'mangle' ? 5 : 0, map],
    [table === 'mangle' ? 1 : 0, () => `${del()} ${map()}`],
  ])()
}
