import type { Rule, Source, Table } from '../../rules/program.js'
import type { Scope } from '../scope.js'

export type Level = 'error' | 'warning' | 'note'
export const LEVELS: readonly Level[] = ['error', 'warning', 'note']

/** Something in the input that a finding is about. */
export interface Spot {
  /** `filter/INPUT`. */
  readonly chain: string | undefined
  /** From 1 within its chain; undefined for a chain as a whole. */
  readonly number: number | undefined
  readonly text: string
  readonly source: Source | undefined
}

/** What a lint rule says. */
export interface Found {
  readonly message: string
  readonly at: Spot
  /** What it has to do with, and how. */
  readonly related?: readonly (Spot & { readonly how: string })[]
  /** A packet that shows it, as `trace` reads it. */
  readonly packet?: string
  /** What to do, where one thing is surely right. */
  readonly fix?: string
}

export interface Finding extends Found {
  readonly id: string
  readonly level: Level
  /** `node1`, `node1/web`. */
  readonly place: string
  readonly family: 4 | 6
}

/** One thing to look for. A finding is true of every packet, or of the packet that it shows: no lint rule guesses. */
export interface LintRule {
  /** Stable: names it in output, in `packetwalk: ignore ID`, and its page docs/lint/ID.md. */
  readonly id: string
  readonly level: Level
  /** What it finds, in one line. */
  readonly summary: string
  check(scope: Scope): Iterable<Found>
}

export const ruleSpot = (
  table: Pick<Table, 'name'>,
  { chain, number, rule }: { readonly chain: string; readonly number: number; readonly rule: Rule },
): Spot => ({
  chain: `${table.name}/${chain}`,
  number,
  text: rule.text,
  source: rule.source,
})

/** A chain, shown at its first rule. */
export const chainSpot = (table: Table, name: string): Spot => ({
  chain: `${table.name}/${name}`,
  number: undefined,
  text: `chain ${name} of table ${table.name}`,
  source: table.chains.get(name)?.rules[0]?.source,
})

/** `rule 3 of filter/INPUT`. */
export const spotName = ({ chain, number, text }: Spot): string =>
  number === undefined ? text : `rule ${number} of ${chain}`
