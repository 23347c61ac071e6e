import { bitsOf, parseIp } from '../../address/ip.js'
import { lengthOfMask, maskOf } from '../../address/prefix.js'
import { invertedIf } from '../../rules/condition.js'
import { type Codec, flag, integer, unsigned, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

const count = integer(0xffffffff, 'number of connections')

/** A prefix length, or a mask without holes (XTTYPE_PLENMASK). */
const mask: Codec<number> = {
  words: 1,
  metavar: 'length|mask',
  parse(word) {
    const ip = /[.:]/.test(word) ? parseIp(word) : undefined
    const length = ip === undefined ? unsigned(word) : lengthOfMask(ip)
    if (length === undefined) throw new WordError(`bad prefix length "${word}"`)
    return length
  },
  print: String,
}

export const connlimit = defineMatch({
  name: 'connlimit',
  families: [4, 6],
  tracks: true,
  exactlyOne: ['upto', 'above'],
  options: {
    upto: { flag: '--connlimit-upto', invertible: true, value: count, doc: 'at most so many connections' },
    above: { flag: '--connlimit-above', invertible: true, value: count, doc: 'more than that' },
    mask: {
      flag: '--connlimit-mask',
      value: mask,
      doc: 'addresses are counted by prefixes of this length; each alone',
    },
    saddr: { flag: '--connlimit-saddr', value: flag, doc: 'connections from one source (that is the default)' },
    daddr: { flag: '--connlimit-daddr', value: flag, doc: 'connections to one destination' },
  },
  listed: [
    [
      /#conn (src|dst)\/(\d+) (>|<=) (\d+)/y,
      (_, side = '', mask, sign, count) =>
        `--connlimit-${sign === '>' ? 'above' : 'upto'} ${count} --connlimit-mask ${mask} --connlimit-${side[0]}addr`,
    ],
  ],
  doc: {
    summary: 'Matches by how many connections a client or a network has.',
    notes: [
      'A connection is counted when it comes by here for the first time, and until it is gone or closed.',
      'Which of the connections that were there before have been counted is not known: a rule that hangs on it is undecided.',
    ],
    kernel: 'net/netfilter/xt_connlimit.c: connlimit_mt; net/netfilter/nf_conncount.c',
  },
  check({ saddr, daddr, mask }, { family }) {
    if (saddr && daddr) return '--connlimit-saddr and --connlimit-daddr exclude each other'
    return mask && family === 6 && mask.value > 128 ? `a prefix length of ${mask.value} is too long` : undefined
  },
  print({ upto, above, mask, daddr }, { family }) {
    const [given, plain, other] = upto ? [upto, 'upto', 'above'] : [above!, 'above', 'upto']
    const bits = bitsOf(family)
    const side = daddr ? 'daddr' : 'saddr'
    return `--connlimit-${given.inverted ? other : plain} ${given.value} --connlimit-mask ${Math.min(bits, mask?.value ?? bits)} --connlimit-${side}`
  },
  list({ upto, above, mask, daddr }, { family }) {
    const bits = family === 4 ? 32 : 128
    const most = upto ? !upto.inverted : above!.inverted
    return ` #conn ${daddr ? 'dst' : 'src'}/${Math.min(bits, mask?.value ?? bits)} ${most ? '<=' : '>'} ${(upto ?? above!).value}`
  },
  lower({ upto, above, mask, daddr }, { family }) {
    const given = upto ?? above!
    const bits = bitsOf(family)
    return invertedIf((upto !== undefined) !== given.inverted, {
      is: 'stateful',
      machine: {
        kind: 'connlimit',
        side: daddr ? 'daddr' : 'saddr',
        mask: maskOf(family, Math.min(bits, mask?.value ?? bits)),
        limit: given.value,
      },
    })
  },
})
