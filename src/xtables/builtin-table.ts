import type { SaveTable } from './save-file.js'
import { TABLES } from './tables.js'

/** A table as the kernel makes it: its base chains, which accept. */
export const builtinTable = (table: string): SaveTable => ({
  name: table,
  chains: new Map(
    Object.keys(TABLES[table] ?? {}).map((name) => [
      name,
      { name, policy: 'ACCEPT', counters: { packets: 0, bytes: 0 }, rules: [], line: 1 },
    ]),
  ),
  line: 1,
})
