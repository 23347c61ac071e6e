import { type Codec, keyword, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** Counters have 64 bits: bigints. `to` undefined: no upper end. */
const span: Codec<readonly [from: bigint, to: bigint | undefined]> = {
  words: 1,
  metavar: 'from[:to]',
  parse(word) {
    const found = /^(\d*)(?::(\d*))?$/.exec(word)
    const most = [found?.[1], found?.[2]].some((digits) => digits && BigInt(digits) >= 1n << 64n)
    if (!found || word === '' || most) throw new WordError(`bad range "${word}"`)
    const [, low = '', high] = found
    const to = high === undefined || high === '' ? undefined : BigInt(high)
    if (to !== undefined && BigInt(low || 0) > to) throw new WordError(`bad range "${word}": it falls`)
    return [BigInt(low || 0), to]
  },
  print: ([from, to]) => (to === undefined ? `${from}` : `${from}:${to}`),
}

export const connbytes = defineMatch({
  name: 'connbytes',
  families: [4, 6],
  tracks: true,
  required: ['range', 'mode', 'dir'],
  options: {
    range: { flag: '--connbytes', invertible: true, value: span, doc: 'how much has gone through' },
    mode: {
      flag: '--connbytes-mode',
      value: keyword('mode', ['packets', 'bytes', 'avgpkt']),
      doc: 'packets, bytes, or bytes for each packet',
    },
    dir: {
      flag: '--connbytes-dir',
      value: keyword('direction', ['original', 'reply', 'both']),
      doc: 'in which direction',
    },
  },
  doc: {
    summary: 'Matches how much a connection has carried.',
    notes: ['Counting (net.netfilter.nf_conntrack_acct) is not modelled yet: a rule with it is undecided.'],
    kernel: 'net/netfilter/xt_connbytes.c: connbytes_mt',
  },
  lower: () => ({ is: 'unknown', text: '-m connbytes', needs: 'how much the connection has carried is not counted' }),
})
