import { equals, invertedIf } from '../../rules/condition.js'
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
    notes: ['What comes in through lo always passes.'],
    kernel: 'net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c: rpfilter_mt',
  },
  list: ({ loose, validmark, acceptLocal, invert }) =>
    ` rpfilter${loose ? ' loose' : ''}${validmark ? ' validmark' : ''}${acceptLocal ? ' accept-local' : ''}${invert ? ' invert' : ''}`,
  lower: ({ loose, validmark, acceptLocal, invert }) =>
    invertedIf(
      invert !== undefined,
      equals(
        {
          from: 'reverse-path',
          loose: loose !== undefined,
          mark: validmark !== undefined,
          local: acceptLocal !== undefined,
        },
        1,
      ),
    ),
})
