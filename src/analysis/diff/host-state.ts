import { type Hosts, type Namespace, placeName } from '../../path/world.js'
import type { Table } from '../../rules/program.js'

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one instanceof Map ? [...one] : one))

const tablesText = (tables: readonly Table[] | undefined): string =>
  textOf(
    (tables ?? []).map(({ name, family, chains }) => [
      name,
      family,
      [...chains.values()].map(({ name: chain, base, rules }) => [chain, base?.policy, rules.map(({ text }) => text)]),
    ]),
  )

/** Interfaces, addresses, routes, policy rules, settings, neighbours: whatever packets meet beside rules. */
const wayText = ({ links, routes, rules4, rules6, sysctls, neighbours, fdb }: Namespace): string =>
  textOf([links, routes, rules4, rules6, sysctls && [...sysctls].sort(), neighbours, fdb])

/** May packets go other ways, rules apart? */
export function otherWays(
  before: Hosts,
  after: Hosts,
  pairs: readonly { readonly old: Namespace; readonly now: Namespace }[],
): boolean {
  if (before.namespaces.length !== pairs.length || after.namespaces.length !== pairs.length) return true
  return (
    textOf(before.wires.map(({ ends }) => ends)) !== textOf(after.wires.map(({ ends }) => ends)) ||
    pairs.some(({ old, now }) => old !== now && wayText(old) !== wayText(now))
  )
}

/** What differs and is compared by nobody. */
export function notCompared(old: Namespace, now: Namespace): readonly string[] {
  const parts: readonly (readonly [string, (of: Namespace) => string])[] = [
    ['policies of IPsec', ({ xfrm }) => textOf(xfrm)],
    [
      'rules of ebtables',
      ({ bridgeTables, frameTables }) =>
        [bridgeTables, frameTables?.other, frameTables?.tagged].map(tablesText).join('\n'),
    ],
    ['rules of arptables', ({ arpTables }) => tablesText(arpTables)],
    ['what is not evaluated', ({ unmodelled = [] }) => unmodelled.map(({ text }) => text).join('\n')],
  ]
  if (old === now) return []
  return parts.filter(([, of]) => of(old) !== of(now)).map(([name]) => `${placeName(now)}: ${name}: they differ`)
}
