import { type Condition, invertedIf } from '../../rules/condition.js'
import type { Comparison } from '../../rules/set-use.js'
import { type Codec, flag, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'
import { setUse } from '../set-use.js'

/** strtoull with base 0. */
const count: Codec<bigint> = {
  words: 1,
  metavar: 'n',
  parse(word) {
    if (!/^(0x[\da-f]+|\d+)$/i.test(word)) throw new WordError(`bad number "${word}"`)
    if (/^0\d*[89]/.test(word)) throw new WordError(`bad number "${word}"`)
    const value = BigInt(/^0\d/.test(word) ? `0o${word.slice(1)}` : word)
    if (value >= 2n ** 64n) throw new WordError(`bad number "${word}": up to 18446744073709551615`)
    return value
  },
  print: String,
}

const COMPARISONS = ['Eq', 'Lt', 'Gt'] as const

type Options = Readonly<Record<string, Given<unknown> | undefined>>

/** At most one of `--packets-eq`, `--packets-lt`, `--packets-gt`. */
function comparison(given: Options, what: 'packets' | 'bytes'): Comparison | undefined {
  for (const kind of COMPARISONS) {
    const option = given[`${what}${kind}`] as Given<bigint> | undefined
    if (!option) continue
    const op = kind === 'Eq' ? (option.inverted ? 'ne' : 'eq') : kind === 'Lt' ? 'lt' : 'gt'
    return { op, value: option.value }
  }
  return undefined
}

/** As it is printed, `flag` before each option: the counters' default is not said. */
function print(given: Options, mark: string): string {
  const use = given['match'] as Given<Parameters<typeof setUse.print>[0]>
  const words = [`${use.inverted ? '! ' : ''}${mark}match-set ${setUse.print(use.value)}`]
  if (given['nomatch']) words.push(`${mark}return-nomatch`)
  if (given['counters']?.inverted) words.push(`! ${mark}update-counters`)
  if (given['subcounters']?.inverted) words.push(`! ${mark}update-subcounters`)
  for (const what of ['packets', 'bytes'] as const)
    for (const kind of COMPARISONS) {
      const option = given[`${what}${kind}`]
      if (option) words.push(`${option.inverted ? '! ' : ''}${mark}${what}-${kind.toLowerCase()} ${option.value}`)
    }
  return words.join(' ')
}

export const set = defineMatch({
  name: 'set',
  families: [4, 6],
  required: ['match'],
  options: {
    match: {
      flag: '--match-set',
      invertible: true,
      value: setUse,
      doc: 'the set, and for each of its dimensions source or destination',
    },
    nomatch: { flag: '--return-nomatch', value: flag, doc: 'matches the entries marked nomatch' },
    counters: { flag: '--update-counters', invertible: true, value: flag, doc: 'the counters of the entry go on' },
    subcounters: { flag: '--update-subcounters', invertible: true, value: flag, doc: 'those of member sets too' },
    packetsEq: { flag: '--packets-eq', invertible: true, value: count, doc: 'the entry has counted so many packets' },
    packetsLt: { flag: '--packets-lt', value: count, doc: 'less' },
    packetsGt: { flag: '--packets-gt', value: count, doc: 'more' },
    bytesEq: { flag: '--bytes-eq', invertible: true, value: count, doc: 'the entry has counted so many bytes' },
    bytesLt: { flag: '--bytes-lt', value: count, doc: 'less' },
    bytesGt: { flag: '--bytes-gt', value: count, doc: 'more' },
  },
  check(given) {
    for (const what of ['packets', 'bytes'])
      if (COMPARISONS.filter((kind) => (given as Options)[`${what}${kind}`]).length > 1)
        return `only one of the --${what}-[eq|lt|gt] is allowed`
    return undefined
  },
  print: (given) => print(given, '--'),
  list: (given) => ` ${print(given, '')}`,
  listed: [
    [
      /((?:! )?match-set \S+ \S+(?: return-nomatch)?(?: ! update-counters)?(?: ! update-subcounters)?(?: (?:! )?(?:packets|bytes)-(?:eq|lt|gt) \d+)*)/y,
      (_, words = '') =>
        words
          .replace('match-set', '--match-set')
          .replaceAll(/ (return-nomatch|update-(?:sub)?counters|(?:packets|bytes)-(?:eq|lt|gt) )/g, ' --$1'),
    ],
  ],
  doc: {
    summary: 'Looks the packet up in an ipset.',
    notes: ['The type of the set says what a dimension is: address, port, MAC, interface.'],
    kernel: 'net/netfilter/xt_set.c: set_match_v4',
  },
  lower(given, { family }): Condition {
    const { set: name, directions } = given.match!.value
    return invertedIf(given.match!.inverted, {
      is: 'named-set',
      use: { set: name, directions, family },
      look: {
        returnNomatch: given.nomatch !== undefined,
        keep: given.counters?.inverted ?? false,
        keepSubcounters: given.subcounters?.inverted ?? false,
        packets: comparison(given, 'packets'),
        bytes: comparison(given, 'bytes'),
      },
    })
  },
})
