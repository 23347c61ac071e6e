import { invertedIf } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** 64 bits: a bigint. */
const bytes: Codec<bigint> = {
  words: 1,
  metavar: 'bytes',
  parse(word) {
    if (!/^\d{1,20}$/.test(word) || BigInt(word) >= 1n << 64n) throw new WordError(`bad number of bytes "${word}"`)
    return BigInt(word)
  },
  print: String,
}

export const quota = defineMatch({
  name: 'quota',
  families: [4, 6],
  required: ['quota'],
  options: { quota: { flag: '--quota', invertible: true, value: bytes, doc: 'so many bytes match, and no more' } },
  listed: [[/quota: (\d+) bytes/y, (_, bytes) => `--quota ${bytes}`]],
  doc: {
    summary: 'Matches until a number of bytes is used up.',
    notes: [
      'The first packet that is too long for what is left takes that with it.',
      'iptables-save prints what the rule began with: it is taken as not used up.',
    ],
    kernel: 'net/netfilter/xt_quota.c: quota_mt',
  },
  list: ({ quota }) => ` quota: ${quota!.value} bytes`,
  lower: ({ quota }) =>
    invertedIf(quota!.inverted, { is: 'stateful', machine: { kind: 'quota', bytes: Number(quota!.value) } }),
})
