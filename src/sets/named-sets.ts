import type { Family } from '../address/ip.js'
import type { Condition } from '../rules/condition.js'
import type { Table } from '../rules/program.js'
import type { Comparison, Look } from '../rules/set-use.js'
import type { ElementRanges, NamedSets } from '../rules/store.js'
import type { Range, Ranges, Value } from '../rules/value.js'
import { EMPTY, type Node } from './bdd.js'
import type { Surroundings } from './conditions.js'
import { ROOMS } from './layout.js'
import { masked, type Space } from './space.js'

/** What rules may ask of the sets of a namespace, and what changes them. */
export interface SetsOf {
  readonly sets: NamedSets
  /** Of the namespace, in any order: a set that one of their rules changes may have gained or lost any element since. */
  readonly tables: readonly Table[]
}

/** Named sets as the snapshot lists them, for all packets of a space. Elements with a timeout are there: a snapshot is a moment. */
export function namedSurroundings(
  space: Space,
  { sets, tables }: SetsOf,
): Required<Pick<Surroundings, 'bind' | 'member'>> {
  const changed = changedSets(sets, tables)
  const types = new Map(sets.listed.map(({ name, type }) => [name, type]))
  const known = new Map<string, { readonly yes: Node; readonly unknown: Node }>()
  return {
    bind: ({ use, look }) => sets.bind(use, look),
    member(set, key, look) {
      const type = types.get(set)
      const returned = look?.returnNomatch === true && /net/.test(type ?? '')
      const id = `${set} ${JSON.stringify(key, text)} ${returned} ${asksCounters(look)}`
      let found = known.get(id)
      if (!found) {
        found = find()
        known.set(id, found)
      }
      return found

      function find() {
        // of several interfaces of one network, which is the one that counts is not in the ranges
        if (changed.has(set) || (returned && /iface/.test(type ?? ''))) return { yes: EMPTY, unknown: space.valid }
        const { yes, unknown } = packetsIn(space, sets.ranges(set, key), key, returned)
        return asksCounters(look) ? { yes: EMPTY, unknown: space.bdd.or(yes, unknown) } : { yes, unknown }
      }
    },
  }
}

const text = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)

/** Counters move on with every packet. */
const asksCounters = (look: Look | undefined): boolean =>
  [look, look?.list].some((one) => one !== undefined && comparisons(one).length > 0)
const comparisons = ({ packets, bytes }: { packets?: Comparison | undefined; bytes?: Comparison | undefined }) =>
  [packets, bytes].filter((one) => one !== undefined)

/** Names of sets, members of lists included, that a rule adds to or deletes from. */
function changedSets(sets: NamedSets, tables: readonly Table[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const table of tables)
    for (const chain of table.chains.values())
      for (const rule of chain.rules)
        for (const step of rule.steps) {
          if (!('do' in step) || step.do.do !== 'change-set') continue
          names.add(step.do.use.set)
          const bound = sets.bindUse(step.do.use)
          if (bound.known) for (const { set } of bound.uses) names.add(set)
        }
  return names
}

/** The first element that holds a packet decides: elements from the last to the first, each on top of those behind it. */
function packetsIn(
  space: Space,
  elements: Iterable<ElementRanges>,
  key: readonly Value[],
  returned: boolean,
): { readonly yes: Node; readonly unknown: Node } {
  const { bdd } = space
  const runs: { readonly nomatch: boolean; readonly keys: (readonly Range[])[] }[] = []
  for (const { key: parts, nomatch } of elements) {
    const last = runs.at(-1)
    if (last && last.nomatch === nomatch) last.keys.push(parts)
    else runs.push({ nomatch, keys: [parts] })
  }
  let [yes, unknown]: [Node, Node] = [EMPTY, EMPTY]
  for (const { nomatch, keys } of runs.reverse()) {
    const held = union(space, key, keys)
    const all = bdd.or(held.yes, held.unknown)
    if (nomatch === returned) yes = bdd.or(bdd.minus(yes, held.unknown), held.yes)
    else yes = bdd.minus(yes, all)
    unknown = bdd.or(bdd.minus(unknown, held.yes), held.unknown)
  }
  return { yes, unknown }
}

/** Elements that differ in the first part of their keys only are looked up together. */
function union(space: Space, key: readonly Value[], elements: readonly (readonly Range[])[]) {
  const { bdd } = space
  const groups = new Map<string, { readonly rest: readonly Range[]; readonly first: Range[] }>()
  for (const [first, ...rest] of elements) {
    const id = rest.map(([from, to]) => `${from}-${to}`).join(' ')
    const group = groups.get(id)
    if (group) group.first.push(first!)
    else groups.set(id, { rest, first: [first!] })
  }
  const yes: Node[] = []
  const unknown: Node[] = []
  for (const { rest, first } of groups.values()) {
    const parts =
      key[0] === 'ipset.protocol'
        ? first.map((one) => [[one], ...rest.map((range) => [range])])
        : [[first, ...rest.map((range) => [range])]]
    for (const ranges of parts) {
      const held = one(space, key, ranges)
      yes.push(held.yes)
      if (held.unknown !== EMPTY) unknown.push(held.unknown)
    }
  }
  const sum = space.union(yes)
  return { yes: sum, unknown: bdd.minus(space.union(unknown), sum) }
}

function one(space: Space, key: readonly Value[], ranges: readonly Ranges[]) {
  const { bdd } = space
  let [yes, unknown]: [Node, Node] = [space.valid, EMPTY]
  for (let i = 0; i < key.length; i++) {
    const part = key[i]!
    if (part === 'ipset.protocol') {
      const held = portsAs(space, Number(ranges[i]![0]![0]), ranges[i + 1]!, key[i + 1] === 'ipset.sport')
      i++
      unknown = bdd.or(bdd.and(unknown, bdd.or(held.yes, held.unknown)), bdd.and(yes, held.unknown))
      yes = bdd.and(yes, held.yes)
      continue
    }
    const held = within(space, part, ranges[i]!)
    unknown = bdd.and(unknown, held)
    yes = bdd.and(yes, held)
  }
  return { yes, unknown }
}

function within(space: Space, part: Value, ranges: Ranges): Node {
  if (typeof part === 'string') return space.in(part, ranges)
  if (part.from !== 'masked' || typeof part.of !== 'string') throw new Error('a key of fields, masked or not')
  return space.bdd.and(space.present(part.of), space.bitsIn(masked(space.bitsOf(part.of), part.mask), ranges))
}

/** Bytes that a header must have, and whether a later fragment has no port but 0 (src/packet/ipset-port.ts). */
const HEADERS: ReadonlyMap<number, readonly [bytes: number, later: boolean]> = new Map([
  [6, [20, false]],
  [132, [12, false]],
  [17, [8, false]],
  [136, [8, false]],
  [1, [8, false]],
  [58, [8, true]],
])

/** Packets with this protocol and port as ipset takes them from a packet. */
function portsAs(space: Space, protocol: number, ports: Ranges, source: boolean) {
  const { bdd, family } = space
  const own = protocol === 0 ? EMPTY : space.equals('meta.l4proto', protocol)
  const zero = ports.some(([from, to]) => from <= 0 && 0 <= to) ? own : EMPTY
  const header = HEADERS.get(protocol)
  let yes = zero
  if (header) {
    const [bytes, later] = header
    const there = space.bitsIn(space.layout.cell('room'), [
      [(ROOMS as readonly number[]).indexOf(bytes), ROOMS.length - 1],
    ])
    const first = bdd.and(space.equals('frag.offset', 0), there)
    // type and code of ICMP stand where the source port of others does
    const field = source || protocol === 1 || protocol === 58 ? 'th.sport' : 'th.dport'
    const port = space.bitsIn(space.bitsOf(field), ports)
    yes = bdd.and(own, bdd.and(first, port))
    if (later) yes = bdd.or(yes, bdd.minus(zero, space.equals('frag.offset', 0)))
  }
  if (family === 4) return { yes, unknown: EMPTY }
  // headers in front of the transport header that the kernel reads otherwise here than elsewhere
  return { yes: bdd.and(yes, space.whole), unknown: bdd.minus(own, space.whole) }
}

/** The interface names that the sets which rules of a family ask tell apart. */
export function namesOfSets({ sets, tables }: SetsOf, family: Family): readonly Ranges[] {
  const found: Ranges[] = []
  const ask = (condition: Condition): void => {
    switch (condition.is) {
      case 'named-set':
        ask(sets.bind(condition.use, condition.look))
        return
      case 'all':
      case 'any':
        for (const part of condition.of) ask(part)
        return
      case 'not':
      case 'drop-if':
        ask(condition.of)
        return
      case 'member': {
        const at = condition.key.findIndex((part) => typeof part === 'string' && /ifname$/.test(part))
        if (at >= 0) for (const { key } of sets.ranges(condition.set, condition.key)) found.push([key[at]!])
      }
    }
  }
  for (const table of tables)
    if (table.family === family)
      for (const chain of table.chains.values())
        for (const rule of chain.rules) for (const step of rule.steps) if ('if' in step) ask(step.if)
  return found
}
