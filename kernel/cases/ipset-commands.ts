import type { IpSet } from '../../src/ipset/set.js'
import type { Sets } from '../../src/ipset/sets.js'
import type { Random } from '../prng.js'

/** One command line, `ipset` left out, and what it reads. */
export interface Asked {
  readonly words: readonly string[]
  readonly input?: string
}

const NAMES = ['A', 'B', 'C', 'D', 'E'] as const
const HERE = [
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
/** Older names. The others that ipset has (hash:mac, hash:ip,mac, hash:ip,mark, hash:net,net, hash:net,port,net) this kernel refuses to create. */
const ALIASES = [
  'iphash',
  'nethash',
  'ipporthash',
  'ipportiphash',
  'ipportnethash',
  'setlist',
  'portmap',
  'ipmap',
  'macipmap',
] as const

/** Few addresses, so that they meet. */
const ip4 = (random: Random): string => `10.0.0.${random.int(0, 19)}`
const ip6 = (random: Random): string => `fd00::${random.int(0, 19).toString(16)}`
const some = (random: Random, texts: readonly string[], share: number): string =>
  random.chance(share) ? ` ${random.pick(texts)}` : ''

function address(random: Random, family: 4 | 6): string {
  if (random.chance(0.03))
    return random.pick(['10.0.0.256', 'fd00::g', 'x', '', '10.0.0', '::', '0.0.0.0', 'fd00::1', '10.0.0.1'])
  const ip = family === 4 ? ip4 : ip6
  return random.weighted([
    [10, () => ip(random)],
    [2, () => `${ip(random)}/${random.pick(family === 4 ? [32, 31, 30, 28, 24] : [128, 127, 126, 120])}`],
    [1, () => `${ip(random)}/${random.pick([0, 1, 8, 33, 129, 'x', '255.255.255.0'])}`],
    [2, () => `${ip(random)}-${ip(random)}`],
  ])() // biome-ignore format: as it is
}

function network(random: Random, family: 4 | 6): string {
  const ip = family === 4 ? ip4 : ip6
  return random.weighted([
    [6, () => `${ip(random)}/${random.pick(family === 4 ? [8, 16, 24, 26, 28, 30, 31, 32] : [16, 48, 64, 112, 120, 124, 127, 128])}`],
    [3, () => ip(random)],
    [1, () => `${ip(random)}-${ip(random)}`],
    [1, () => address(random, family)],
    [1, () => (family === 4 ? '0.0.0.0/0' : '::/0')],
  ])() // biome-ignore format: as it is
}

function port(random: Random, family: 4 | 6): string {
  return random.weighted([
    [5, () => `${random.int(78, 84)}`],
    [4, () => `${random.pick(['tcp', 'udp', 'sctp', 'udplite', '6', '17'])}:${random.int(78, 84)}`],
    [2, () => `${random.pick(['tcp:', 'udp:', ''])}${random.int(78, 81)}-${random.int(79, 84)}`],
    [2, () => (family === 4 ? `icmp:${random.pick(['echo-request', '8/0', 'ping', '0', '3/1', '300/1', 'x'])}` : `icmpv6:${random.pick(['128/0', 'echo-reply', 'ping', '1/4', '1'])}`)],
    [1, () => random.pick(['gre:0', 'esp:0', 'vrrp:0', 'tcp:http', 'udp:domain', 'gre:1', '47:0', 'x:1', 'tcp:70000', 'tcp', 'icmp:8/0', 'icmpv6:128/0', '0', 'tcp:http-ssh', '255:0', '256:0', 'http'])],
  ])() // biome-ignore format: as it is
}

const ether = (random: Random): string =>
  random.weighted([
    [8, `02:00:00:00:00:0${random.int(1, 4)}`],
    [
      1,
      random.pick(['02:00:00:00:00', '2:0:0:0:0:1', 'x', '02-00-00-00-00-01', '00:00:00:00:00:00', '0200.0000.0001']),
    ],
  ])

const iface = (random: Random): string =>
  random.weighted([
    [8, random.pick(['eth0', 'eth1', 'lo', 'physdev:eth0', 'eth'])],
    [1, random.pick(['', 'physdev:', 'averyveryverylongname', 'a b', 'eth+'])],
  ])

function element(random: Random, type: string, family: 4 | 6): string {
  const second = random.chance(0.5) ? 4 : family
  const of: Readonly<Record<string, () => string>> = {
    'bitmap:ip': () => address(random, 4),
    'bitmap:ip,mac': () => `${address(random, 4)}${random.chance(0.7) ? `,${ether(random)}` : ''}`,
    'bitmap:port': () => port(random, 4),
    'hash:ip': () => address(random, family),
    'hash:ip,port': () => `${address(random, family)},${port(random, family)}`,
    'hash:ip,port,ip': () => `${address(random, family)},${port(random, family)},${address(random, random.chance(0.95) ? family : second)}`,
    'hash:ip,port,net': () => `${address(random, family)},${port(random, family)},${network(random, family)}`,
    'hash:net': () => network(random, family),
    'hash:net,port': () => `${network(random, family)},${port(random, family)}`,
    'hash:net,iface': () => `${network(random, family)},${iface(random)}`,
    'list:set': () => random.pick([...NAMES, 'none']),
  } // biome-ignore format: a table
  const text = (of[type] ?? of['hash:ip,port']!)()
  if (random.chance(0.02)) return `${text},${random.pick(['1', 'x', ''])}`
  if (random.chance(0.01)) return text.replace(/,[^,]*$/, '')
  return text
}

const NUMBERS = [
  '0',
  '1',
  '2',
  '100000',
  '4294967295',
  '4294967296',
  '-1',
  'x',
  '0x10',
  '010',
  '',
  '18446744073709551614',
]

/** The header is printed: without `initval` it has a number that the kernel draws. */
function createWords(random: Random, exists: readonly string[]): readonly string[] {
  const type = random.weighted([
    [40, random.pick(HERE)],
    [2, random.pick(ALIASES)],
    [1, random.pick(['hash', 'hash:', 'list', 'bitmap:x', 'hash:ip,ip'])],
  ])
  const free = NAMES.filter((name) => !exists.includes(name))
  const name =
    free.length > 0 && random.chance(0.8)
      ? random.pick(free)
      : random.pick([...NAMES, 'averyveryverylongnameforasetwhichis', ' '])
  const hash = type.startsWith('hash:') || type.endsWith('hash')
  const family = random.weighted([
    [4, 'inet'],
    [3, 'inet6'],
    [1, random.pick(['', '-4', '-6', 'ipv4', 'any', 'x'])],
  ])
  const six = family.includes('6')
  const options = [
    ...(hash && family !== '' ? [family.startsWith('-') ? family : `family ${family}`] : []),
    ...(hash ? [`initval 0x${random.int(0, 0xffffffff).toString(16)}`] : []),
    ...(hash && random.chance(0.3) ? [`hashsize ${random.pick(['1', '2', '64', '65', '1024', '100000', ...NUMBERS])}`] : []),
    // a kernel would take millions of addresses, if it may
    ...(hash ? [`maxelem ${random.chance(0.75) ? 300 : random.pick(['1', '3', '10', '1000', ...NUMBERS.filter((number) => number.length < 6)])}`] : []),
    ...(hash && random.chance(0.2) ? [`bucketsize ${random.pick(['2', '3', '4', '12', '14', '1', '255', '256'])}`] : []),
    ...(hash && random.chance(0.08) ? ['forceadd'] : []),
    ...((hash || type === 'bitmap:ip') && random.chance(0.15) ? [`netmask ${random.pick(six ? ['64', '120', '128', '0', '129'] : ['24', '28', '31', '32', '0', '33'])}`] : []),
    ...(hash && random.chance(0.1) ? [`bitmask ${random.pick(six ? ['ffff::ff', '::', 'ffff:ffff::'] : ['255.255.0.255', '0.0.0.0', '255.0.0.0', 'x'])}`] : []),
    ...(type.startsWith('bitmap:ip') || random.chance(0.01) ? [`range ${random.pick(['10.0.0.0/27', '10.0.0.0-10.0.0.15', '10.0.0.4-10.0.0.9', '10.0.0.0/8', '10.0.0.7', 'fd00::/120', '10.0.0.9-10.0.0.4', '10.0.0.0/16'])}`] : []),
    ...(type === 'bitmap:port' ? [`range ${random.pick(['78-84', '0-65535', '84-78', '80', 'tcp:78-84', 'http-82', '70000'])}`] : []),
    ...(type === 'list:set' && random.chance(0.5) ? [`size ${random.pick(['1', '2', '3', '8', ...NUMBERS])}`] : []),
    ...(random.chance(0.3) ? [`timeout ${random.pick(['0', '500', '1000', '2147483', '2147484', ...NUMBERS.filter((number) => !['1', '2', '0x10', '010'].includes(number))])}`] : []),
    ...(random.chance(0.35) ? ['counters'] : []),
    ...(random.chance(0.3) ? ['comment'] : []),
    ...(random.chance(0.25) ? ['skbinfo'] : []),
    ...(random.chance(0.01) ? [random.pick(['probes 3', 'resize 4', 'gc 10', 'x', 'counters', 'nomatch', 'from 10.0.0.1', 'size 3', 'markmask 0xff'])] : []),
  ] // biome-ignore format: a list
  const shuffled = random.chance(0.3) ? random.some(options, options.length) : options
  return ['create', name, type, ...shuffled.flatMap((option) => option.split(' '))]
}

/** Those of an element, whether the set keeps them or not. */
function entryWords(random: Random, { keeps, type }: IpSet): readonly string[] {
  const share = (has: boolean) => (has ? 0.4 : 0.01)
  const skb = share(keeps.skbinfo)
  return [
    some(random, ['timeout 0', 'timeout 500', 'timeout 5000', 'timeout 2147483', 'timeout 4294968', 'timeout x'], share(keeps.timeout !== undefined)),
    some(random, ['packets 5', 'packets 0', 'packets 18446744073709551614', 'packets 18446744073709551615', 'packets x'], share(keeps.counters)),
    some(random, ['bytes 500', 'bytes 0', 'bytes 0x20', 'bytes -1'], share(keeps.counters)),
    some(random, ['skbmark 0x1', 'skbmark 0x1/0xff', 'skbmark 0xffffffff/0x0', 'skbmark 12', 'skbmark 0x1/', 'skbmark x', 'skbmark 0x100000000'], skb),
    some(random, ['skbprio 1:10', 'skbprio 0:0', 'skbprio ffff:ffff', 'skbprio 10000:1', 'skbprio 1', 'skbprio x:y'], skb),
    some(random, ['skbqueue 1', 'skbqueue 65535', 'skbqueue 65536', 'skbqueue 0'], skb),
    some(random, ['nomatch'], share(type.nomatch)),
    some(random, ['wildcard'], share(type.name === 'hash:net,iface')),
    some(random, ['x', 'comment', 'timeout', 'before A', 'after B', 'packets 1 packets 2'], 0.01),
    some(random, NAMES.flatMap((name) => [`before ${name}`, `after ${name}`]), share(type.kind === 'list') / 2),
  ].join('').trim().split(' ').filter((word) => word !== '') // biome-ignore format: a list
}

const commentWords = (random: Random, { keeps }: IpSet): readonly string[] =>
  random.chance(keeps.comment ? 0.4 : 0.005)
    ? [
        'comment',
        random.pick(['a', 'two words', '', 'x'.repeat(255), 'x'.repeat(256), "it's", 'a\\b', 'a "quote"', '#']),
      ]
    : []

const FLAGS = [
  '-exist',
  '-exist',
  '-!',
  '-q',
  '-quiet',
  '-s',
  '-sorted',
  '-t',
  '-n',
  '-o save',
  '-o plain',
  '-o x',
  '-r',
]
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  create: ['create', 'create', 'create', '-N', 'new', 'cr', '--create'],
  add: ['add', 'add', 'add', 'add', '-A', 'a'],
  del: ['del', 'del', 'del', '-D', 'd', 'de'],
  test: ['test', 'test', '-T', 't', '--test'],
  destroy: ['destroy', '-X', 'x', 'dest'],
  list: ['list', '-L', 'l'],
  save: ['save', '-S', 'sa'],
  flush: ['flush', '-F', 'f'],
  rename: ['rename', '-E', 'e', 'ren'],
  swap: ['swap', '-W', 'w'],
}

/** A command about the sets as they are; `restored`: as a line of `restore`. */
function commandWords(random: Random, sets: Sets, restored: boolean): readonly string[] {
  const exists = sets.names
  const any = (): string =>
    exists.length > 0 && random.chance(0.92) ? random.pick(exists) : random.pick([...NAMES, 'none'])
  const elementOf = (name: string): readonly string[] => {
    const set = sets.get(name)
    const text = element(random, set?.type.name ?? 'hash:ip', set?.header.family ?? 4)
    return [text]
  }
  const extra = (name: string): readonly string[] => {
    const set = sets.get(name)
    return set ? [...entryWords(random, set), ...commentWords(random, set)] : []
  }
  const what = random.weighted([
    [exists.length < 2 ? 60 : exists.length < 5 ? 6 : 2, 'create'],
    [45, 'add'],
    [14, 'del'],
    [restored ? 1 : 14, 'test'],
    [2, 'destroy'],
    [restored ? 0 : 4, 'list'],
    [restored ? 0 : 2, 'save'],
    [2, 'flush'],
    [2, 'rename'],
    [4, 'swap'],
  ] as const)
  const name = any()
  const words = (): readonly string[] => {
    switch (what) {
      case 'create':
        return createWords(random, exists)
      case 'add':
        return [what, name, ...elementOf(name), ...extra(name)]
      case 'del':
        return [what, name, ...elementOf(name), ...(random.chance(0.03) ? extra(name) : [])]
      case 'test':
        return [what, name, ...elementOf(name), ...(random.chance(0.05) ? extra(name) : [])]
      case 'destroy':
      case 'flush':
      case 'list':
      case 'save':
        return random.chance(what === 'destroy' ? 0.9 : 0.6) ? [what, name] : [what]
      case 'rename':
        return [what, name, random.pick([...NAMES, 'F'])]
      case 'swap':
        return [what, name, any()]
    }
  }
  const [first, ...rest] = words()
  const spelled =
    restored && !['create', 'add', 'del'].includes(first!)
      ? first!
      : random.chance(0.9)
        ? first!
        : random.pick(SPELLINGS[first!]!)
  const flags = random.chance(first === 'list' || first === 'save' ? 0.4 : 0.25) ? random.pick(FLAGS).split(' ') : []
  const all = random.chance(0.5) ? [...flags, spelled, ...rest] : [spelled, ...rest, ...flags]
  return random.chance(0.01) ? all.slice(0, -1) : random.chance(0.01) ? [...all, 'more'] : all
}

/** A word as `restore` reads it. */
const inQuotes = (word: string): string => (/[\s"#]|^$/.test(word) ? `"${word.replaceAll(/["\\]/g, '')}"` : word)

export function randomIpset(random: Random, sets: Sets): Asked {
  if (random.chance(0.06)) {
    const lines = Array.from({ length: random.int(1, 8) }, () =>
      random.weighted([
        [30, () => commandWords(random, sets, true).map(inQuotes).join(' ')],
        [1, () => random.pick(['', '# a remark', 'COMMIT', '   ', 'x', 'add', 'quit'])],
      ])(),
    )
    return { words: ['restore', ...(random.chance(0.5) ? ['-exist'] : [])], input: `${lines.join('\n')}\n` }
  }
  return { words: commandWords(random, sets, false) }
}
