import type { Shown } from './answers.js'
import type { Preset } from './presets.js'

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
  readonly chain: string
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

/** Where a chain begins in the list of its table. */
export interface ChainHead {
  readonly chain: string
  /** Of a base chain. */
  readonly policy: string | null
  readonly rules: number
}

/** A part of a whole table. */
export interface TableWindow {
  readonly total: number
  readonly lines: readonly (ChainHead | RuleLine)[]
}

export interface ChainWindow {
  readonly total: number
  readonly first: number
  readonly policy: string | null
  readonly rules: readonly RuleLine[]
}

/** A file, or a part of a paste, and what it was taken for. */
export interface Recognised {
  readonly path: string
  readonly kind: string | null
  readonly place: string | null
  /** Of a part of a paste. */
  readonly lines: readonly [from: number, to: number] | null
}

/** Something that the snapshot does not say, and the command that prints it. */
export interface Lacking {
  readonly place: string
  /** What is taken instead. */
  readonly text: string
  readonly command: string
}

export interface Opening {
  readonly shown: Shown
  readonly blocks: readonly Recognised[]
  readonly missing: readonly Lacking[]
  readonly presets: readonly Preset[]
}

/** A setting that decides about packets. */
export interface Switch {
  readonly key: string
  readonly value: number
  /** Not in the snapshot: the kernel's default. */
  readonly assumed: boolean
  /** The values that it may have. */
  readonly values: readonly number[]
}

export interface Saved {
  readonly family: 4 | 6
  readonly backend: 'nft' | 'legacy'
  readonly text: string
}

/** Everything that makes up the hosts that are looked at: the same for every worker. */
export interface Situation {
  /** The snapshot as it was opened. */
  readonly base: readonly TextFile[]
  /** As it has been edited. */
  readonly files: readonly TextFile[]
  readonly commands: readonly string[]
  /** Where commands are carried out that do not say where. */
  readonly usual: string
}
