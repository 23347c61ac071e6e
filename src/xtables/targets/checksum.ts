import { flag } from '../codec.js'
import { defineTarget } from '../target.js'

export const checksum = defineTarget({
  name: 'CHECKSUM',
  families: [4, 6],
  tables: ['mangle'],
  required: ['fill'],
  options: { fill: { flag: '--checksum-fill', value: flag, doc: 'computes a checksum that was left to the device' } },
  doc: {
    summary: 'Fills in a transport checksum that was left to the device, and goes on.',
    notes: ['Packets of the model always have their checksums: nothing changes.'],
    kernel: 'net/netfilter/xt_CHECKSUM.c: checksum_tg',
  },
  list: () => ' CHECKSUM fill',
  lower: () => [],
})
