import { ifName } from '../address/ifname.js'
import { firstOf, lastOf, type Prefix } from '../address/prefix.js'
import { CT_STATE, type Field, type FieldValue } from '../packet/fields.js'
import type { ChainEntry } from '../path/hooks.js'
import type { Ranges } from '../rules/value.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import { partition, type Values } from '../sets/blocks.js'
import { masked } from '../sets/space.js'
import type { Scope } from './scope.js'

/** Protocol 6 or 17 and the ports, as numbers. */
export interface Service {
  readonly protocol: number
  readonly dport: number
  readonly sport?: number
}

/** From which addresses packets can come in by an interface: no others are looked at. */
export type Carried = ReadonlyMap<string, readonly Prefix[]>

/** Addresses that are treated alike, both as the source and as the destination of a service. */
export interface AddressClass {
  readonly addresses: Values
  /** Which classes (indices) these addresses may open connections to. */
  readonly reaches: readonly number[]
}

const SYN = 2
const FLAGS = 0x17

/** First packets of connections to a service, of interfaces that carry their source. */
function firstPackets({ space, family }: Scope, { protocol, dport, sport }: Service, carried: Carried): Node {
  const { bdd } = space
  const source: Field = family === 4 ? 'ip.saddr' : 'ip6.saddr'
  const outside = [...carried].map(([name, prefixes]) =>
    bdd.minus(space.equals('meta.iifname', ifName(name)), space.in(source, rangesOf(prefixes))),
  )
  const parts = [
    space.equals('meta.l4proto', protocol),
    space.equals('th.dport', dport),
    sport === undefined ? FULL : space.equals('th.sport', sport),
    space.equals('ct.state', CT_STATE.NEW),
    protocol === 6 ? space.bitsIn(masked(space.bitsOf('tcp.flags'), FLAGS), [[SYN, SYN]]) : FULL,
    space.whole,
    bdd.not(space.union(outside)),
  ]
  return parts.reduce((all, one) => bdd.and(all, one), space.valid)
}

/**
 * All addresses, in as few classes as a base chain tells apart for one service, and which class may open connections to which (Diekmann et al.,
 * Verified iptables Firewall Analysis, IFIP Networking 2016: service matrices). What a limit or a lot decides, and an interface that is not named in
 * `carried`, counts as what lets more through. Undefined: the addresses are scattered beyond listing.
 */
export function serviceMatrix(
  scope: Scope,
  entry: ChainEntry,
  service: Service,
  carried: Carried = new Map(),
): readonly AddressClass[] | undefined {
  const { space, family } = scope
  const [source, destination]: readonly [Field, Field] =
    family === 4 ? ['ip.saddr', 'ip.daddr'] : ['ip6.saddr', 'ip6.daddr']
  const passed = space.bdd.and(scope.flow(entry).accepted, firstPackets(scope, service, carried))
  const all = space.project(passed, [source, destination])
  const sources = partition(space, all, space.levelsOf(source))
  if (!sources) return undefined
  // each class of sources has a set of destinations; everybody else reaches nobody
  const kinds: { readonly from: Values; readonly to: Values }[] = []
  for (const [targets, from] of sources) {
    const to = partition(space, targets, space.levelsOf(destination))?.get(FULL)
    if (!to) return undefined
    kinds.push({ from, to })
  }
  return classesOf(kinds, family === 4 ? 32 : 128)
}

/** The source addresses that come through a base chain by an interface although they are not those that it carries: none of them is protection from spoofing. */
export function spoofed(scope: Scope, entry: ChainEntry, name: string, prefixes: readonly Prefix[]): Values {
  const { space, family } = scope
  const source: Field = family === 4 ? 'ip.saddr' : 'ip6.saddr'
  const parts = [space.equals('meta.iifname', ifName(name)), space.equals('ct.state', CT_STATE.NEW)]
  const here = parts.reduce((all, one) => space.bdd.and(all, one), scope.flow(entry).accepted)
  const set = space.project(space.bdd.minus(here, space.in(source, rangesOf(prefixes))), [source])
  return set === EMPTY ? [] : (partition(space, set, space.levelsOf(source))?.get(FULL) ?? [])
}

/** Splits all addresses where a kind begins or ends, and joins those that are the same kind of source and the same kind of destination. */
function classesOf(
  kinds: readonly { readonly from: Values; readonly to: Values }[],
  bits: number,
): readonly AddressClass[] {
  const edges = new Set<bigint>([0n])
  for (const { from, to } of kinds)
    for (const [low, high] of [...from, ...to]) edges.add(BigInt(low)).add(BigInt(high) + 1n)
  edges.delete(1n << BigInt(bits))
  const starts = [...edges].sort((a, b) => (a < b ? -1 : 1))
  const asSource = starts.map((start) => kinds.findIndex(({ from }) => holds(from, start)))
  const asTarget = starts.map((start) => kinds.map(({ to }) => (holds(to, start) ? '1' : '0')).join(''))
  const classes = new Map<string, { ranges: [bigint, bigint][]; kind: number; met: string }>()
  for (const [i, start] of starts.entries()) {
    const end = (starts[i + 1] ?? 1n << BigInt(bits)) - 1n
    const key = `${asSource[i]} ${asTarget[i]}`
    const known = classes.get(key)
    const last = known?.ranges.at(-1)
    if (last && last[1] + 1n === start) last[1] = end
    else if (known) known.ranges.push([start, end])
    else classes.set(key, { ranges: [[start, end]], kind: asSource[i]!, met: asTarget[i]! })
  }
  const list = [...classes.values()]
  const plain = (value: bigint): FieldValue => (bits === 32 ? Number(value) : value)
  return list.map(({ ranges, kind }) => ({
    addresses: ranges.map(([low, high]) => [plain(low), plain(high)] as const),
    reaches: list.flatMap(({ met }, index) => (kind >= 0 && met[kind] === '1' ? [index] : [])),
  }))
}

/** Is the value in one of these ascending intervals? */
function holds(values: Values, value: bigint): boolean {
  let [low, high] = [0, values.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const [from, to] = values[middle]!
    if (value < BigInt(from)) high = middle - 1
    else if (value > BigInt(to)) low = middle + 1
    else return true
  }
  return false
}

const rangesOf = (prefixes: readonly Prefix[]): Ranges =>
  prefixes.map((prefix) => [firstOf(prefix), lastOf(prefix)] as const).sort(([a], [b]) => (a < b ? -1 : 1))
