import { keyword } from '../codec.js'
import { defineTarget } from '../target.js'

export const audit = defineTarget({
  name: 'AUDIT',
  families: [4, 6],
  required: ['type'],
  options: {
    type: {
      flag: '--type',
      value: keyword('type', ['accept', 'drop', 'reject'], true),
      doc: 'what the record is to say',
    },
  },
  doc: { summary: 'Writes an audit record and goes on.', kernel: 'net/netfilter/xt_AUDIT.c: audit_tg' },
  list: ({ type }) => ` AUDIT ${type!.value}`,
  lower: ({ type }) => [{ do: 'log', prefix: `AUDIT ${type!.value}`, handed: true }],
})
