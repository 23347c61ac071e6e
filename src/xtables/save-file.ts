import type { Family } from '../address/ip.js'
import type { Counters } from '../rules/program.js'
import type { SaveRule } from './rule.js'

/** Something in a file that cannot be read. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface SaveChain {
  readonly name: string
  /** `ACCEPT` or `DROP` of a built-in chain; a user chain has none. */
  policy: string | undefined
  counters: Counters | undefined
  readonly rules: SaveRule[]
  readonly line: number
}

export interface SaveTable {
  readonly name: string
  /** In the order in which they stand in the file. */
  readonly chains: Map<string, SaveChain>
  readonly line: number
}

/** What iptables-save prints, taken apart. */
export interface SaveFile {
  readonly file: string
  readonly family: Family
  /** `nft` where the header says `(nf_tables)`. */
  readonly backend: 'legacy' | 'nft'
  /** It is what `iptables -S` prints: one table, which is not named. */
  readonly bare?: boolean
  /** Comment lines and tables in their order. */
  readonly parts: readonly (string | SaveTable)[]
  readonly tables: readonly SaveTable[]
}

export type ReadSave =
  | { readonly ok: true; readonly save: SaveFile }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface ReadOptions {
  readonly file: string
  readonly family: Family
  /** Where the header does not tell. */
  readonly backend?: 'legacy' | 'nft'
  /** Of `iptables -S`, which does not name its table; filter. */
  readonly table?: string
  /** Report every bad line instead of the first. */
  readonly keepGoing?: boolean
}
