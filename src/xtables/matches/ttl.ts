import { inRanges, invertedIf } from '../../rules/condition.js'
import { integer } from '../codec.js'
import { defineMatch } from '../match.js'

const value = integer(255, 'TTL')

export const ttl = defineMatch({
  name: 'ttl',
  families: [4],
  exactlyOne: ['eq', 'lt', 'gt'],
  options: {
    eq: { flag: '--ttl-eq', aliases: ['--ttl'], invertible: true, value, doc: 'the TTL is this' },
    lt: { flag: '--ttl-lt', value, doc: 'it is less' },
    gt: { flag: '--ttl-gt', value, doc: 'it is more' },
  },
  listed: [
    [/TTL match TTL == (\d+)/y, (_, value) => `--ttl-eq ${value}`],
    [/TTL match TTL != (\d+)/y, (_, value) => `! --ttl-eq ${value}`],
    [/TTL match TTL < (\d+)/y, (_, value) => `--ttl-lt ${value}`],
    [/TTL match TTL > (\d+)/y, (_, value) => `--ttl-gt ${value}`],
  ],
  doc: { summary: 'Matches the TTL.', kernel: 'net/netfilter/xt_hl.c: ttl_mt' },
  list({ eq, lt, gt }) {
    const sign = eq ? (eq.inverted ? '!=' : '==') : lt ? '<' : '>'
    return ` TTL match TTL ${sign} ${(eq ?? lt ?? gt)!.value}`
  },
  lower({ eq, lt, gt }) {
    if (eq) return invertedIf(eq.inverted, inRanges('ip.ttl', [[eq.value, eq.value]]))
    if (lt) return inRanges('ip.ttl', lt.value === 0 ? [] : [[0, lt.value - 1]])
    return inRanges('ip.ttl', gt!.value === 255 ? [] : [[gt!.value + 1, 255]])
  },
})
