import { all, inRanges, invertedIf, readable } from '../../rules/condition.js'
import { numberRange, rangesOf } from '../codec.js'
import { defineMatch } from '../match.js'

export const tcpmss = defineMatch({
  name: 'tcpmss',
  families: [4, 6],
  protocols: [6],
  required: ['mss'],
  options: { mss: { flag: '--mss', invertible: true, value: numberRange(0xffff), doc: 'the value of the MSS option' } },
  doc: {
    summary: 'Matches the MSS option of TCP.',
    notes: [
      'Without the option only the inverted form matches.',
      'A packet whose TCP header is cut off is dropped on the spot.',
    ],
    kernel: 'net/netfilter/xt_tcpmss.c: tcpmss_mt',
  },
  check: ({ mss }) => (mss!.value[0] > mss!.value[1] ? '--mss: a range must rise' : undefined),
  list: ({ mss }) => ` tcpmss match ${mss!.inverted ? '!' : ''}${numberRange(0xffff).print(mss!.value)}`,
  lower: ({ mss }) => all(readable('tcp.header'), invertedIf(mss!.inverted, inRanges('tcp.mss', rangesOf(mss!.value)))),
})
