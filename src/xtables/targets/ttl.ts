import type { Effect } from '../../rules/effect.js'
import { integer } from '../codec.js'
import { defineTarget } from '../target.js'

export const ttl = defineTarget({
  name: 'TTL',
  families: [4],
  tables: ['mangle'],
  exactlyOne: ['set', 'dec', 'inc'],
  options: {
    set: { flag: '--ttl-set', value: integer(255, 'TTL'), doc: 'to this' },
    dec: { flag: '--ttl-dec', value: integer(255, 'TTL', 1), doc: 'less by this' },
    inc: { flag: '--ttl-inc', value: integer(255, 'TTL', 1), doc: 'more by this' },
  },
  doc: { summary: 'Changes how many hops the packet may still go.', kernel: 'net/netfilter/xt_HL.c: ttl_tg' },
  list: ({ set, dec, inc }) =>
    ` TTL ${set ? 'set to' : dec ? 'decrement by' : 'increment by'} ${(set ?? dec ?? inc)!.value}`,
  lower({ set, dec, inc }): readonly Effect[] {
    if (set) return [{ do: 'set', field: 'ip.ttl', keep: 0, xor: { from: 'constant', value: set.value } }]
    return [{ do: 'add', field: 'ip.ttl', by: inc ? inc.value : -dec!.value }]
  },
})
