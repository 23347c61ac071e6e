import { inRanges, invertedIf } from '../../rules/condition.js'
import { integer } from '../codec.js'
import { defineMatch } from '../match.js'

const value = integer(255, 'hop limit')

export const hl = defineMatch({
  name: 'hl',
  families: [6],
  exactlyOne: ['eq', 'lt', 'gt'],
  options: {
    eq: { flag: '--hl-eq', aliases: ['--hl'], invertible: true, value, doc: 'the hop limit is this' },
    lt: { flag: '--hl-lt', value, doc: 'it is less' },
    gt: { flag: '--hl-gt', value, doc: 'it is more' },
  },
  listed: [
    [/HL match HL == (\d+)/y, (_, value) => `--hl-eq ${value}`],
    [/HL match HL != (\d+)/y, (_, value) => `! --hl-eq ${value}`],
    [/HL match HL < (\d+)/y, (_, value) => `--hl-lt ${value}`],
    [/HL match HL > (\d+)/y, (_, value) => `--hl-gt ${value}`],
  ],
  doc: { summary: 'Matches the hop limit.', kernel: 'net/netfilter/xt_hl.c: hl_mt6' },
  list({ eq, lt, gt }) {
    const sign = eq ? (eq.inverted ? '!=' : '==') : lt ? '<' : '>'
    return ` HL match HL ${sign} ${(eq ?? lt ?? gt)!.value}`
  },
  lower({ eq, lt, gt }) {
    if (eq) return invertedIf(eq.inverted, inRanges('ip.ttl', [[eq.value, eq.value]]))
    if (lt) return inRanges('ip.ttl', lt.value === 0 ? [] : [[0, lt.value - 1]])
    return inRanges('ip.ttl', gt!.value === 255 ? [] : [[gt!.value + 1, 255]])
  },
})
