import { type Codec, flag, number } from '../codec.js'
import { defineTarget } from '../target.js'

/** A number of 32 bits, of which this many are kept. */
const cut = (bits: 8 | 16, what: string): Codec<number> => ({
  words: 1,
  metavar: what,
  parse: (word) => number(word, 0xffffffff, what) % 2 ** bits,
  print: String,
})

export const synproxy = defineTarget({
  name: 'SYNPROXY',
  families: [4, 6],
  protocols: [6],
  tracks: true,
  chains: ['INPUT', 'FORWARD'],
  options: {
    sack: { flag: '--sack-perm', value: flag, doc: 'the answer permits selective acknowledgements' },
    timestamp: { flag: '--timestamp', value: flag, doc: 'the answer has timestamps' },
    wscale: { flag: '--wscale', value: cut(8, 'wscale'), doc: 'the window scale of the answer' },
    mss: { flag: '--mss', value: cut(16, 'mss'), doc: 'the MSS of the answer' },
    ecn: { flag: '--ecn', value: flag, doc: 'the answer does ECN' },
  },
  doc: {
    summary:
      'Answers SYNs instead of the server, and speaks to the server only once the client has come back with the cookie.',
    notes: [
      'The cookie hangs on a secret of the kernel: it is made up, and one that comes back as the answer to a SYN seen before is taken as the right one. Without such a SYN the answer is undecided.',
      'The server is called in the name of the client, through OUTPUT and POSTROUTING.',
    ],
    kernel:
      'net/ipv4/netfilter/ipt_SYNPROXY.c: synproxy_tg4; net/ipv6/netfilter/ip6t_SYNPROXY.c; net/netfilter/nf_synproxy_core.c',
  },
  list: (_, { saved }) => ` SYNPROXY ${saved() === '' ? '' : `${saved().replaceAll('--', '')} `}`,
  lower: ({ sack, timestamp, wscale, mss, ecn }) => {
    const bit = (given: unknown, value: number) => (given ? value : 0)
    const offers =
      bit(mss !== undefined, 1) | bit(wscale !== undefined, 2) | bit(sack, 4) | bit(timestamp, 8) | bit(ecn, 16)
    return [{ do: 'answer-syn', offers, mss: mss?.value ?? 0, scale: wscale?.value ?? 0 }]
  },
})
