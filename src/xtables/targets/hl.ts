import type { Effect } from '../../rules/effect.js'
import { integer } from '../codec.js'
import { defineTarget } from '../target.js'

export const hl = defineTarget({
  name: 'HL',
  families: [6],
  tables: ['mangle'],
  exactlyOne: ['set', 'dec', 'inc'],
  options: {
    set: { flag: '--hl-set', value: integer(255, 'HL'), doc: 'to this' },
    dec: { flag: '--hl-dec', value: integer(255, 'HL', 1), doc: 'less by this' },
    inc: { flag: '--hl-inc', value: integer(255, 'HL', 1), doc: 'more by this' },
  },
  doc: { summary: 'Changes how many hops the packet may still go.', kernel: 'net/netfilter/xt_HL.c: hl_tg' },
  list: ({ set, dec, inc }) =>
    ` HL ${set ? 'set to' : dec ? 'decrement by' : 'increment by'} ${(set ?? dec ?? inc)!.value}`,
  lower({ set, dec, inc }): readonly Effect[] {
    if (set) return [{ do: 'set', field: 'ip.ttl', keep: 0, xor: { from: 'constant', value: set.value } }]
    return [{ do: 'add', field: 'ip.ttl', by: inc ? inc.value : -dec!.value }]
  },
})
