import { flag, integer } from '../codec.js'
import { defineMatch } from '../match.js'

const count = integer(0xffffffff, 'number of connections')

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
      value: integer(128, 'prefix length'),
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
    notes: ['Connections are not counted yet: a rule with it is undecided.'],
    kernel: 'net/netfilter/xt_connlimit.c: connlimit_mt',
  },
  check: ({ saddr, daddr }) =>
    saddr && daddr ? '--connlimit-saddr and --connlimit-daddr exclude each other' : undefined,
  print({ upto, above, mask, daddr }, { family }) {
    const [given, plain, other] = upto ? [upto, 'upto', 'above'] : [above!, 'above', 'upto']
    const bits = family === 4 ? 32 : 128
    const side = daddr ? 'daddr' : 'saddr'
    return `--connlimit-${given.inverted ? other : plain} ${given.value} --connlimit-mask ${Math.min(bits, mask?.value ?? bits)} --connlimit-${side}`
  },
  lower: () => ({ is: 'unknown', text: '-m connlimit', needs: 'connections are not counted yet' }),
})
