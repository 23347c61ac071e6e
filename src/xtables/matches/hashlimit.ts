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
    notes: ['Its buckets are not kept yet: a rule with it is undecided.'],
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
  lower: ({ name }) => ({
    is: 'unknown',
    text: `-m hashlimit --hashlimit-name ${name!.value}`,
    needs: 'its buckets are not kept yet',
  }),
})
