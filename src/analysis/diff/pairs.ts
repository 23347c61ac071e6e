import type { Family } from '../../address/ip.js'
import { type Hosts, type Namespace, placeName } from '../../path/world.js'
import type { Chain, Table } from '../../rules/program.js'

/** A base chain with its table. */
export interface BaseChain {
  readonly table: Table
  readonly chain: Chain
}

/** The same thing in both snapshots; absent where one has none. */
export interface Both<T> {
  readonly old: T | undefined
  readonly now: T | undefined
}

/**
 * The old snapshot with the new one's names where both are of a single host, whatever that is called (a folder's name, `-`): namespaces are told apart by their
 * names from there on.
 */
export function renamed(before: Hosts, after: Hosts): Hosts {
  const [one, ...others] = before.namespaces
  const [other, ...more] = after.namespaces
  if (!one || !other) return before
  const single = others.length === 0 && more.length === 0
  const hostsOf = ({ namespaces }: Hosts) => new Set(namespaces.map(({ host }) => host))
  const loose = hostsOf(before).size === 1 && hostsOf(after).size === 1
  if (single ? placeName(one) === placeName(other) : !loose || one.host === other.host) return before
  const place = single ? { host: other.host, namespace: other.namespace } : { host: other.host }
  return {
    ...before,
    namespaces: before.namespaces.map((namespace) => ({ ...namespace, ...place })),
    wires: before.wires.map((wire) => ({ ...wire, ends: wire.ends.map((end) => ({ ...end, ...place })) })),
  }
}

/** Namespaces by their names. */
export function pairNamespaces(before: Hosts, after: Hosts) {
  const olds = new Map(before.namespaces.map((namespace) => [placeName(namespace), namespace]))
  const news = new Map(after.namespaces.map((namespace) => [placeName(namespace), namespace]))
  return {
    both: [...news].flatMap(([name, now]) => {
      const old = olds.get(name)
      return old ? [{ old, now }] : []
    }),
    onlyBefore: [...olds.keys()].filter((name) => !news.has(name)),
    onlyAfter: [...news.keys()].filter((name) => !olds.has(name)),
  }
}

/** The tables of either side by their names; of a name that legacy and nft both have, each by itself. */
export function pairTables(old: Namespace, now: Namespace, family: Family): readonly Both<Table>[] {
  const of = ({ tables }: Namespace) => tables.filter((table) => table.family === family)
  const twice = (tables: readonly Table[]) => new Set(tables.map(({ name }) => name)).size < tables.length
  const both = twice(of(old)) || twice(of(now))
  const byName = (tables: readonly Table[]) =>
    new Map(tables.map((table) => [both ? `${table.backend} ${table.name}` : table.name, table]))
  const [olds, news] = [byName(of(old)), byName(of(now))]
  return [...new Set([...olds.keys(), ...news.keys()])].map((name) => ({ old: olds.get(name), now: news.get(name) }))
}

/** The base chains of either version of a table. */
export function pairBases({ old, now }: Both<Table>): readonly Both<BaseChain>[] {
  const of = (table: Table | undefined) =>
    new Map(
      [...(table?.chains.values() ?? [])]
        .filter(({ base }) => base)
        .map((chain) => [chain.name, { table: table!, chain }] as const),
    )
  const [olds, news] = [of(old), of(now)]
  return [...new Set([...olds.keys(), ...news.keys()])].map((name) => ({ old: olds.get(name), now: news.get(name) }))
}
