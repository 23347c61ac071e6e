import type { Chain, Rule, Table } from '../../src/rules/program.js'
import type { ChainHead, RuleLine } from './protocol.js'

export const ruleLine = (chain: string, { text, counters, source }: Rule, number: number): RuleLine => ({
  chain,
  number,
  text,
  packets: counters?.packets ?? null,
  bytes: counters?.bytes ?? null,
  file: source?.file ?? null,
  line: source?.line ?? null,
})

const headOf = ({ name, base, rules }: Chain): ChainHead => ({
  chain: name,
  policy: base?.policy ?? null,
  rules: rules.length,
})

/** A whole table as one list of lines: each chain's head, then its rules. Any part of it is there at once, however long it is. */
export class Listing {
  readonly total: number
  readonly #chains: readonly Chain[]
  /** The line of each chain's head. */
  readonly #starts: readonly number[]

  constructor({ chains }: Table) {
    this.#chains = [...chains.values()]
    const starts: number[] = []
    let next = 0
    for (const { rules } of this.#chains) {
      starts.push(next)
      next += 1 + rules.length
    }
    this.#starts = starts
    this.total = next
  }

  /** The line of a chain's head. */
  startOf(chain: string): number | undefined {
    return this.#starts[this.#chains.findIndex(({ name }) => name === chain)]
  }

  lines(first: number, count: number): readonly (ChainHead | RuleLine)[] {
    const lines: (ChainHead | RuleLine)[] = []
    for (let i = this.#chainAt(first); i < this.#chains.length && lines.length < count; i++) {
      const chain = this.#chains[i]!
      const from = Math.max(0, first + lines.length - this.#starts[i]!)
      if (from === 0) lines.push(headOf(chain))
      const begin = Math.max(0, from - 1)
      const rules = chain.rules.slice(begin, begin + count - lines.length)
      lines.push(...rules.map((rule, k) => ruleLine(chain.name, rule, begin + k + 1)))
    }
    return lines
  }

  /** Index of the chain in which a line lies. */
  #chainAt(line: number): number {
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= line) low = middle
      else high = middle - 1
    }
    return low
  }
}
