import type { FieldValue } from '../packet/fields.js'
import type { Effect } from '../rules/effect.js'
import { evaluate, UNKNOWN } from '../rules/interpret.js'
import type { KeyedUse, Look } from '../rules/set-use.js'
import type { Value } from '../rules/value.js'
import type { Cursor } from './cursor.js'
import type { Done } from './done.js'
import { passing, SkbSubject } from './subject.js'

/** The values of a key; undefined where the packet does not have one of them. */
function keyOf(cursor: Cursor, key: readonly Value[]): readonly FieldValue[] | undefined | typeof UNKNOWN {
  const subject = new SkbSubject(cursor)
  const values: FieldValue[] = []
  for (const part of key) {
    const value = evaluate(part, subject)
    if (value === UNKNOWN || value === undefined) return value
    values.push(value)
  }
  return values
}

/** It goes on, but what it has done is not known. */
function unknown(cursor: Cursor, about: string): Done {
  cursor.run.options.chooser.choose({ kind: 'unknown', weights: [1], about })
  return { did: about, verdict: 'next' }
}

const PROGRAM = { add: '--add-set', delete: '--del-set' } as const

/** net/netfilter/xt_set.c: set_target_v3; a list of sets takes the first of its sets that can (list_set_kadd, list_set_kdel). */
export function changeSet(cursor: Cursor, effect: Extract<Effect, { do: 'change-set' }>): Done {
  const { how, use, exist, timeout } = effect
  const label = `SET ${PROGRAM[how]} ${use.set}`
  const { sets, state } = cursor.netns
  const bound = state.sets?.bindUse(use) ?? { known: false, why: `set ${use.set} is not in the snapshot` }
  if (!sets || !bound.known) return unknown(cursor, `${label}: ${bound.known ? '' : bound.why}`)
  let last = 'nothing of this packet can be in it'
  for (const one of bound.uses) {
    const key = keyOf(cursor, one.key)
    if (key === UNKNOWN) return unknown(cursor, `${label}: a value that it takes is not known`)
    if (key === undefined) continue
    const change =
      how === 'add'
        ? sets.add(one, key, { exist, ...(timeout === undefined ? {} : { timeout }) }, passing(cursor))
        : sets.delete(one, key, passing(cursor))
    if (change.unknown) return unknown(cursor, `${label}: ${change.text}`)
    last = change.text
    if (change.done) break
  }
  return { did: `${label}: ${last}`, verdict: 'next' }
}

/** What `--map-set` does to the packet where it is in the set. */
export function mapSet(cursor: Cursor, { use, to }: Extract<Effect, { do: 'map-set' }>): Done {
  const label = `SET --map-set ${use.set}`
  const { sets, state } = cursor.netns
  const bound = state.sets?.bindUse(use) ?? { known: false, why: `set ${use.set} is not in the snapshot` }
  if (!sets || !bound.known) return unknown(cursor, `${label}: ${bound.known ? '' : bound.why}`)
  let last = 'nothing of this packet can be in it'
  for (const one of bound.uses) {
    const key = keyOf(cursor, one.key)
    if (key === UNKNOWN) return unknown(cursor, `${label}: a value that it takes is not known`)
    if (key === undefined) continue
    const found = sets.carried(one.set, key, lookOf(one), passing(cursor))
    last = found.text
    if (found.outcome !== 'yes') continue
    const { skb } = cursor
    if (to.includes('mark')) skb.mark = ((skb.mark & ~found.carries.markMask) ^ found.carries.mark) >>> 0
    if (to.includes('priority')) skb.priority = found.carries.priority
    return { did: `${label}: ${last}`, verdict: 'next' }
  }
  return { did: `${label}: ${last}`, verdict: 'next' }
}

/** Counters go on as in any look-up. */
const lookOf = ({ list }: KeyedUse): Look => ({
  keep: false,
  returnNomatch: false,
  changes: true,
  ...(list === undefined ? {} : { list: { name: list, keep: false } }),
})
