import { familyOf } from '../address/ip.js'
import type { FieldValue } from '../packet/fields.js'
import { EMPTY, type Node } from '../sets/bdd.js'
import type { Space } from '../sets/space.js'
import type { Target } from './matrix-targets.js'
import { targetFields } from './translating.js'
import type { Ground } from './walk-ground.js'

/** Targets in a row, in their own order (`TargetSets.order`), with the packets to all of them: protocol, address and port. Halves of halves. */
export interface Half {
  readonly first: number
  readonly end: number
  readonly wanted: Node
  readonly halves: readonly Half[]
}

export interface TargetSets {
  readonly order: readonly number[]
  /** Undefined: there is no target. */
  readonly root: Half | undefined
}

const known = new WeakMap<Space, { readonly targets: readonly Target[]; readonly sets: TargetSets }>()

/** The packets to targets, worked out once. */
export function targetSets(ground: Ground, targets: readonly Target[]): TargetSets {
  const before = known.get(ground.space)
  if (before?.targets === targets) return before.sets
  const sets = built(ground, targets)
  known.set(ground.space, { targets, sets })
  return sets
}

function built(ground: Ground, targets: readonly Target[]): TargetSets {
  const { space, family } = ground
  const { bdd } = space
  const fields = targetFields(ground).map((field) => space.levelsOf(field))
  const wantedBy = ({ protocol, address, port }: Target): Node => {
    if (familyOf(address) !== family) return EMPTY
    const values: readonly FieldValue[] = [protocol, address, port]
    return bdd.cube(fields.flatMap((levels, i) => bitsOf(levels, values[i]!)))
  }
  const build = (first: number, end: number): Half => {
    if (end - first === 1) return { first, end, wanted: wantedBy(targets[order[first]!]!), halves: [] }
    const middle = (first + end) >> 1
    const halves = [build(first, middle), build(middle, end)]
    return { first, end, wanted: bdd.or(halves[0]!.wanted, halves[1]!.wanted), halves }
  }
  const order = inOrder(targets)
  return { order, root: targets.length > 0 ? build(0, targets.length) : undefined }
}

function bitsOf(levels: readonly number[], value: FieldValue): readonly (readonly [level: number, bit: 0 | 1])[] {
  const bits = BigInt(value)
  return levels.map((level, i) => [level, Number((bits >> BigInt(levels.length - 1 - i)) & 1n) as 0 | 1])
}

/** Those with neighbouring addresses stand together. */
const inOrder = (targets: readonly Target[]): readonly number[] =>
  targets
    .map((_, i) => i)
    .sort((i, j) => {
      const [a, b] = [targets[i]!, targets[j]!]
      return a.protocol - b.protocol || a.port - b.port || (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)
    })
