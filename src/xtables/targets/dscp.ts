import { dscpClass, dscpNumber } from '../dscp-value.js'
import { defineTarget } from '../target.js'

/** The two bits of explicit congestion notification stay. */
const ECN = 3

export const dscp = defineTarget({
  name: 'DSCP',
  families: [4, 6],
  tables: ['mangle'],
  exactlyOne: ['set', 'class'],
  options: {
    set: { flag: '--set-dscp', value: dscpNumber, doc: 'to this number, 0 to 63' },
    class: {
      flag: '--set-dscp-class',
      value: dscpClass,
      doc: 'to that of this class: EF, BE, CS0 to CS7, AF11 to AF43',
    },
  },
  doc: { summary: 'Sets the differentiated services field.', kernel: 'net/netfilter/xt_DSCP.c: dscp_tg, dscp_tg6' },
  print: (given) => `--set-dscp ${dscpNumber.print((given.set ?? given.class!).value)}`,
  list: (given) => ` DSCP set ${dscpNumber.print((given.set ?? given.class)!.value)}`,
  lower: (given) => [
    { do: 'set', field: 'ip.tos', keep: ECN, xor: { from: 'constant', value: (given.set ?? given.class!).value * 4 } },
  ],
})
