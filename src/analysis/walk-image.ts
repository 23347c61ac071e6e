import type { Field } from '../packet/fields.js'
import type { Node } from '../sets/bdd.js'
import { maskedField } from '../sets/effects.js'
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
  return space.project(transforms.image(only, space.project(packets, [...needed])), fields)
}
