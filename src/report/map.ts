import type { Family } from '../address/ip.js'
import { type ChainEntry, type HookEntry, registerHooks } from '../path/hooks.js'
import type { Namespace } from '../path/world.js'
import { placeName } from '../path/world.js'
import type { Json } from './json.js'

/** What stands on each hook of a namespace for one family, in the order in which it runs: the boxes of the path's picture. */
export function mapJson(namespace: Namespace, family: Family) {
  const { hooks, tracking } = registerHooks(namespace.tables, family, namespace.unmodelled)
  return {
    place: placeName(namespace),
    family,
    tracking,
    hooks: Object.entries(hooks).map(([hook, entries]) => ({ hook, entries: entries.flatMap(entryJson) })),
  } satisfies Json
}

/** A nat entry consults its chains at one priority; each of them is a box of its own. */
function entryJson(entry: HookEntry) {
  if (entry.kind === 'chain') return [chainJson(entry)]
  if (entry.kind === 'nat') return [plainJson(entry), ...entry.chains.map(chainJson)]
  return [plainJson(entry)]
}

const plainJson = (entry: Exclude<HookEntry, ChainEntry>) => ({
  kind: entry.kind,
  priority: entry.priority,
  text: entry.kind === 'opaque' ? entry.text : null,
  chain: null,
})

const chainJson = ({ priority, table, chain, base }: ChainEntry) => ({
  kind: 'chain' as const,
  priority,
  text: null,
  chain: {
    backend: table.backend,
    table: table.name,
    name: chain.name,
    type: base.type,
    policy: base.policy,
    rules: chain.rules.length,
  },
})
