import type { Field } from '../packet/fields.js'
import type { Node } from '../sets/bdd.js'
import { maskedField } from '../sets/effects.js'
import type { Space } from '../sets/space.js'
import type { Transform } from '../sets/transform.js'
import type { Way, WayMath } from '../sets/ways.js'

/** What the packets of a way have in these fields in the end. Only what these hang on is followed: all fields together may be a set too large to be written down. */
export function imageOf(math: WayMath, { transform, packets }: Way, fields: readonly Field[]): Node {
  const { space, transforms } = math
  const needed = new Set<Field>(fields)
  const kept: Transform['writes'][number][] = []
  for (const write of transform.writes.toReversed()) {
    if (write.do === 'notrack') {
      if (!needed.has('ct.state')) continue
    } else if (write.do === 'forget') {
      if (!write.fields.some((field) => needed.has(field))) continue
    } else {
      if (!needed.has(write.field)) continue
      const source = write.do === 'set' ? maskedField(write.xor) : undefined
      if (source) needed.add(source.field)
      // a connection's fields are there where the packet has one
      if (write.field.startsWith('ct.') || source?.field.startsWith('ct.')) needed.add('ct.state')
    }
    kept.unshift(write)
  }
  const only = kept.reduce((all: Transform, write) => transforms.after(all, write), transforms.identity)
  return space.project(transforms.image(only, withPresence(space, packets, needed)), fields)
}

/** What is left of the packets where only these fields are looked at, and whether they have them: nothing is written to a field that is not there. */
function withPresence(space: Space, packets: Node, fields: Iterable<Field>): Node {
  const { bdd } = space
  const kept = new Set<number>()
  for (const field of fields) {
    for (const level of space.levelsOf(field)) kept.add(level)
    for (const level of bdd.support(space.present(field))) kept.add(level)
  }
  return bdd.exists(packets, bdd.variables([...bdd.support(packets)].filter((level) => !kept.has(level))))
}
