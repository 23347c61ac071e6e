import { isIp } from '../packet/arp.js'
import type { Hook, Table } from '../rules/program.js'
import { recordChain, runChain } from './chains.js'
import type { Cursor } from './cursor.js'
import { dropped } from './dropped.js'
import type { Fate } from './fate.js'
import type { ChainEntry } from './hooks.js'
import { opaque } from './opaque.js'

/**
 * What stands on a bridge's own hook: the chains of ebtables, by priority (enum nf_br_hook_priorities), and what is there and not evaluated. The IP
 * hooks that br_netfilter calls are not among it. `out`: the port that the frame is about to leave by.
 */
export function runBridgeHook(cursor: Cursor, hook: Hook, out?: string): Fate | undefined {
  const { netns, skb } = cursor
  const { unmodelled = [] } = netns.state
  const chains = tablesFor(cursor).flatMap((table) =>
    [...table.chains.values()].flatMap((chain): ChainEntry[] =>
      chain.base?.hook === hook &&
      chain.base.priority !== BROUTE &&
      (chain.rules.length > 0 || chain.base.policy === 'drop')
        ? [{ kind: 'chain', priority: chain.base.priority, table, chain, base: chain.base }]
        : [],
    ),
  )
  const others = unmodelled.filter((one) => one.family === 'bridge' && (one.hook === hook || one.hook === undefined))
  if (chains.length === 0 && others.length === 0) return undefined
  const before = { bridge: skb.bridge, hook: cursor.hook, hookOif: cursor.hookOif }
  skb.bridge = { in: undefined, calls: false, daddr: netns.addressOf(skb.packet, 'dst'), ...before.bridge, out }
  cursor.hook = hook
  cursor.hookOif = skb.oif
  try {
    for (const entry of chains.sort((a, b) => a.priority - b.priority)) {
      const run = runChain(cursor, entry, TAG * Math.max(0, skb.vlans.length - 1))
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

function tablesFor({ netns, skb }: Cursor): readonly Table[] {
  const { bridgeTables = [], frameTables } = netns.state
  if (skb.vlans.length > 0) return frameTables?.tagged ?? []
  if (!isIp(skb.packet)) return frameTables?.other ?? []
  return bridgeTables.filter(({ family }) => family === skb.packet.family)
}

/** The first tag is not counted, those behind it are. */
const TAG = 4

/** NF_BR_PRI_FIRST: the table broute. */
const BROUTE = -(2 ** 31)

/**
 * The table broute, before all else that a bridge does with what its port received: DROP means that the frame is not bridged, but goes up from the port
 * as if it were no port (net/bridge/netfilter/ebtable_broute.c: ebt_broute).
 */
export function isRouted(cursor: Cursor, port: string): boolean {
  const { skb } = cursor
  const before = { bridge: skb.bridge, hook: cursor.hook, hookOif: cursor.hookOif, iif: skb.iif }
  let routed = false
  skb.bridge = { calls: false, daddr: 0, ...before.bridge, in: port, out: undefined }
  cursor.hook = 'prerouting'
  cursor.hookOif = undefined
  for (const table of tablesFor(cursor))
    for (const chain of table.chains.values()) {
      const { base } = chain
      if (base?.priority !== BROUTE || (chain.rules.length === 0 && base.policy === 'accept')) continue
      const run = runChain(cursor, { kind: 'chain', priority: base.priority, table, chain, base })
      recordChain(cursor, 'prerouting', run.visit)
      routed ||= run.verdict === 'drop'
    }
  skb.bridge = before.bridge
  cursor.hook = before.hook
  cursor.hookOif = before.hookOif
  return routed
}
