import { localErrno } from './answers.js'
import type { ChainRun } from './chains.js'
import type { Cursor } from './cursor.js'
import type { Fate } from './fate.js'
import type { ChainEntry } from './hooks.js'

/** The end of a packet that a chain did not let through. */
export function dropped(cursor: Cursor, entry: ChainEntry, run: ChainRun): Fate {
  const { visit } = run
  const { chain, number } = visit.decidedBy
  const at = { table: visit.table, chain, rule: number }
  if (run.afterwards) return { ...run.afterwards(), ...at }
  if (number === undefined) {
    const text = `policy ${entry.base.policy.toUpperCase()} of ${visit.table}/${visit.chain}`
    return cursor.drop('policy-drop', text, { ...at, errno: localErrno(cursor) })
  }
  const cut = run.decidedBy?.outcome === 'drop'
  const text = cut
    ? `rule ${number} of ${visit.table}/${chain} could not read the header it needs`
    : `rule ${number} of ${visit.table}/${chain}: ${visit.decidedBy.rule?.text ?? ''}`
  return cursor.drop(cut ? 'header-cut-off' : 'rule-drop', text, { ...at, errno: localErrno(cursor) })
}
