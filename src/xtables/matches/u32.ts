import type { WordStep } from '../../packet/probe.js'
import { all, type Condition, invertedIf, probed } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** One comparison: a word of the packet, worked on, lies in one of these ranges. */
interface Test {
  readonly at: number
  readonly steps: readonly WordStep[]
  /** A range may fall: nothing lies in it. */
  readonly ranges: readonly (readonly [from: number, to: number])[]
}

/** XT_U32_MAXSIZE: of tests, of numbers in a place, of ranges. */
const MOST = 10

/** `tests := place = ranges [&& tests]`, `place := number [op number …]` (libxt_u32.c: u32_parse). */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  tests(): readonly Test[] {
    const tests: Test[] = []
    do {
      if (tests.length === MOST) this.#fail('too many "&&"')
      tests.push(this.#test())
    } while (this.#take('&&', '&'))
    if (this.#peek() !== '') this.#fail('"," or "&&" was expected')
    return tests
  }

  #test(): Test {
    if (this.#peek() === '=') this.#fail('the place is missing')
    const at = this.#number()
    const steps: WordStep[] = []
    while (!this.#take('=')) {
      const step = { do: this.#operator(), number: this.#number() }
      if ((step.do === '<<' || step.do === '>>') && step.number > 31) this.#fail('a shift by more than 31 bits')
      steps.push(step)
      if (steps.length === MOST) this.#fail('too many operators')
    }
    const ranges: (readonly [number, number])[] = []
    do {
      if (ranges.length === MOST) this.#fail('too many ","')
      const from = this.#number()
      ranges.push([from, this.#take(':') ? this.#number() : from])
    } while (this.#take(','))
    return { at, steps, ranges }
  }

  #operator(): WordStep['do'] {
    for (const operator of ['&', '<<', '>>', '@'] as const) if (this.#take(operator)) return operator
    return this.#fail('an operator was expected')
  }

  /** As strtoul(3) with base 0 reads it: as far as it goes. */
  #number(): number {
    this.#peek()
    const found = /^\+?(?:0x[\da-f]+|0[0-7]*|[1-9]\d*)/i.exec(this.#text.slice(this.#at))
    if (!found) return this.#fail('a number was expected')
    const digits = found[0].replace('+', '')
    const value = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
    if (value > 0xffffffff) this.#fail('the number is too big')
    this.#at += found[0].length
    return value
  }

  /** The next character that is not blank; empty at the end. */
  #peek(): string {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++
    return this.#text.charAt(this.#at)
  }

  /** `half`: where only this much of it is there, it is wrong. */
  #take(what: string, half?: string): boolean {
    this.#peek()
    const there = this.#text.startsWith(what, this.#at)
    if (there) this.#at += what.length
    else if (half && this.#text.startsWith(half, this.#at)) this.#fail(`"${what}" was expected`)
    return there
  }

  #fail(what: string): never {
    throw new WordError(`at character ${this.#at}: ${what}`)
  }
}

const hex = (value: number): string => `0x${value.toString(16)}`

const tests: Codec<readonly Test[]> = {
  words: 1,
  metavar: 'tests',
  parse: (word) => new Reader(word).tests(),
  print: (all) =>
    `"${all
      .map(({ at, steps, ranges }) => {
        const place = `${hex(at)}${steps.map((step) => `${step.do}${hex(step.number)}`).join('')}`
        return `${place}=${ranges.map(([from, to]) => (from === to ? hex(from) : `${hex(from)}:${hex(to)}`)).join(',')}`
      })
      .join('&&')}"`,
}

export const u32 = defineMatch({
  name: 'u32',
  families: [4, 6],
  required: ['u32'],
  options: {
    u32: { flag: '--u32', invertible: true, value: tests, doc: 'words of the packet, compared' },
  },
  listed: [[/u32 (! )?"([^"]*)"/y, (_, not, tests) => `${not ?? ''}--u32 "${tests}"`]],
  doc: {
    summary: 'Compares words of four bytes from anywhere in the packet.',
    notes: [
      'Bytes count from the IP header on; "@" goes on from there by the value so far.',
      'A word that lies beyond the end of the packet is in no range: only "!" matches then.',
    ],
    kernel: 'net/netfilter/xt_u32.c: u32_match_it',
  },
  list: ({ u32 }) => ` u32${u32!.inverted ? ' !' : ''} ${tests.print(u32!.value)}`,
  lower: ({ u32: given }) =>
    invertedIf(
      given!.inverted,
      all(
        ...given!.value.map(
          ({ at, steps, ranges }): Condition => ({
            is: 'in',
            value: probed({ find: 'word', at, steps }),
            ranges: ranges.filter(([from, to]) => from <= to),
          }),
        ),
      ),
    ),
})
