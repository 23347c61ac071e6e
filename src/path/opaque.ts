import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'

/** It may end the packet, or change it: both ways are walked, and where they differ the answer is undecided. */
export function opaque(cursor: Cursor, text: string): Fate | undefined {
  const about = `${text}: not evaluated`
  cursor.record({ kind: 'check', what: 'unmodelled', passed: true, text: about })
  const ends = cursor.run.options.chooser.choose({ kind: 'unknown', weights: [0.5, 0.5], about }) === 1
  return ends ? cursor.drop('unmodelled', about) : undefined
}
