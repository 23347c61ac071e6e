import { flag, integer } from '../codec.js'
import type { Given } from '../extension.js'
import type { FlagTest } from '../port-options.js'
import { defineTarget } from '../target.js'

const SYN = 2

/** Does a tcp match ask for SYN (xt_TCPMSS.c: find_syn_match)? */
function asksForSyn({ flags, syn }: { readonly flags?: Given<FlagTest>; readonly syn?: Given<FlagTest> }): boolean {
  const asked = flags ?? syn
  return asked !== undefined && !asked.inverted && (asked.value.set & SYN) !== 0
}

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
  // a native tcp match is no xt match any more, so that the kernel does not ask (xt_TCPMSS.c: nft_compat)
  check: (_, { backend, beside }) =>
    backend === 'nft' || beside?.('tcp').some(asksForSyn)
      ? undefined
      : '"TCPMSS" needs -p tcp with --syn or --tcp-flags that ask for SYN',
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
