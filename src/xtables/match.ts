import type { Condition } from '../rules/condition.js'
import type { Extension, OptionsOf, OptionTable, RuleContext } from './extension.js'

/** One `-m NAME` of iptables, whole: what it accepts, how it prints, what it means, what it is for. */
export interface Match<Table extends OptionTable = OptionTable> extends Extension<Table> {
  /** `-p` with this protocol loads it without `-m`, once one of its options is used. */
  readonly impliedBy?: readonly number[]
  lower(options: OptionsOf<Table>, context: RuleContext): Condition
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds matches of every option table
export type AnyMatch = Match<any>

export const defineMatch = <const Table extends OptionTable>(match: Match<Table>): Match<Table> => match
