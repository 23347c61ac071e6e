import { EMPTY, type Node } from './bdd.js'
import { type Called, type End, NO_WAYS, packetsOf, type RuleWays, type Way, type WayMath, type Ways } from './ways.js'

const ENDS: readonly End[] = ['returned', 'accepted', 'dropped']
/** Bits: there are as many blocks as rules, and more. */
const BIT: Readonly<Record<End, number>> = { returned: 1, accepted: 2, dropped: 4 }

/** So many rules are asked at once which variables they ask for. */
const SMALL = 8
/** Fewer variables do not make a set smaller by what it costs to forget them. */
const WORTH_FORGETTING = 5

/** `Bdd.variables` that one half asks for and the other does not; undefined: too few to matter. */
type OnlyAsked = readonly [number | undefined, number | undefined]

function joined(one: ReadonlySet<number>, other: ReadonlySet<number>): ReadonlySet<number> {
  const all = new Set(one)
  for (const level of other) all.add(level)
  return all.size === one.size ? one : all
}

function askedBy({ transforms, space }: WayMath, rules: readonly RuleWays[]): ReadonlySet<number> | undefined {
  const found = new Set<number>()
  const sets: Node[] = []
  const called = new Set<Called>()
  let isKnown = true
  const add = (ways: readonly Way[]) => {
    for (let i = 0; i < ways.length; i++) {
      const { transform, packets } = ways[i]!
      // what is written may be made of other fields
      if (transform !== transforms.identity && !transforms.isConstant(transform)) isKnown = false
      sets.push(packets)
    }
  }
  for (let i = 0; i < rules.length && isKnown; i++) {
    const { matched, touched, next, returned, ownAccepted, nat, calls } = rules[i]!
    sets.push(matched, touched)
    add(next)
    add(returned)
    add(ownAccepted)
    for (let k = 0; k < nat.length; k++) add(nat[k]!.ways)
    for (let k = 0; k < calls.length; k++) {
      add(calls[k]!.ways)
      called.add(calls[k]!.called)
    }
  }
  if (!isKnown) return undefined
  space.bdd.supportOf(sets, found)
  for (const { asked } of called) {
    if (!asked) return undefined
    for (const level of asked) found.add(level)
  }
  return found
}

/** Rules in a row, from the first up to `end`: what may become of packets that come to the first. Halves of halves, so that small sets meet small ones. */
export class Block implements Ways {
  readonly first: number
  readonly end: number
  readonly next: readonly Way[]
  /** None of the rules does more than decide and call. */
  readonly quiet: boolean
  /** None of them, and no chain that they call, writes anything. */
  readonly isPlain: boolean
  /** Each packet goes one way: `next` and the ends are disjoint. */
  readonly isExact: boolean
  /** Some of them call. */
  readonly calls: boolean
  readonly halves: readonly [Block, Block] | undefined
  readonly rule: RuleWays | undefined
  readonly #math: WayMath
  /** Who passes is who is not touched: nobody comes back from where a rule sends it. */
  readonly #touchesToEnd: boolean
  readonly #ends: number
  #returned: readonly Way[] | undefined
  #accepted: readonly Way[] | undefined
  #dropped: readonly Way[] | undefined
  #touched: Node | undefined
  #calling: Node | undefined
  #asked: { readonly levels: ReadonlySet<number> | undefined } | undefined
  #only: OnlyAsked | undefined

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
      this.isExact = of.isExact
      this.calls = of.calls.length > 0
      this.#ends = ENDS.reduce((bits, what) => bits | (of.mayEnd(what) ? BIT[what] : 0), 0)
      this.#touchesToEnd = of.isPlain && of.touched === math.space.bdd.not(packetsOf(math, of.next))
    } else {
      const [left, right] = of
      this.rule = undefined
      this.halves = of
      this.next = math.sequence(left.next, right.next)
      this.quiet = left.quiet && right.quiet
      this.isPlain = left.isPlain && right.isPlain
      this.isExact = left.isExact && right.isExact
      this.calls = left.calls || right.calls
      this.#ends = left.#ends | right.#ends
      this.#touchesToEnd = left.#touchesToEnd && right.#touchesToEnd
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
      const { bdd } = this.#math.space
      if (rule) this.#touched = rule.touched
      else if (this.#touchesToEnd) this.#touched = bdd.not(packetsOf(this.#math, this.next))
      else this.#touched = bdd.or(halves![0].touched, this.#math.before(halves![0].next, halves![1].touched))
    }
    return this.#touched
  }

  /** Packets, as they come to the first rule, that one of the rules may send into a chain; where nothing is written before it, those that an earlier rule ends may be among them. */
  get calling(): Node {
    if (this.#calling === undefined) {
      const { rule, halves } = this
      const math = this.#math
      if (!this.calls) this.#calling = EMPTY
      else if (rule) this.#calling = math.space.union(rule.calls.map(({ ways }) => packetsOf(math, ways)))
      else {
        const [left, right] = halves!
        const behind = left.isPlain ? right.calling : math.before(left.next, right.calling)
        this.#calling = math.space.bdd.or(left.calling, behind)
      }
    }
    return this.#calling
  }

  /** May packets come to this end? */
  mayEnd(what: End): boolean {
    return (this.#ends & BIT[what]) !== 0
  }

  #either(what: End): readonly Way[] {
    if (this.rule) return this.rule[what]
    return this.#others(what) ?? this.#built(what)
  }

  #built(what: End): readonly Way[] {
    const [left, right] = this.halves!
    return this.#math.union(left[what], this.#math.sequence(left.next, right[what]))
  }

  /** Who goes one way is who goes none of the others, where these are known. */
  #others(what: End): readonly Way[] | undefined {
    if (!this.mayEnd(what)) return NO_WAYS
    if (!this.isExact || !this.isPlain) return undefined
    const known = { returned: this.#returned, accepted: this.#accepted, dropped: this.#dropped }
    const others = ENDS.filter((one) => one !== what && this.mayEnd(one))
    if (others.some((one) => known[one] === undefined)) return undefined
    const { bdd } = this.#math.space
    const elsewhere = [this.next, ...others.map((one) => known[one]!)].map((ways) => packetsOf(this.#math, ways))
    return this.#math.plain(bdd.not(this.#math.space.union(elsewhere)))
  }

  /** The variables that the rules and the chains that they call ask for; undefined: any. */
  get asked(): ReadonlySet<number> | undefined {
    if (this.#asked === undefined) {
      const { halves } = this
      if (halves && this.end - this.first > SMALL) {
        const [one, other] = [halves[0].asked, halves[1].asked]
        this.#asked = { levels: one && other && joined(one, other) }
      } else this.#asked = { levels: this.askedAtOnce() }
    }
    return this.#asked.levels
  }

  /** The same, of all its rules together: halves are not asked. */
  askedAtOnce(): ReadonlySet<number> | undefined {
    const rules: RuleWays[] = []
    this.#collect(rules)
    return askedBy(this.#math, rules)
  }

  #collect(rules: RuleWays[]): void {
    if (this.rule) rules.push(this.rule)
    else for (let i = 0; i < 2; i++) this.halves![i as 0 | 1].#collect(rules)
  }

  /** Is there much that one half asks for and the other does not? Then a set that both are met with is larger than what each of them makes of it. */
  get asksUnlike(): boolean {
    const [one, other] = this.#onlyAsked
    return one !== undefined || other !== undefined
  }

  /** What of `packets`, as they come to the first rule, comes to each half; with any value of what is asked for in the other alone, where that is much. */
  outlinesInto(half: 0 | 1, packets: Node): Node {
    const [left] = this.halves!
    const math = this.#math
    const { bdd } = math.space
    const others = this.#onlyAsked[1 - half]
    if (half === 0) return others === undefined ? packets : bdd.exists(packets, others)
    if (!left.isPlain) return math.image(left.next, packets)
    const passing = packetsOf(math, left.next)
    return others === undefined ? bdd.and(packets, passing) : bdd.andExists(packets, passing, others)
  }

  get #onlyAsked(): OnlyAsked {
    this.#only ??= this.#findOnly()
    return this.#only
  }

  #findOnly(): OnlyAsked {
    const { space } = this.#math
    const [one, other] = this.halves!.map(({ asked }) => asked)
    if (!one || !other || one === other) return [undefined, undefined]
    // whether a connection exists is asked of everything
    const state = space.levelsOf('ct.state')
    const only = (these: ReadonlySet<number>, those: ReadonlySet<number>) => {
      const levels = [...these].filter((level) => !those.has(level) && !state.includes(level))
      return levels.length < WORTH_FORGETTING ? undefined : space.bdd.variables(levels)
    }
    return [only(one, other), only(other, one)]
  }

  /** Do these packets pass all rules as they are, and nothing else happens? */
  passes(packets: Node): boolean {
    return packets === EMPTY || !this.#math.space.bdd.meets(packets, this.touched)
  }
}
