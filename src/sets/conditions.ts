import { CT_STATE, type FieldValue } from '../packet/fields.js'
import type { Condition } from '../rules/condition.js'
import { type FibValue, isPure, type NamedSet } from '../rules/interpret.js'
import type { Look } from '../rules/set-use.js'
import type { Value } from '../rules/value.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import { type Bits, constantBits, masked, type Space, shifted } from './space.js'

/**
 * Which packets a condition comes out in which way for. Complete: every packet is in at least one part. Disjoint for conditions that only read; a lot or a
 * limit may come out either way, so that its packets are in `yes` and in `no`.
 */
export interface Parts {
  readonly yes: Node
  readonly no: Node
  readonly drop: Node
  readonly unknown: Node
  /** Of those in `unknown`, who may as well be dropped there, whatever stands behind. Left out: none. */
  readonly mayDrop?: Node
  /** It is known that every packet is in one of `yes`, `no` and `drop`, and in no other. */
  readonly isSplit?: boolean
}

/** What conditions ask of the place where they are evaluated. */
export interface Surroundings {
  /** The packets for which the FIB gives each answer, disjoint; those in none: not known. */
  fib?(question: FibValue): readonly { readonly value: FieldValue; readonly packets: Node }[]
  /** A named set as conditions on keys. */
  bind?(condition: NamedSet): Condition | undefined
  /**
   * The packets whose key is in the set, and those of which that is not known. Packets that do not have a part of the key may be among them, but not where that
   * is ipset's own (`ipset.dport`).
   */
  member?(set: string, key: readonly Value[], look?: Look): { readonly yes: Node; readonly unknown: Node }
}

const EITHER: Parts = { yes: FULL, no: FULL, drop: EMPTY, unknown: EMPTY }
const UNKNOWN: Parts = { yes: EMPTY, no: EMPTY, drop: EMPTY, unknown: FULL }
const NEVER: Parts = { yes: EMPTY, no: FULL, drop: EMPTY, unknown: EMPTY }

/** Conditions as sets of packets of one space, each worked out once. */
export class Conditions {
  readonly space: Space
  readonly #around: Surroundings
  /** By what they say, or where that has no short text by themselves. */
  readonly #known = new Map<string | Condition, Parts>()
  /** By themselves: some, for what is quickly worked out is not worth much memory. */
  readonly #quick = new Map<Condition, Parts>()

  constructor(space: Space, around: Surroundings = {}) {
    this.space = space
    this.#around = around
  }

  parts(condition: Condition): Parts {
    // rules of large files share conditions
    let parts = this.#quick.get(condition)
    if (parts) return parts
    if (condition.is === 'in' || condition.is === 'readable' || condition.is === 'not') parts = this.#split(condition)
    else {
      const key = textOf(condition) ?? condition
      parts = this.#known.get(key)
      if (!parts) {
        parts = this.#split(condition)
        this.#known.set(key, parts)
      }
    }
    if (this.#quick.size < MOST_QUICK) this.#quick.set(condition, parts)
    return parts
  }

  #split(condition: Condition): Parts {
    const { bdd } = this.space
    switch (condition.is) {
      case 'in':
        return this.#in(condition)
      case 'readable': {
        const present = this.space.present(condition.field)
        return { yes: present, no: EMPTY, drop: bdd.not(present), unknown: EMPTY, isSplit: true }
      }
      case 'drop-if': {
        const { yes, no, drop, unknown } = this.parts(condition.of)
        return { yes: no, no: EMPTY, drop: bdd.or(yes, drop), unknown, mayDrop: unknown }
      }
      case 'not': {
        const { yes, no, ...others } = this.parts(condition.of)
        return { yes: no, no: yes, ...others }
      }
      case 'all':
      case 'any':
        return this.#several(condition.of, condition.is === 'all')
      case 'member':
        return this.#member(condition)
      case 'chance':
        if (condition.weight <= 0) return NEVER
        return condition.weight >= 2 ** 31 ? { ...NEVER, yes: FULL, no: EMPTY } : EITHER
      case 'stateful':
        return condition.machine.kind === 'connlimit' ? this.#connlimit() : EITHER
      case 'named-set': {
        const bound = this.#around.bind?.(condition)
        return bound ? this.parts(bound) : UNKNOWN
      }
      case 'unknown':
        return UNKNOWN
    }
  }

  /** connlimit_mt: who has no connection is dropped, and who has one may be, unless it begins here and is counted. */
  #connlimit(): Parts {
    const begins = this.space.equals('ct.state', CT_STATE.NEW)
    const tracked = this.space.present('ct.direction')
    return { yes: tracked, no: tracked, drop: this.space.bdd.not(begins), unknown: EMPTY }
  }

  #in({ value, ranges }: Extract<Condition, { is: 'in' }>): Parts {
    const { bdd } = this.space
    if (typeof value === 'string') return decided(this.space.in(value, ranges), bdd.not.bind(bdd))
    const base = baseOf(value)
    if (base.from !== 'fib' && isElsewhere(base)) return EITHER
    if (base.from === 'fib') {
      const fib = base
      const answers = this.#around.fib?.(fib) ?? []
      const known = this.space.union(answers.map(({ packets }) => packets))
      const wanted = answers.filter((one) => ranges.some(([from, to]) => from <= one.value && one.value <= to))
      const yes = fib === value ? this.space.union(wanted.map(({ packets }) => packets)) : EMPTY
      if (fib !== value) return { yes: EMPTY, no: EMPTY, drop: EMPTY, unknown: FULL }
      return { yes, no: bdd.minus(known, yes), drop: EMPTY, unknown: bdd.not(known) }
    }
    const { bits, present } = this.#bits(value)
    return decided(bdd.and(present, this.space.bitsIn(bits, ranges)), bdd.not.bind(bdd))
  }

  /** A computed value, bit by bit, and the packets that have it. */
  #bits(value: Value): { readonly bits: Bits; readonly present: Node } {
    if (typeof value === 'string') {
      if (this.space.layout.place(value).named) throw new Error('interface names are compared whole')
      return { bits: this.space.bitsOf(value), present: this.space.present(value) }
    }
    switch (value.from) {
      case 'constant':
        return { bits: constantBits(value.value), present: FULL }
      case 'masked': {
        const of = this.#bits(value.of)
        return { ...of, bits: masked(of.bits, value.mask) }
      }
      case 'shifted': {
        const of = this.#bits(value.of)
        return { ...of, bits: shifted(of.bits, value.by) }
      }
      case 'fib':
      case 'probe':
      case 'hash':
      case 'reverse-path':
      case 'socket':
        throw new Error('an answer from elsewhere has no bits')
    }
  }

  #member({ set, key, look }: Extract<Condition, { is: 'member' }>): Parts {
    const { bdd } = this.space
    // read in order: the first part that is not there decides, one that is not known as well
    let there: Node = FULL
    let no: Node = EMPTY
    for (const part of key) {
      if (typeof part === 'string' && part.startsWith('ipset.')) continue
      if (typeof part !== 'string' && isElsewhere(baseOf(part))) return { yes: EMPTY, no, drop: EMPTY, unknown: there }
      const present = typeof part === 'string' ? this.space.present(part) : this.#bits(part).present
      no = bdd.or(no, bdd.minus(there, present))
      there = bdd.and(there, present)
    }
    const found = this.#around.member?.(set, key, look) ?? { yes: EMPTY, unknown: FULL }
    const unknown = bdd.and(there, found.unknown)
    const yes = bdd.minus(bdd.and(there, found.yes), unknown)
    return { yes, no: bdd.or(no, bdd.minus(bdd.minus(there, yes), unknown)), drop: EMPTY, unknown }
  }

  /**
   * In the order written, as src/rules/interpret.ts does it: behind a part that is not known only parts that read still count, and of those only what would
   * have ended the walk.
   */
  #several(of: readonly Condition[], all: boolean): Parts {
    const { space } = this
    const { bdd } = space
    const parts = all ? of.map((part) => this.parts(part)) : []
    // those that only say yes or no can be asked in any order
    if (all && parts.every(({ yes, no, drop, unknown }) => drop === EMPTY && unknown === EMPTY && bdd.not(yes) === no))
      return decided(this.space.intersection(parts.map(({ yes }) => yes)), bdd.not.bind(bdd))
    let isSplit = true
    let going: Node = FULL
    let doubtful: Node = EMPTY
    let [ended, drop, unknown, mayDrop]: [Node, Node, Node, Node] = [EMPTY, EMPTY, EMPTY, EMPTY]
    for (const condition of of) {
      if (going === EMPTY && doubtful === EMPTY) break
      const part = this.parts(condition)
      isSplit &&=
        part.isSplit === true || (part.drop === EMPTY && part.unknown === EMPTY && bdd.not(part.yes) === part.no)
      const [goes, ends] = all ? [part.yes, part.no] : [part.no, part.yes]
      ended = bdd.or(ended, bdd.and(going, ends))
      drop = bdd.or(drop, bdd.and(going, part.drop))
      // whoever may be dropped here is not asked what stands behind
      const stopped = bdd.and(going, part.mayDrop ?? EMPTY)
      const newly = bdd.minus(bdd.and(going, part.unknown), stopped)
      going = bdd.and(going, goes)
      if (doubtful !== EMPTY && isPure(condition)) {
        ended = bdd.or(ended, bdd.and(doubtful, ends))
        unknown = bdd.or(unknown, bdd.and(doubtful, part.drop))
        doubtful = bdd.and(doubtful, bdd.or(goes, part.unknown))
      }
      doubtful = bdd.or(doubtful, newly)
      mayDrop = bdd.or(mayDrop, stopped)
    }
    const others = {
      drop,
      unknown: space.union([unknown, doubtful, mayDrop]),
      ...(mayDrop === EMPTY ? {} : { mayDrop }),
      isSplit,
    }
    return all ? { yes: going, no: ended, ...others } : { yes: ended, no: going, ...others }
  }
}

/** The same for conditions that say the same; undefined where the text of one would be long. */
function textOf(condition: Condition): string | undefined {
  switch (condition.is) {
    case 'in': {
      const { value, ranges } = condition
      const text = typeof value === 'string' ? value : textOfValue(value)
      return text === undefined || ranges.length > MOST_RANGES ? undefined : `${text} ${ranges.join(' ')}`
    }
    case 'readable':
      return `? ${condition.field}`
    case 'not':
    case 'drop-if': {
      const of = textOf(condition.of)
      return of === undefined ? undefined : `${condition.is}(${of})`
    }
    case 'all':
    case 'any': {
      if (condition.of.length > MOST_PARTS) return undefined
      let text: string = condition.is
      for (const part of condition.of) {
        const of = textOf(part)
        if (of === undefined) return undefined
        text += `(${of})`
      }
      return text
    }
    default:
      return undefined
  }
}

const MOST_QUICK = 1 << 14
const MOST_RANGES = 20
const MOST_PARTS = 20

function textOfValue(value: Value): string | undefined {
  if (typeof value === 'string') return value
  if (value.from !== 'masked' && value.from !== 'shifted') return undefined
  const of = textOfValue(value.of)
  if (of === undefined) return undefined
  return value.from === 'masked' ? `${of}&${value.mask}` : `${of}>>${value.by}`
}

const decided = (yes: Node, not: (node: Node) => Node): Parts => ({ yes, no: not(yes), drop: EMPTY, unknown: EMPTY })

type Computed = Exclude<Value, string>

/** It is not made of the bits of a space: of packets that are alike there, some have it and some do not. */
const isElsewhere = ({ from }: Computed): boolean => from !== 'constant' && from !== 'masked' && from !== 'shifted'

/** What a value is computed from in the end; for a field, the last computation. */
function baseOf(value: Computed): Computed {
  return (value.from === 'masked' || value.from === 'shifted') && typeof value.of !== 'string'
    ? baseOf(value.of)
    : value
}
