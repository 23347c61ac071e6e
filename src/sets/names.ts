import { type IfName, ifName, printIfName } from '../address/ifname.js'
import type { Condition } from '../rules/condition.js'
import type { Table } from '../rules/program.js'
import type { Ranges, Value } from '../rules/value.js'

const isName = (value: Value): boolean => typeof value === 'string' && /^meta\.(phys)?[io]ifname$/.test(value)

function collect(condition: Condition, found: Set<Ranges>): void {
  switch (condition.is) {
    case 'in':
      if (isName(condition.value)) found.add(condition.ranges)
      return
    case 'all':
    case 'any':
      for (const part of condition.of) collect(part, found)
      return
    case 'not':
    case 'drop-if':
      collect(condition.of, found)
      return
    case 'readable':
    case 'member':
    case 'chance':
    case 'stateful':
    case 'unknown':
      return
  }
}

/** `-i`, `--out-interface`, `-m physdev`. */
const NAMING = /(^|\s)-[io]|-interface|phys/

/**
 * Interface names as small numbers. A name has 128 bits, but rules tell few of them apart: names that no rule can distinguish share a number. Numbers keep the
 * order of the names, so that an interval of names is an interval of numbers.
 */
export class Names {
  /** The first name of each interval; the last one is the number of intervals. */
  readonly #starts: readonly IfName[]
  readonly #known: ReadonlySet<string>

  /** `known`: names that are to have a number of their own, such as a namespace's interfaces. */
  constructor(ranges: Iterable<Ranges>, known: Iterable<string> = []) {
    const starts = new Set<IfName>([0n, 1n])
    this.#known = new Set(known)
    const cut = (from: IfName, to: IfName) => {
      starts.add(from)
      starts.add(to + 1n)
    }
    for (const list of ranges) for (const [from, to] of list) cut(BigInt(from), BigInt(to))
    for (const name of this.#known) cut(ifName(name), ifName(name))
    starts.delete(1n << 128n)
    this.#starts = [...starts].sort((a, b) => (a < b ? -1 : 1))
  }

  /** The names that the rules of these tables tell apart, and others. */
  static of(tables: Iterable<Table>, known: Iterable<string> = [], others: Iterable<Ranges> = []): Names {
    const ranges = new Set<Ranges>(others)
    for (const table of tables)
      for (const chain of table.chains.values())
        for (const rule of chain.rules) {
          // most rules of a large ruleset name none: that is seen without working them out
          if (rule.written !== undefined && !NAMING.test(rule.written)) continue
          for (const step of rule.steps) if ('if' in step) collect(step.if, ranges)
        }
    return new Names(ranges, known)
  }

  get count(): number {
    return this.#starts.length
  }

  get bits(): number {
    return Math.max(1, Math.ceil(Math.log2(this.count)))
  }

  /** Its interval's number. */
  numberOf(name: IfName): number {
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= name) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The numbers of these names. The ranges must be among those that the names were made of. */
  ranges(ranges: Ranges): readonly (readonly [number, number])[] {
    return ranges.map(([from, to]) => {
      const [first, last] = [this.numberOf(BigInt(from)), this.numberOf(BigInt(to))]
      const end = this.#starts[last + 1] ?? 1n << 128n
      if (this.#starts[first] !== BigInt(from) || end !== BigInt(to) + 1n)
        throw new Error('a range of interface names that this space does not tell apart')
      return [first, last]
    })
  }

  /** A name for people that stands for a number: one that is known, or one that could be. Empty: no interface. */
  nameOf(number: number): string {
    const [from, end] = [this.#starts[number]!, this.#starts[number + 1] ?? 1n << 128n]
    for (const name of this.#known) if (from <= ifName(name) && ifName(name) < end) return name
    // of an interval between two names something that can be typed
    for (const name of ['eth0', 'other0', 'zz0', `${printIfName(from)}0`, `${printIfName(from)}x`])
      if (from <= ifName(name) && ifName(name) < end) return name
    return printIfName(from)
  }

  /** Is it the number of one name alone? */
  isSingle(number: number): boolean {
    return (this.#starts[number + 1] ?? 1n << 128n) === this.#starts[number]! + 1n
  }
}
