import type { ShellWord } from '../../xtables/index.js'

/** A command that the real program would not carry out, or that cannot be read. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** From 1. */
  readonly column: number

  constructor(message: string, at: ShellWord | number | undefined) {
    super(message)
    this.column = typeof at === 'number' ? at : (at?.column ?? 1)
  }
}

/** The words of a command, taken one by one. */
export class Arguments {
  readonly #words: readonly ShellWord[]
  #at: number

  constructor(words: readonly ShellWord[], from = 0) {
    this.#words = words
    this.#at = from
  }

  get done(): boolean {
    return this.#at >= this.#words.length
  }

  /** Where the next word stands, or the end. */
  get column(): number {
    const last = this.#words.at(-1)
    return this.#words[this.#at]?.column ?? (last ? last.column + last.text.length : 1)
  }

  /** Where the word taken last stands. */
  get last(): ShellWord | undefined {
    return this.#words[this.#at - 1]
  }

  get rest(): readonly ShellWord[] {
    return this.#words.slice(this.#at)
  }

  peek(): string | undefined {
    return this.#words[this.#at]?.text
  }

  next(): string | undefined {
    return this.#words[this.#at++]?.text
  }

  take(...texts: readonly string[]): boolean {
    if (!texts.includes(this.peek() ?? '')) return false
    this.#at++
    return true
  }

  /** As iproute2 says it where a line ends too early (lib/utils.c: incomplete_command). */
  need(): string {
    const word = this.next()
    if (word === undefined) throw new Refusal('Command line is not complete. Try option "help"', this.column)
    return word
  }
}

/** iproute2 takes the beginning of a word for it, the first that fits (ip/ip.c: matches). */
export const beginning = <T extends string>(word: string, names: readonly T[]): T | undefined =>
  word === '' ? undefined : names.find((name) => name.startsWith(word))
