import { type Codec, quote, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** NFACCT_NAME_MAX counts the final NUL. */
const LONGEST = 31

/** iptables prints two blanks in front of it. */
const name: Codec<string> = {
  words: 1,
  metavar: 'name',
  parse(word) {
    if (word === '' || word.length > LONGEST) throw new WordError(`bad name "${word}": 1 to ${LONGEST} characters`)
    return word
  },
  print: (word) => ` ${quote(word)}`,
}

export const nfacct = defineMatch({
  name: 'nfacct',
  families: [4, 6],
  required: ['name'],
  options: { name: { flag: '--nfacct-name', value: name, doc: 'the counter that counts the packet' } },
  listed: [[/nfacct-name\s+(\S+)/y, (_, name) => `--nfacct-name ${name}`]],
  doc: {
    summary: 'Counts packets in an object of its own.',
    notes: [
      'An object without a quota always matches, one with a quota only once that is used up: which it is, is not in a snapshot.',
    ],
    kernel: 'net/netfilter/xt_nfacct.c: nfacct_mt',
  },
  list: ({ name: given }) => ` nfacct-name  ${quote(given!.value)}`,
  lower: ({ name: given }) => ({
    is: 'unknown',
    text: `--nfacct-name ${given!.value}`,
    needs: 'whether this counter has a quota, and how much of it is used, is not known',
  }),
})
