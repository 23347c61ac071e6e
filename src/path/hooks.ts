import type { Family } from '../address/ip.js'
import type { Base, Chain, Hook, Table } from '../rules/program.js'
import type { Unmodelled } from './world.js'

/**
 * What stands on a netfilter hook besides chains, with the kernel's priorities (enum nf_ip_hook_priorities,
 * include/uapi/linux/netfilter_ipv4.h; IPv6 has the same). Tables bring their own priorities; everything is ordered by them and nothing else.
 */
export const PRIORITY = {
  defragment: -400,
  conntrack: -200,
  'nat-destination': -100,
  'nat-source': 100,
  'conntrack-helper': 300,
  'conntrack-confirm': 2147483647,
} as const

export interface ChainEntry {
  readonly kind: 'chain'
  readonly priority: number
  readonly table: Table
  readonly chain: Chain
  readonly base: Base
}

export type HookEntry =
  | ChainEntry
  | { readonly kind: 'defragment' | 'conntrack' | 'confirm'; readonly priority: number }
  /** Something that is not modelled: whether it lets the packet live is not known. */
  | { readonly kind: 'opaque'; readonly priority: number; readonly text: string }
  /** nf_nat_core: one function a hook, at a fixed priority, which consults the nat chains in their order. */
  | {
      readonly kind: 'nat'
      readonly priority: number
      readonly manip: 'src' | 'dst'
      readonly chains: readonly ChainEntry[]
    }

/** Everything registered in one namespace for one family, in the order in which it runs. */
export type Hooks = Readonly<Record<Hook, readonly HookEntry[]>>

type Builtin = Exclude<HookEntry, ChainEntry>

const TRACKED: readonly (readonly [Hook, Builtin])[] = [
  ['prerouting', { kind: 'defragment', priority: PRIORITY.defragment }],
  ['output', { kind: 'defragment', priority: PRIORITY.defragment }],
  ['prerouting', { kind: 'conntrack', priority: PRIORITY.conntrack }],
  ['output', { kind: 'conntrack', priority: PRIORITY.conntrack }],
  ['input', { kind: 'confirm', priority: PRIORITY['conntrack-confirm'] }],
  ['postrouting', { kind: 'confirm', priority: PRIORITY['conntrack-confirm'] }],
]

/** Which manip each hook makes (HOOK2MANIP, include/net/netfilter/nf_nat.h) and at which priority nf_nat registers there. */
const NAT: readonly (readonly [Hook, 'src' | 'dst', number])[] = [
  ['prerouting', 'dst', PRIORITY['nat-destination']],
  ['output', 'dst', PRIORITY['nat-destination']],
  ['input', 'src', PRIORITY['nat-source']],
  ['postrouting', 'src', PRIORITY['nat-source']],
]

/** nft's names of the families whose chains an IP packet meets. */
const FAMILY_NAMES: Readonly<Record<Family, readonly string[]>> = { 4: ['ip', 'inet'], 6: ['ip6', 'inet'] }
const IP_HOOKS: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting']
const HOOKS: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress']

/**
 * Connection tracking is registered only where a rule of the family needs it, nat only where a nat chain exists: a nat table
 * alone sees no packet (seen on 6.18: /proc/net/nf_conntrack stays empty and its counters 0).
 */
export function registerHooks(
  tables: readonly Table[],
  family: Family,
  unmodelled: readonly Unmodelled[] = [],
): { readonly hooks: Hooks; readonly tracking: boolean } {
  const mine = tables.filter((table) => table.family === family)
  const tracking = mine.some((table) => table.needsConntrack)
  const entries: Record<string, HookEntry[]> = Object.fromEntries(HOOKS.map((hook) => [hook, []]))
  const nat: Record<string, ChainEntry[]> = Object.fromEntries(HOOKS.map((hook) => [hook, []]))
  for (const table of mine)
    for (const chain of table.chains.values()) {
      if (!chain.base) continue
      const entry: ChainEntry = { kind: 'chain', priority: chain.base.priority, table, chain, base: chain.base }
      const list = chain.base.type === 'nat' ? nat : entries
      list[chain.base.hook]!.push(entry)
    }
  const defragmenting = tracking || mine.some((table) => table.needsDefragmentation)
  for (const [hook, entry] of TRACKED)
    if (entry.kind === 'defragment' ? defragmenting : tracking) entries[hook]!.push(entry)
  for (const { family: its, hook, priority = 0, text } of unmodelled)
    if (FAMILY_NAMES[family].includes(its))
      for (const one of hook === undefined ? IP_HOOKS : [hook]) entries[one]?.push({ kind: 'opaque', priority, text })
  const anyNat = HOOKS.some((hook) => nat[hook]!.length > 0)
  if (anyNat)
    for (const [hook, manip, priority] of NAT)
      entries[hook]!.push({ kind: 'nat', priority, manip, chains: sorted(nat[hook]!) })
  return { hooks: Object.fromEntries(HOOKS.map((hook) => [hook, sorted(entries[hook]!)])) as Hooks, tracking }
}

/**
 * By priority. Among equals the one registered last runs first (nf_hook_entries_grow inserts before the first entry whose
 * priority is not lower; seen on 6.18 with two nft tables).
 */
function sorted<T extends HookEntry>(entries: readonly T[]): readonly T[] {
  return [...entries].reverse().sort((a, b) => a.priority - b.priority)
}
