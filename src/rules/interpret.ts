import type { Field, FieldValue } from '../packet/fields.js'
import type { Probe } from '../packet/probe.js'
import type { Answer, Condition, Outcome } from './condition.js'
import { hashInto } from './jhash.js'
import type { Look } from './set-use.js'
import type { Ranges, Value } from './value.js'

/** A field whose value the input cannot tell (the sending process's uid of a forwarded paste, say). */
export const UNKNOWN: unique symbol = Symbol('unknown')
/** `undefined`: the packet does not have it. */
export type Reading = FieldValue | undefined | typeof UNKNOWN

export type FibValue = Extract<Value, { from: 'fib' }>
/** What only the host can answer. */
export type HostValue = Extract<Value, { from: 'reverse-path' | 'socket' }>
export type NamedSet = Extract<Condition, { is: 'named-set' }>
export type Stateful = Extract<Condition, { is: 'stateful' }>

/** The packet under a rule's eyes, and what surrounds it. */
export interface Subject {
  read(field: Field): Reading
  fib(question: FibValue): Reading
  probe(probe: Probe): Reading
  /** What the host around the packet knows. */
  host(question: HostValue): Reading
  member(set: string, key: readonly FieldValue[], look?: Look): Judgement
  /** A named set as conditions on keys; absent: no such sets are known here. */
  bind?(condition: NamedSet): Condition
  /** Draws: true with probability weight / 2^31. */
  chance(weight: number): boolean
  /** Looks at the state and moves it on. */
  advance(condition: Stateful): Answer
}

/** Why a condition came out as it did: the first value that decided. */
export interface Reason {
  /** What was compared; absent for conditions that compare no value. */
  readonly value: Value | undefined
  readonly seen: FieldValue | undefined
  readonly wanted: Ranges | 'readable' | undefined
  readonly inverted: boolean
  /** For sets, limits, lots, and what is not known. */
  readonly text: string | undefined
}

/** As Answer. */
export interface Judgement {
  readonly outcome: Outcome
  readonly mayDrop?: boolean
  /** Absent where nothing was looked at. */
  readonly because?: Reason
}

/** Evaluates in the kernel's order and says which value decided. */
export function interpret(condition: Condition, subject: Subject, inverted = false): Judgement {
  switch (condition.is) {
    case 'in': {
      const seen = evaluate(condition.value, subject)
      if (seen === UNKNOWN)
        return {
          outcome: 'unknown',
          because: reason({ value: condition.value, inverted, text: 'this value is not known' }),
        }
      const because = reason({ value: condition.value, seen, wanted: condition.ranges, inverted })
      return { outcome: seen !== undefined && isIn(seen, condition.ranges) ? 'yes' : 'no', because }
    }
    case 'readable': {
      const seen = subject.read(condition.field)
      const because = reason({ value: condition.field, wanted: 'readable', inverted })
      return { outcome: seen === undefined ? 'drop' : 'yes', because }
    }
    case 'drop-if': {
      const { outcome, ...why } = interpret(condition.of, subject, inverted)
      if (outcome === 'unknown') return { outcome, ...why, mayDrop: true }
      return { outcome: outcome === 'yes' ? 'drop' : outcome === 'no' ? 'yes' : outcome, ...why }
    }
    case 'member': {
      const key: FieldValue[] = []
      for (const part of condition.key) {
        const seen = evaluate(part, subject)
        if (seen === UNKNOWN || seen === undefined)
          return { outcome: seen === undefined ? 'no' : 'unknown', because: reason({ value: part, inverted }) }
        key.push(seen)
      }
      const { outcome, because } = subject.member(condition.set, key, condition.look)
      return { outcome, because: { ...reason({ inverted }), ...because, inverted } }
    }
    case 'named-set':
      return interpret(subject.bind?.(condition) ?? unknownSet(condition), subject, inverted)
    case 'not': {
      const { outcome, ...why } = interpret(condition.of, subject, !inverted)
      return { outcome: outcome === 'yes' ? 'no' : outcome === 'no' ? 'yes' : outcome, ...why }
    }
    case 'all':
    case 'any':
      return several(condition.of, condition.is === 'all' ? 'yes' : 'no', subject, inverted)
    case 'chance': {
      const outcome = subject.chance(condition.weight) ? 'yes' : 'no'
      return { outcome, because: reason({ inverted, text: `drawn by lot, probability ${condition.weight / 2 ** 31}` }) }
    }
    case 'stateful': {
      const { text, ...judged } = subject.advance(condition)
      return { ...judged, because: reason({ inverted, text }) }
    }
    case 'unknown':
      return { outcome: 'unknown', because: reason({ inverted, text: `${condition.text}: ${condition.needs}` }) }
  }
}

/**
 * Goes on while the parts say `goesOn`. Behind an unknown part, the parts that only read still count: a definite
 * answer that would have ended the walk makes the unknown part unimportant.
 */
function several(of: readonly Condition[], goesOn: 'yes' | 'no', subject: Subject, inverted: boolean): Judgement {
  let unknown: Judgement | undefined
  let last: Judgement = { outcome: goesOn }
  for (const part of of) {
    if (unknown?.mayDrop) return unknown
    if (unknown && !isPure(part, subject)) continue
    const judged = interpret(part, subject, inverted)
    if (judged.outcome === 'unknown') unknown ??= judged
    else if (judged.outcome !== goesOn) return unknown && judged.outcome === 'drop' ? unknown : judged
    else last = judged
  }
  return unknown ?? last
}

const unknownSet = ({ use: { set } }: NamedSet): Condition => ({
  is: 'unknown',
  text: `set ${set}`,
  needs: 'it is not in the snapshot',
})

/** Does evaluating it leave every state as it was, and draw no lots? */
export function isPure(condition: Condition, subject?: Subject): boolean {
  switch (condition.is) {
    case 'in':
    case 'readable':
    case 'unknown':
      return true
    case 'member':
      return !condition.look?.changes
    case 'named-set': {
      const bound = subject?.bind?.(condition)
      return bound !== undefined && isPure(bound, subject)
    }
    case 'chance':
    case 'stateful':
      return false
    case 'not':
    case 'drop-if':
      return isPure(condition.of, subject)
    case 'all':
    case 'any':
      return condition.of.every((part) => isPure(part, subject))
  }
}

export function evaluate(value: Value, subject: Subject): Reading {
  if (typeof value === 'string') return subject.read(value)
  switch (value.from) {
    case 'constant':
      return value.value
    case 'masked': {
      const of = evaluate(value.of, subject)
      if (of === undefined || of === UNKNOWN) return of
      return typeof of === 'bigint' || typeof value.mask === 'bigint'
        ? BigInt(of) & BigInt(value.mask)
        : maskNumber(of, value.mask)
    }
    case 'shifted': {
      const of = evaluate(value.of, subject)
      if (of === undefined || of === UNKNOWN) return of
      return typeof of === 'bigint' ? of >> BigInt(value.by) : Math.floor(of / 2 ** value.by)
    }
    case 'fib':
      return subject.fib(value)
    case 'probe':
      return subject.probe(value.probe)
    case 'hash': {
      const of = evaluate(value.of, subject)
      return of === undefined || of === UNKNOWN ? of : hashInto(Number(of), value.seed, value.into)
    }
    case 'reverse-path':
    case 'socket':
      return subject.host(value)
  }
}

/** Bitwise and of numbers up to 48 bits (MAC addresses are wider than JavaScript's 32-bit operators). */
function maskNumber(a: number, b: number): number {
  const high = Math.floor(a / 2 ** 32) & Math.floor(b / 2 ** 32)
  return high * 2 ** 32 + ((a & b) >>> 0)
}

export function isIn(value: FieldValue, ranges: Ranges): boolean {
  for (const [from, to] of ranges) if (from <= value && value <= to) return true
  return false
}

const reason = (given: Partial<Reason>): Reason => ({
  value: given.value,
  seen: given.seen,
  wanted: given.wanted,
  inverted: given.inverted ?? false,
  text: given.text,
})
