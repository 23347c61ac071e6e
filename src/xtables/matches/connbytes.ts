import type { Field } from '../../packet/fields.js'
import { all, inRanges, invertedIf } from '../../rules/condition.js'
import { type Codec, keyword, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

/** More than any connection carries, and exact as a number. */
const MOST = Number.MAX_SAFE_INTEGER

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
  /** 0:0 loses its end when iptables prints it. */
  print: ([from, to]) => (to === undefined || to === 0n ? `${from}` : `${from}:${to}`),
}

/** `!` swaps both ends (libxt_connbytes.c): where they are the same, nothing is inverted. */
const isInverted = ({ value: [from, to], inverted }: Given<readonly [bigint, bigint | undefined]>): boolean =>
  inverted && from !== to

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
    notes: ['The packet itself is counted already.', 'Averages are rounded down.'],
    kernel: 'net/netfilter/xt_connbytes.c: connbytes_mt',
  },
  print: ({ range, mode, dir }) =>
    `${isInverted(range!) ? '! ' : ''}--connbytes ${span.print(range!.value)} --connbytes-mode ${mode!.value} --connbytes-dir ${dir!.value}`,
  list: ({ range, mode, dir }) =>
    `${isInverted(range!) ? ' !' : ''} connbytes ${span.print(range!.value)} connbytes mode ${mode!.value} connbytes direction ${dir!.value}`,
  lower({ range, mode, dir }) {
    const side = dir!.value === 'both' ? 'total' : dir!.value
    const field: Field = `ct.${side}.${mode!.value === 'avgpkt' ? 'average' : mode!.value}`
    const [from, to] = range!.value
    // without a connection nothing matches, inverted or not
    return all(
      inRanges(field, [[0, MOST]]),
      invertedIf(
        range!.inverted,
        inRanges(field, [[Math.min(Number(from), MOST), Math.min(Number(to ?? MOST), MOST)]]),
      ),
    )
  },
})
