import type { Field, FieldValue } from '../packet/fields.js'
import { Bdd, EMPTY, FULL, type Node } from './bdd.js'
import type { Space } from './space.js'

/** Closed intervals, ascending, disjoint, none touching the next. */
export type Values = readonly (readonly [from: FieldValue, to: FieldValue])[]

/** Packets with any combination of these values; a field that is not named may have any. */
export type Block = ReadonlyMap<Field, Values>

export interface Blocks {
  readonly blocks: readonly Block[]
  /** There are more: these are the first. */
  readonly more: boolean
}

/** The fields that people tell packets apart by, in the order in which they are told. */
export const shownFields = (family: 4 | 6): readonly Field[] => [
  'meta.l4proto',
  family === 4 ? 'ip.saddr' : 'ip6.saddr',
  family === 4 ? 'ip.daddr' : 'ip6.daddr',
  'th.dport',
  'th.sport',
  'meta.iifname',
  'meta.oifname',
  'ct.state',
  'meta.mark',
]

const wide = (value: bigint): FieldValue => (value < 1n << 48n ? Number(value) : value)

/**
 * A set as few blocks that have no packet in common, as far as `fields` tell (in their order; whatever else the set asks for is left out).
 * `within`: what the packets are known to be among, which is not told again. Later fragments and packets whose header is cut off are left out where there are others. The values of interface names are their numbers in the space.
 */
export function blocksOf(
  space: Space,
  set: Node,
  fields: readonly Field[] = shownFields(space.family),
  limit = 400,
  within: Node = space.valid,
): Blocks {
  const { bdd } = space
  const view = new View(space, fields)
  const cells = fields.map((field) => {
    // a packet may have any of these: nothing that needs to be said
    const all = space.project(bdd.and(within, space.valid), [field])
    const any = partition(space, all, space.levelsOf(field))?.get(FULL)
    return { field, bits: view.levelsOf(field), any: textOf(any) }
  })
  const found: Map<Field, Values>[] = []
  let more = false
  const walk = (node: Node, at: number, block: readonly (readonly [Field, Values])[]): void => {
    if (node === EMPTY || more) return
    const cell = cells[at]
    if (!cell) {
      if (found.length >= limit) more = true
      else found.push(new Map(block))
      return
    }
    const parts = partition(view, node, cell.bits)
    if (!parts) {
      more = true
      return
    }
    for (const [child, values] of parts)
      walk(child, at + 1, textOf(values) === cell.any ? block : [...block, [cell.field, values]])
  }
  const own = bdd.and(set, space.valid)
  const whole = bdd.and(own, space.whole)
  walk(view.of(space.project(whole === EMPTY ? own : whole, fields)), 0, [])
  const any = new Map(cells.map((cell) => [cell.field, cell.any]))
  return { blocks: joined(found, fields, any), more }
}

/** Sets that ask for some fields only, with variables in the order of these fields. */
class View {
  readonly bdd: Bdd
  readonly #space: Space
  readonly #levels: ReadonlyMap<Field, readonly number[]>
  readonly #numbers = new Map<number, number>()

  constructor(space: Space, fields: readonly Field[]) {
    this.#space = space
    this.bdd = new Bdd(space.bdd.limit)
    for (const level of fields.flatMap((field) => space.levelsOf(field)))
      if (!this.#numbers.has(level)) this.#numbers.set(level, this.#numbers.size)
    this.#levels = new Map(
      fields.map((field) => [field, space.levelsOf(field).map((level) => this.#numbers.get(level)!)]),
    )
  }

  levelsOf(field: Field): readonly number[] {
    return this.#levels.get(field)!
  }

  of(set: Node): Node {
    const { bdd } = this
    const from = this.#space.bdd
    const known = new Map<Node, Node>()
    const walk = (node: Node): Node => {
      if (node === EMPTY || node === FULL) return node
      let found = known.get(node)
      if (found === undefined) {
        const number = this.#numbers.get(from.levelOf(node))!
        const [low, high] = [walk(from.lowOf(node)), walk(from.highOf(node))]
        found = bdd.or(bdd.and(bdd.literal(number, false), low), bdd.and(bdd.literal(number, true), high))
        known.set(node, found)
      }
      return found
    }
    return walk(set)
  }
}

/** Values that cannot be listed: every odd address, say. */
const MOST_RANGES = 20_000

/** For each set that is left below these variables, the values that lead to it; undefined where they are scattered all over. */
export function partition(
  { bdd }: Pick<Space, 'bdd'>,
  node: Node,
  bits: readonly number[],
): ReadonlyMap<Node, Values> | undefined {
  let count = 0
  const found = new Map<Node, [bigint, bigint][]>()
  const last = bits.at(-1)!
  const walk = (at: Node, depth: number, prefix: bigint): void => {
    if (at === EMPTY || count > MOST_RANGES) return
    if (depth === bits.length || bdd.levelOf(at) > last) {
      count++
      const left = BigInt(bits.length - depth)
      const from = prefix << left
      const to = from + (1n << left) - 1n
      const list = found.get(at)
      const before = list?.at(-1)
      if (before && before[1] + 1n === from) before[1] = to
      else if (list) list.push([from, to])
      else found.set(at, [[from, to]])
      return
    }
    const own = bdd.levelOf(at) === bits[depth]
    walk(own ? bdd.lowOf(at) : at, depth + 1, prefix << 1n)
    walk(own ? bdd.highOf(at) : at, depth + 1, (prefix << 1n) | 1n)
  }
  walk(node, 0, 0n)
  if (count > MOST_RANGES) return undefined
  return new Map([...found].map(([child, list]) => [child, list.map(([from, to]) => [wide(from), wide(to)])]))
}

/** Blocks that differ in one field alone become one. */
function joined(
  blocks: readonly Map<Field, Values>[],
  fields: readonly Field[],
  any: ReadonlyMap<Field, string>,
): readonly Block[] {
  let now = blocks
  for (;;) {
    const before = now.length
    for (const field of fields) now = joinedBy(now, field, any.get(field))
    if (now.length === before) return now
  }
}

const textOf = (values: Values | undefined): string => values?.map(([from, to]) => `${from}-${to}`).join(',') ?? '*'

function joinedBy(
  blocks: readonly Map<Field, Values>[],
  field: Field,
  any: string | undefined,
): readonly Map<Field, Values>[] {
  const groups = new Map<string, Map<Field, Values>[]>()
  for (const block of blocks) {
    const key = [...block]
      .filter(([name]) => name !== field)
      .map(([name, values]) => `${name}=${textOf(values)}`)
      .sort()
      .join(' ')
    const group = groups.get(key)
    if (group) group.push(block)
    else groups.set(key, [block])
  }
  return [...groups.values()].map((group) => {
    const [first] = group
    if (group.length === 1 || group.some((block) => !block.has(field))) return first!
    const values = unionOf(group.flatMap((block) => block.get(field)!))
    const block = new Map(first!)
    // together they may be all that there is
    if (textOf(values) === any) block.delete(field)
    else block.set(field, values)
    return block
  })
}

function unionOf(values: Values): Values {
  const sorted = [...values].sort((a, b) => (a[0] < b[0] ? -1 : 1))
  const result: [FieldValue, FieldValue][] = []
  for (const [from, to] of sorted) {
    const last = result.at(-1)
    if (last && BigInt(last[1]) + 1n >= BigInt(from)) {
      if (to > last[1]) last[1] = to
    } else result.push([from, to])
  }
  return result
}
