import { bitsOf, type Family } from '../../address/ip.js'
import { maskOf } from '../../address/prefix.js'
import {
  all,
  any,
  type Condition,
  dropIf,
  equals,
  inRanges,
  invertedIf,
  masked,
  not,
  readable,
} from '../../rules/condition.js'
import type { BucketRate } from '../../rules/state.js'
import type { Ranges, Value } from '../../rules/value.js'
import { type Codec, flag, integer, unsigned, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['min', 60],
  ['sec', 1],
] as const

/**
 * In packets: the time between two of them, in millionths of a second, and the unit in which it was said. In bytes: the cost of 16 of them,
 * where 2^32 is what a second brings (struct hashlimit_cfg3: avg). What is printed is worked out from that again.
 */
type Rate = { readonly in: 'packets'; readonly apart: number; readonly unit: number } | { readonly in: 'bytes'; readonly cost: number } // biome-ignore format: two shapes

const MOST32 = 0xffffffff
/** XT_HASHLIMIT_BYTE_SHIFT: bytes count by sixteen. */
const bytesToCost = (bytes: number): number => Math.floor(MOST32 / ((Math.floor(bytes / 16) % 2 ** 32) + 1))
const costToBytes = (cost: number): number => (Math.floor(MOST32 / cost) - 1) * 16

const FACTORS = [
  ['m', 1024 * 1024],
  ['k', 1024],
  ['', 1],
] as const
const factorOf = (letter: string | undefined): number => FACTORS.find(([name]) => name === letter)?.[1] ?? 1

/** XT_HASHLIMIT_SCALE_v2. */
const SCALE = 1_000_000

/** As atoll(3) reads it: what stands behind the digits does not count. */
const leading = (word: string): number => Number(/^\s*\+?(\d*)/.exec(word)![1] || 0)

const rate: Codec<Rate> = {
  words: 1,
  metavar: 'rate[/sec|/min|/hour|/day], or bytes: N[k|m]b/s',
  parse(word) {
    const count = leading(word)
    if (count === 0) throw new WordError(`bad rate "${word}"`)
    const bytes = word.indexOf('b/s')
    if (bytes > 0) {
      const cost = bytesToCost(count * factorOf(word[bytes - 1]))
      if (cost === 0) throw new WordError(`the rate is too high: "${word}"`)
      return { in: 'bytes', cost }
    }
    const slash = word.indexOf('/')
    const unit = slash < 0 ? 's' : word.slice(slash + 1).toLowerCase()
    const full = ['day', 'hour', 'minute', 'second'].findIndex((name) => unit !== '' && name.startsWith(unit))
    if (full < 0) throw new WordError(`bad rate "${word}"`)
    const seconds = UNITS[full]![1]
    const apart = Math.floor((SCALE * seconds) / count)
    if (apart === 0) throw new WordError(`the rate is too high: "${word}"`)
    return { in: 'packets', apart, unit: seconds }
  },
  print(given) {
    if (given.in === 'packets') {
      const [name, seconds] = unitOf(given.apart)
      return `${Math.floor((SCALE * seconds) / given.apart)}/${name}`
    }
    const bytes = costToBytes(given.cost)
    const fits = ([, size]: (typeof FACTORS)[number]) =>
      size === 1 || (bytes >= size && bytesToCost(bytes - (bytes % size)) === given.cost)
    const [letter, size] = FACTORS.find(fits)!
    return `${Math.floor(bytes / size)}${letter}b/s`
  },
}

/** libxt_hashlimit.c: print_rate: the smallest unit before the one in which the number would be badly rounded. */
function unitOf(apart: number): (typeof UNITS)[number] {
  let chosen = 0
  while (chosen < UNITS.length - 1) {
    const scaled = SCALE * UNITS[chosen + 1]![1]
    if (apart > scaled || Math.floor(scaled / apart) < scaled % apart) break
    chosen++
  }
  return UNITS[chosen]!
}

/** XT_HASHLIMIT_BURST_MAX; with `k` or `m` it may be more, and then it is bytes for rates in bytes. */
const MOST_BURST = 1_000_000
const burst: Codec<number> = {
  words: 1,
  metavar: 'n[k|m]',
  parse(word) {
    const found = /^\s*\+?(0x[\da-f]+|\d+)(.*)$/i.exec(word)
    const value = unsigned(found?.[1] ?? '') ?? 0
    if (value === 0 || (found![2] === '' && value > MOST_BURST))
      throw new WordError(`bad burst "${word}": 1 to ${MOST_BURST}`)
    return value * factorOf(found![2]![0])
  },
  print: String,
}

const interval: Codec<number> = {
  words: 1,
  metavar: 'seconds',
  parse(word) {
    const value = leading(word)
    if (value === 0 || value > 0x7fffffff) throw new WordError(`bad interval "${word}"`)
    return value
  },
  print: String,
}

const MODES = ['srcip', 'srcport', 'dstip', 'dstport'] as const

const mode: Codec<readonly string[]> = {
  words: 1,
  metavar: 'srcip,srcport,dstip,dstport',
  parse(word) {
    const given = word.split(',')
    const wrong = given.find((name) => !(MODES as readonly string[]).includes(name))
    if (wrong !== undefined) throw new WordError(`bad mode "${wrong}": ${MODES.join(', ')}`)
    return MODES.filter((name) => given.includes(name))
  },
  print: (given) => given.join(','),
}

/** NAME_MAX with its NUL: what is longer is cut. */
const LONGEST_NAME = 254
const name: Codec<string> = {
  words: 1,
  metavar: 'name',
  parse(word) {
    if (word === '' || word.includes('/')) throw new WordError(`bad name "${word}"`)
    return word.slice(0, LONGEST_NAME)
  },
  print: (word) => word,
}

const any32 = integer(MOST32)
const some32 = integer(MOST32, 'number', 1)
const DEFAULT_BURST = 5
/** Of rates in bytes: XT_HASHLIMIT_BYTE_EXPIRE and XT_HASHLIMIT_BYTE_EXPIRE_BURST, in milliseconds. A rate in packets has that of its unit. */
const BYTE_EXPIRE = 15_000
const BYTE_EXPIRE_BURST = 60_000

/** What the options come to: hashlimit_mt_check of libxt_hashlimit.c. */
interface Settings {
  readonly rate: Rate
  /** Packets, or how often a bucket of bytes is filled up. */
  readonly burst: number
  readonly expire: number
  /** When that is not printed. */
  readonly usualExpire: number
  readonly interval: number
}

interface Said {
  readonly upto?: Given<Rate>
  readonly above?: Given<Rate>
  readonly burst?: Given<number>
  readonly expire?: Given<number>
  readonly match?: Given<true>
  readonly interval?: Given<number>
}

function settingsOf({ upto, above, burst, expire, match, interval }: Said): Settings {
  const said = (upto ?? above!).value
  if (said.in === 'bytes') {
    const refills = burst ? Math.ceil(burst.value / costToBytes(said.cost)) : 0
    const usualExpire = refills ? BYTE_EXPIRE_BURST : BYTE_EXPIRE
    return {
      rate: said,
      burst: refills,
      expire: expire?.value ?? (burst ? BYTE_EXPIRE_BURST : BYTE_EXPIRE),
      usualExpire,
      interval: interval?.value ?? 1,
    }
  }
  const rate = match ? { ...said, apart: Math.floor(said.apart / said.unit) } : said
  return {
    rate,
    burst: burst?.value ?? DEFAULT_BURST,
    expire: expire?.value ?? said.unit * 1000,
    usualExpire: unitOf(rate.apart)[1] * 1000,
    interval: interval?.value ?? said.unit,
  }
}

/** Credits of the kernel in a millionth of a second, at 250 and 1000 Hz; it reckons with 64 bits (user2credits). */
const CREDITS = 137_438_953n
const credits = (micros: number, times: number): bigint => BigInt.asUintN(64, BigInt(micros) * BigInt(times) * CREDITS)

export const hashlimit = defineMatch({
  name: 'hashlimit',
  families: [4, 6],
  exactlyOne: ['upto', 'above'],
  required: ['name'],
  options: {
    upto: {
      flag: '--hashlimit-upto',
      aliases: ['--hashlimit'],
      invertible: true,
      value: rate,
      doc: 'at most so many packets or bytes',
    },
    above: { flag: '--hashlimit-above', invertible: true, value: rate, doc: 'more than that' },
    burst: { flag: '--hashlimit-burst', value: burst, doc: 'this many at once; 5' },
    mode: { flag: '--hashlimit-mode', value: mode, doc: 'what has a bucket of its own; without, one for all' },
    name: { flag: '--hashlimit-name', value: name, doc: 'the table of buckets' },
    size: { flag: '--hashlimit-htable-size', value: any32, doc: 'hash buckets of the table' },
    max: { flag: '--hashlimit-htable-max', value: any32, doc: 'entries of the table' },
    gcinterval: { flag: '--hashlimit-htable-gcinterval', value: some32, doc: 'milliseconds between clean-ups' },
    expire: { flag: '--hashlimit-htable-expire', value: some32, doc: 'milliseconds after which an idle entry goes' },
    srcmask: {
      flag: '--hashlimit-srcmask',
      value: integer(128, 'prefix length'),
      doc: 'sources are grouped by prefixes of this length',
    },
    dstmask: { flag: '--hashlimit-dstmask', value: integer(128, 'prefix length'), doc: 'so are destinations' },
    match: { flag: '--hashlimit-rate-match', value: flag, doc: 'the rate is measured, and nothing is held back' },
    interval: { flag: '--hashlimit-rate-interval', value: interval, doc: 'seconds over which it is measured' },
  },
  doc: {
    summary: 'A limit for each source, destination or port.',
    notes: [
      'Buckets are full at first.',
      'Rates in bytes count by sixteen: what is printed is what the kernel makes of them.',
      'Buckets of one name are filled as its first rule says: where two rules differ, it is undecided.',
    ],
    kernel: 'net/netfilter/xt_hashlimit.c: hashlimit_mt',
  },
  check(given, { family }) {
    const { burst, srcmask, dstmask, match } = given
    const { rate, burst: packets } = settingsOf(given)
    if (rate.in === 'bytes' && burst && burst.value < costToBytes(rate.cost))
      return `the burst is smaller than ${costToBytes(rate.cost)} bytes`
    if (rate.in === 'packets' && packets > MOST_BURST) return `the burst is greater than ${MOST_BURST}`
    const long = [srcmask, dstmask].find((mask) => mask && mask.value > bitsOf(family))
    if (long) return `a prefix length of ${long.value} is too long`
    if (match || rate.in === 'bytes') return undefined
    const whole = credits(rate.apart, packets)
    return whole < credits(rate.apart, 1) ? 'rate and burst together are more than the kernel can count' : undefined
  },
  print: (given, { family }) => wordsOf(given, settingsOf(given), family, true).join(' --hashlimit-').slice(1),
  /** A rate over an interval is shown as if it were one over as many seconds; the name of the table is not. */
  list(given, { family }) {
    const settings = settingsOf(given)
    const { rate: average, interval } = settings
    const apart = average.in === 'packets' && (given.match || given.interval) ? average.apart * interval : undefined
    const shown =
      average.in === 'packets' && apart !== undefined
        ? { ...settings, rate: { ...average, apart }, usualExpire: unitOf(apart)[1] * 1000 }
        : settings
    const [, first = '', ...words] = wordsOf(given, shown, family, false)
    const side = first.replace(/^upto/, 'up to')
    return ` limit: ${[side, ...words.map((word) => (word.startsWith('mode') ? word.replaceAll(',', '-') : word))].join(' ')}`
  },
  lower(given, { family }): Condition {
    const { upto, above, mode: keys, name, srcmask, dstmask, match } = given
    const settings = settingsOf(given)
    const modes = keys?.value ?? []
    const addresses = [
      ...(modes.includes('srcip') ? [grouped('saddr', srcmask?.value, family)] : []),
      ...(modes.includes('dstip') ? [grouped('daddr', dstmask?.value, family)] : []),
    ]
    const bucket = (ports: readonly Value[]): Condition => ({
      is: 'stateful',
      name: `hashlimit ${family} ${name!.value}`,
      machine: {
        kind: 'buckets',
        key: [...addresses, ...ports],
        rate: match ? windowsOf(settings) : bucketOf(settings),
        idleMs: settings.expire,
        text: `${rate.print(settings.rate)} burst ${settings.burst}${match ? ` over ${settings.interval} s` : ''}`,
      },
    })
    const ports = (['sport', 'dport'] as const).filter((end) => modes.includes(end === 'sport' ? 'srcport' : 'dstport'))
    const within = ports.length === 0 ? bucket([]) : byPorts(bucket, ports, family)
    return invertedIf((upto === undefined) !== (upto ?? above!).inverted, within)
  },
})

interface AllSaid extends Said {
  readonly mode?: Given<readonly string[]>
  readonly name?: Given<string>
  readonly size?: Given<number>
  readonly max?: Given<number>
  readonly gcinterval?: Given<number>
  readonly srcmask?: Given<number>
  readonly dstmask?: Given<number>
}

/** The words of the options, each without `--hashlimit-` in front; an empty one first. */
function wordsOf(given: AllSaid, settings: Settings, family: Family, named: boolean): readonly string[] {
  const { upto, above, size, max, gcinterval, srcmask, dstmask, match } = given
  const { inverted } = upto ?? above!
  const { rate: average, burst: most, expire, usualExpire, interval } = settings
  const words = ['', `${(upto !== undefined) !== inverted ? 'upto' : 'above'} ${rate.print(average)}`]
  if (average.in === 'packets') words.push(`burst ${most}`)
  else if (most > 0) {
    const bytes = costToBytes(average.cost) * most
    const [letter, unit] = FACTORS.find(([, factor]) => bytes >= factor)!
    words.push(`burst ${Math.floor(bytes / unit)}${letter}b`)
  }
  if (given.mode && given.mode.value.length > 0) words.push(`mode ${mode.print(given.mode.value)}`)
  if (named) words.push(`name ${given.name!.value}`)
  if (size?.value) words.push(`htable-size ${size.value}`)
  if (max?.value) words.push(`htable-max ${max.value}`)
  if (gcinterval && gcinterval.value !== 1000) words.push(`htable-gcinterval ${gcinterval.value}`)
  if (expire !== usualExpire) words.push(`htable-expire ${expire}`)
  const rest = [
    ...printMask('src', srcmask, family),
    ...printMask('dst', dstmask, family),
    ...printMatch(match, interval),
  ]
  return [...words, ...rest.map((word) => word.replace(/^--hashlimit-/, ''))]
}

/** rateinfo_init of net/netfilter/xt_hashlimit.c. */
function bucketOf({ rate, burst }: Settings): BucketRate {
  if (rate.in === 'bytes') return { in: 'bytes', cost: rate.cost, refills: burst }
  return { in: 'packets', apart: rate.apart, cap: Number(credits(rate.apart, burst) / CREDITS) }
}

function windowsOf({ rate, burst, interval }: Settings): BucketRate {
  if (rate.in === 'packets') {
    const perSecond = Math.floor(SCALE / rate.apart)
    return { in: 'windows', of: 'packets', perSecond, burst: burst + perSecond, interval }
  }
  const perSecond = costToBytes(rate.cost)
  return { in: 'windows', of: 'bytes', perSecond, burst: perSecond * (burst || 1), interval }
}

const printMask = (side: 'src' | 'dst', mask: Given<number> | undefined, family: Family): readonly string[] =>
  mask && mask.value !== bitsOf(family) ? [`--hashlimit-${side}mask ${mask.value}`] : []

function printMatch(match: Given<true> | undefined, interval: number): readonly string[] {
  if (!match) return []
  return interval === 1
    ? ['--hashlimit-rate-match']
    : ['--hashlimit-rate-match', `--hashlimit-rate-interval ${interval}`]
}

const grouped = (side: 'saddr' | 'daddr', length: number | undefined, family: Family): Value => {
  const field: Value = family === 4 ? `ip.${side}` : `ip6.${side}`
  return length === undefined ? field : masked(field, maskOf(family, Math.min(length, bitsOf(family))))
}

/** Protocols that have ports at their beginning (net/core/utils.c: proto_ports_offset); others count as port 0. */
const WITH_PORTS = [6, 17, 33, 50, 132, 136].map((protocol) => [protocol, protocol] as const)
/** Its SPI, behind four bytes, is taken for the ports. */
const AH = 51
const NO_NEXT_HEADER = 59

/** hashlimit_init_dst: what has no ports where there should be some is dropped; for IPv6 as well what cannot be followed (ipv6_skip_exthdr). */
function byPorts(
  bucket: (ports: readonly Value[]) => Condition,
  ends: readonly ('sport' | 'dport')[],
  family: Family,
): Condition {
  const none: Value = { from: 'constant', value: 0 }
  const is = (ranges: Ranges): Condition => inRanges('meta.l4proto', ranges)
  const spi = ends.map(
    (end): Value => (end === 'sport' ? { from: 'shifted', of: 'ah.spi', by: 16 } : masked('ah.spi', 0xffff)),
  )
  const plain = all(is(WITH_PORTS), readable('th.dport'), bucket(ends.map((end) => `th.${end}` as const)))
  const without = bucket(ends.map(() => none))
  if (family === 4)
    return any(
      plain,
      all(is([[AH, AH]]), readable('ah.spi'), bucket(spi)),
      all(not(is([...WITH_PORTS, [AH, AH]])), without),
    )
  const first = equals('frag.offset', 0)
  return all(
    readable('ip6.chain'),
    dropIf(all(first, is([[NO_NEXT_HEADER, NO_NEXT_HEADER]]))),
    any(all(first, plain), all(not(all(first, is(WITH_PORTS))), without)),
  )
}
