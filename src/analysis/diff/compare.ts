import { type Bdd, EMPTY, FULL, type Node } from '../../sets/bdd.js'
import type { SamePacket, Writing } from './same-packet.js'

/** One thing that may become of packets, on one side. Those with the same `is` and `lots` are one. */
export interface Fate<T> extends Writing {
  /** All that it is but for what was written. */
  readonly is: string
  readonly lots: string
  readonly packets: Node
  readonly of: T
}

/** Packets of which the same may become on each side; the two differ. */
export interface Cell<T> {
  readonly packets: Node
  readonly old: readonly Fate<T>[]
  readonly now: readonly Fate<T>[]
}

export interface Compared<T> {
  readonly cells: readonly Cell<T>[]
  /** The same may become of these on both sides, but it hangs on other lots or limits. */
  readonly undecided: Node
}

/** More kinds of packets than these are not told apart. */
const MOST_CELLS = 20_000

export class CellLimitError extends Error {
  override readonly name = 'CellLimitError'
}

/**
 * Which packets of `among` fare differently: of whom something may become on one side that may not on the other. Exact: each packet of a cell does, whoever is in none does not.
 * Throws CellLimitError, NodeLimitError.
 */
export function compare<T>(
  bdd: Bdd,
  same: SamePacket,
  among: Node,
  old: readonly Fate<T>[],
  now: readonly Fate<T>[],
): Compared<T> {
  const [olds, news] = [joined(bdd, old), joined(bdd, now)]
  const suspects = bdd.and(among, suspectsOf(bdd, olds, news))
  if (suspects === EMPTY) return { cells: [], undecided: EMPTY }
  const cells: Cell<T>[] = []
  let undecided: Node = EMPTY
  for (const cell of split(bdd, split(bdd, [{ packets: suspects, old: [], now: [] }], olds, 'old'), news, 'now')) {
    const alike = bdd.and(cell.packets, alikeIn(bdd, same, cell, false))
    const others = bdd.minus(cell.packets, alike)
    if (others !== EMPTY) cells.push({ ...cell, packets: others })
    if (alike !== EMPTY) undecided = bdd.or(undecided, bdd.minus(alike, alikeIn(bdd, same, cell, true)))
  }
  return { cells, undecided }
}

const keyOf = ({ is, lots, transform }: Fate<unknown>, numbers: Map<object, number>): string => {
  const number = numbers.get(transform) ?? numbers.size
  numbers.set(transform, number)
  return `${is}|${lots}|${number}`
}

function joined<T>(bdd: Bdd, fates: readonly Fate<T>[]): readonly Fate<T>[] {
  const numbers = new Map<object, number>()
  const found = new Map<string, Fate<T>>()
  for (const fate of fates) {
    const key = keyOf(fate, numbers)
    const known = found.get(key)
    found.set(key, known ? { ...known, packets: bdd.or(known.packets, fate.packets) } : fate)
  }
  return [...found.values()]
}

/** Packets of which the very same does not become; fates of one kind with other writes count as others here. */
function suspectsOf<T>(bdd: Bdd, olds: readonly Fate<T>[], news: readonly Fate<T>[]): Node {
  const sets = new Map<string, [Node, Node]>()
  for (const [side, fates] of [olds, news].entries())
    for (const { is, lots, transform, packets } of fates) {
      const key = `${is}|${lots}|${JSON.stringify(transform.writes, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}`
      const known = sets.get(key) ?? [EMPTY, EMPTY]
      known[side as 0 | 1] = bdd.or(known[side as 0 | 1], packets)
      sets.set(key, known)
    }
  let all: Node = EMPTY
  for (const [a, b] of sets.values()) if (a !== b) all = bdd.or(all, bdd.or(bdd.minus(a, b), bdd.minus(b, a)))
  return all
}

function split<T>(bdd: Bdd, cells: readonly Cell<T>[], fates: readonly Fate<T>[], side: 'old' | 'now') {
  let all = cells
  for (const fate of fates) {
    const next: Cell<T>[] = []
    for (const cell of all) {
      const inside = bdd.and(cell.packets, fate.packets)
      if (inside === EMPTY) {
        next.push(cell)
        continue
      }
      next.push({ ...cell, packets: inside, [side]: [...cell[side], fate] })
      const outside = bdd.minus(cell.packets, fate.packets)
      if (outside !== EMPTY) next.push({ ...cell, packets: outside })
    }
    if (next.length > MOST_CELLS) throw new CellLimitError('too many kinds of packets fare differently')
    all = next
  }
  return all
}

/** The packets for which every fate of one side is one of the other's. */
function alikeIn<T>(bdd: Bdd, same: SamePacket, { old, now }: Cell<T>, lots: boolean): Node {
  const all = (some: readonly Fate<T>[], others: readonly Fate<T>[]) =>
    some.map((one) => {
      const fits = others.filter(({ is, lots: luck }) => is === one.is && (!lots || luck === one.lots))
      return fits.reduce((any: Node, other) => bdd.or(any, same.of(one, other)), EMPTY)
    })
  const parts = [...all(old, now), ...all(now, old)]
  const [first, ...rest] = parts
  return first === undefined ? FULL : rest.reduce((both: Node, one) => bdd.and(both, one), first)
}
