import { all, equals, inRanges, invertedIf, masked } from '../../rules/condition.js'
import { mark as value } from '../codec.js'
import { listedMark } from '../list-words.js'
import { defineMatch } from '../match.js'

export const connmark = defineMatch({
  name: 'connmark',
  families: [4, 6],
  tracks: true,
  required: ['mark'],
  options: {
    mark: { flag: '--mark', invertible: true, value, doc: 'the mark of the connection, after its mask, is this' },
  },
  listed: [[/connmark match\s+(! )?(\S+)/y, (_, not, mark) => `${not ? '! ' : ''}--mark ${mark}`]],
  doc: { summary: 'Matches the mark of the connection.', kernel: 'net/netfilter/xt_connmark.c: connmark_mt' },
  list: ({ mark }) => ` connmark match ${mark!.inverted ? '!' : ''} ${listedMark(mark!.value)}`,
  lower: ({ mark }) =>
    all(
      inRanges('ct.mark', [[0, 0xffffffff]]), // without a connection nothing matches, inverted or not
      invertedIf(mark!.inverted, equals(masked('ct.mark', mark!.value.mask), mark!.value.value)),
    ),
})
