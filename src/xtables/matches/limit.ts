import { type Codec, integer, WordError } from '../codec.js'
import { printOption } from '../extension.js'
import { defineMatch } from '../match.js'

/** Packets per 10,000 seconds are what xt_limit counts in (XT_LIMIT_SCALE). */
const SCALE = 10_000
const UNITS = [
  ['sec', 1],
  ['min', 60],
  ['hour', 3600],
  ['day', 86400],
] as const

/** Tenths of a millisecond between two packets (struct xt_rateinfo: avg). */
const rate: Codec<number> = {
  words: 1,
  metavar: 'rate[/second|/minute|/hour|/day]',
  parse(word) {
    const [count = '', unit = 'second', ...more] = word.split('/')
    const full = ['second', 'minute', 'hour', 'day'].findIndex(
      (name) => unit !== '' && name.startsWith(unit.toLowerCase()),
    )
    // atoi: what stands behind the digits is not looked at
    const packets = Number(/^\s*\+?(\d+)/.exec(count)?.[1] ?? 0)
    if (more.length > 0 || full < 0 || packets === 0) throw new WordError(`bad rate "${word}"`)
    const apart = Math.floor((SCALE * UNITS[full]![1]) / packets)
    if (apart === 0) throw new WordError(`rate too fast "${word}"`)
    return apart
  },
  print(apart) {
    const [packets, , name] = rounded(apart)
    return `${packets}/${name}`
  },
}

/** libxt_limit.c: print_rate: the smallest unit before the one in which the number would be badly rounded. */
function rounded(apart: number): readonly [packets: number, seconds: number, name: string] {
  let chosen = UNITS.length - 1
  while (chosen > 0) {
    const scaled = SCALE * UNITS[chosen - 1]![1]
    if (apart > scaled || Math.floor(scaled / apart) < scaled % apart) break
    chosen--
  }
  const [name, seconds] = UNITS[chosen]!
  return [Math.floor((SCALE * seconds) / apart), seconds, name]
}

/** HZ * CREDITS_PER_JIFFY of kernels with HZ=100, 250 or 1000, and 300. */
const CREDITS = [25_600, 32_000, 38_400]

/** limit_mt_check: in 32 bits the credits of a full bucket must not come to less than those of one packet. Only what every kernel refuses is refused. */
function overflows(apart: number, burst: number): boolean {
  const full = Number((BigInt(apart) * BigInt(burst)) & 0xffffffffn)
  return burst === 0 || CREDITS.every((each) => creditsOf(full, each) < creditsOf(apart, each))
}

/** user2credits. */
const creditsOf = (user: number, each: number): number =>
  user > 0xffffffff / each ? Math.imul(Math.floor(user / SCALE), each) >>> 0 : Math.floor((user * each) / SCALE)

const DEFAULT_RATE = rate.parse('3/hour')
const DEFAULT_BURST = 5

export const limit = defineMatch({
  name: 'limit',
  families: [4, 6],
  options: {
    limit: { flag: '--limit', value: rate, doc: 'at most this many packets on average; 3/hour' },
    burst: { flag: '--limit-burst', value: integer(10_000, 'burst'), doc: 'this many at once; 5' },
  },
  listed: [[/limit: avg (\S+) burst (\d+)/y, (_, avg, most) => `--limit ${avg} --limit-burst ${most}`]],
  doc: {
    summary: 'Matches at a limited rate: a bucket of tokens.',
    notes: ['The bucket is full when the rule is loaded.', 'It is one bucket for all packets, whoever sends them.'],
    kernel: 'net/netfilter/xt_limit.c: limit_mt',
  },
  check({ limit, burst }, { backend }) {
    const [apart, most] = [limit?.value ?? DEFAULT_RATE, burst?.value ?? DEFAULT_BURST]
    return backend === 'legacy' && overflows(apart, most) ? 'limit: a bucket of this size overflows' : undefined
  },
  print({ limit, burst }) {
    const words = [`--limit ${rate.print(limit?.value ?? DEFAULT_RATE)}`]
    if (burst && burst.value !== DEFAULT_BURST)
      words.push(printOption({ flag: '--limit-burst', value: integer(10_000), doc: '' }, burst))
    return words.join(' ')
  },
  list: ({ limit, burst }) =>
    ` limit: avg ${rate.print(limit?.value ?? DEFAULT_RATE)} burst ${burst?.value ?? DEFAULT_BURST}`,
  lower({ limit, burst }, { backend }) {
    const apart = limit?.value ?? DEFAULT_RATE
    const most = burst?.value ?? DEFAULT_BURST
    // nft is told the rate as it is printed (iptables/nft.c: add_nft_limit), and counts in nanoseconds
    const [packets, seconds] = rounded(apart)
    const perPacketMs = backend === 'nft' ? (1000 * seconds) / packets : apart / 10
    return {
      is: 'stateful',
      machine: { kind: 'bucket', perPacketMs, burst: most, text: `${rate.print(apart)} burst ${most}` },
    }
  },
})
