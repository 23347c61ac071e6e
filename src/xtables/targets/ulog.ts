import { type Codec, integer, quote, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** ULOG_PREFIX_LEN, ULOG_MAX_QLEN of <linux/netfilter_ipv4/ipt_ULOG.h>. */
const LONGEST = 31
const MOST_QUEUED = 50

const prefix: Codec<string> = {
  words: 1,
  metavar: 'prefix',
  parse(word) {
    if (word === '') throw new WordError('a prefix is empty')
    if (word.includes('\n')) throw new WordError('Newlines not allowed in --ulog-prefix')
    return word.slice(0, LONGEST)
  },
  print: quote,
}

export const ulog = defineTarget({
  name: 'ULOG',
  families: [4],
  options: {
    prefix: { flag: '--ulog-prefix', value: prefix, doc: 'what the record begins with' },
    group: { flag: '--ulog-nlgroup', value: integer(32, 'group', 1), doc: 'the netlink group, 1 to 32; 1' },
    range: { flag: '--ulog-cprange', value: integer(0xffffffff, 'size'), doc: 'how many bytes of the packet; 0: all' },
    threshold: {
      flag: '--ulog-qthreshold',
      value: integer(MOST_QUEUED, 'threshold', 1),
      doc: 'packets to collect before sending; 1',
    },
  },
  doc: {
    summary:
      'Sends the packet to a logging program and goes on. Linux has not had it since 3.17: NFLOG is its successor.',
    kernel: 'net/ipv4/netfilter/ipt_ULOG.c: ulog_tg (Linux 3.16)',
  },
  print({ prefix: given, group, range, threshold }) {
    const words: string[] = []
    if (given) words.push(`--ulog-prefix ${quote(given.value)}`)
    if (group && group.value !== 1) words.push(`--ulog-nlgroup ${group.value}`)
    if (range && range.value !== 0) words.push(`--ulog-cprange ${range.value}`)
    if (threshold && threshold.value !== 1) words.push(`--ulog-qthreshold ${threshold.value}`)
    return words.join(' ')
  },
  list: ({ prefix: given, group, range, threshold }) =>
    ` ULOG copy_range ${range?.value ?? 0} nlgroup ${group?.value ?? 1}${given ? ` prefix "${given.value}"` : ''} queue_threshold ${threshold?.value ?? 1}`,
  lower: ({ prefix: given }) => [{ do: 'log', prefix: given?.value ?? '', handed: true }],
})
