import { defineTarget } from '../target.js'

export const trace = defineTarget({
  name: 'TRACE',
  families: [4, 6],
  options: {},
  /** The extension of x_tables is for raw alone; iptables-nft has made it an expression of nft, which stands anywhere. */
  check: (_, { table, backend }) =>
    backend === 'legacy' && table !== 'raw' ? `"TRACE" may only be used in the table raw, not in ${table}` : undefined,
  doc: {
    summary: 'The kernel reports every rule that the packet matches. Goes on.',
    kernel: 'net/netfilter/xt_TRACE.c: trace_tg',
  },
  lower: () => [],
})
