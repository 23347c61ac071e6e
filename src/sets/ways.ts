import type { Effect } from '../rules/effect.js'
import { isPure } from '../rules/interpret.js'
import type { Rule } from '../rules/program.js'
import { type Asked, asked } from './asked.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import type { Conditions } from './conditions.js'
import type { Space } from './space.js'
import { type Transform, Transforms, type Write } from './transform.js'

/** Packets, as they were at the beginning, that may go one way, and what is written to them on it. */
export interface Way {
  readonly transform: Transform
  readonly packets: Node
}

/**
 * What may become of packets in a rule, in rules in a row, or in a chain. Each list has one entry for each transform. Every packet goes at least one way;
 * where lots or unknown things decide, it is in several.
 */
export interface Ways {
  readonly next: readonly Way[]
  readonly returned: readonly Way[]
  readonly accepted: readonly Way[]
  readonly dropped: readonly Way[]
}

export type End = Exclude<keyof Ways, 'next'>

/** What may become of packets in one rule. `accepted` and `dropped` are put together when they are asked for. */
export interface RuleWays extends Ways {
  /** Packets that it counts, as they come to it. */
  readonly matched: Node
  /** Packets with which it does anything at all. */
  readonly touched: Node
  /** What it ends itself, a header that it cannot read included; the rest of `accepted` and `dropped` the called chain does. */
  readonly ownAccepted: readonly Way[]
  readonly ownDropped: readonly Way[]
  /** Packets that it translates. */
  readonly nat: readonly { readonly effect: Nat; readonly ways: readonly Way[] }[]
  /** Packets that it sends into chains. */
  readonly calls: readonly Call[]
  /** It decides and calls, and does nothing else: no rewriting, no logging, no lots and no state. */
  readonly quiet: boolean
  /** It writes nothing, and neither do chains that it calls. */
  readonly isPlain: boolean
  /** Each packet goes one way: `next` and the ends are disjoint. */
  readonly isExact: boolean
  /** May packets come to this end? */
  mayEnd(what: End): boolean
}

export interface Call {
  readonly chain: string
  readonly ways: readonly Way[]
  readonly called: Called
}

export type Nat = Extract<Effect, { do: 'nat' }>

/** Marks and other writes that can be combined in more ways than this are not followed. */
const MOST_WAYS = 200_000

export class VisitLimitError extends Error {
  override readonly name = 'VisitLimitError'
}

export const NO_WAYS: readonly Way[] = []
const NOTHING: readonly never[] = []

export const packetsOf = ({ space }: WayMath, ways: readonly Way[]): Node =>
  ways.length === 1 ? ways[0]!.packets : space.union(ways.map(({ packets }) => packets))

/** Ways, put together. */
export class WayMath {
  readonly space: Space
  readonly transforms: Transforms
  /** All packets, as they are. */
  readonly everything: readonly Way[]

  /** Room for one packet, by variables. */
  readonly scratch: Uint8Array

  constructor(space: Space) {
    this.space = space
    this.scratch = new Uint8Array(space.layout.levels)
    this.transforms = new Transforms(space)
    this.everything = this.plain(FULL)
  }

  /** Nothing is written. */
  plain(packets: Node): readonly Way[] {
    return packets === EMPTY ? NO_WAYS : [{ transform: this.transforms.identity, packets }]
  }

  union(one: readonly Way[], other: readonly Way[]): readonly Way[] {
    if (one.length === 0) return other
    if (other.length === 0) return one
    const [a, b] = [one[0]!, other[0]!]
    if (one.length === 1 && other.length === 1 && a.transform === b.transform)
      return [{ transform: a.transform, packets: this.space.bdd.or(a.packets, b.packets) }]
    return this.#collected([...one, ...other])
  }

  /** First one of `ways`, then one of `then`. */
  sequence(ways: readonly Way[], then: readonly Way[]): readonly Way[] {
    if (ways.length === 0 || then.length === 0) return NO_WAYS
    // most often nothing is written on either
    if (ways.length === 1 && then.length === 1 && ways[0]!.transform === this.transforms.identity) {
      const packets = this.space.bdd.and(ways[0]!.packets, then[0]!.packets)
      return packets === EMPTY ? NO_WAYS : [{ transform: then[0]!.transform, packets }]
    }
    const found: Way[] = []
    for (const { transform, packets } of ways)
      for (const behind of then) {
        const both = this.space.bdd.and(packets, this.transforms.before(transform, behind.packets))
        if (both !== EMPTY)
          found.push({ transform: this.transforms.sequence(transform, behind.transform), packets: both })
      }
    return found.length < 2 ? found : this.#collected(found)
  }

  /** Only what gets into `set` behind the ways. */
  into(ways: readonly Way[], set: Node): readonly Way[] {
    if (set === FULL || ways.length === 0) return ways
    return this.sequence(ways, this.plain(set))
  }

  written(ways: readonly Way[], write: Write): readonly Way[] {
    return this.#collected(
      ways.map(({ transform, packets }) => ({ transform: this.transforms.after(transform, write), packets })),
    )
  }

  /** What the packets of `set` have become. */
  image(ways: readonly Way[], set: Node): Node {
    const { bdd } = this.space
    return this.space.union(
      ways.map(({ transform, packets }) => this.transforms.image(transform, bdd.and(set, packets))),
    )
  }

  /** The packets that may become some of `set`. */
  before(ways: readonly Way[], set: Node): Node {
    const { bdd } = this.space
    return this.space.union(
      ways.map(({ transform, packets }) => bdd.and(packets, this.transforms.before(transform, set))),
    )
  }

  #collected(ways: readonly Way[]): readonly Way[] {
    if (ways.length < 2) return ways
    const sets = new Map<Transform, Node[]>()
    for (const { transform, packets } of ways) {
      const list = sets.get(transform)
      if (list) list.push(packets)
      else sets.set(transform, [packets])
    }
    if (sets.size > MOST_WAYS)
      throw new VisitLimitError('the rules write marks in too many combinations to be followed')
    return [...sets].map(([transform, list]) => ({ transform, packets: this.space.union(list) }))
  }
}

/** What is known of chains that rules call. */
export interface Called {
  readonly quiet: boolean
  readonly isPlain: boolean
  readonly isExact: boolean
  /** The variables that the rules of the chain and of those it calls ask for; undefined: any. */
  readonly asked: ReadonlySet<number> | undefined
  mayEnd(what: End): boolean
  readonly returned: readonly Way[]
  readonly accepted: readonly Way[]
  readonly dropped: readonly Way[]
}

/** All packets through one rule, as far as `given` (`asked`) is true of them. */
export function ruleWays(
  conditions: Conditions,
  math: WayMath,
  rule: Rule,
  given: number | undefined,
  call: (chain: string) => Called,
): RuleWays {
  return new RuleWalk(conditions, math, given, call).run(rule)
}

const QUIET: ReadonlySet<Effect['do']> = new Set(['accept', 'drop', 'reject', 'return', 'jump', 'goto'])

/** What sends a packet one way, or on with the rule. */
const EXACT: ReadonlySet<Effect['do']> = new Set([
  ...QUIET,
  'set',
  'add',
  'notrack',
  'log',
  'duplicate',
  'template',
  'change-set',
])

const WRITING: ReadonlySet<Effect['do']> = new Set([
  'set', 'add', 'notrack', 'tcp-bits', 'map-prefix', 'hash-mark', 'map-set', 'to-socket',
]) // biome-ignore format: a table

/** Carries out one rule, and keeps what came of it. */
class RuleWalk implements RuleWays {
  next: readonly Way[] = NO_WAYS
  returned: readonly Way[] = NO_WAYS
  ownAccepted: readonly Way[] = NO_WAYS
  matched: Node = EMPTY
  touched: Node = EMPTY
  nat: RuleWays['nat'] = NOTHING
  calls: RuleWays['calls'] = NOTHING
  quiet = true
  isPlain = true
  isExact = true
  readonly #conditions: Conditions
  readonly #math: WayMath
  readonly #call: (chain: string) => Called
  readonly #given: number | undefined
  #live: readonly Way[]
  #dropped: readonly Way[] = NO_WAYS
  /** Headers that conditions cannot read: worked out when they are asked for. */
  #cutOff: readonly { readonly ways: readonly Way[]; readonly asked: Asked }[] = NOTHING

  constructor(conditions: Conditions, math: WayMath, given: number | undefined, call: (chain: string) => Called) {
    this.#given = given
    this.#conditions = conditions
    this.#math = math
    this.#call = call
    this.#live = math.everything
  }

  get ownDropped(): readonly Way[] {
    const math = this.#math
    for (const { ways, asked } of this.#cutOff) this.#drop(math.into(ways, asked.drop))
    this.#cutOff = NOTHING
    return this.#dropped
  }

  get accepted(): readonly Way[] {
    return this.#withCalled(this.ownAccepted, 'accepted')
  }

  get dropped(): readonly Way[] {
    return this.#withCalled(this.ownDropped, 'dropped')
  }

  mayEnd(what: End): boolean {
    if (what === 'returned') return this.returned.length > 0
    if (this.calls.some(({ called }) => called.mayEnd(what))) return true
    return what === 'accepted' ? this.ownAccepted.length > 0 : this.#dropped.length > 0 || this.#cutOff.length > 0
  }

  #withCalled(own: readonly Way[], what: 'accepted' | 'dropped'): readonly Way[] {
    const math = this.#math
    return this.calls.reduce((all, { ways, called }) => math.union(all, math.sequence(ways, called[what])), own)
  }

  run(rule: Rule): RuleWays {
    const math = this.#math
    const { steps } = rule
    for (let i = 0; i < steps.length && this.#live.length > 0; ) {
      const step = steps[i]!
      // conditions as one small set each
      if ('if' in step) {
        const part = asked(this.#conditions, rule, i, this.#given)
        if (!part.isExact) this.isExact = false
        if (part.drops) this.#cutOff = [...this.#cutOff, { ways: this.#live, asked: part }]
        if (i === 0) this.touched = packetsOf(math, math.into(this.#live, part.touched))
        this.next = math.union(this.next, math.into(this.#live, part.no))
        this.#live = math.into(this.#live, part.live)
        i = part.end
        continue
      }
      i++
      if ('count' in step) this.matched = packetsOf(math, this.#live)
      else if ('do' in step) this.#live = this.#effect(step.do, this.#live)
    }
    this.next = math.union(this.next, this.#live)
    if (!('if' in (steps[0] ?? {}))) this.touched = this.matched
    if (steps.some((step) => 'if' in step && !isPure(step.if))) this.quiet = false
    return this
  }

  #accept(ways: readonly Way[]) {
    this.ownAccepted = this.#math.union(this.ownAccepted, ways)
  }

  #drop(ways: readonly Way[]) {
    this.#dropped = this.#math.union(this.#dropped, ways)
  }

  /** What goes on to the rule's next step. */
  #effect(effect: Effect, live: readonly Way[]): readonly Way[] {
    const math = this.#math
    const { space } = math
    if (!QUIET.has(effect.do)) this.quiet = false
    if (WRITING.has(effect.do)) this.isPlain = false
    if (!EXACT.has(effect.do)) this.isExact = false
    const forgetting = (...fields: Extract<Write, { do: 'forget' }>['fields']) =>
      math.written(live, { do: 'forget', fields })
    const without = (present: Node) => math.into(live, space.bdd.not(present))
    switch (effect.do) {
      case 'accept':
        this.#accept(live)
        return NO_WAYS
      case 'drop':
      case 'reject':
        this.#drop(live)
        return NO_WAYS
      case 'return':
        this.returned = math.union(this.returned, live)
        return NO_WAYS
      case 'jump':
      case 'goto': {
        const called = this.#call(effect.chain)
        if (!called.quiet) this.quiet = false
        if (!called.isPlain) this.isPlain = false
        if (!called.isExact) this.isExact = false
        this.calls = [...this.calls, { chain: effect.chain, ways: live, called }]
        const back = math.sequence(live, called.returned)
        if (effect.do === 'goto') this.returned = math.union(this.returned, back)
        else this.next = math.union(this.next, back)
        return NO_WAYS
      }
      case 'nat':
        this.nat = [...this.nat, { effect, ways: live }]
        this.#accept(live)
        // MASQUERADE and REDIRECT drop where the interface has no address
        if (effect.how) this.#drop(live)
        return NO_WAYS
      case 'set':
      case 'add':
      case 'notrack':
        return math.written(live, effect)
      case 'mss':
      case 'strip-options':
        this.#drop(without(space.present('tcp.header')))
        return live
      case 'tcp-bits': {
        this.#drop(without(space.present('tcp.urgent')))
        const xor = { from: 'constant', value: effect.set } as const
        return math.written(live, { do: 'set', field: 'tcp.flags', keep: effect.keep, xor })
      }
      case 'map-prefix':
        this.#drop(live)
        return forgetting(effect.which === 'src' ? 'ip6.saddr' : 'ip6.daddr')
      case 'hash-mark':
        return math.union(live, forgetting('meta.mark'))
      case 'map-set':
        return math.union(
          live,
          forgetting(...effect.to.flatMap((to) => (to === 'queue' ? [] : [`meta.${to}` as const]))),
        )
      case 'to-socket': {
        const xor = { from: 'constant', value: effect.mark } as const
        this.#accept(math.written(live, { do: 'set', field: 'meta.mark', keep: ~effect.mask >>> 0, xor }))
        this.#drop(live)
        return NO_WAYS
      }
      case 'answer-syn':
      case 'frame':
      case 'unknown':
        this.#accept(live)
        this.#drop(live)
        return live
      case 'queue':
        this.#accept(live)
        this.#drop(live)
        return effect.bypass ? live : NO_WAYS
      case 'log':
      case 'duplicate':
      case 'template':
      case 'change-set':
        return live
    }
  }
}
