import type { Family } from '../address/ip.js'
import { CT_STATE, type Field, type FieldValue, fieldSpec } from '../packet/fields.js'
import type { Reading, Subject } from '../rules/interpret.js'
import { UNKNOWN } from '../rules/interpret.js'
import type { Range, Ranges } from '../rules/value.js'
import { Bdd, DEFAULT_NODE_LIMIT, EMPTY, FULL, type Node } from './bdd.js'
import { type CellName, Layout, type Presence, ROOMS } from './layout.js'
import { Names } from './names.js'

/** Bits of a value, the most significant first: a variable's level, or what the bit always is. */
export type Bits = readonly (number | 'zero' | 'one')[]

export interface SpaceOptions {
  readonly family: Family
  /** The interface names that can be told apart; left out: none is asked for. */
  readonly names?: Names
  /** Diagram nodes at most; beyond, a NodeLimitError. */
  readonly limit?: number
}

/**
 * All packets of one family that a question is about, with everything that rules may ask of them. Sets of packets are nodes of its `bdd`.
 * What is no packet (a connection state with two bits, say) lies outside of `valid`.
 */
export class Space {
  readonly family: Family
  readonly bdd: Bdd
  readonly layout: Layout
  readonly names: Names
  /** What can be a packet at all. Sets that rules describe are to be met with it. */
  readonly valid: Node
  /** Whole packets and first fragments, with a whole transport header and no authentication header: what people have in mind. */
  readonly whole: Node
  readonly #ranges = new WeakMap<Bits, Map<string, Node>>()
  /** Variables of everything but some fields, by these. */
  readonly #others = new Map<string, number>()
  readonly #present = new Map<Field, Node>()
  readonly #asks = new Map<Field, Map<Node, boolean>>()

  constructor({ family, names = new Names([]), limit = DEFAULT_NODE_LIMIT }: SpaceOptions) {
    this.family = family
    this.names = names
    this.layout = new Layout(family, names.bits)
    this.bdd = new Bdd(limit)
    this.valid = this.#validity()
    this.whole = this.bdd.and(this.equals('frag.offset', 0), this.#presence({ room: ROOMS.length - 1 }))
    if (family === 6)
      this.whole = this.bdd.and(this.whole, this.bdd.and(this.present('ip6.chain'), this.equals('ip6.ah', 0)))
  }

  /** Packets that have the field, with a value in one of the ranges. */
  in(field: Field, ranges: Ranges): Node {
    const { named } = this.layout.place(field)
    const numbers = named ? this.names.ranges(ranges) : ranges
    return this.bdd.and(this.present(field), this.bitsIn(this.bitsOf(field), numbers))
  }

  equals(field: Field, value: FieldValue): Node {
    return this.in(field, [[value, value]])
  }

  /** Packets that have the field. */
  present(field: Field): Node {
    let node = this.#present.get(field)
    if (node === undefined) {
      node = this.#presence(this.layout.place(field).presence)
      this.#present.set(field, node)
    }
    return node
  }

  #presence(presence: Presence): Node {
    if (presence === 'always') return FULL
    if (presence === 'never') return EMPTY
    if (presence === 'tracked') {
      const untracked = this.bitsIn(masked(this.bitsOf('ct.state'), CT_STATE.INVALID | CT_STATE.UNTRACKED), [[1, 127]])
      return this.bdd.not(untracked)
    }
    if ('cell' in presence) return this.bdd.literal(this.layout.cell(presence.cell)[0]!, true)
    return this.bitsIn(this.layout.cell('room'), [[presence.room, ROOMS.length - 1]])
  }

  bitsOf(field: Field): Bits {
    return this.layout.place(field).bits
  }

  /** Packets whose value, given by its bits, lies in one of the ranges; whether the packet has it is not asked. */
  bitsIn(bits: Bits, ranges: Ranges): Node {
    let known = this.#ranges.get(bits)
    if (!known) {
      known = new Map()
      this.#ranges.set(bits, known)
    }
    const key = ranges.length === 1 ? `${ranges[0]![0]}-${ranges[0]![1]}` : ranges.map((one) => one.join('-')).join(' ')
    let node = known.get(key)
    if (node === undefined) {
      node = ranges.length === 1 ? this.#prefix(bits, ranges[0]!) : undefined
      node ??= bits.length <= 48 ? this.#buildNarrow(bits, ranges) : this.#buildWide(bits, ranges)
      known.set(key, node)
    }
    return node
  }

  /** What begins with the same bits, if the range is that: one node for each of them, from the last one up. */
  #prefix(bits: Bits, [from, to]: Range): Node | undefined {
    const { bdd } = this
    // beyond 32 bits numbers have no bitwise operations
    const isShort = bits.length <= 32 && typeof from === 'number' && typeof to === 'number'
    const free = isShort ? freeBits(from, to) : freeBitsWide(BigInt(from), BigInt(to))
    if (free < 0 || (isShort ? to > 2 ** bits.length - 1 : BigInt(to) >> BigInt(bits.length) !== 0n)) return undefined
    const digits = from.toString(2)
    const missing = bits.length - digits.length
    let node: Node = FULL
    for (let i = bits.length - free - 1; i >= 0; i--) {
      const level = bits[i]!
      if (typeof level !== 'number' || level >= bdd.levelOf(node)) return undefined
      const isOne = i >= missing && digits.charCodeAt(i - missing) === ONE
      node = isOne ? bdd.node(level, EMPTY, node) : bdd.node(level, node, EMPTY)
    }
    return node
  }

  #buildNarrow(bits: Bits, ranges: Ranges): Node {
    const last = 2 ** bits.length - 1
    const wanted = ranges.flatMap(([from, to]): [number, number][] =>
      from > last ? [] : [[Number(from), to > last ? last : Number(to)]],
    )
    wanted.sort((a, b) => a[0] - b[0])
    const below = (at: number, prefix: number, size: number, first: number, end: number): Node => {
      const from = prefix * size
      const to = from + size - 1
      let a = first
      let b = end
      while (a < b && wanted[a]![1] < from) a++
      while (a < b && wanted[b - 1]![0] > to) b--
      if (a === b) return EMPTY
      if (wanted[a]![0] <= from && to <= wanted[a]![1]) return FULL
      const bit = bits[at]!
      if (bit === 'zero' || bit === 'one') return below(at + 1, prefix * 2 + (bit === 'one' ? 1 : 0), size / 2, a, b)
      const low = below(at + 1, prefix * 2, size / 2, a, b)
      return this.#branch(bit, low, below(at + 1, prefix * 2 + 1, size / 2, a, b))
    }
    return below(0, 0, last + 1, 0, wanted.length)
  }

  #buildWide(bits: Bits, ranges: Ranges): Node {
    const width = BigInt(bits.length)
    const last = (1n << width) - 1n
    const wanted = ranges.flatMap(([from, to]): [bigint, bigint][] =>
      BigInt(from) > last ? [] : [[BigInt(from), BigInt(to) > last ? last : BigInt(to)]],
    )
    wanted.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
    const below = (at: number, prefix: bigint, left: bigint, first: number, end: number): Node => {
      const from = prefix << left
      const to = from | ((1n << left) - 1n)
      let [a, b] = [first, end]
      while (a < b && wanted[a]![1] < from) a++
      while (a < b && wanted[b - 1]![0] > to) b--
      if (a === b) return EMPTY
      if (wanted[a]![0] <= from && to <= wanted[a]![1]) return FULL
      const bit = bits[at]!
      const half = prefix << 1n
      if (bit === 'zero' || bit === 'one') return below(at + 1, half | (bit === 'one' ? 1n : 0n), left - 1n, a, b)
      const low = below(at + 1, half, left - 1n, a, b)
      return this.#branch(bit, low, below(at + 1, half | 1n, left - 1n, a, b))
    }
    return below(0, 0n, width, 0, wanted.length)
  }

  #branch(bit: number, low: Node, high: Node): Node {
    const { bdd } = this
    if (bit < bdd.levelOf(low) && bit < bdd.levelOf(high)) return bdd.node(bit, low, high)
    return bdd.or(bdd.and(bdd.literal(bit, false), low), bdd.and(bdd.literal(bit, true), high))
  }

  /** Packets that get into `set` once the field has this value: the set as it looks from before an assignment. */
  beforeAssigning(set: Node, field: Field, value: FieldValue): Node {
    const levels = this.levelsOf(field)
    return this.bdd.exists(
      this.bdd.and(set, this.bitsIn(this.bitsOf(field), [[value, value]])),
      this.bdd.variables(levels),
    )
  }

  /** The packets of `set`, with the field set to this value. */
  assigned(set: Node, field: Field, value: FieldValue): Node {
    const forgotten = this.bdd.exists(set, this.bdd.variables(this.levelsOf(field)))
    return this.bdd.and(forgotten, this.bitsIn(this.bitsOf(field), [[value, value]]))
  }

  /** The packets of `set`, with any value of the field. */
  forget(set: Node, fields: readonly Field[]): Node {
    return this.bdd.exists(set, this.bdd.variables(fields.flatMap((field) => this.levelsOf(field))))
  }

  /** The packets that are in `set` whatever values these fields have. */
  forAll(set: Node, fields: readonly Field[]): Node {
    return this.bdd.not(this.forget(this.bdd.not(set), fields))
  }

  /** Does the set ask for the field? */
  asks(set: Node, field: Field): boolean {
    let known = this.#asks.get(field)
    if (!known) {
      known = new Map()
      this.#asks.set(field, known)
    }
    let found = known.get(set)
    if (found === undefined) {
      const levels = this.bdd.support(set)
      found = this.levelsOf(field).some((level) => levels.has(level))
      known.set(set, found)
    }
    return found
  }

  /** What is left of `set` where only these fields are looked at. */
  project(set: Node, fields: readonly Field[]): Node {
    const key = fields.join(' ')
    let others = this.#others.get(key)
    if (others === undefined) {
      const kept = new Set(fields.flatMap((field) => this.levelsOf(field)))
      const all = Array.from({ length: this.layout.levels }, (_, level) => level)
      others = this.bdd.variables(all.filter((level) => !kept.has(level)))
      this.#others.set(key, others)
    }
    return this.bdd.exists(set, others)
  }

  /** The variables of a field. */
  levelsOf(field: Field): readonly number[] {
    return this.bitsOf(field).filter((bit) => typeof bit === 'number')
  }

  /** Packets in all of the sets. Those that ask for what stands last in the order come first, so that each step only adds on top. */
  intersection(sets: Iterable<Node>): Node {
    const { bdd } = this
    const ordered = [...sets].sort((a, b) => bdd.levelOf(b) - bdd.levelOf(a))
    return ordered.reduce((all: Node, one) => bdd.and(one, all), FULL)
  }

  union(sets: Iterable<Node>): Node {
    // in pairs, so that large diagrams meet large ones
    let level = [...sets]
    while (level.length > 1) {
      const next: Node[] = []
      for (let i = 0; i < level.length; i += 2)
        next.push(level[i + 1] === undefined ? level[i]! : this.bdd.or(level[i]!, level[i + 1]!))
      level = next
    }
    return level[0] ?? EMPTY
  }

  /** The variables as they are for one packet under a rule's eyes; undefined where a value is not known that a variable stands for. */
  packet(subject: Pick<Subject, 'read'>, fields: Iterable<Field>): Uint8Array | undefined {
    const values = new Uint8Array(this.layout.levels)
    let room = 0
    for (const field of fields) {
      const seen: Reading = subject.read(field)
      if (seen === UNKNOWN) return undefined
      const { bits, presence, named } = this.layout.place(field)
      if (seen === undefined) continue
      if (typeof presence === 'object' && 'cell' in presence) values[this.layout.cell(presence.cell)[0]!] = 1
      if (typeof presence === 'object' && 'room' in presence) room = Math.max(room, presence.room)
      setBits(values, bits, BigInt(named ? this.names.numberOf(BigInt(seen)) : seen))
    }
    setBits(values, this.layout.cell('room'), BigInt(room))
    return values
  }

  /** States with one bit, names and rooms that exist, values that only come together. */
  #validity(): Node {
    const { bdd } = this
    const cell = (name: CellName) => bdd.literal(this.layout.cell(name)[0]!, true)
    const implies = (a: Node, b: Node) => bdd.or(bdd.not(a), b)
    const parts = [
      this.bitsIn(this.bitsOf('ct.state'), Object.values(CT_STATE).sort((a, b) => a - b).map((bit): Range => [bit, bit])),
      // a connection's first packets go in its original direction
      implies(this.bitsIn(this.bitsOf('ct.state'), [[CT_STATE.NEW, CT_STATE.NEW]]), bdd.literal(this.levelsOf('ct.direction')[0]!, false)),
      this.bitsIn(this.layout.cell('room'), [[0, ROOMS.length - 1]]),
      ...(['meta.iifname', 'meta.oifname', 'meta.physiifname', 'meta.physoifname'] as const).map((field) =>
        this.bitsIn(this.bitsOf(field), [[0, this.names.count - 1]]),
      ),
      // who knows the sender's user knows that there is a socket
      implies(cell('has socket.uid'), bdd.literal(this.levelsOf('socket.exists')[0]!, true)),
      implies(cell('has tcp.mss'), this.#presence({ room: ROOMS.length - 1 })),
      implies(cell('has tcp.header'), bdd.and(this.#presence({ room: ROOMS.length - 1 }), this.bitsIn(this.bitsOf('tcp.doff'), [[5, 15]]))),
    ] // biome-ignore format: one line each
    return parts.reduce((all, part) => bdd.and(all, part))
  }
}

const ONE = 49

/** How many of the last bits may be anything in a range that is a prefix; -1: it is none. Up to 32 bits. */
function freeBits(from: number, to: number): number {
  const free = from === to ? 0 : 32 - Math.clz32(from ^ to)
  const size = 2 ** free
  return from % size === 0 && to === from + size - 1 ? free : -1
}

function freeBitsWide(from: bigint, to: bigint): number {
  const free = from === to ? 0 : (from ^ to).toString(2).length
  const last = (1n << BigInt(free)) - 1n
  return (from & last) === 0n && to === from + last ? free : -1
}

/** The bits of a value after "and" with a mask. */
export function masked(bits: Bits, mask: FieldValue): Bits {
  const wide = BigInt(mask)
  return bits.map((bit, i) => ((wide >> BigInt(bits.length - 1 - i)) & 1n ? bit : 'zero'))
}

/** The bits of a value after a shift to the right. */
export const shifted = (bits: Bits, by: number): Bits =>
  by === 0
    ? bits
    : [...Array<'zero'>(Math.min(by, bits.length)).fill('zero'), ...bits.slice(0, Math.max(0, bits.length - by))]

/** The bits of a number; at least one. */
export function constantBits(value: FieldValue): Bits {
  return [...BigInt(value).toString(2)].map((digit) => (digit === '1' ? 'one' : 'zero'))
}

function setBits(values: Uint8Array, bits: Bits, value: bigint): void {
  let left = value
  for (let i = bits.length - 1; i >= 0; i--) {
    const bit = bits[i]!
    if (typeof bit === 'number') values[bit] = Number(left & 1n)
    left >>= 1n
  }
}

export const widthOf = (field: Field): number => fieldSpec(field).bits
