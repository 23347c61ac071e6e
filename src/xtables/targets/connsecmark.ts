import { flag } from '../codec.js'
import { defineTarget } from '../target.js'

export const connsecmark = defineTarget({
  name: 'CONNSECMARK',
  families: [4, 6],
  tables: ['mangle', 'security'],
  tracks: true,
  exactlyOne: ['save', 'restore'],
  options: {
    save: { flag: '--save', value: flag, doc: 'from the packet to its connection' },
    restore: { flag: '--restore', value: flag, doc: 'from the connection to the packet' },
  },
  doc: {
    summary:
      'Copies the security mark between the packet and its connection, where the other has none yet. The packet goes on.',
    notes: ['What SELinux makes of the mark is not in a snapshot.'],
    kernel: 'net/netfilter/xt_CONNSECMARK.c: connsecmark_tg',
  },
  list: ({ save }) => ` CONNSECMARK ${save ? 'save' : 'restore'}`,
  lower: ({ save }) => [{ do: 'log', prefix: '', what: `CONNSECMARK ${save ? 'save' : 'restore'}` }],
})
