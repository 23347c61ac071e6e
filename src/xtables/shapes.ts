import type { Draft } from './draft.js'
import { Edges } from './edges.js'
import { protocolContext, type RuleContext } from './extension.js'
import { hashOf, Names } from './names.js'
import { type Plain, plainAddress, plainInterface } from './plain.js'
import type { RuleReader } from './read-rule.js'
import { printRule } from './rule.js'
import { bitsOf, PRINTED } from './rule-rows.js'
import { BASE_CHAINS, baseChainBit } from './tables.js'
import { isBlank } from './words.js'

const QUOTE = 34
const BACKSLASH = 92
const SPACE = 32

/** So many words and beginnings of rules are kept: enough for what programs write, and no more memory than that. */
const MOST = 1 << 16
/** Rules of more words have no shape. */
const MOST_WORDS = 256
/** What a word is that says what the next one is: a chain or a target. Other kinds count from 2: an option whose value may be plain. */
const JUMP = 1
const NONE = -1
const REFUSED = -1

/**
 * Rules that differ in plain words alone are read alike: programs write thousands of them. The shape of a rule is its words in their order, of plain
 * ones (Codec.plain) only that they are. What was found out about the first rule of a shape holds for the others, which are not taken apart
 * any more. Shapes stand in a tree, a word a step. All of it is of one table of one file.
 */
export class Shapes {
  /** Of the line that `find` was asked of: the number of the chain that it jumps to, or -1. */
  jump = NONE
  /** Its words stand one space apart. */
  tidy = true
  readonly #text: string
  readonly #chains: Names
  readonly #isChain: (id: number) => boolean
  readonly #isTarget: (name: string) => boolean
  readonly #words: Names
  /** What the word behind each word is; 0 where it is any word. */
  readonly #kinds: number[] = []
  /** Of words behind -j: a target of that name is known. */
  readonly #targets: (boolean | undefined)[] = []
  readonly #kindOf = new Map<string, number>([
    ['-j', JUMP],
    ['--jump', JUMP],
    ['-g', JUMP],
    ['--goto', JUMP],
  ])
  readonly #plains: (Plain | undefined)[] = [undefined, undefined]
  /** The line, a number for each word: eight times its own, or, eight times its kind and what it is. */
  readonly #codes = new Int32Array(MOST_WORDS)
  #count = NONE
  /** From beginning to beginning. Those of no words have the bits of base chains for their numbers, 0 is every other chain. */
  readonly #edges = new Edges(BASE_CHAINS + 1)
  /** By beginning: what is known of rules that are no longer, and one. */
  readonly #known: number[] = []

  /** `isChain`: that number is a chain, and no target has its name. */
  constructor(
    text: string,
    chains: Names,
    plain: ReadonlyMap<string, Plain>,
    isChain: (id: number) => boolean,
    isTarget: (name: string) => boolean,
  ) {
    this.#text = text
    this.#words = new Names(text)
    this.#chains = chains
    this.#isChain = isChain
    this.#isTarget = isTarget
    for (const [flag, look] of plain) this.#follow(flag, look)
    for (const flag of ['-s', '--source', '--src', '-d', '--destination', '--dst']) this.#follow(flag, plainAddress)
    for (const flag of ['-i', '--in-interface', '-o', '--out-interface']) this.#follow(flag, plainInterface)
  }

  #follow(flag: string, look: Plain): void {
    const known = this.#plains.indexOf(look, JUMP + 1)
    this.#kindOf.set(flag, known < 0 ? this.#plains.push(look) - 1 : known)
  }

  /** What is known of the rule whose words follow from `from` on (bitsOf, PRINTED), or -1. `base`: its chain as baseChainBit has it. */
  find(base: number, from: number, to: number): number {
    if (!this.#scan(from, to)) {
      this.#count = NONE
      return NONE
    }
    let at = base
    for (let i = 0; i < this.#count; i++) {
      at = this.#edges.follow(at, this.#codes[i]!)
      if (at < 0) return NONE
    }
    const known = this.#known[at] ?? 0
    return known > 0 ? known - 1 : NONE
  }

  /**
   * Keeps what reading found out about the line that `find` was last asked of; gives it. `text`: the line without counters; `first`: which of the
   * words read is the first behind the chain.
   */
  learn(
    draft: Draft,
    reader: RuleReader,
    context: Pick<RuleContext, 'family' | 'table' | 'backend'>,
    text: string,
    first: number,
  ): number {
    const bits = bitsOf(draft)
    if (this.#count < 0 || !this.tidy || this.#edges.count > MOST) return bits
    let at = baseChainBit(draft.chain)
    for (let i = 0; i < this.#count; i++) at = this.#edges.make(at, this.#codes[i]!)
    if (!this.#fits(draft, reader, first)) {
      this.#known[at] = REFUSED
      return bits
    }
    const known = printed(draft, context) === text ? bits | PRINTED : bits
    this.#known[at] = known + 1
    return known
  }

  /** Does what the reader took each word for agree with what it was taken for here? */
  #fits(draft: Draft, reader: RuleReader, first: number): boolean {
    if (draft.size !== 1 || draft.otherFamily || draft.counters || reader.respelled) return false
    if ((draft.to === undefined) !== this.jump < 0) return false
    for (let i = 0; i < this.#count; i++) {
      const code = this.#codes[i]!
      if ((code & 7) === 0) continue
      const kind = code >> 3
      if (kind === JUMP ? draft.to?.at !== first + i : reader.plain[first + i] !== this.#plains[kind]) return false
    }
    return true
  }

  /** Cuts the line into words as Words does; false where that takes more than a look. */
  #scan(from: number, to: number): boolean {
    const text = this.#text
    this.jump = NONE
    this.tidy = true
    this.#count = 0
    let kind = 0
    for (let i = from; ; ) {
      const gap = i
      while (i < to && isBlank(text.charCodeAt(i))) i++
      if (i >= to) {
        if (i > gap) this.tidy = false
        return true
      }
      if (i === gap || this.#count === MOST_WORDS) return false
      if (i - gap !== 1 || text.charCodeAt(gap) !== SPACE) this.tidy = false
      const start = i
      const quoted = text.charCodeAt(i) === QUOTE
      if (quoted) {
        for (i++; ; i++) {
          if (i >= to) return false
          const code = text.charCodeAt(i)
          if (code === BACKSLASH) return false
          if (code === QUOTE) break
        }
        i++
      } else
        for (; i < to; i++) {
          const code = text.charCodeAt(i)
          if (code === QUOTE) return false
          if (code <= SPACE && isBlank(code)) break
        }
      const code = this.#code(kind, start, i, quoted)
      if (code < 0) return false
      this.#codes[this.#count++] = code
      kind = (code & 7) === 0 ? this.#kinds[code >> 3]! : 0
    }
  }

  #code(kind: number, from: number, to: number, quoted: boolean): number {
    if (kind > JUMP) {
      const look = this.#plains[kind]!
      const is = quoted ? look(this.#text, from + 1, to - 1, true) : look(this.#text, from, to, false)
      if (is > 0) return (kind << 3) | is
    }
    const hash = hashOf(this.#text, from, to)
    if (kind === JUMP) {
      const chain = this.#chains.find(from, to, hash)
      if (chain >= 0 && this.#isChain(chain)) {
        this.jump = chain
        return (JUMP << 3) | 1
      }
    }
    const word = this.#word(from, to, hash)
    if (word < 0 || (kind === JUMP && !this.#isKnownTarget(word))) return NONE
    return word << 3
  }

  /** The number of a word as it stands, quotes and all. */
  #word(from: number, to: number, hash: number): number {
    const words = this.#words
    const known = words.find(from, to, hash)
    if (known >= 0 || words.count === MOST) return known
    const word = words.number(from, to, hash)
    this.#kinds.push(this.#kindOf.get(words.name(word)) ?? 0)
    return word
  }

  /** A name that is neither a chain nor a target known may be either. */
  #isKnownTarget(word: number): boolean {
    let is = this.#targets[word]
    if (is === undefined) {
      is = this.#isTarget(this.#words.name(word))
      this.#targets[word] = is
    }
    return is
  }
}

/** The rule as it prints whatever leads to it; undefined where that makes a difference. */
function printed(draft: Draft, context: Pick<RuleContext, 'family' | 'table' | 'backend'>): string | undefined {
  let asked = false
  const bases = () => {
    asked = true
    return BASE_CHAINS
  }
  const { chain, protocol } = draft
  const text = printRule(draft.fields(0, undefined), { ...context, chain, ...protocolContext(protocol), bases })
  return asked ? undefined : text
}
