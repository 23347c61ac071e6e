import { bitsOf, type Family } from '../../address/ip.js'
import { maskOf } from '../../address/prefix.js'
import type { Effect } from '../../rules/effect.js'
import { parseAddressMask } from '../address-mask.js'
import { type Codec, number, WordError } from '../codec.js'
import type { OptionsOf } from '../extension.js'
import { defineTarget } from '../target.js'

const WORD = 0xffffffff
const HALF = 0xffff

const hex = (digits: number) => (value: number) => `0x${value.toString(16).padStart(digits, '0')}`

/** A number that prints in hex with so many digits. */
const bits = (max: number, digits: number): Codec<number> => ({
  words: 1,
  metavar: 'value',
  parse: (word) => number(word, max),
  print: hex(digits),
})
const decimal = (min: number): Codec<number> => ({
  words: 1,
  metavar: 'value',
  parse: (word) => number(word, WORD, 'number', min),
  print: String,
})

/** A prefix length, or a mask; IPv4 takes a longer one, and a mask with holes, for the whole address. */
const length: Codec<number> = {
  words: 1,
  metavar: 'length',
  parse(word) {
    if (/^\d+$/.test(word) && Number(word) <= 128) return Number(word)
    const parsed = parseAddressMask(`${word.includes(':') ? '::' : '0.0.0.0'}/${word}`)
    if (!parsed) throw new WordError(`bad prefix length or mask "${word}"`)
    return parsed.length < 0 ? 32 : parsed.length
  },
  print: String,
}

/** What --hmark-tuple stands for (hmark_parse_type); each name sets the mask that has an option of its own. */
const PARTS = ['ct', 'src', 'dst', 'sport', 'dport', 'spi', 'proto'] as const
type Part = (typeof PARTS)[number]

const tuple: Codec<readonly Part[]> = {
  words: 1,
  metavar: 'part[,part...]',
  parse: (word) =>
    word.split(',').map((name) => {
      const part = PARTS.find((known) => known === name.toLowerCase())
      if (!part) throw new WordError(`Bad type "${name}"`)
      return part
    }),
  print: (parts) => parts.join(','),
}

const options = {
  tuple: {
    flag: '--hmark-tuple',
    value: tuple,
    doc: 'what is hashed: src, dst, sport, dport, spi, proto; ct: of the connection',
  },
  srcPrefix: { flag: '--hmark-src-prefix', value: length, doc: 'this much of the source address' },
  dstPrefix: { flag: '--hmark-dst-prefix', value: length, doc: 'this much of the destination address' },
  sportMask: { flag: '--hmark-sport-mask', value: bits(HALF, 4), doc: 'these bits of the source port' },
  dportMask: { flag: '--hmark-dport-mask', value: bits(HALF, 4), doc: 'these bits of the destination port' },
  spiMask: { flag: '--hmark-spi-mask', value: bits(WORD, 8), doc: 'these bits of the SPI of AH or ESP' },
  sport: { flag: '--hmark-sport', value: bits(HALF, 4), doc: 'set in the source port' },
  dport: { flag: '--hmark-dport', value: bits(HALF, 4), doc: 'set in the destination port' },
  spi: { flag: '--hmark-spi', value: bits(WORD, 8), doc: 'set in the SPI' },
  protoMask: { flag: '--hmark-proto-mask', value: bits(HALF, 2), doc: 'these bits of the protocol' },
  rnd: { flag: '--hmark-rnd', value: bits(WORD, 8), doc: 'what the hash begins with' },
  mod: { flag: '--hmark-mod', value: decimal(1), doc: 'how many marks there are' },
  offset: { flag: '--hmark-offset', value: decimal(0), doc: 'the first of them' },
} as const

type Options = OptionsOf<typeof options>
type Masks = Partial<Record<Exclude<keyof Options, 'tuple'>, number>>

/** In the order in which HMARK_save prints. */
const SAVED = ['srcPrefix', 'dstPrefix', 'sportMask', 'dportMask', 'spiMask', 'sport', 'dport', 'spi', 'protoMask', 'rnd', 'mod', 'offset'] as const // biome-ignore format: a list
const LISTED: readonly (readonly [keyof Masks, string, 'dec' | 'hex'])[] = [
  ['srcPrefix', 'src-prefix', 'dec'],
  ['dstPrefix', 'dst-prefix', 'dec'],
  ['sportMask', 'sport-mask', 'hex'],
  ['dportMask', 'dport-mask', 'hex'],
  ['spiMask', 'spi-mask', 'hex'],
  ['sport', 'sport', 'hex'],
  ['dport', 'dport', 'hex'],
  ['spi', 'spi', 'hex'],
  ['protoMask', 'proto-mask', 'hex'],
  ['rnd', 'rnd', 'hex'],
]

const OF_PART: Readonly<Record<Exclude<Part, 'ct'>, keyof Masks>> = {
  src: 'srcPrefix', dst: 'dstPrefix', sport: 'sportMask', dport: 'dportMask', spi: 'spiMask', proto: 'protoMask',
} // biome-ignore format: a table

/** Everything as masks; what stands later on the line wins. */
function masksOf(given: Options, family: Family): Masks {
  const masks: Masks = {}
  const whole: Masks = { srcPrefix: bitsOf(family), dstPrefix: bitsOf(family), spiMask: WORD }
  for (const key of Object.keys(given) as (keyof Options)[]) {
    if (key !== 'tuple') {
      const { value } = given[key]!
      masks[key] = key === 'srcPrefix' || key === 'dstPrefix' ? Math.min(value, bitsOf(family)) : value
    } else for (const part of given.tuple!.value) if (part !== 'ct') masks[OF_PART[part]] = whole[OF_PART[part]] ?? HALF
  }
  return masks
}

const ofConnection = ({ tuple: parts }: Options): boolean => parts?.value.includes('ct') ?? false

/** What the mask options and --hmark-tuple set in `flags`. */
function problem(given: Options, family: Family): string | undefined {
  const { srcPrefix, dstPrefix, sportMask, dportMask, spiMask, sport, dport, spi, rnd, mod, ...more } = masksOf(
    given,
    family,
  )
  if (mod === undefined) return '--hmark-mod is mandatory'
  if (rnd === undefined) return '--hmark-rnd is mandatory'
  if (family === 6 && [given.srcPrefix, given.dstPrefix].some((one) => one && one.value > 128))
    return 'a prefix is too long'
  if (spiMask !== undefined && (sportMask !== undefined || dportMask !== undefined))
    return 'you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time'
  if (spi !== undefined && (sport !== undefined || dport !== undefined))
    return "--hmark-spi and --hmark-?port can't be combined"
  const some = [srcPrefix, dstPrefix, sportMask, dportMask, spiMask, sport, dport, spi, more.protoMask]
  return some.some((one) => one !== undefined) || ofConnection(given)
    ? undefined
    : 'you have to specify --hmark-tuple at least'
}

export const hmark = defineTarget({
  name: 'HMARK',
  families: [4, 6],
  options,
  doc: {
    summary: 'Sets the mark to a hash of the packet: both directions of a connection get the same. The packet goes on.',
    kernel: 'net/netfilter/xt_HMARK.c: hmark_tg_v4, hmark_tg_v6',
  },
  check: (given, { family }) => problem(given, family),
  print(given, { family }) {
    const masks = masksOf(given, family)
    const words = SAVED.flatMap((key) => {
      const value = masks[key]
      return value === undefined ? [] : [`${options[key].flag} ${options[key].value.print(value)}`]
    })
    return [...words, ...(ofConnection(given) ? ['--hmark-tuple ct'] : [])].join(' ')
  },
  list(given, { family }) {
    const masks = masksOf(given, family)
    const offset = masks.offset === undefined ? '' : `+ 0x${masks.offset.toString(16)} `
    const words = LISTED.flatMap(([key, name, base]) => {
      const value = masks[key]
      if (value === undefined) return []
      // the whole of an IPv6 address prints as nothing
      return [`${name} ${base === 'hex' ? hex(0)(value) : family === 6 && value === 128 ? '' : value} `]
    })
    return ` HMARK mod ${masks.mod} ${offset}${ofConnection(given) ? 'ct, ' : ''}${words.join('')}`
  },
  lower(given, { family }): readonly Effect[] {
    const { srcPrefix, dstPrefix, sportMask, dportMask, spiMask, sport, dport, spi, protoMask, rnd, mod, offset } =
      masksOf(given, family)
    const mask = (prefix: number | undefined) => maskOf(family, prefix ?? 0)
    const pair = (src: number | undefined, dst: number | undefined) => (src ?? 0) * 0x10000 + (dst ?? 0)
    const deep = [sportMask, dportMask, spiMask, sport, dport, spi, protoMask].some((one) => one !== undefined)
    return [
      {
        do: 'hash-mark',
        by: {
          connection: ofConnection(given),
          srcMask: mask(srcPrefix),
          dstMask: mask(dstPrefix),
          ports: deep ? { mask: spiMask ?? pair(sportMask, dportMask), set: spi ?? pair(sport, dport) } : undefined,
          protocolMask: protoMask ?? 0,
          seed: rnd!,
          modulus: mod!,
          offset: offset ?? 0,
        },
      },
    ]
  },
})
