import type { Hook } from '../rules/program.js'
import { recordChain, runChain } from './chains.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import { dropped, opaque } from './hook-run.js'
import type { ChainEntry } from './hooks.js'

/**
 * What stands on a bridge's own hook: the chains of ebtables, by priority (enum nf_br_hook_priorities), and what is there and not evaluated. The IP
 * hooks that br_netfilter calls are not among it. `out`: the port that the frame is about to leave by.
 */
export function runBridgeHook(cursor: Cursor, hook: Hook, out?: string): Fate | undefined {
  const { netns, skb } = cursor
  const { bridgeTables = [], unmodelled = [] } = netns.state
  const chains = bridgeTables.filter(({ family }) => family === skb.packet.family).flatMap((table) =>
    [...table.chains.values()].flatMap((chain): ChainEntry[] =>
      chain.base?.hook === hook && (chain.rules.length > 0 || chain.base.policy === 'drop')
        ? [{ kind: 'chain', priority: chain.base.priority, table, chain, base: chain.base }]
        : [],
    ),
  ) // biome-ignore format: one expression
  const others = unmodelled.filter((one) => one.family === 'bridge' && (one.hook === hook || one.hook === undefined))
  if (chains.length === 0 && others.length === 0) return undefined
  const before = { bridge: skb.bridge, hook: cursor.hook, hookOif: cursor.hookOif }
  skb.bridge = { in: undefined, calls: false, daddr: netns.addressOf(skb.packet, 'dst'), ...before.bridge, out }
  cursor.hook = hook
  cursor.hookOif = skb.oif
  try {
    for (const entry of chains.sort((a, b) => a.priority - b.priority)) {
      const run = runChain(cursor, entry)
      recordChain(cursor, hook, run.visit)
      if (run.verdict !== 'accept') return dropped(cursor, entry, run)
    }
    for (const { text } of others) {
      const fate = opaque(cursor, text)
      if (fate) return fate
    }
    return undefined
  } finally {
    skb.bridge = before.bridge
    cursor.hook = before.hook
    cursor.hookOif = before.hookOif
  }
}
