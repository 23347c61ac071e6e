import type { FieldValue } from '../packet/fields.js'
import { FIELDS } from '../packet/fields.js'
import type { Hook } from '../rules/program.js'
import { recordChain, runChain } from './chains.js'
import type { Cursor } from './cursor.js'
import { defragment } from './defragment.js'
import { dropped } from './dropped.js'
import type { Fate } from './fate.js'
import type { ChainEntry, HookEntry } from './hooks.js'
import { natHook } from './nat-hook.js'
import { opaque } from './opaque.js'
import { reroute } from './route.js'
import { confirmConnection, track } from './track.js'

/** Runs everything that is registered on a hook, by priority. A fate: the packet's walk ended here. */
export function runHook(cursor: Cursor, hook: Hook): 'accept' | Fate {
  cursor.hook = hook
  cursor.hookOif = cursor.skb.oif
  for (const entry of cursor.netns.hooks(cursor.skb.packet.family).hooks[hook]) {
    const fate = runEntry(cursor, hook, entry)
    if (fate) return fate
  }
  cursor.hook = undefined
  return 'accept'
}

function runEntry(cursor: Cursor, hook: Hook, entry: HookEntry): Fate | undefined {
  switch (entry.kind) {
    case 'chain':
      return chainOnHook(cursor, hook, entry)
    case 'defragment':
      return defragment(cursor, hook)
    case 'conntrack':
      return track(cursor, hook)
    case 'nat':
      return natHook(cursor, hook, entry)
    case 'confirm':
      return confirmConnection(cursor, hook)
    case 'opaque':
      return opaque(cursor, entry.text)
  }
}

function chainOnHook(cursor: Cursor, hook: Hook, entry: ChainEntry): Fate | undefined {
  const routes = hook === 'output' && entry.base.type === 'route'
  const before = routes ? routingInputs(cursor) : []
  const run = runChain(cursor, entry)
  recordChain(cursor, hook, run.visit)
  if (run.verdict !== 'accept') return dropped(cursor, entry, run)
  if (!routes) return undefined
  // ipt_mangle_out, nf_route_table_hook4: what routing looked at has changed, so it is asked again
  const after = routingInputs(cursor)
  return before.some((value, i) => value !== after[i]) ? reroute(cursor) : undefined
}

/** What a chain of type route compares before and after (net/ipv4/netfilter/iptable_mangle.c: ipt_mangle_out; ip6table_mangle.c adds flow label and hop limit). */
function routingInputs({ skb }: Cursor): readonly (FieldValue | undefined)[] {
  const { packet, mark } = skb
  if (packet.family === 4)
    return [mark, FIELDS['ip.saddr'].read(packet), FIELDS['ip.daddr'].read(packet), FIELDS['ip.tos'].read(packet)]
  return [
    mark,
    FIELDS['ip6.saddr'].read(packet),
    FIELDS['ip6.daddr'].read(packet),
    FIELDS['ip.ttl'].read(packet),
    FIELDS['ip6.flowlabel'].read(packet),
    FIELDS['ip.tos'].read(packet),
  ]
}
