import type { Family } from '../../address/ip.js'
import type { Effect } from '../../rules/effect.js'
import { integer } from '../codec.js'
import { defineTarget } from '../target.js'

/** TTL of IPv4 and HL of IPv6: one target under two names. */
const hopLimit = (name: 'TTL' | 'HL', family: Family, kernel: string) => {
  const flag = name === 'TTL' ? 'ttl' : 'hl'
  return defineTarget({
    name,
    families: [family],
    tables: ['mangle'],
    exactlyOne: ['set', 'dec', 'inc'],
    options: {
      set: { flag: `--${flag}-set`, value: integer(255, name), doc: 'to this' },
      dec: { flag: `--${flag}-dec`, value: integer(255, name, 1), doc: 'less by this' },
      inc: { flag: `--${flag}-inc`, value: integer(255, name, 1), doc: 'more by this' },
    },
    doc: { summary: 'Changes how many hops the packet may still go.', kernel: `net/netfilter/xt_HL.c: ${kernel}` },
    list: ({ set, dec, inc }) =>
      ` ${name} ${set ? 'set to' : dec ? 'decrement by' : 'increment by'} ${(set ?? dec ?? inc)!.value}`,
    lower({ set, dec, inc }): readonly Effect[] {
      if (set) return [{ do: 'set', field: 'ip.ttl', keep: 0, xor: { from: 'constant', value: set.value } }]
      return [{ do: 'add', field: 'ip.ttl', by: inc ? inc.value : -dec!.value }]
    },
  })
}

export const ttl = hopLimit('TTL', 4, 'ttl_tg')
export const hl = hopLimit('HL', 6, 'hl_tg')
