import type { Condition } from '../rules/condition.js'
import type { Step } from '../rules/program.js'
import type { RuleContext } from './extension.js'
import { type Ending, inOrder, lowerAddress, lowerEnding, lowerInterface } from './lower.js'
import type { RuleReader } from './read-rule.js'
import type { RuleFields } from './rule-fields.js'

const SPACE = 32
const BANG = 33
const QUOTE = 34
const COMMA = 44
const DASH = 45
const BRACKET = 91

/** So many endings and first words are kept: enough for what programs write. */
const MOST = 1 << 14
/** So many are tried before it is asked whether that is worth while. */
const TRIED = 512

/** What stands first in a rule as it prints, and differs from rule to rule. */
const LETTERS = ['s', 'd', 'i', 'o'] as const
type Letter = (typeof LETTERS)[number]
const LETTER: ReadonlyMap<number, Letter> = new Map(LETTERS.map((letter) => [letter.charCodeAt(0), letter]))

type Steps = readonly Step[]
type First = Record<Letter, Steps | undefined>

/**
 * Rules that differ in addresses and interfaces alone mean the same from there on, which is worked out once. Only of rules that read packets and decide: what counts,
 * remembers or translates is each rule's own. All of it is of one table of one file.
 */
export class Endings {
  readonly #text: string
  readonly #context: Pick<RuleContext, 'family' | 'backend'>
  readonly #reader: RuleReader
  readonly #known = new Map<string, Ending | undefined>()
  readonly #words = new Map<string, Steps>()
  #hits = 0
  #misses = 0
  /** Of the line that `steps` was asked of and did not know: its ending, and what stands before that. */
  #asked: { readonly ending: string; readonly first: First } | undefined

  constructor(text: string, context: Pick<RuleContext, 'family' | 'backend'>, reader: RuleReader) {
    this.#text = text
    this.#context = context
    this.#reader = reader
  }

  /** What the rule of a line means, if that is known: of a line that was read before, and makes one rule. */
  steps(from: number, to: number): Steps | undefined {
    this.#asked = undefined
    if (this.#misses > TRIED && this.#hits < this.#misses) return undefined
    const first: First = { s: undefined, d: undefined, i: undefined, o: undefined }
    const at = this.#behindFirst(from, to, first)
    if (at < 0) return undefined
    const text = this.#text.slice(at, to)
    const ending = this.#known.get(text)
    if (ending) {
      this.#hits++
      return inOrder(this.#context, first, ending)
    }
    this.#misses++
    if (this.#known.size < MOST && !this.#known.has(text)) this.#asked = { ending: text, first }
    return undefined
  }

  /** What the line that `steps` did not know has turned out to be. */
  learn(fields: RuleFields, context: RuleContext): void {
    if (!this.#asked) return
    const { ending: text, first } = this.#asked
    this.#asked = undefined
    let isAnywhere = true
    const elsewhere = {
      ...context,
      get chain() {
        isAnywhere = false
        return context.chain
      },
      bases() {
        isAnywhere = false
        return context.bases()
      },
    }
    const ending = lowerEnding(fields, elsewhere)
    const { src, dst, iif, oif } = fields
    const isFirst = !!src === !!first.s && !!dst === !!first.d && !!iif === !!first.i && !!oif === !!first.o
    const isShared = isFirst && isAnywhere && [...ending.protocol, ...ending.others].every(isReading)
    this.#known.set(text, isShared ? ending : undefined)
  }

  /** Where the words begin that are neither an address nor an interface; -1: the line is written in another way. */
  #behindFirst(from: number, to: number, first: First): number {
    const text = this.#text
    let at = text.charCodeAt(from) === BRACKET ? text.indexOf('] ', from) + 2 : from
    if (at < from || !text.startsWith('-A ', at)) return -1
    at = text.indexOf(' ', at + 3) + 1
    if (at === 0) return -1
    while (at < to) {
      const not = text.charCodeAt(at) === BANG && text.charCodeAt(at + 1) === SPACE
      const option = not ? at + 2 : at
      const letter = LETTER.get(text.charCodeAt(option + 1))
      if (letter === undefined || text.charCodeAt(option) !== DASH || text.charCodeAt(option + 2) !== SPACE) return at
      const end = this.#behindWord(option + 3, to)
      if (end < 0 || first[letter]) return -1
      first[letter] = this.#wordSteps(letter, not, text.slice(option + 3, end))
      at = end + 1
    }
    return Math.min(at, to)
  }

  /** -1: it is none, or not a plain one. */
  #behindWord(from: number, to: number): number {
    const text = this.#text
    let end = from
    for (; end < to; end++) {
      const code = text.charCodeAt(end)
      if (code === SPACE) break
      if (code < SPACE || code === QUOTE || code === BANG || code === COMMA) return -1
    }
    return end > from ? end : -1
  }

  #wordSteps(letter: Letter, inverted: boolean, word: string): Steps {
    const key = `${inverted ? '!' : ''}${letter}${word}`
    let steps = this.#words.get(key)
    if (!steps) {
      const context = this.#context
      if (letter === 's' || letter === 'd') {
        const { value } = this.#reader.address(word)
        steps = lowerAddress({ value, inverted }, letter === 's' ? 'src' : 'dst', context)
      } else {
        const { value } = this.#reader.interface(word)
        steps = lowerInterface({ value, inverted }, letter === 'i' ? 'iif' : 'oif', context)
      }
      if (this.#words.size < MOST) this.#words.set(key, steps)
    }
    return steps
  }
}

/** Does it look at a packet, or decide, and nothing else? */
const isReading = (step: Step): boolean =>
  'if' in step ? reads(step.if) : 'do' in step ? DECIDING.has(step.do.do) : true

const DECIDING: ReadonlySet<string> = new Set(['accept', 'drop', 'reject', 'return', 'jump', 'goto'])

function reads(condition: Condition): boolean {
  switch (condition.is) {
    case 'in':
    case 'readable':
      return true
    case 'not':
    case 'drop-if':
      return reads(condition.of)
    case 'all':
    case 'any':
      return condition.of.every(reads)
    default:
      return false
  }
}
