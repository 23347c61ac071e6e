import type { Effect } from '../rules/effect.js'
import type { Extension, OptionsOf, OptionTable, RuleContext } from './extension.js'

/** One `-j NAME` of iptables that is no chain, whole: what it accepts, how it prints, what it does, what it is for. */
export interface Target<Table extends OptionTable = OptionTable> extends Extension<Table> {
  /** A verdict: nothing behind a rule that matches all and has it is ever reached. */
  readonly ends?: boolean
  lower(options: OptionsOf<Table>, context: RuleContext): readonly Effect[]
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds targets of every option table
export type AnyTarget = Target<any>

export const defineTarget = <const Table extends OptionTable>(target: Target<Table>): Target<Table> => target
