import type { Hook } from '../rules/program.js'
import { recordChain, runChain } from './chains.js'
import type { Cursor } from './cursor.js'
import { dropped } from './dropped.js'
import type { Fate } from './fate.js'
import { opaque } from './opaque.js'

/** What a frame is longer by on its way out: its Ethernet header counts there (seen on 6.18: 28 bytes in INPUT, 42 in OUTPUT). */
const HEADER = 14

/** The chains of arptables on a hook of ARP, and what else stands there and is not evaluated. */
export function runArpHook(cursor: Cursor, hook: Hook): Fate | undefined {
  const { arpTables = [], unmodelled = [] } = cursor.netns.state
  const before = { hook: cursor.hook, hookOif: cursor.hookOif }
  cursor.hook = hook
  cursor.hookOif = cursor.skb.oif
  try {
    for (const table of arpTables)
      for (const chain of table.chains.values()) {
        const { base } = chain
        if (base?.hook !== hook || (chain.rules.length === 0 && base.policy === 'accept')) continue
        const entry = { kind: 'chain', priority: base.priority, table, chain, base } as const
        const run = runChain(cursor, entry, hook === 'output' ? HEADER : 0)
        recordChain(cursor, hook, run.visit)
        if (run.verdict !== 'accept') return dropped(cursor, entry, run)
      }
    for (const { family, hook: at, text } of unmodelled) {
      const fate = family === 'arp' && (at === hook || at === undefined) ? opaque(cursor, text) : undefined
      if (fate) return fate
    }
    return undefined
  } finally {
    cursor.hook = before.hook
    cursor.hookOif = before.hookOif
  }
}
