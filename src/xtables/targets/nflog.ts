import { type Codec, integer, quote, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

const prefix: Codec<string> = {
  words: 1,
  metavar: 'text',
  parse(word) {
    if (word.length > 63) throw new WordError('a prefix has at most 63 characters')
    return word
  },
  print: quote,
}

export const nflog = defineTarget({
  name: 'NFLOG',
  families: [4, 6],
  options: {
    prefix: { flag: '--nflog-prefix', value: prefix, doc: 'a text that goes with it' },
    group: { flag: '--nflog-group', value: integer(0xffff, 'group'), doc: 'the netlink group; 0' },
    range: { flag: '--nflog-range', value: integer(0xffffffff), doc: 'no effect' },
    size: { flag: '--nflog-size', value: integer(0xffffffff), doc: 'bytes of the packet' },
    threshold: {
      flag: '--nflog-threshold',
      value: integer(0xffff, 'number'),
      doc: 'packets to collect before sending',
    },
  },
  listed: [
    [
      /(?:nflog-prefix +("[^"]*"|\S+))?(?: ?nflog-group (\d+))?(?: ?nflog-range (\d+))?(?: ?nflog-size (\d+))?(?: ?nflog-threshold (\d+))?(?= |$)/y,
      (_, prefix, group, range, size, threshold) =>
        [
          ['prefix', prefix], ['group', group], ['range', range], ['size', size], ['threshold', threshold],
        ].flatMap(([flag, value]) => (value ? [`--nflog-${flag} ${value}`] : [])).join(' '), // biome-ignore format: one line of words
    ],
  ],
  doc: { summary: 'Sends the packet to a logging program and goes on.', kernel: 'net/netfilter/xt_NFLOG.c: nflog_tg' },
  print({ prefix: given, group, range, size, threshold }, { backend }) {
    const words: string[] = []
    if (given && given.value !== '') words.push(`--nflog-prefix ${quote(given.value)}`)
    if (group && group.value !== 0) words.push(`--nflog-group ${group.value}`)
    if (size) words.push(`--nflog-size ${size.value}`)
    else if (range && backend === 'legacy') words.push(`--nflog-range ${range.value}`)
    if (threshold && threshold.value > 1) words.push(`--nflog-threshold ${threshold.value}`)
    return words.join(' ')
  },
  list: (_, { saved }) => (saved() ? ` ${saved().replaceAll('--nflog', 'nflog')}` : ''),
  lower: ({ prefix }) => [{ do: 'log', prefix: prefix?.value ?? '' }],
})
