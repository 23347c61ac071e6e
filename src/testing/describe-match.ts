import { describe, expect, test } from 'vitest'
import { type Field, type FieldValue, fieldSpec } from '../packet/fields.js'
import type { Packet } from '../packet/packet.js'
import { type Probe, runProbe } from '../packet/probe.js'
import type { Condition, Outcome } from '../rules/condition.js'
import { evaluate, type HostValue, interpret, type NamedSet, type Subject, UNKNOWN } from '../rules/interpret.js'
import { advance, type Connection, freshState, type MachineState } from '../rules/machines.js'
import { readSave } from '../xtables/index.js'

/** What a packet shows of itself. A field that is not named is not there; `fib daddr`, `set NAME` and `unknown` stand for what is no field. */
export type Shown = { readonly [F in Field]?: FieldValue | 'unknown' } & {
  readonly 'fib saddr'?: number
  readonly 'fib daddr'?: number
  /** What the host says: 0 or 1. */
  readonly 'reverse-path'?: number
  readonly socket?: number
  /** Names of the sets that have it. */
  readonly sets?: readonly string[]
  /** What its connection is like, for those who count connections and labels. */
  readonly connection?: Connection
  /** The bytes; fields that are in them need not be named. */
  readonly packet?: Packet
  /** Seconds since the rule was loaded. */
  readonly after?: number
}

export interface Place {
  readonly family?: 4 | 6
  readonly backend?: 'legacy' | 'nft'
  readonly table?: string
  readonly chain?: string
}

/** The conditions of a rule that matches by these words: `-p tcp -m tcp --dport 22`. */
export function conditionsOf(words: string, place: Place = {}): readonly Condition[] {
  const { family = 4, backend = 'legacy', table = 'filter', chain = 'INPUT' } = place
  const text = `*${table}\n:${chain} ACCEPT [0:0]\n-A ${chain} ${words}\nCOMMIT\n`
  const read = readSave(text, { file: words, family, backend })
  if (!read.ok) throw new Error(`${words}: ${read.problems[0]!.message}`)
  const [rule] = read.save.tables[0]!.chains.get(chain)!.rules
  return rule!.steps.flatMap((step) => ('if' in step ? [step.if] : []))
}

/** A stand-in for a packet on its way, with states that last as long as it does. */
export class FakeSubject implements Subject {
  shown: Shown = {}
  readonly #states = new Map<Condition, MachineState>()

  read(field: Field): FieldValue | undefined | typeof UNKNOWN {
    const value = this.shown[field]
    if (value === undefined && this.shown.packet) return fieldSpec(field).read?.(this.shown.packet)
    return value === 'unknown' ? UNKNOWN : value
  }

  fib({ of }: { readonly of: 'saddr' | 'daddr' }): FieldValue | undefined {
    return this.shown[`fib ${of}`]
  }

  probe(probe: Probe): FieldValue | undefined {
    const { packet } = this.shown
    return packet === undefined ? undefined : runProbe(probe, packet)
  }

  host({ from }: HostValue): FieldValue | undefined {
    return this.shown[from]
  }

  bind({ use: { set } }: NamedSet): Condition {
    return { is: 'member', key: [], set }
  }

  member(set: string): { readonly outcome: Outcome } {
    return { outcome: this.shown.sets?.includes(set) ? 'yes' : 'no' }
  }

  chance(weight: number): boolean {
    return weight > 2 ** 30
  }

  advance(condition: Extract<Condition, { is: 'stateful' }>): { readonly outcome: Outcome; readonly text: string } {
    const { machine } = condition
    const now = 1_000_000 + (this.shown.after ?? 0)
    const state = this.#states.get(condition) ?? freshState(machine, 1_000_000)
    this.#states.set(condition, state)
    const length = this.shown['meta.length']
    const key =
      machine.kind === 'buckets' ? machine.key.map((value) => String(evaluate(value, this))).join(' ') : undefined
    const { connection } = this.shown
    return advance(machine, state, { now, connection, key, length: typeof length === 'number' ? length : undefined })
  }
}

/** What the conditions say together: the first that is not `yes`. */
export function outcomeOf(conditions: readonly Condition[], subject: Subject): Outcome {
  for (const condition of conditions) {
    const { outcome } = interpret(condition, subject)
    if (outcome !== 'yes') return outcome
  }
  return 'yes'
}

/** One line, what packets show one after the other, and what comes of each. */
export type Row = readonly [words: string, shown: Shown | readonly Shown[], outcome: Outcome | readonly Outcome[]]

/** A table of what matches mean. */
export function describeMatch(name: string, place: Place, rows: readonly Row[]): void {
  describe(`-m ${name}${place.family === 6 ? ', IPv6' : ''}${place.backend === 'nft' ? ', nft' : ''}`, () => {
    test.each(rows.map((row) => [row[0], row[1], row[2], row] as const))('%s  %o: %s', (words, shown, outcome) => {
      const subject = new FakeSubject()
      const conditions = conditionsOf(words, place)
      const packets = Array.isArray(shown) ? (shown as readonly Shown[]) : [shown as Shown]
      const outcomes = packets.map((packet) => {
        subject.shown = packet
        return outcomeOf(conditions, subject)
      })
      expect(outcomes).toEqual(Array.isArray(outcome) ? outcome : [outcome])
    })
  })
}
