import { invertedIf } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** strtoull(3) with base 0, as long as it is any number of ours. */
function numberOf(word: string): bigint | undefined {
  if (/^0[0-7]{1,22}$/.test(word)) return BigInt(`0o${word}`)
  return /^([1-9]\d{0,19}|0|0x[\da-f]{1,17})$/i.test(word) ? BigInt(word) : undefined
}

/** 64 bits: a bigint. */
const bytes: Codec<bigint> = {
  words: 1,
  metavar: 'bytes',
  parse(word) {
    const value = numberOf(word)
    if (value === undefined || value >= 1n << 64n) throw new WordError(`bad number of bytes "${word}"`)
    return value
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
