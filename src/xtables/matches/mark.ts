import { equals, invertedIf, masked } from '../../rules/condition.js'
import { mark as value } from '../codec.js'
import { listedMark } from '../list-words.js'
import { defineMatch } from '../match.js'

export const mark = defineMatch({
  name: 'mark',
  families: [4, 6],
  required: ['mark'],
  options: {
    mark: { flag: '--mark', invertible: true, value, doc: 'the mark of the packet, after its mask, is this' },
  },
  listed: [[/mark match\s+(! )?(\S+)/y, (_, not, mark) => `${not ? '! ' : ''}--mark ${mark}`]],
  doc: { summary: 'Matches the mark of the packet.', kernel: 'net/netfilter/xt_mark.c: mark_mt' },
  list: ({ mark }) => ` mark match${mark!.inverted ? ' !' : ''} ${listedMark(mark!.value)}`,
  lower: ({ mark }) => invertedIf(mark!.inverted, equals(masked('meta.mark', mark!.value.mask), mark!.value.value)),
})
