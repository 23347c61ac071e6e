import { flag, integer } from '../codec.js'
import { defineTarget } from '../target.js'

export const tcpmss = defineTarget({
  name: 'TCPMSS',
  families: [4, 6],
  protocols: [6],
  exactlyOne: ['set', 'clamp'],
  chains: ({ clamp }) => (clamp ? ['FORWARD', 'OUTPUT', 'POSTROUTING'] : undefined),
  options: {
    set: { flag: '--set-mss', value: integer(0xffff - 40, 'MSS'), doc: 'to this, never up' },
    clamp: { flag: '--clamp-mss-to-pmtu', value: flag, doc: 'to what the path can carry' },
  },
  listed: [
    [/TCPMSS clamp to PMTU/y, () => '--clamp-mss-to-pmtu'],
    [/TCPMSS set (\d+)/y, (_, mss) => `--set-mss ${mss}`],
  ],
  doc: {
    summary: 'Lowers the MSS that a SYN announces, and goes on.',
    kernel: 'net/netfilter/xt_TCPMSS.c: tcpmss_tg4, tcpmss_tg6',
  },
  list: ({ set }) => (set ? ` TCPMSS set ${set.value}` : ' TCPMSS clamp to PMTU'),
  lower: ({ set }) => [{ do: 'mss', to: set ? set.value : 'path' }],
})
