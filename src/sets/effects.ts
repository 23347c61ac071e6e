import { CT_STATE, type Field, type FieldValue, fieldSpec } from '../packet/fields.js'
import type { Effect } from '../rules/effect.js'
import type { Value } from '../rules/value.js'
import { type Bdd, EMPTY, type Node } from './bdd.js'
import type { Space } from './space.js'

/** The packets of `set` after a rule has written a field: exactly, or where that cannot be told with any value. */
export function written(space: Space, set: Node, effect: Extract<Effect, { do: 'set' | 'add' }>): Node {
  if (set === EMPTY) return EMPTY
  const { field } = effect
  if (effect.do === 'add') return added(space, set, field, effect.by)
  const { keep, xor } = effect
  if (typeof xor !== 'string' && xor.from === 'constant') return overwritten(space, set, field, keep, xor.value)
  const source = maskedField(xor)
  if (!source) return space.forget(set, [field])
  const { bdd } = space
  const can = bdd.and(space.present(field), space.present(source.field))
  const rest = bdd.minus(set, can)
  return bdd.or(rest, copied(space, bdd.and(set, can), field, keep, source))
}

/** Is it known of each packet what becomes of it? */
export function isFunction(effect: Extract<Effect, { do: 'set' | 'add' }>): boolean {
  if (effect.do === 'add') return fieldSpec(effect.field).bits <= 8
  return (typeof effect.xor !== 'string' && effect.xor.from === 'constant') || maskedField(effect.xor) !== undefined
}

/** field = (field & keep) ^ value, for packets that have the field. */
function overwritten(space: Space, set: Node, field: Field, keep: FieldValue, value: FieldValue): Node {
  const { bdd } = space
  const present = space.present(field)
  const [there, rest] = [bdd.and(set, present), bdd.minus(set, present)]
  const { cleared, turned, cube } = constantWrite(space, field, keep, value)
  return bdd.or(bdd.and(bdd.flip(bdd.exists(there, cleared), turned), cube), rest)
}

/** How (field & keep) ^ value is carried out on the variables of a field; each part is made when it is asked for. */
export class ConstantWrite {
  /** The bits that are lost, with their new values, and those that are turned over. */
  readonly bits: readonly (readonly [level: number, value: 0 | 1 | 'turned'])[]
  readonly #bdd: Bdd
  #cleared: number | undefined
  #turned: number | undefined
  #cube: Node | undefined
  #assigned: number | undefined

  constructor(space: Space, field: Field, keep: FieldValue, value: FieldValue) {
    this.#bdd = space.bdd
    const levels = space.levelsOf(field)
    const [kept, set] = [bitsOf(keep, levels.length), bitsOf(value, levels.length)]
    this.bits = levels.flatMap((level, i): ConstantWrite['bits'] => {
      if (!kept[i]) return [[level, set[i] ? 1 : 0]]
      return set[i] ? [[level, 'turned']] : []
    })
  }

  get #lost() {
    return this.bits.filter((bit): bit is readonly [number, 0 | 1] => bit[1] !== 'turned')
  }

  /** `variables`: the bits that are lost. */
  get cleared(): number {
    this.#cleared ??= this.#bdd.variables(this.#lost.map(([level]) => level))
    return this.#cleared
  }

  /** `variables`: the bits that are turned over. */
  get turned(): number {
    this.#turned ??= this.#bdd.variables(this.bits.flatMap(([level, value]) => (value === 'turned' ? [level] : [])))
    return this.#turned
  }

  /** The packets that have the new values of the lost bits. */
  get cube(): Node {
    this.#cube ??= this.#bdd.cube(this.#lost)
    return this.#cube
  }

  /** `values`: both, to be read backwards. */
  get assigned(): number {
    this.#assigned ??= this.#bdd.values(this.bits)
    return this.#assigned
  }
}

/** The lowest bits of a number, the most significant one first. */
function bitsOf(value: FieldValue, count: number): readonly boolean[] {
  let left = BigInt(value)
  const bits: boolean[] = Array.from({ length: count })
  for (let i = count - 1; i >= 0; i--) {
    bits[i] = (left & 1n) === 1n
    left >>= 1n
  }
  return bits
}

const writes = new WeakMap<Space, Map<string, ConstantWrite>>()

export function constantWrite(space: Space, field: Field, keep: FieldValue, value: FieldValue): ConstantWrite {
  let known = writes.get(space)
  if (!known) {
    known = new Map()
    writes.set(space, known)
  }
  const key = `${field} ${keep} ${value}`
  let found = known.get(key)
  if (!found) {
    found = new ConstantWrite(space, field, keep, value)
    known.set(key, found)
  }
  return found
}

/** field = (field & keep) ^ (source & mask), bit by bit. */
function copied(
  space: Space,
  set: Node,
  field: Field,
  keep: FieldValue,
  source: { field: Field; mask: FieldValue },
): Node {
  const { bdd } = space
  const [to, from] = [space.levelsOf(field), space.levelsOf(source.field)]
  let result = set
  for (const [i, level] of to.entries()) {
    const shift = BigInt(to.length - 1 - i)
    const other = from[from.length - 1 - Number(shift)]
    const kept = ((BigInt(keep) >> shift) & 1n) === 1n
    const taken = other !== undefined && ((BigInt(source.mask) >> shift) & 1n) === 1n
    const one = bdd.variables([level])
    if (!kept) result = bdd.exists(result, one)
    if (!taken) {
      if (!kept) result = bdd.and(result, bdd.literal(level, false))
      continue
    }
    const [on, off] = [bdd.and(result, bdd.literal(other, true)), bdd.and(result, bdd.literal(other, false))]
    result = kept
      ? bdd.or(off, bdd.flip(on, one))
      : bdd.or(bdd.and(off, bdd.literal(level, false)), bdd.and(on, bdd.literal(level, true)))
  }
  return result
}

export function maskedField(value: Value): { readonly field: Field; readonly mask: FieldValue } | undefined {
  if (typeof value === 'string') return { field: value, mask: (1n << BigInt(fieldSpec(value).bits)) - 1n }
  return value.from === 'masked' && typeof value.of === 'string' ? { field: value.of, mask: value.mask } : undefined
}

/** Fields of up to 8 bits (the TTL) value by value; of a wider one nothing is known afterwards. */
function added(space: Space, set: Node, field: Field, by: number): Node {
  const { bdd } = space
  const last = 2 ** fieldSpec(field).bits - 1
  if (last > 255) return space.forget(set, [field])
  if (!space.asks(set, field)) return set
  const values = Array.from({ length: last + 1 }, (_, value) => value)
  return space.union(
    values.map((value) => {
      const own = bdd.and(set, space.equals(field, value))
      return own === EMPTY ? EMPTY : space.assigned(own, field, Math.max(0, Math.min(last, value + by)))
    }),
  )
}

/** NOTRACK: what connection tracking has not seen yet (its state reads INVALID) is UNTRACKED from here on. */
export function untracked(space: Space, set: Node): Node {
  const { bdd } = space
  const fresh = bdd.and(set, space.equals('ct.state', CT_STATE.INVALID))
  return bdd.or(bdd.minus(set, fresh), space.assigned(fresh, 'ct.state', CT_STATE.UNTRACKED))
}
