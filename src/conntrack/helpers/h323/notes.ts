import type { Attachment, H323Notes } from '../../entry.js'
import type { ExpectationPolicy } from '../../expectation.js'

export const NAMES = { ras: 'RAS', q931: 'Q.931', h245: 'H.245' } as const

interface Policies {
  readonly policies: readonly ExpectationPolicy[]
}
const upTo = (maxExpected: number): Policies => ({ policies: [{ maxExpected, timeout: 240 }] })
/** What each of the three helpers may expect. */
export const POLICIES = { ras: upTo(32), q931: upTo(20), h245: upTo(18) } as const

export function notesOf({ entry }: Attachment): H323Notes {
  entry.helping ??= { original: [], reply: [], listed: true }
  const { helping } = entry
  const { listed } = helping
  helping.h323 ??= {
    listed,
    left: listed ? { original: undefined, reply: undefined } : { original: 0, reply: 0 },
    signalPort: { original: 0, reply: 0 },
    mediaPorts: [],
    seconds: listed ? undefined : 0,
  }
  return helping.h323
}
