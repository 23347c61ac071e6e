import type { Random } from '../prng.js'
import { host } from './scene.js'
import type { Spot } from './spot.js'

type Generator = (spot: Spot) => string | undefined

const not = (random: Random, probability = 0.2): string => (random.chance(probability) ? '! ' : '')
const maybe = (random: Random, words: string, probability = 0.5): string => (random.chance(probability) ? words : '')
const join = (...parts: readonly (string | undefined)[]): string => parts.filter((part) => part).join(' ')
/** At least one of these. */
const several = (random: Random, options: readonly string[], most = 2): string =>
  random.some(options, random.int(1, Math.min(most, options.length))).join(' ')
const only =
  (family: 4 | 6, generate: Generator): Generator =>
  (spot) =>
    spot.scene.family === family ? generate(spot) : undefined
const of =
  (protocol: string, generate: Generator): Generator =>
  (spot) =>
    spot.protocol === protocol ? generate(spot) : undefined

/** Numbers that `headerFlow` draws as well. */
export const SPIS = [0, 1, 150, 0x1000, 0xffffffff] as const
const spi = (random: Random): string =>
  random.weighted([
    [3, () => `${random.pick(SPIS)}`],
    [1, () => `${random.int(0, 150)}:${random.int(150, 5000)}`],
    [1, () => `${random.int(0, 5000)}:`],
    [1, () => '200:100'],
  ])()

const CHUNKS = ['DATA', 'INIT', 'INIT_ACK', 'SACK', 'ABORT', 'DATA:B', 'DATA:bE', 'ABORT:T', 'ABORT:t', 'ASCONF', 'COOKIE_ECHO'] as const // biome-ignore format: a list
const portOption = ({ random, scene }: Spot): string =>
  `${not(random)}--${random.pick(['sport', 'dport'])} ${random.pick([`${random.pick(scene.ports)}`, '1000:', ':1000'])}`

function sctp(spot: Spot): string {
  const { random } = spot
  const list = random.weighted([
    [6, random.some(CHUNKS, random.int(1, 3)).join(',')],
    [1, 'ALL'],
    [1, 'NONE'],
  ])
  // legacy counts a broken packet for the inverted form before it drops it
  const chunks = `--chunk-types ${random.pick(['any', 'all', 'only'])} ${list}`
  return join(maybe(random, portOption(spot), 0.2), maybe(random, chunks, 0.8))
}

function dccp(spot: Spot): string {
  const { random } = spot
  const types = random.some(['REQUEST', 'RESPONSE', 'DATA', 'ACK', 'DATAACK', 'RESET', 'INVALID'], random.int(1, 3))
  return join(
    maybe(random, portOption(spot), 0.2),
    maybe(random, `${not(random)}--dccp-types ${types.join(',')}`),
    maybe(random, `--dccp-option ${random.pick([1, 2, 3, 32, 44])}`),
  )
}

const TEXTS = ['abc', 'ABC', 'b', 'xyz', 'mnopqr', 'wxyzab'] as const
/** IPv4: the id is drawn by the kernel in what it sends itself, and the checksum covers it; IPv6 has neither. */
const KNOWN4 = [0, 1, 6, 8, 9, 12, 13, 16, 20, 21, 22, 24, 26, 28, 33, 40, 44, 52, 60, 64]
const offset = ({ random, scene: { family } }: Spot): number => (family === 4 ? random.pick(KNOWN4) : random.int(0, 64))

function string({ random, scene: { family } }: Spot): string {
  const text = random.weighted([
    [4, () => `--string ${random.pick(TEXTS)}`],
    [2, () => `--hex-string "${random.pick(['|61 62|c', '|0a|', '|00 00|', '|45|', '|ffff|', '|0035|'])}"`],
  ])()
  const from = family === 4 ? random.int(12, 60) : random.chance(0.4) ? random.int(0, 60) : undefined
  const to = random.chance(0.4) ? (from ?? 0) + random.int(0, 50) : undefined
  return join(
    `${not(random)}${text} --algo ${random.pick(['bm', 'kmp'])}`,
    from === undefined ? '' : `--from ${from}`,
    to === undefined ? '' : `--to ${to}`,
    maybe(random, '--icase', 0.3),
  )
}

function u32({ random, scene: { family } }: Spot): string {
  const some = [0, 6, 12, 16, 20, 24, 28, 40, 60, 200, 4294967295]
  const number = () => random.pick(family === 4 ? some : [...some, 1, 4, 8, 9])
  const step = () =>
    random.pick([
      `&0x${random.pick(['ff', 'ffff', 'f', '3c', 'ff00', 'ffffffff'])}`,
      `>>${random.int(0, 31)}`,
      `<<${random.int(0, 31)}`,
      '>>22&0x3c@0',
      `@${random.int(0, 12)}`,
    ])
  const range = () =>
    random.pick(['0', '1:100', '6', '17', '0:0xffff', '0x10:0xffffff', '5:1', '0x80000000:0xffffffff', '0x35', '0x50'])
  const test = () => {
    const steps = Array.from({ length: random.int(0, 3) }, step).join('')
    return `${number()}${steps}=${Array.from({ length: random.int(1, 3) }, range).join(',')}`
  }
  return `${not(random)}--u32 "${Array.from(
    {
      length: random.weighted([
        [5, 1],
        [1, 2],
      ]),
    },
    test,
  ).join('&&')}"`
}

/** Programs that mostly look at something, with all kinds of instructions. */
function bpf(spot: Spot): string {
  const {
    random,
    scene: { family },
  } = spot
  const at = offset(spot)
  const behind = random.int(family === 4 ? 12 : 0, 24)
  const load = () =>
    random.pick([
      `48 0 0 ${at}`, `40 0 0 ${at & ~1}`, `32 0 0 ${family === 4 ? random.pick([0, 6, 12, 20, 24, 66]) : at}`, '128 0 0 0', '0 0 0 7',
      family === 4 ? '177 0 0 0' : '1 0 0 40', `80 0 0 ${behind}`, `72 0 0 ${behind}`, `64 0 0 ${behind}`,
      '40 0 0 4294963200', `40 0 0 ${4293918720 + (at & ~1)}`,
    ]) // biome-ignore format: a list
  const work = () =>
    random.pick([
      '4 0 0 3', '20 0 0 9', '36 0 0 5', '52 0 0 3', '148 0 0 7', '68 0 0 1', '84 0 0 255', '164 0 0 90', '100 0 0 4', '116 0 0 3', '132 0 0 0',
      '12 0 0 0', '28 0 0 0', '60 0 0 0', '156 0 0 0', '172 0 0 0', '108 0 0 0', '124 0 0 0', '7 0 0 0', '135 0 0 0', '2 0 0 0', '3 0 0 1',
    ]) // biome-ignore format: a list
  const body = [load(), ...Array.from({ length: random.int(0, 4) }, () => random.pick([load, work])())]
  const jump = random.pick([
    `21 0 1 ${random.pick([6, 17, 53, 80, 0x800])}`,
    `37 0 1 ${random.int(0, 100)}`,
    '53 0 1 64',
    '69 0 1 3',
    '61 0 1 0',
  ])
  const end = random.weighted([
    [3, [jump, '6 0 0 1', '6 0 0 0']],
    [1, ['22 0 0 0']],
  ])
  const program = [...body, ...end]
  return `--bytecode "${program.length},${program.join(',')}"`
}

const optionList = (random: Random): string =>
  random.pick(['0', '1', '1:4', '5', '5:2', '5:2,1:0', '1:4,0', '0,0', '1,1', '5,1', '201:4', '1:2,1'])
const headerOptions =
  (name: string): Generator =>
  ({ random }) =>
    several(random, [
      `${not(random)}--${name}-len ${random.pick([8, 16, 24, 0, 12])}`,
      `--${name}-opts ${optionList(random)}`,
    ])

function rt({ random, scene: { family } }: Spot): string {
  const hops = () =>
    random
      .some(
        [1, 2, 3].map((number) => host(family, 3, number)),
        random.int(1, 3),
      )
      .join(',')
  const plain = [
    `${not(random)}--rt-type ${random.pick([0, 2, 4, 300])}`,
    `${not(random)}--rt-segsleft ${random.pick(['0', '1', '0:1', '1:', '3:1'])}`,
    `${not(random)}--rt-len ${random.pick([8, 24, 40, 56, 20])}`,
  ]
  if (random.chance(0.5)) return several(random, plain, 3)
  return join(
    '--rt-type 0',
    maybe(random, '--rt-0-res', 0.4),
    maybe(random, `--rt-0-addrs ${hops()}${maybe(random, ' --rt-0-not-strict')}`),
  )
}

function srh({ random, scene: { family } }: Spot): string {
  const address = () => random.pick([`${host(family, 3, random.int(1, 3))}`, 'fd00:3::/64', '::/0'])
  return several(
    random,
    [
      `${not(random)}--srh-next-hdr ${random.pick([6, 17, 58, 60])}`,
      `${not(random)}--srh-hdr-len-${random.pick(['eq', 'gt', 'lt'])} ${random.int(0, 6)}`,
      `${not(random)}--srh-segs-left-${random.pick(['eq', 'gt', 'lt'])} ${random.int(0, 3)}`,
      `${not(random)}--srh-last-entry-${random.pick(['eq', 'gt', 'lt'])} ${random.int(0, 3)}`,
      `${not(random)}--srh-tag ${random.pick([0, 1, 256, 258])}`,
      `${not(random)}--srh-psid ${address()}`,
      `${not(random)}--srh-nsid ${address()}`,
      `${not(random)}--srh-lsid ${address()}`,
    ],
    3,
  )
}

/** Matches that look into headers and into what they carry; `headerFlow` has the packets for them. */
export const HEADER_MATCHES: Readonly<Record<string, Generator>> = {
  ah: (spot) =>
    spot.scene.family === 4
      ? of('ah', ({ random }) => maybe(random, `${not(random)}--ahspi ${spi(random)}`, 0.8))(spot)
      : several(spot.random, [
          `${not(spot.random)}--ahspi ${spi(spot.random)}`,
          `${not(spot.random)}--ahlen ${spot.random.pick([0, 12, 24, 28])}`,
          '--ahres',
        ]),
  bpf,
  /** Of the class of a local sender the model cannot tell. */
  cgroup: ({ random, hook }) =>
    ['INPUT', 'OUTPUT', 'POSTROUTING'].includes(hook)
      ? `${not(random)}--cgroup ${random.pick([0, 1, 65537])}`
      : undefined,
  dccp: of('dccp', dccp),
  dst: only(6, headerOptions('dst')),
  ecn: (spot) => {
    const { random } = spot
    const flags = [`${not(random)}--ecn-tcp-ece`, `${not(random)}--ecn-tcp-cwr`]
    return several(random, [
      `${not(random)}--ecn-ip-ect ${random.int(0, 3)}`,
      ...(spot.protocol === 'tcp' ? flags : []),
    ])
  },
  esp: of('esp', ({ random }) => maybe(random, `${not(random)}--espspi ${spi(random)}`, 0.8)),
  eui64: only(6, ({ hook }) => (['PREROUTING', 'INPUT', 'FORWARD'].includes(hook) ? '' : undefined)),
  frag: only(6, ({ random }) =>
    several(random, [
      // inverted, the whole range is not printed
      random.pick([`${not(random)}--fragid ${random.pick(['0:1000', '1234'])}`, '--fragid 0:']),
      '--fragres',
      '--fragfirst',
      random.pick(['--fragmore', '--fraglast']),
    ]),
  ),
  hbh: only(6, headerOptions('hbh')),
  ipcomp: of('ipcomp', ({ random }) => maybe(random, `${not(random)}--ipcompspi ${spi(random)}`, 0.8)),
  ipv6header: only(6, ({ random }) => {
    const headers = random.some(['hop', 'dst', 'route', 'frag', 'auth', 'esp', 'none', 'prot'], random.int(1, 3))
    return `${not(random)}--header ${headers.join(',')}${maybe(random, ' --soft')}`
  }),
  /** This kernel does not have it: IPVS. */
  ipvs: () => undefined,
  mh: of('mh', ({ random }) => maybe(random, `${not(random)}--mh-type ${random.pick(['0', '1:3', 'bu', '5:'])}`, 0.8)),
  /** The labs have no counter objects, and the model could not tell how full they are. */
  nfacct: () => undefined,
  /** The fingerprints are in the kernel, none here: of a SYN the model cannot tell. */
  osf: only(
    4,
    of('tcp', ({ random }) => `${not(random)}--genre ${random.pick(['Linux', 'Windows'])}${maybe(random, ' --ttl 2')}`),
  ),
  /** IPsec is not in a snapshot: the model cannot tell. */
  policy: ({ random, hook }) => {
    const dir = ['PREROUTING', 'INPUT'].includes(hook)
      ? 'in'
      : ['OUTPUT', 'POSTROUTING'].includes(hook)
        ? 'out'
        : hook === 'FORWARD'
          ? random.pick(['in', 'out'])
          : undefined
    return (
      dir &&
      `--dir ${dir} --pol ${random.pick(['none', 'ipsec', `ipsec ${not(random)}--reqid 1`, 'ipsec --proto esp'])}`
    )
  },
  /** Its rates hang on the clock. */
  rateest: () => undefined,
  rt: only(6, rt),
  sctp: of('sctp', sctp),
  /** The labs have no sockets: it never matches. */
  socket: ({ random, hook }) =>
    hook === 'PREROUTING' || hook === 'INPUT' ? random.pick(['', '--nowildcard', '--transparent']) : undefined,
  srh: only(6, srh),
  string,
  u32,
}
