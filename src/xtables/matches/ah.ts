import { BROKEN, THERE } from '../../packet/probe.js'
import {
  all,
  any,
  type Condition,
  dropIf,
  equals,
  inRanges,
  invertedIf,
  not,
  probed,
  readable,
} from '../../rules/condition.js'
import { flag, integer, rangesOf } from '../codec.js'
import { listedRange } from '../list-words.js'
import { defineMatch } from '../match.js'
import { printRange32, range32 } from '../spi-option.js'

const AH = 51
const field = (at: number, bytes: 1 | 2 | 4) => probed({ find: 'extension-field', header: AH, at, bytes })
/** Bytes of the header, by its length field (RFC 4302 section 2.2). */
const FIXED = 12

export const ah = defineMatch({
  name: 'ah',
  families: [4, 6],
  impliedBy: [AH],
  options: {
    spi: { flag: '--ahspi', invertible: true, value: range32, doc: 'the security parameter index' },
    len: {
      flag: '--ahlen',
      invertible: true,
      value: integer(0xffffffff, 'length'),
      doc: 'bytes of the header; 0: any',
    },
    res: { flag: '--ahres', value: flag, doc: 'the reserved field is 0' },
  },
  listed: [
    [
      /ah (?:spis?:(!?)([\d:]+))?(?:length:(!?)(\d+))?( reserved)?/y,
      (_, notSpi, spi, notLength, length, reserved) =>
        [
          spi ? `${notSpi ? '! ' : ''}--ahspi ${spi}` : '',
          length ? `${notLength ? '! ' : ''}--ahlen ${length}` : '',
          reserved ? '--ahres' : '',
        ].join(' '),
    ],
  ],
  doc: {
    summary: 'Matches the SPI of the IPsec authentication header.',
    notes: [
      'IPv4: later fragments never match, and a packet whose header is cut off is dropped on the spot.',
      'IPv6: it is an extension header, looked for among the others; length and reserved field are IPv6 only.',
    ],
    kernel: 'net/ipv4/netfilter/ipt_ah.c: ah_mt; net/ipv6/netfilter/ip6t_ah.c: ah_mt6',
  },
  check({ len, res }, { family, protocol }) {
    if (family === 6) return undefined
    if (len || res) return '--ahlen and --ahres are there for IPv6 only'
    return protocol === AH ? undefined : '"ah" needs -p ah'
  },
  print({ spi, len, res }) {
    const words = [...printRange32('--ahspi', spi)]
    if (len && (len.value !== 0 || len.inverted)) words.push(`${len.inverted ? '! ' : ''}--ahlen ${len.value}`)
    if (res) words.push('--ahres')
    return words.join(' ')
  },
  list({ spi, len, res }) {
    const length = len && (len.value !== 0 || len.inverted) ? `length:${len.inverted ? '!' : ''}${len.value}` : ''
    return ` ah ${listedRange('spi', spi).trimStart()}${length}${res ? ' reserved' : ''}`
  },
  lower({ spi, len, res }, { family }) {
    const within = (value: Parameters<typeof inRanges>[0]): readonly Condition[] =>
      spi ? [invertedIf(spi.inverted, inRanges(value, rangesOf(spi.value)))] : []
    if (family === 4) return all(equals('frag.offset', 0), readable('ah.sequence'), ...within('ah.spi'))
    const state = probed({ find: 'extension-header', header: AH, length: FIXED })
    const parts: Condition[] = [dropIf(equals(state, BROKEN)), equals(state, THERE), ...within(field(4, 4))]
    // the length field counts words of four bytes, two less than there are
    if (len && len.value !== 0) {
      const words = len.value / 4 - 2
      const same = Number.isInteger(words) && words >= 0 ? equals(field(1, 1), words) : not(any(all()))
      parts.push(invertedIf(len.inverted, same))
    }
    if (res) parts.push(equals(field(2, 2), 0))
    return all(...parts)
  },
})
