import type { Counters } from '../rules/program.js'
import type { AddressMask } from './address-mask.js'
import type { AnyExtension, Given, OptionsOf, OptionTable } from './extension.js'
import type { AnyMatch } from './match.js'
import type { AnyTarget } from './target.js'

/** A match or target of a rule. Without `extension` we do not know it: its words are kept as they were. */
export interface Use<E extends AnyExtension> {
  readonly name: string
  readonly extension: E | undefined
  readonly options: OptionsOf<OptionTable>
  readonly raw: string | undefined
  /** Which word of its line names it. */
  readonly at: number
}

/** What stands on one `-A` line. */
export interface RuleFields {
  readonly chain: string
  readonly src: Given<AddressMask> | undefined
  readonly dst: Given<AddressMask> | undefined
  readonly iif: Given<string> | undefined
  readonly oif: Given<string> | undefined
  readonly protocol: Given<number> | undefined
  readonly fragment: Given<true> | undefined
  readonly matches: readonly Use<AnyMatch>[]
  readonly target: Use<AnyTarget> | undefined
  /** A user chain to go to; `at`: which word of its line names the chain. */
  readonly jump: { readonly chain: string; readonly goto: boolean; readonly at: number } | undefined
  readonly counters: Counters | undefined
}
