import { type Codec, flag, quote, unsigned, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

const LEVELS = ['emerg', 'alert', 'crit', 'error', 'warning', 'notice', 'info', 'debug'] as const
/** `err` and `warn` are names of older versions. */
const OTHER: Readonly<Record<string, number>> = { panic: 0, err: 3, warn: 4 }
const WARNING = 4

const level: Codec<number> = {
  words: 1,
  metavar: 'level',
  parse(word) {
    const named = (LEVELS as readonly string[]).indexOf(word)
    const value = named >= 0 ? named : (OTHER[word] ?? unsigned(word))
    if (value === undefined || value > 7) throw new WordError(`unknown log level "${word}"`)
    return value
  },
  print: String,
}

/** struct xt_log_info: 30 bytes with the final NUL. */
const LONGEST = 29

const prefix: Codec<string> = {
  words: 1,
  metavar: 'text',
  parse(word) {
    if (word === '') throw new WordError('a log prefix is empty')
    return word.slice(0, LONGEST) // iptables warns and cuts it off
  },
  print: quote,
}

/** XT_LOG_* of <linux/netfilter/xt_LOG.h>. */
const FLAG_BITS = [
  [1, '--log-tcp-sequence'],
  [2, '--log-tcp-options'],
  [4, '--log-ip-options'],
  [8, '--log-uid'],
  [32, '--log-macdecode'],
] as const

/** xtables_log_names of libxt_LOG, which are not all those that it prints when it saves. */
const LISTED_LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'] as const

export const log = defineTarget({
  name: 'LOG',
  families: [4, 6],
  options: {
    prefix: { flag: '--log-prefix', value: prefix, doc: 'what the line begins with, up to 29 characters' },
    level: { flag: '--log-level', value: level, doc: 'of syslog; warning' },
    sequence: { flag: '--log-tcp-sequence', value: flag, doc: 'with TCP sequence numbers' },
    tcpOptions: { flag: '--log-tcp-options', value: flag, doc: 'with TCP options' },
    ipOptions: { flag: '--log-ip-options', value: flag, doc: 'with IP options' },
    uid: { flag: '--log-uid', value: flag, doc: 'with the sender’s user' },
    mac: { flag: '--log-macdecode', value: flag, doc: 'with the link-layer header taken apart' },
  },
  listed: [
    [
      /LOG flags (\d+) level (\d+)(?: prefix "(.*?)")?(?= |$)/y,
      (_, bits = '0', level, prefix) => {
        const flags = FLAG_BITS.filter(([bit]) => Number(bits) & bit).map(([, flag]) => flag)
        return [`--log-level ${level}`, ...(prefix ? [`--log-prefix ${quote(prefix)}`] : []), ...flags].join(' ')
      },
    ],
  ],
  doc: { summary: 'Writes a line to the kernel log and goes on.', kernel: 'net/netfilter/xt_LOG.c: log_tg' },
  print(given) {
    const words: string[] = []
    if (given.prefix) words.push(`--log-prefix ${quote(given.prefix.value)}`)
    if (given.level && given.level.value !== WARNING) words.push(`--log-level ${given.level.value}`)
    for (const [key, name] of [
      ['sequence', '--log-tcp-sequence'],
      ['tcpOptions', '--log-tcp-options'],
      ['ipOptions', '--log-ip-options'],
      ['uid', '--log-uid'],
      ['mac', '--log-macdecode'],
    ] as const)
      if (given[key]) words.push(name)
    return words.join(' ')
  },
  list(given, { numeric }) {
    const { prefix, level } = given
    const shown = prefix ? ` prefix "${prefix.value}"` : ''
    const number = level?.value ?? WARNING
    const flags = (['sequence', 'tcpOptions', 'ipOptions', 'uid', 'mac'] as const).map(
      (key) => given[key] !== undefined,
    )
    if (numeric) {
      const bits = FLAG_BITS.reduce((sum, [bit], i) => sum + (flags[i] ? bit : 0), 0)
      return ` LOG flags ${bits} level ${number}${shown}`
    }
    const names = FLAG_BITS.flatMap(([, flag], i) => (flags[i] ? [` ${flag.slice('--log-'.length)}`] : []))
    return ` LOG level ${LISTED_LEVELS[number]}${names.join('')}${shown}`
  },
  lower: ({ prefix }) => [{ do: 'log', prefix: prefix?.value ?? '' }],
})
