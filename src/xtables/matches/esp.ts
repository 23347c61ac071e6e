import { all, equals, inRanges, invertedIf, readable } from '../../rules/condition.js'
import { numberRange, rangesOf } from '../codec.js'
import { listedRange } from '../list-words.js'
import { defineMatch } from '../match.js'

const range = numberRange(0xffffffff)

export const esp = defineMatch({
  name: 'esp',
  families: [4, 6],
  protocols: [50],
  impliedBy: [50],
  options: {
    spi: { flag: '--espspi', invertible: true, value: range, doc: 'the security parameter index' },
  },
  doc: {
    summary: 'Matches the SPI of IPsec ESP.',
    notes: ['Later fragments never match.', 'A packet whose ESP header is cut off is dropped on the spot.'],
    kernel: 'net/netfilter/xt_esp.c: esp_mt',
  },
  print: ({ spi }) =>
    spi && (spi.value[0] !== 0 || spi.value[1] !== 0xffffffff)
      ? `${spi.inverted ? '! ' : ''}--espspi ${range.print(spi.value)}`
      : '',
  list: ({ spi }) => ` esp${listedRange('spi', spi)}`,
  lower: ({ spi }) =>
    all(
      equals('frag.offset', 0),
      readable('esp.sequence'),
      ...(spi ? [invertedIf(spi.inverted, inRanges('esp.spi', rangesOf(spi.value)))] : []),
    ),
})
