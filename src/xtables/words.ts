/** One word of a line: its text with quotes and escapes resolved, and where it begins (from 1). */
export interface Word {
  readonly text: string
  readonly column: number
}

const QUOTE = 34
const BACKSLASH = 92
const SPACE = 32
const TAB = 9

/**
 * Cuts a line into words as iptables-restore does (iptables/xshared.c: add_param_to_argv): blanks separate, double quotes hold together, a
 * backslash within quotes takes the next character as it is. A quote left open runs to the end of the line: `open` tells where it began.
 */
export function splitWords(line: string): {
  readonly words: readonly string[]
  readonly columns: readonly number[]
  readonly open: number | undefined
} {
  const words: string[] = []
  const columns: number[] = []
  let i = 0
  for (;;) {
    while (i < line.length && (line.charCodeAt(i) === SPACE || line.charCodeAt(i) === TAB)) i++
    if (i >= line.length) return { words, columns, open: undefined }
    columns.push(i + 1)
    const start = i
    while (i < line.length && !isEnd(line.charCodeAt(i))) i++
    if (line.charCodeAt(i) !== QUOTE) {
      words.push(line.slice(start, i))
      continue
    }
    let word = line.slice(start, i)
    let open: number | undefined
    for (; i < line.length; i++) {
      const code = line.charCodeAt(i)
      if (code === QUOTE) open = open === undefined ? i + 1 : undefined
      else if (code === BACKSLASH && open !== undefined) word += line[++i] ?? ''
      else if (open === undefined && (code === SPACE || code === TAB)) break
      else {
        const from = i
        while (i + 1 < line.length && !isSpecial(line.charCodeAt(i + 1), open !== undefined)) i++
        word += line.slice(from, i + 1)
      }
    }
    words.push(word)
    if (open !== undefined) return { words, columns, open }
  }
}

const isEnd = (code: number): boolean => code === SPACE || code === TAB || code === QUOTE
const isSpecial = (code: number, quoted: boolean): boolean =>
  code === QUOTE || (quoted ? code === BACKSLASH : code === SPACE || code === TAB)
