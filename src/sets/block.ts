import { EMPTY, type Node } from './bdd.js'
import { packetsOf, type RuleWays, type Way, type WayMath, type Ways } from './ways.js'

/** Rules in a row, from the first up to `end`: what may become of packets that come to the first. Halves of halves, so that small sets meet small ones. */
export class Block implements Ways {
  readonly first: number
  readonly end: number
  readonly next: readonly Way[]
  /** None of the rules does more than decide and call. */
  readonly quiet: boolean
  /** None of them, and no chain that they call, writes anything. */
  readonly isPlain: boolean
  /** Some of them call. */
  readonly calls: boolean
  readonly halves: readonly [Block, Block] | undefined
  readonly rule: RuleWays | undefined
  readonly #math: WayMath
  #returned: readonly Way[] | undefined
  #accepted: readonly Way[] | undefined
  #dropped: readonly Way[] | undefined
  #touched: Node | undefined
  #calling: Node | undefined

  constructor(math: WayMath, first: number, end: number, of: RuleWays | readonly [Block, Block]) {
    this.#math = math
    this.first = first
    this.end = end
    if ('matched' in of) {
      this.rule = of
      this.halves = undefined
      this.next = of.next
      this.quiet = of.quiet
      this.isPlain = of.isPlain
      this.calls = of.calls.length > 0
    } else {
      const [left, right] = of
      this.rule = undefined
      this.halves = of
      this.next = math.sequence(left.next, right.next)
      this.quiet = left.quiet && right.quiet
      this.isPlain = left.isPlain && right.isPlain
      this.calls = left.calls || right.calls
    }
  }

  get returned(): readonly Way[] {
    this.#returned ??= this.#either('returned')
    return this.#returned
  }

  get accepted(): readonly Way[] {
    this.#accepted ??= this.#either('accepted')
    return this.#accepted
  }

  get dropped(): readonly Way[] {
    this.#dropped ??= this.#either('dropped')
    return this.#dropped
  }

  /** Packets, as they come to the first rule, with which one of the rules does anything at all. */
  get touched(): Node {
    if (this.#touched === undefined) {
      const { rule, halves } = this
      this.#touched = rule
        ? rule.touched
        : this.#math.space.bdd.or(halves![0].touched, this.#math.before(halves![0].next, halves![1].touched))
    }
    return this.#touched
  }

  /** Packets, as they come to the first rule, that one of the rules may send into a chain. */
  get calling(): Node {
    if (this.#calling === undefined) {
      const { rule, halves } = this
      const math = this.#math
      if (!this.calls) this.#calling = EMPTY
      else if (rule) this.#calling = math.space.union(rule.calls.map(({ ways }) => packetsOf(math, ways)))
      else this.#calling = math.space.bdd.or(halves![0].calling, math.before(halves![0].next, halves![1].calling))
    }
    return this.#calling
  }

  #either(what: 'returned' | 'accepted' | 'dropped'): readonly Way[] {
    if (this.rule) return this.rule[what]
    const [left, right] = this.halves!
    return this.#math.union(left[what], this.#math.sequence(left.next, right[what]))
  }

  /** Do these packets pass all rules as they are, and nothing else happens? */
  passes(packets: Node): boolean {
    return packets === EMPTY || !this.#math.space.bdd.meets(packets, this.touched)
  }
}
