import type { Field } from '../../packet/fields.js'
import { EMPTY, FULL, type Node } from '../../sets/bdd.js'
import type { Space } from '../../sets/space.js'
import type { Transform, Transforms, Write } from '../../sets/transform.js'

/** Writes, and the space's transforms that they are of. */
export interface Writing {
  readonly transforms: Transforms
  readonly transform: Transform
}

export const keyOfWrites = ({ writes }: Transform): string =>
  JSON.stringify(writes, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))

const fieldsOf = (write: Write): readonly Field[] =>
  write.do === 'notrack' ? ['ct.state'] : write.do === 'forget' ? write.fields : [write.field]

const MOST_MIXED = 10

/**
 * The packets that two rows of writes leave the same in every field that counts: for each bit, whether it may become 1 and whether it may become 0. A field with any
 * value is like another with any value.
 */
export class SamePacket {
  readonly #space: Space
  readonly #counts: (field: Field) => boolean
  readonly #known = new Map<string, Node>()
  /** Some that would be the same by chance (a mark that the connection has already) were taken to differ: all of them are too large a set. */
  coarse = false

  constructor(space: Space, counts: (field: Field) => boolean = () => true) {
    this.#space = space
    this.#counts = counts
  }

  of(one: Writing, other: Writing): Node {
    if (one.transform === other.transform) return FULL
    const [a, b] = [keyOfWrites(one.transform), keyOfWrites(other.transform)]
    if (a === b) return FULL
    const key = a < b ? `${a} ${b}` : `${b} ${a}`
    let found = this.#known.get(key)
    if (found === undefined) {
      found = this.#find(one, other)
      this.#known.set(key, found)
    }
    return found
  }

  #find(one: Writing, other: Writing): Node {
    const { bdd } = this.#space
    // bits of one field that are compared with those of another: each doubles the set
    let mixed = 0
    const written = new Set([...one.transform.writes, ...other.transform.writes].flatMap(fieldsOf))
    const levels = new Set([...written].filter(this.#counts).flatMap((field) => this.#space.levelsOf(field)))
    let same: Node = FULL
    for (const level of levels)
      for (const value of [true, false]) {
        if (same === EMPTY) return EMPTY
        const bit = bdd.literal(level, value)
        const [a, b] = [one.transforms.before(one.transform, bit), other.transforms.before(other.transform, bit)]
        if (a === b) continue
        const differs = bdd.or(bdd.minus(a, b), bdd.minus(b, a))
        if (value && [...bdd.support(differs)].some((one) => !levels.has(one)) && ++mixed > MOST_MIXED) {
          this.coarse = true
          return EMPTY
        }
        same = bdd.minus(same, differs)
      }
    return same
  }
}
