import { all, type Condition, equals, invertedIf, masked } from '../../rules/condition.js'
import { type Codec, integer } from '../codec.js'
import { defineMatch } from '../match.js'

/** MAXGENRELEN with its NUL: what is longer is cut. */
const LONGEST = 31
const genre: Codec<string> = {
  words: 1,
  metavar: 'genre',
  parse: (word) => word.slice(0, LONGEST),
  print: (word) => word,
}
const level = integer(2, 'level')

export const osf = defineMatch({
  name: 'osf',
  families: [4],
  protocols: [6],
  chains: ['PREROUTING', 'INPUT', 'FORWARD'],
  required: ['genre'],
  options: {
    genre: { flag: '--genre', invertible: true, value: genre, doc: 'the system that the sender seems to run' },
    ttl: { flag: '--ttl', value: level, doc: 'how the TTL is compared' },
    log: { flag: '--log', value: level, doc: 'what is logged' },
  },
  listed: [[/OS fingerprint match (! )?(\S+)/y, (_, not, genre) => `${not ?? ''}--genre ${genre}`]],
  doc: {
    summary: 'Guesses the operating system of a sender by the SYN that it sends.',
    notes: [
      'The fingerprints lie in the kernel’s memory: whether a SYN has this one is not known. Other packets do not match.',
    ],
    kernel: 'net/netfilter/xt_osf.c: xt_osf_match_packet; net/netfilter/nfnetlink_osf.c: nf_osf_match',
  },
  list: ({ genre }) => ` OS fingerprint match ${genre!.inverted ? '! ' : ''}${genre!.value}`,
  lower({ genre: given }): Condition {
    const text = `--genre ${given!.value}`
    const unknown: Condition = { is: 'unknown', text, needs: 'the fingerprints are not in the input' }
    // what is no SYN is looked at no further, inverted or not
    return all(equals(masked('tcp.flags', SYN), SYN), invertedIf(given!.inverted, unknown))
  },
})

const SYN = 2
