import { type Codec, integer, quote } from '../codec.js'
import { defineTarget } from '../target.js'

const prefix: Codec<string> = { words: 1, metavar: 'text', parse: (word) => word, print: quote }

/** Longer prefixes are cut off without a word: struct xt_nflog_info and NF_LOG_PREFIXLEN, each less the final NUL. */
const LONGEST = { legacy: 63, nft: 127 } as const

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
    if (given && given.value !== '') words.push(`--nflog-prefix ${quote(given.value.slice(0, LONGEST[backend]))}`)
    if (group && group.value !== 0) words.push(`--nflog-group ${group.value}`)
    if (size) words.push(`--nflog-size ${size.value}`)
    else if (range && backend === 'legacy') words.push(`--nflog-range ${range.value}`)
    if (threshold && threshold.value > 0) words.push(`--nflog-threshold ${threshold.value}`)
    return words.join(' ')
  },
  list: (_, { saved }) => (saved() ? ` ${saved().replaceAll('--nflog', 'nflog')}` : ''),
  lower: ({ prefix }, { backend }) => [
    { do: 'log', prefix: prefix?.value.slice(0, LONGEST[backend]) ?? '', handed: true },
  ],
})
