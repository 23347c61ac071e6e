import type { Effect } from '../../rules/effect.js'
import { defineTarget } from '../target.js'

const verdict = (name: string, summary: string, effect: Effect) =>
  defineTarget({
    name,
    families: [4, 6],
    ends: true,
    options: {},
    doc: { summary, kernel: 'net/ipv4/netfilter/ip_tables.c: ipt_do_table' },
    lower: () => [effect],
  })

export const accept = verdict('ACCEPT', 'Lets the packet through this base chain.', { do: 'accept' })
export const drop = defineTarget({
  ...verdict('DROP', 'Ends the packet; nobody is told.', { do: 'drop' }),
  check: (_, { table }) => (table === 'nat' ? 'table nat is not for filtering: no DROP there' : undefined),
})
export const returns = verdict('RETURN', 'Goes back to the calling chain; in a base chain the policy decides.', {
  do: 'return',
})
export const queue = verdict('QUEUE', 'Hands the packet to user space, queue 0.', {
  do: 'queue',
  number: 0,
  bypass: false,
})
