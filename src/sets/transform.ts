import { type Field, type FieldValue, fieldSpec } from '../packet/fields.js'
import type { Effect } from '../rules/effect.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import { beforeUntracked, beforeWriting } from './before-effects.js'
import { type ConstantWrite, constantWrite, isFunction, untracked, written } from './effects.js'
import type { Space } from './space.js'

/** What a rule writes. `forget`: any value, as far as can be told. */
export type Write =
  | Extract<Effect, { do: 'set' | 'add' | 'notrack' }>
  | { readonly do: 'forget'; readonly fields: readonly Field[] }

/** Writes in a row. The same ones in the same space are the same object. */
export interface Transform {
  readonly writes: readonly Write[]
}

interface Interned extends Transform {
  readonly after: Map<string, Interned>
  readonly sequences: Map<Transform, Transform>
  /** What `before` has found. */
  readonly known: Map<Node, Node>
  /** The writes in their order, constants in a row at once (`Bdd.values`). */
  steps: readonly Step[] | undefined
}

/** One write, or constants in a row (`Bdd.values`), and the variables that are written. */
interface Step {
  readonly step: Write | number
  readonly levels: readonly number[]
}

/** The transforms of one space. */
export class Transforms {
  readonly identity: Transform
  readonly #space: Space
  readonly #all = new Map<string, Interned>()
  readonly #keys = new WeakMap<Write, string>()
  #last: { readonly set: Node; readonly levels: ReadonlySet<number> } = { set: EMPTY, levels: new Set() }

  constructor(space: Space) {
    this.#space = space
    this.identity = this.#of([])
  }

  after(transform: Transform, write: Write): Transform {
    const { after } = transform as Interned
    const key = this.#key(write)
    let found = after.get(key)
    if (!found) {
      const exact = write.do === 'forget' || write.do === 'notrack' || isFunction(write)
      found = this.#of(this.#appended(transform.writes, exact ? write : { do: 'forget', fields: [write.field] }))
      after.set(key, found)
    }
    return found
  }

  /** First `one`, then `other`. */
  sequence(one: Transform, other: Transform): Transform {
    if (one === this.identity) return other
    if (other === this.identity) return one
    const { sequences } = one as Interned
    let found = sequences.get(other)
    if (!found) {
      found = other.writes.reduce((all: Transform, write) => this.after(all, write), one)
      sequences.set(other, found)
    }
    return found
  }

  /** Does it write nothing but what is known beforehand? */
  isConstant({ writes }: Transform): boolean {
    return writes.every(isConstant)
  }

  /** What becomes of the packets. */
  image({ writes }: Transform, set: Node): Node {
    return writes.reduce((all, write) => (all === EMPTY ? EMPTY : this.#written(all, write)), set)
  }

  /** The packets that become some of the set. */
  before(transform: Transform, set: Node): Node {
    const { writes, known } = transform as Interned
    if (set === EMPTY || set === FULL || writes.length === 0) return set
    let found = known.get(set)
    if (found === undefined) {
      const { bdd } = this.#space
      found = this.#steps(transform as Interned).reduceRight((all: Node, { step, levels }) => {
        const asked = this.#support(all)
        if (!levels.some((level) => asked.has(level))) return all
        return typeof step === 'number' ? bdd.assign(all, step) : this.#before(all, step)
      }, set)
      known.set(set, found)
    }
    return found
  }

  /** The variables that a set asks for. What is written comes in rows: most of it the set does not look at. */
  #support(set: Node): ReadonlySet<number> {
    if (this.#last.set !== set) this.#last = { set, levels: this.#space.bdd.support(set) }
    return this.#last.levels
  }

  #steps(transform: Interned): readonly Step[] {
    transform.steps ??= this.#joined(transform.writes)
    return transform.steps
  }

  /** What is written to fields that every packet has is one assignment. Constants in a row for different variables may change places: none says whether another field is there. */
  #joined(writes: readonly Write[]): readonly Step[] {
    const steps: Step[] = []
    let bits: ConstantWrite['bits'] = []
    const row = new Set<number>()
    const join = () => {
      if (bits.length > 0) steps.push({ step: this.#space.bdd.values(bits), levels: bits.map(([level]) => level) })
      bits = []
      row.clear()
    }
    for (const write of writes) {
      const levels = isConstant(write) ? this.#space.levelsOf(write.field) : []
      if (!isConstant(write) || levels.some((level) => row.has(level))) join()
      for (const level of levels) row.add(level)
      if (isConstant(write) && this.#space.present(write.field) === FULL)
        bits = [...bits, ...constantWrite(this.#space, write.field, write.keep, write.xor.value).bits]
      else steps.push({ step: write, levels: this.#levelsOf(write) })
    }
    join()
    return steps
  }

  #levelsOf(write: Write): readonly number[] {
    if (write.do === 'forget') return write.fields.flatMap((field) => this.#space.levelsOf(field))
    return this.#space.levelsOf(write.do === 'notrack' ? 'ct.state' : write.field)
  }

  #written(set: Node, write: Write): Node {
    switch (write.do) {
      case 'notrack':
        return untracked(this.#space, set)
      case 'forget':
        return this.#space.forget(set, write.fields)
      default:
        return written(this.#space, set, write)
    }
  }

  #before(set: Node, write: Write): Node {
    switch (write.do) {
      case 'notrack':
        return beforeUntracked(this.#space, set)
      case 'forget':
        return this.#space.forget(set, write.fields)
      default:
        return beforeWriting(this.#space, set, write)
    }
  }

  /** Constants written to one field are one write, those to several stand in the order of their fields: marks that are set again make no new transform. */
  #appended(writes: readonly Write[], write: Write): readonly Write[] {
    let first = writes.length
    while (first > 0 && isConstant(writes[first - 1]!)) first--
    // what NOTRACK has seen is not INVALID any more
    if (write.do === 'notrack' && writes[first - 1]?.do === 'notrack') return writes
    if (!isConstant(write)) return [...writes, write]
    const tail = writes.slice(first) as readonly Constant[]
    const same = tail.findIndex(({ field }) => field === write.field)
    const levels = new Set(this.#space.levelsOf(write.field))
    const overlaps = ({ field }: Constant) => this.#space.levelsOf(field).some((level) => levels.has(level))
    if (tail.some((one, i) => i !== same && overlaps(one))) return [...writes, write]
    const merged = same < 0 ? combined(undefined, write) : combined(tail[same], write)
    const others = tail.filter((_, i) => i !== same)
    const all = isNothing(merged) ? others : [...others, merged]
    return [...writes.slice(0, first), ...all.toSorted((a, b) => (a.field < b.field ? -1 : 1))]
  }

  #key(write: Write): string {
    let key = this.#keys.get(write)
    if (key === undefined) {
      key = JSON.stringify(write, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
      this.#keys.set(write, key)
    }
    return key
  }

  #of(writes: readonly Write[]): Interned {
    const key = writes.map((write) => this.#key(write)).join(' ')
    let found = this.#all.get(key)
    if (!found) {
      found = { writes, after: new Map(), sequences: new Map(), known: new Map(), steps: undefined }
      this.#all.set(key, found)
    }
    return found
  }
}

type Constant = Omit<Extract<Write, { do: 'set' }>, 'xor'> & {
  readonly xor: { readonly from: 'constant'; readonly value: FieldValue }
}

const isConstant = (write: Write): write is Constant =>
  write.do === 'set' && typeof write.xor !== 'string' && write.xor.from === 'constant' && write.field !== 'ct.state'

const allOnes = (field: Field) => (1n << BigInt(fieldSpec(field).bits)) - 1n

const isNothing = ({ field, keep, xor }: Constant) => keep === allOnes(field) && xor.value === 0n

/** Both constants one after the other, as one. */
function combined(before: Constant | undefined, write: Constant): Constant {
  const all = allOnes(write.field)
  const [keep, value] = [BigInt(write.keep) & all, BigInt(write.xor.value) & all]
  const [oldKeep, oldValue] = before ? [BigInt(before.keep), BigInt(before.xor.value)] : [all, 0n]
  return { ...write, keep: oldKeep & keep, xor: { from: 'constant', value: (oldValue & keep) ^ value } }
}
