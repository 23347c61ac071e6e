import { inRanges, invertedIf } from '../../rules/condition.js'
import { numberRange, rangesOf } from '../codec.js'
import { defineMatch } from '../match.js'

/** sizeof(struct ipv6hdr): its length field counts what comes after it. */
const IPV6_HEADER = 40

export const length = defineMatch({
  name: 'length',
  families: [4, 6],
  required: ['length'],
  options: {
    length: {
      flag: '--length',
      invertible: true,
      value: numberRange(0xffff),
      doc: 'the length of the whole packet, IP header included',
    },
  },
  listed: [[/length\s+(! ?)?(\d\S*)/y, (_, not, range) => `${not ? '! ' : ''}--length ${range}`]],
  doc: {
    summary: 'Matches the length of the packet as its IP header has it.',
    kernel: 'net/netfilter/xt_length.c: length_mt, length_mt6',
  },
  list: ({ length }) => ` length ${length!.inverted ? '!' : ''}${numberRange(0xffff).print(length!.value)}`,
  lower({ length }, { family }) {
    const [from, to] = length!.value
    const value = family === 4 ? 'ip.length' : 'ip6.length'
    const off = family === 4 ? 0 : IPV6_HEADER
    return invertedIf(length!.inverted, inRanges(value, rangesOf([Math.max(0, from - off), to - off])))
  },
})
