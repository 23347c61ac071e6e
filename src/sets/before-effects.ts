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
  const can = bdd.and(space.present(field), space.present(source.field))
  let before = set
  const to = space.levelsOf(field)
  const from = space.levelsOf(source.field)
  for (const [i, level] of to.entries()) {
    const shift = BigInt(to.length - 1 - i)
    const bit = (of: FieldValue) => ((BigInt(of) >> shift) & 1n) === 1n
    const one = bdd.variables([level])
    const other = from[from.length - 1 - Number(shift)]
    const taken = bit(source.mask) ? other : undefined
    const on = bdd.literal(level, true)
    if (taken === undefined) {
      if (!bit(keep)) before = bdd.exists(bdd.minus(before, on), one)
      continue
    }
    // the new bit is that of the other field, or differs from the old one where that is set
    const theirs = bdd.literal(taken, true)
    before = bit(keep)
      ? bdd.or(bdd.and(theirs, bdd.flip(before, one)), bdd.minus(before, theirs))
      : bdd.or(
          bdd.and(theirs, bdd.exists(bdd.and(before, on), one)),
          bdd.minus(bdd.exists(bdd.minus(before, on), one), theirs),
        )
  }
  return bdd.or(bdd.and(before, can), bdd.minus(set, can))
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
