import type { Base, Chain, Counters } from '../rules/program.js'
import { baseOf } from './base-of.js'
import { grown, type Names } from './names.js'
import { type Findings, SaveRule, type TablePlace } from './rule.js'
import type { SaveChain } from './save-file.js'
import { BASE_CHAINS, baseChainBit } from './tables.js'

const TRACKS = 32
const DEFRAGMENTS = 64
const ENDS = 128
/** The line is what iptables-save would print. */
export const PRINTED = 256

/** What was found out about a rule, as bits: the base chains that it may be reached from, and what is above. */
export const bitsOf = ({ allowed, tracks, defragments, ends }: Omit<Findings, 'jump'>): number =>
  allowed | (tracks ? TRACKS : 0) | (defragments ? DEFRAGMENTS : 0) | (ends ? ENDS : 0)

const NONE = -1

/** The rules of one table of a file, a number for each thing that is known of each of them: most are never looked at. */
export class RuleRows {
  readonly place: TablePlace
  /** The names of chains, by number. */
  readonly names: Names
  count = 0
  line = new Int32Array(64)
  from = new Int32Array(64)
  to = new Int32Array(64)
  /** Which of the rules that its line makes. */
  index = new Int32Array(64)
  bits = new Int32Array(64)
  /** The number of the chain that it jumps or goes to, or -1. */
  jump = new Int32Array(64)
  /** The next rule of its chain, or -1. */
  next = new Int32Array(64)

  constructor(place: TablePlace, names: Names) {
    this.place = place
    this.names = names
  }

  add(line: number, from: number, to: number, index: number, bits: number, jump: number): number {
    const row = this.count++
    if (row === this.line.length) this.#grow()
    this.line[row] = line
    this.from[row] = from
    this.to[row] = to
    this.index[row] = index
    this.bits[row] = bits
    this.jump[row] = jump
    this.next[row] = NONE
    return row
  }

  rule(row: number): SaveRule {
    const bits = this.bits[row]!
    return new SaveRule(this.place, this.line[row]!, this.from[row]!, this.to[row]!, this.index[row]!, {
      jump: this.jumpOf(row),
      tracks: (bits & TRACKS) !== 0,
      defragments: (bits & DEFRAGMENTS) !== 0,
      allowed: bits & BASE_CHAINS,
      ends: (bits & ENDS) !== 0,
    })
  }

  jumpOf(row: number): string | undefined {
    const jump = this.jump[row]!
    return jump < 0 ? undefined : this.names.name(jump)
  }

  #grow(): void {
    this.line = grown(this.line)
    this.from = grown(this.from)
    this.to = grown(this.to)
    this.index = grown(this.index)
    this.bits = grown(this.bits)
    this.jump = grown(this.jump)
    this.next = grown(this.next)
  }
}

/** A chain as it stands in a file. Its rules are made when they are asked for. */
export class ReadChain implements SaveChain, Chain {
  readonly name: string
  /** baseChainBit of it. */
  readonly bit: number
  policy: string | undefined
  counters: Counters | undefined
  line: number
  readonly #rows: RuleRows
  #first = NONE
  #last = NONE
  /** What is true of any of its rules. */
  #any = 0
  #rules: SaveRule[] | undefined = undefined
  #base: Base | undefined = undefined

  constructor(rows: RuleRows, name: string, policy: string | undefined, counters: Counters | undefined, line: number) {
    this.#rows = rows
    this.name = name
    this.bit = baseChainBit(name)
    this.policy = policy
    this.counters = counters
    this.line = line
  }

  get rules(): SaveRule[] {
    if (this.#rules === undefined) {
      const rules: SaveRule[] = []
      const rows = this.#rows
      for (let row = this.#first; row >= 0; row = rows.next[row]!) rules.push(rows.rule(row))
      this.#rules = rules
    }
    return this.#rules
  }

  /** As it is registered; a chain without a policy is not. */
  get base(): Base | undefined {
    if (this.policy === undefined) return undefined
    this.#base ??= baseOf(this.#rows.place, this)
    return this.#base
  }

  get tracks(): boolean {
    return (this.#any & TRACKS) !== 0
  }

  get defragments(): boolean {
    return (this.#any & DEFRAGMENTS) !== 0
  }

  /** A chain that can be copied field by field. */
  get whole(): SaveChain {
    const { name, policy, counters, rules, line } = this
    return { name, policy, counters, rules, line }
  }

  append(line: number, from: number, to: number, index: number, bits: number, jump: number): void {
    const rows = this.#rows
    const row = rows.add(line, from, to, index, bits, jump)
    if (this.#last < 0) this.#first = row
    else rows.next[this.#last] = row
    this.#last = row
    this.#any |= bits
  }

  /** What the check of a table asks of each rule (check.ts). */
  eachLink(visit: (index: number, jump: string | undefined, allowed: number, last: boolean) => void): void {
    const rows = this.#rows
    const last = rows.place.backend === 'legacy' ? ENDS : 0
    let index = 0
    for (let row = this.#first; row >= 0; row = rows.next[row]!) {
      const bits = rows.bits[row]!
      visit(index++, rows.jumpOf(row), bits & BASE_CHAINS, (bits & last) !== 0)
    }
  }

  /** Its lines as iptables-save prints them; lines that stand together in the file as one text. */
  print(lines: string[]): void {
    const rows = this.#rows
    const { text, verbatim } = rows.place
    let begun = NONE
    let end = NONE
    for (let row = this.#first; row >= 0; row = rows.next[row]!) {
      if (verbatim || (rows.bits[row]! & PRINTED) !== 0) {
        const [from, to] = [rows.from[row]!, rows.to[row]!]
        if (begun < 0) begun = from
        else if (from !== end + 1 || text.charCodeAt(end) !== 10) {
          lines.push(text.slice(begun, end))
          begun = from
        }
        end = to
        continue
      }
      if (begun >= 0) lines.push(text.slice(begun, end))
      begun = NONE
      lines.push(rows.rule(row).print())
    }
    if (begun >= 0) lines.push(text.slice(begun, end))
  }
}
