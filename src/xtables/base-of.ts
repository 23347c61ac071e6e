import type { Base } from '../rules/program.js'
import type { SaveChain } from './save-file.js'
import { TABLES } from './tables.js'

/** iptables-nft registers `security` at 150, behind the source NAT of INPUT (iptables 1.8.9, nft.c: xtables_ipv4; seen in nft list ruleset). */
const NFT_SECURITY = 150

/** How a chain is registered; undefined of one that packets only come to by a jump. */
export function baseOf(
  { table, backend }: { readonly table: string; readonly backend: 'legacy' | 'nft' },
  { name, policy, counters }: SaveChain,
): Base | undefined {
  // a look into an object makes V8 keep every name that it is asked for
  const place = policy === undefined ? undefined : TABLES[table]?.[name]
  const moved = table === 'security' && backend === 'nft' ? { priority: NFT_SECURITY } : undefined
  return place && { ...place, ...moved, policy: policy === 'DROP' ? 'drop' : 'accept', counters }
}
