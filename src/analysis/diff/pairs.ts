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

/** Namespaces by their names; where both snapshots have a single one, that one, whatever it is called (a folder's name, `-`). */
export function pairNamespaces(before: Hosts, after: Hosts) {
  const [one, ...others] = before.namespaces
  const [other, ...more] = after.namespaces
  if (one && other && others.length === 0 && more.length === 0)
    return { both: [{ old: one, now: other }], onlyBefore: [], onlyAfter: [] }
  const hostless = (namespaces: readonly Namespace[]) => new Set(namespaces.map(({ host }) => host)).size === 1
  const loose = hostless(before.namespaces) && hostless(after.namespaces)
  const nameOf = (namespace: Namespace) => (loose ? namespace.namespace : placeName(namespace))
  const olds = new Map(before.namespaces.map((namespace) => [nameOf(namespace), namespace]))
  const news = new Map(after.namespaces.map((namespace) => [nameOf(namespace), namespace]))
  return {
    both: [...news].flatMap(([name, now]) => {
      const old = olds.get(name)
      return old ? [{ old, now }] : []
    }),
    onlyBefore: [...olds].filter(([name]) => !news.has(name)).map(([, namespace]) => placeName(namespace)),
    onlyAfter: [...news].filter(([name]) => !olds.has(name)).map(([, namespace]) => placeName(namespace)),
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
