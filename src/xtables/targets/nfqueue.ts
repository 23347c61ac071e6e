import { type Codec, flag, integer, number, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

const balance: Codec<readonly [number, number]> = {
  words: 1,
  metavar: 'first:last',
  parse(word) {
    const [low = '', high = '', ...more] = word.split(':')
    const [from, to] = [number(low, 0xffff, 'queue'), number(high, 0xffff, 'queue')]
    if (more.length > 0 || from >= to || to - from >= 0xffff) throw new WordError(`bad range of queues "${word}"`)
    return [from, to]
  },
  print: ([from, to]) => `${from}:${to}`,
}

export const nfqueue = defineTarget({
  name: 'NFQUEUE',
  families: [4, 6],
  options: {
    num: { flag: '--queue-num', value: integer(0xffff, 'queue'), doc: 'the queue; 0' },
    balance: { flag: '--queue-balance', value: balance, doc: 'connections are spread over these queues' },
    bypass: {
      flag: '--queue-bypass',
      value: flag,
      doc: 'where nobody listens, the packet is accepted instead of dropped',
    },
    fanout: { flag: '--queue-cpu-fanout', value: flag, doc: 'spread by CPU' },
  },
  doc: {
    summary: 'Hands the packet to a program, which decides.',
    notes: ['What the program decides is not known: the answer is undecided.'],
    kernel: 'net/netfilter/xt_NFQUEUE.c: nfqueue_tg_v3',
  },
  check: ({ num, balance, fanout }) =>
    num && balance
      ? '--queue-num and --queue-balance exclude each other'
      : fanout && !balance
        ? '--queue-cpu-fanout needs --queue-balance'
        : undefined,
  print({ num, balance: range, bypass, fanout }) {
    const words = range ? [`--queue-balance ${balance.print(range.value)}`] : [`--queue-num ${num?.value ?? 0}`]
    if (bypass) words.push('--queue-bypass')
    if (fanout) words.push('--queue-cpu-fanout')
    return words.join(' ')
  },
  list: (_, { saved }) => ` NFQUEUE ${saved().replaceAll(/--queue-/g, '')}`,
  lower: ({ num, balance, bypass }) => [
    { do: 'queue', number: num?.value ?? balance?.value[0] ?? 0, bypass: bypass !== undefined },
  ],
})
