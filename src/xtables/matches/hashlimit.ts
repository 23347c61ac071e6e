import { bitsOf, type Family } from '../../address/ip.js'
import { maskOf } from '../../address/prefix.js'
import { all, any, type Condition, inRanges, invertedIf, masked, not, readable } from '../../rules/condition.js'
import type { Ranges, Value } from '../../rules/value.js'
import { type Codec, integer, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['min', 60],
  ['sec', 1],
] as const

/** XT_HASHLIMIT_SCALE_v2: the time between two packets, in millionths of a second. Rates in bytes are kept as they were said. */
type Rate = { readonly apart: number; readonly unit: number } | { readonly bytes: number }

const BYTES = /^(\d+)([km]?)b(?:\/s(?:ec(?:ond)?)?)?$/i
const FACTOR: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 * 1024 }

function bytesOf(word: string): number | undefined {
  const found = BYTES.exec(word)
  return found ? Number(found[1]) * FACTOR[found[2]!.toLowerCase()]! : undefined
}

const bytesText = (bytes: number): string => {
  const [divisor, unit] =
    bytes >= 1024 * 1024 && bytes % (1024 * 1024) === 0
      ? [1024 * 1024, 'mb']
      : bytes >= 1024 && bytes % 1024 === 0
        ? [1024, 'kb']
        : [1, 'b']
  return `${bytes / divisor}${unit}`
}

const SCALE = 1_000_000

const rate: Codec<Rate> = {
  words: 1,
  metavar: 'rate[/sec|/min|/hour|/day]',
  parse(word) {
    const bytes = bytesOf(word)
    if (bytes !== undefined) return { bytes }
    const [count = '', unit = 'second', ...more] = word.split('/')
    const full = [...'dhms'].findIndex(
      (_, i) => unit !== '' && ['day', 'hour', 'minute', 'second'][i]!.startsWith(unit.toLowerCase()),
    )
    const packets = /^\d+$/.test(count) ? Number(count) : 0
    if (more.length > 0 || full < 0 || packets === 0) throw new WordError(`bad rate "${word}"`)
    const seconds = UNITS[full]![1]
    return { apart: Math.floor((SCALE * seconds) / packets), unit: seconds }
  },
  print(given) {
    if ('bytes' in given) return `${bytesText(given.bytes)}/s`
    const [name, seconds] = unitOf(given.apart)
    return `${Math.floor((SCALE * seconds) / given.apart)}/${name}`
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

type Burst = { readonly packets: number } | { readonly bytes: number }

const burst: Codec<Burst> = {
  words: 1,
  metavar: 'n[b|kb|mb]',
  parse(word) {
    const bytes = bytesOf(word)
    if (bytes !== undefined) return { bytes }
    if (!/^\d+$/.test(word)) throw new WordError(`bad burst "${word}"`)
    return { packets: Number(word) }
  },
  print: (given) => ('bytes' in given ? bytesText(given.bytes) : `${given.packets}`),
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

const name: Codec<string> = {
  words: 1,
  metavar: 'name',
  parse(word) {
    if (word === '' || word.length > 14) throw new WordError(`bad name "${word}": 1 to 14 characters`)
    return word
  },
  print: (word) => word,
}

const any32 = integer(0xffffffff)
const DEFAULT_BURST = 5
/** XT_HASHLIMIT_BYTE_EXPIRE, in milliseconds; a rate in packets has that of the unit in which it was said. */
const BYTE_EXPIRE = 15_000

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
    gcinterval: { flag: '--hashlimit-htable-gcinterval', value: any32, doc: 'milliseconds between clean-ups' },
    expire: { flag: '--hashlimit-htable-expire', value: any32, doc: 'milliseconds after which an idle entry goes' },
    srcmask: {
      flag: '--hashlimit-srcmask',
      value: integer(128, 'prefix length'),
      doc: 'sources are grouped by prefixes of this length',
    },
    dstmask: { flag: '--hashlimit-dstmask', value: integer(128, 'prefix length'), doc: 'so are destinations' },
  },
  doc: {
    summary: 'A limit for each source, destination or port.',
    notes: ['Buckets are full at first.', 'Rates in bytes are not evaluated: undecided.'],
    kernel: 'net/netfilter/xt_hashlimit.c: hashlimit_mt',
  },
  print(given) {
    const { upto, above, size, max, gcinterval, expire, srcmask, dstmask } = given
    const one = upto ?? above!
    const under = (upto !== undefined) !== one.inverted
    const inBytes = 'bytes' in one.value
    const words = [`--hashlimit-${under ? 'upto' : 'above'} ${rate.print(one.value)}`]
    if (given.burst) words.push(`--hashlimit-burst ${burst.print(given.burst.value)}`)
    else if (!inBytes) words.push(`--hashlimit-burst ${DEFAULT_BURST}`)
    if (given.mode) words.push(`--hashlimit-mode ${mode.print(given.mode.value)}`)
    words.push(`--hashlimit-name ${given.name!.value}`)
    if (size) words.push(`--hashlimit-htable-size ${size.value}`)
    if (max) words.push(`--hashlimit-htable-max ${max.value}`)
    if (gcinterval && gcinterval.value !== 1000) words.push(`--hashlimit-htable-gcinterval ${gcinterval.value}`)
    const [usual, idle] =
      'bytes' in one.value ? [BYTE_EXPIRE, BYTE_EXPIRE] : [unitOf(one.value.apart)[1] * 1000, one.value.unit * 1000]
    if ((expire?.value ?? idle) !== usual) words.push(`--hashlimit-htable-expire ${expire?.value ?? idle}`)
    if (srcmask) words.push(`--hashlimit-srcmask ${srcmask.value}`)
    if (dstmask) words.push(`--hashlimit-dstmask ${dstmask.value}`)
    return words.join(' ')
  },
  lower({ upto, above, burst: most, mode: keys, name, expire, srcmask, dstmask }, { family }): Condition {
    const one = upto ?? above!
    const { value } = one
    if ('bytes' in value || (most && 'bytes' in most.value))
      return { is: 'unknown', text: `--hashlimit-name ${name!.value}`, needs: 'limits in bytes are not evaluated' }
    const size = most ? (most.value as { readonly packets: number }).packets : DEFAULT_BURST
    const modes = keys?.value ?? []
    const addresses = [
      ...(modes.includes('srcip') ? [grouped('saddr', srcmask?.value, family)] : []),
      ...(modes.includes('dstip') ? [grouped('daddr', dstmask?.value, family)] : []),
    ]
    const bucket = (ports: readonly Value[]): Condition => ({
      is: 'stateful',
      name: `hashlimit ${name!.value}`,
      machine: {
        kind: 'buckets',
        key: [...addresses, ...ports],
        perPacketMs: value.apart / 1000,
        burst: size,
        idleMs: expire?.value ?? value.unit * 1000,
        text: `${rate.print(value)} burst ${size}`,
      },
    })
    const ports = (['sport', 'dport'] as const).filter((end) => modes.includes(end === 'sport' ? 'srcport' : 'dstport'))
    const within = ports.length === 0 ? bucket([]) : byPorts(bucket, ports)
    return invertedIf((upto === undefined) !== one.inverted, within)
  },
})

const grouped = (side: 'saddr' | 'daddr', length: number | undefined, family: Family): Value => {
  const field: Value = family === 4 ? `ip.${side}` : `ip6.${side}`
  return length === undefined ? field : masked(field, maskOf(family, Math.min(length, bitsOf(family))))
}

/** Protocols that have ports at their beginning (net/core/utils.c: proto_ports_offset); others count as port 0. */
const WITH_PORTS = [6, 17, 33, 50, 132, 136].map((protocol) => [protocol, protocol] as const)
/** Its ports would lie behind the first four bytes. */
const AH = 51

function byPorts(bucket: (ports: readonly Value[]) => Condition, ports: readonly ('sport' | 'dport')[]): Condition {
  const none: Value = { from: 'constant', value: 0 }
  const is = (ranges: Ranges): Condition => inRanges('meta.l4proto', ranges)
  return any(
    all(is(WITH_PORTS), readable('th.dport'), bucket(ports.map((end) => `th.${end}` as const))),
    all(is([[AH, AH]]), { is: 'unknown', text: '-m hashlimit', needs: 'ports of AH are not looked at' }),
    all(not(is([...WITH_PORTS, [AH, AH]])), bucket(ports.map(() => none))),
  )
}
