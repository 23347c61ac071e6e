import { CT_STATE, type Field, type FieldValue, fieldSpec } from '../packet/fields.js'
import type { Effect } from '../rules/effect.js'
import { EMPTY, type Node } from './bdd.js'
import { constantWrite, maskedField } from './effects.js'
import type { Space } from './space.js'

/** The packets that get into `set` by what a rule writes: `written` (effects.ts) the other way round. */
export function beforeWriting(space: Space, set: Node, effect: Extract<Effect, { do: 'set' | 'add' }>): Node {
  if (set === EMPTY) return EMPTY
  const { bdd } = space
  const { field } = effect
  if (effect.do === 'add') return beforeAdding(space, set, field, effect.by)
  const { keep, xor } = effect
  const source = maskedField(xor)
  const constant = typeof xor !== 'string' && xor.from === 'constant' ? xor.value : undefined
  if (constant !== undefined) {
    const can = space.present(field)
    const before = bdd.assign(set, constantWrite(space, field, keep, constant).assigned)
    return bdd.or(bdd.and(before, can), bdd.minus(set, can))
  }
  if (!source) return space.forget(set, [field])
  if (!space.asks(set, field)) return set
  const to = space.levelsOf(field)
  const from = space.levelsOf(source.field)
  const bits = new Map<number, Node>()
  for (const [i, level] of to.entries()) {
    const shift = BigInt(to.length - 1 - i)
    const bit = (of: FieldValue) => ((BigInt(of) >> shift) & 1n) === 1n
    const other = from[from.length - 1 - Number(shift)]
    const old = bit(keep) ? bdd.literal(level, true) : EMPTY
    const theirs = bit(source.mask) && other !== undefined ? bdd.literal(other, true) : EMPTY
    bits.set(level, bdd.or(bdd.minus(old, theirs), bdd.minus(theirs, old)))
  }
  const can = bdd.and(space.present(field), space.present(source.field))
  return bdd.or(bdd.and(substituted(space, set, bits), can), bdd.minus(set, can))
}

/** The set with other conditions in the place of some variables. */
export function substituted({ bdd }: Space, set: Node, bits: ReadonlyMap<number, Node>): Node {
  const last = Math.max(...bits.keys())
  const known = new Map<Node, Node>()
  const of = (node: Node): Node => {
    const level = bdd.levelOf(node)
    if (level > last) return node
    let found = known.get(node)
    if (found === undefined) {
      const [low, high] = [of(bdd.lowOf(node)), of(bdd.highOf(node))]
      const test = bits.get(level) ?? bdd.literal(level, true)
      found = low === high ? low : bdd.or(bdd.and(test, high), bdd.minus(low, test))
      known.set(node, found)
    }
    return found
  }
  return of(set)
}

function beforeAdding(space: Space, set: Node, field: Field, by: number): Node {
  const { bdd } = space
  const last = 2 ** fieldSpec(field).bits - 1
  if (last > 255) return space.forget(set, [field])
  if (!space.asks(set, field)) return set
  return space.union(
    Array.from({ length: last + 1 }, (_, value) => {
      const reached = space.beforeAssigning(set, field, Math.max(0, Math.min(last, value + by)))
      return bdd.and(space.equals(field, value), reached)
    }),
  )
}

/** NOTRACK (effects.ts: untracked) the other way round. */
export function beforeUntracked(space: Space, set: Node): Node {
  const { bdd } = space
  const fresh = space.equals('ct.state', CT_STATE.INVALID)
  return bdd.or(bdd.minus(set, fresh), bdd.and(fresh, space.beforeAssigning(set, 'ct.state', CT_STATE.UNTRACKED)))
}
