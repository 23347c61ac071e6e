import { parseIp } from '../../address/ip.js'
import { type Prefix, printPrefix } from '../../address/prefix.js'
import { parseAddressMask } from '../address-mask.js'
import { type Codec, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

const LONGEST = 64

const prefix: Codec<Prefix> = {
  words: 1,
  metavar: 'prefix/length',
  parse(word) {
    const parsed = parseAddressMask(word)
    if (!parsed || typeof parsed.ip !== 'bigint' || parsed.length < 0) throw new WordError(`bad prefix "${word}"`)
    if (parsed.length > LONGEST) throw new WordError(`the prefix ${word} is longer than ${LONGEST} bits`)
    if (parseIp(word.split('/')[0]!) !== parsed.ip) throw new WordError(`bits are set behind the prefix ${word}`)
    return { ip: parsed.ip, length: parsed.length }
  },
  print: printPrefix,
}

const npt = (name: 'SNPT' | 'DNPT', which: 'src' | 'dst', chains: readonly string[], summary: string) =>
  defineTarget({
    name,
    families: [6],
    tables: ['mangle'],
    chains,
    required: ['from', 'to'],
    options: {
      from: { flag: '--src-pfx', value: prefix, doc: 'the prefix that it has, at most 64 bits' },
      to: { flag: '--dst-pfx', value: prefix, doc: 'the prefix that it gets, at most 64 bits' },
    },
    doc: {
      summary,
      notes: [
        'No state is kept: the other direction needs a rule of its own, and connection tracking sees two connections where it is not told to keep away.',
        'Checksums stay right, because 16 bits behind the prefix make up for the change (RFC 6296).',
        'The rule maps every packet that it sees: --src-pfx is not compared.',
      ],
      kernel: `net/ipv6/netfilter/ip6t_NPT.c: ip6t_${name.toLowerCase()}_tg`,
    },
    /** A prefix of no bits at all is not printed (ip6t_NPT: memcmp with zeroes). */
    print({ from, to }) {
      const words: string[] = []
      if (from!.value.length > 0 || from!.value.ip !== 0n) words.push(`--src-pfx ${printPrefix(from!.value)}`)
      if (to!.value.length > 0 || to!.value.ip !== 0n) words.push(`--dst-pfx ${printPrefix(to!.value)}`)
      return words.join(' ')
    },
    list: ({ from, to }) => ` ${name} src-pfx ${printPrefix(from!.value)} dst-pfx ${printPrefix(to!.value)}`,
    lower: ({ from, to }) => [{ do: 'map-prefix', which, from: from!.value, to: to!.value }],
  })

export const snpt = npt('SNPT', 'src', ['INPUT', 'POSTROUTING'], 'Gives the source of an IPv6 packet another prefix.')
export const dnpt = npt(
  'DNPT',
  'dst',
  ['PREROUTING', 'OUTPUT'],
  'Gives the destination of an IPv6 packet another prefix.',
)
