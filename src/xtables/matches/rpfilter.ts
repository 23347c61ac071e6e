import { flag } from '../codec.js'
import { defineMatch } from '../match.js'

export const rpfilter = defineMatch({
  name: 'rpfilter',
  families: [4, 6],
  tables: ['raw', 'mangle'],
  chains: ['PREROUTING'],
  options: {
    loose: { flag: '--loose', value: flag, doc: 'any interface will do' },
    validmark: { flag: '--validmark', value: flag, doc: 'the packet’s mark counts in the look-up' },
    acceptLocal: { flag: '--accept-local', value: flag, doc: 'local source addresses pass' },
    invert: { flag: '--invert', value: flag, doc: 'matches what fails' },
  },
  doc: {
    summary: 'Looks the source address up in the routing tables: would an answer go out where this came in?',
    notes: ['The look-up is not modelled yet: a rule with it is undecided.'],
    kernel: 'net/ipv4/netfilter/ipt_rpfilter.c: rpfilter_mt',
  },
  lower: () => ({
    is: 'unknown',
    text: '-m rpfilter',
    needs: 'the reverse path look-up of this match is not modelled yet',
  }),
})
