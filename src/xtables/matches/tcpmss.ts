import { all, any, type Condition, dropIf, equals, inRanges, invertedIf, not, readable } from '../../rules/condition.js'
import { numberRange, rangesOf } from '../codec.js'
import { defineMatch } from '../match.js'
import { LATER6_LENGTH } from '../port-options.js'

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
  lower({ mss }, { family }) {
    const whole = all(readable('tcp.header'), invertedIf(mss!.inverted, inRanges('tcp.mss', rangesOf(mss!.value))))
    if (family === 4) return whole
    const first = equals('frag.offset', 0)
    const options: Condition = {
      is: 'unknown',
      text: '-m tcpmss',
      needs: 'of a later fragment options are sought in the IPv6 header',
    }
    return any(all(first, whole), all(not(first), dropIf(inRanges(LATER6_LENGTH, [[0, 4]])), options))
  },
})
