const QUOTE = 34
const BACKSLASH = 92
const SPACE = 32
const TAB = 9
const RETURN = 13

/** What stands between words. */
export const isBlank = (code: number): boolean => code === SPACE || code === TAB || code === RETURN

/**
 * The words of one line, cut as iptables-restore does (iptables/xshared.c: add_param_to_argv): blanks separate, double quotes hold
 * together, a backslash within quotes takes the next character as it is, and a closing quote ends its word. One object serves
 * line after line: what it holds is good until the next `split`.
 */
export class Words {
  readonly text: string[] = []
  /** Where each word begins in the source. */
  readonly at: number[] = []
  /** Where each word ends. */
  readonly end: number[] = []
  source = ''
  length = 0
  /** Where a quote begins that is never closed, or -1. */
  open = -1

  split(source: string, from: number, to: number): void {
    this.source = source
    this.length = 0
    this.open = -1
    let i = from
    for (;;) {
      while (i < to && isBlank(source.charCodeAt(i))) i++
      if (i >= to) return
      const start = i
      let code = source.charCodeAt(i)
      while (code !== QUOTE && !isBlank(code) && ++i < to) code = source.charCodeAt(i)
      if (i < to && code === QUOTE) i = this.#quoted(source, start, i, to)
      else this.#push(source.slice(start, i), start, i)
    }
  }

  #push(word: string, at: number, end: number): void {
    this.text[this.length] = word
    this.at[this.length] = at
    this.end[this.length] = end
    this.length++
  }

  /** A word with a quote at `quote`; gives where it ends. */
  #quoted(source: string, start: number, quote: number, to: number): number {
    let word = source.slice(start, quote)
    let from = quote + 1
    let i = from
    for (; i < to; i++) {
      const code = source.charCodeAt(i)
      if (code === QUOTE) break
      if (code !== BACKSLASH) continue
      word += source.slice(from, i)
      from = ++i
    }
    if (i >= to) this.open = quote
    word += source.slice(from, Math.min(i, to))
    this.#push(word, start, Math.min(i + 1, to))
    return i + 1
  }

  /** The words from one to another (not included) as they stand, quotes and all. */
  verbatim(from: number, to: number): string {
    return from < to ? this.source.slice(this.at[from], this.end[to - 1]) : ''
  }
}
