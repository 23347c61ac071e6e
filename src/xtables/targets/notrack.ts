import { defineTarget } from '../target.js'

export const notrack = defineTarget({
  name: 'NOTRACK',
  families: [4, 6],
  tables: ['raw'],
  options: {},
  doc: { summary: 'Connection tracking leaves the packet alone.', kernel: 'net/netfilter/xt_CT.c: notrack_tg' },
  listedAs: 'CT',
  list: () => ' NOTRACK',
  lower: () => [{ do: 'notrack' }],
})
