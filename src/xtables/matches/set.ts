import { type Condition, invertedIf } from '../../rules/condition.js'
import { type Codec, flag, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

export interface SetUse {
  readonly set: string
  readonly directions: readonly ('src' | 'dst')[]
}

/** IPSET_MAXNAMELEN and IPSET_DIM_MAX of <linux/netfilter/ipset/ip_set.h>. */
const LONGEST = 31
const DIMENSIONS = 6

/** `SETNAME src|dst[,src|dst...]`. */
export const setUse: Codec<SetUse> = {
  words: 2,
  metavar: 'set src|dst[,…]',
  parse(text) {
    const [set = '', words = ''] = text.split(' ')
    if (set.length > LONGEST) throw new WordError(`set name "${set}" is longer than ${LONGEST} characters`)
    const directions = words.split(',').map((word) => {
      if (word !== 'src' && word !== 'dst') throw new WordError(`bad direction "${word}": src or dst`)
      return word
    })
    if (directions.length > DIMENSIONS) throw new WordError(`at most ${DIMENSIONS} directions`)
    return { set, directions }
  },
  print: ({ set, directions }) => `${set} ${directions.join(',')}`,
}

const count: Codec<bigint> = {
  words: 1,
  metavar: 'n',
  parse(word) {
    if (!/^\d+$/.test(word)) throw new WordError(`bad number "${word}"`)
    return BigInt(word)
  },
  print: String,
}

const COUNTERS = ['packetsEq', 'packetsLt', 'packetsGt', 'bytesEq', 'bytesLt', 'bytesGt'] as const

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
  listed: [
    [
      /(! )?match-set (\S+) (\S+)/y,
      (_, not, name, directions) => `${not ? '! ' : ''}--match-set ${name} ${directions}`,
    ],
  ],
  doc: {
    summary: 'Looks the packet up in an ipset.',
    notes: ['The type of the set says what a dimension is: address, port, MAC, interface.'],
    kernel: 'net/netfilter/xt_set.c: set_match_v4',
  },
  lower(given, { family }): Condition {
    const { set, directions } = given.match!.value
    const unknown = (needs: string): Condition => ({
      is: 'unknown',
      text: `--match-set ${setUse.print(given.match!.value)}`,
      needs,
    })
    if (COUNTERS.some((key) => given[key])) return unknown('the counters of set entries are not kept')
    if (given.nomatch) return unknown('entries marked nomatch are not told apart')
    if (directions.length > 1)
      return unknown(`the type of set ${set} says what its dimensions are: sets are not read yet`)
    const side = directions[0] === 'src' ? 'saddr' : 'daddr'
    return invertedIf(given.match!.inverted, { is: 'member', key: [family === 4 ? `ip.${side}` : `ip6.${side}`], set })
  },
})
