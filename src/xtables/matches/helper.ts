import { ifName } from '../../address/ifname.js'
import { CT_STATUS } from '../../packet/fields.js'
import { all, anyBit, inRanges, invertedIf } from '../../rules/condition.js'
import { type Codec, quote } from '../codec.js'
import { defineMatch } from '../match.js'

const name: Codec<string> = { words: 1, metavar: 'name', parse: (word) => word, print: quote }

/** Any helper for the empty name; else every helper whose own name is how the given one begins (helper_mt compares as far as the helper's name goes). */
const rangesOf = (given: string): readonly (readonly [bigint, bigint])[] =>
  given === ''
    ? [[1n, (1n << 128n) - 1n]]
    : Array.from({ length: Math.min(given.length, 15) }, (_, i) => ifName(given.slice(0, i + 1))).map((one) => [
        one,
        one,
      ])

export const helper = defineMatch({
  name: 'helper',
  families: [4, 6],
  tracks: true,
  required: ['name'],
  options: {
    name: { flag: '--helper', invertible: true, value: name, doc: 'the helper that expected this connection' },
  },
  doc: {
    summary: 'Matches connections that a helper expected: the data connection of FTP.',
    notes: ['A connection that nobody expected has no helper in this sense: only the inverted form matches it.'],
    kernel: 'net/netfilter/xt_helper.c: helper_mt',
  },
  list: ({ name: given }) => ` helper match ${given!.inverted ? '! ' : ''}"${given!.value}"`,
  lower: ({ name: given }) =>
    invertedIf(
      given!.inverted,
      all(anyBit('ct.status', CT_STATUS.EXPECTED), inRanges('ct.helper', rangesOf(given!.value))),
    ),
})
