import { all, equals, inRanges, invertedIf, readable } from '../../rules/condition.js'
import { flag, rangesOf } from '../codec.js'
import type { Given } from '../extension.js'
import { listedRange } from '../list-words.js'
import { defineMatch } from '../match.js'
import { printRange32, range32 } from '../spi-option.js'

/** libxt_ipcomp.c has no init: what is not said is 0. */
const NONE_SAID: Given<readonly [number, number]> = { value: [0, 0], inverted: false }

export const ipcomp = defineMatch({
  name: 'ipcomp',
  families: [4, 6],
  protocols: [108],
  impliedBy: [108],
  options: {
    cpi: { flag: '--ipcompspi', invertible: true, value: range32, doc: 'the compression parameter index' },
    res: { flag: '--compres', value: flag, doc: 'nothing: no kernel looks at the reserved field' },
  },
  listed: [
    [
      /comp (?:spis?:(!?)([\d:]+))?( reserved)?/y,
      (_, not, spi, reserved) => `${spi ? `${not ? '! ' : ''}--ipcompspi ${spi}` : ''}${reserved ? ' --compres' : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches the CPI of IP payload compression (RFC 3173).',
    notes: [
      'Without --ipcompspi only CPI 0 matches.',
      'Later fragments never match.',
      'A packet whose header is cut off is dropped on the spot.',
    ],
    kernel: 'net/netfilter/xt_ipcomp.c: comp_mt',
  },
  print: ({ cpi = NONE_SAID, res }) => [...printRange32('--ipcompspi', cpi), ...(res ? ['--compres'] : [])].join(' '),
  list: ({ cpi = NONE_SAID, res }) => ` comp ${listedRange('spi', cpi).trimStart()}${res ? ' reserved' : ''}`,
  lower: ({ cpi = NONE_SAID }) =>
    all(
      equals('frag.offset', 0),
      readable('ipcomp.cpi'),
      invertedIf(cpi.inverted, inRanges('ipcomp.cpi', rangesOf(cpi.value))),
    ),
})
