/** What goes to the engine and comes back, besides its documents. */

export interface TextFile {
  readonly path: string
  readonly text: string
}

/** Why there is no answer: in words, with the place in the file or in the packet's line. */
export interface Complaint {
  readonly message: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Complaint[] }

/** A rule of a chain, as a line of a table. */
export interface RuleLine {
  readonly number: number
  readonly text: string
  readonly packets: number | null
  readonly bytes: number | null
  readonly file: string | null
  readonly line: number | null
}

export interface ChainAddress {
  readonly place: string
  readonly family: 4 | 6
  readonly backend: string
  readonly table: string
  readonly chain: string
}

export interface ChainWindow {
  readonly total: number
  readonly first: number
  readonly policy: string | null
  readonly rules: readonly RuleLine[]
}
