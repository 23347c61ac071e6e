import { defineTarget } from '../target.js'

export const trace = defineTarget({
  name: 'TRACE',
  families: [4, 6],
  options: {},
  doc: {
    summary: 'The kernel reports every rule that the packet matches. Goes on.',
    kernel: 'net/netfilter/xt_TRACE.c: trace_tg',
  },
  lower: () => [],
})
