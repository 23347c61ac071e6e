/** What is wrong with a line: `at` counts characters from 0. */
export interface LineProblem {
  readonly message: string
  readonly at: number
}

export interface Token {
  readonly text: string
  readonly at: number
  /** It stood in quotes: never a keyword. */
  readonly quoted: boolean
}

export const isProblem = (value: unknown): value is LineProblem =>
  typeof value === 'object' && value !== null && 'message' in value && 'at' in value

const TOKEN = /\s*(?:(->|→|>)|"((?:[^"\\]|\\.)*)(")?|((?:(?!->)[^\s>→"])+))/gy
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' }

const unescaped = (text: string): string =>
  text.replace(/\\(?:x([\da-f]{2})|(.))/gis, (_, hex: string | undefined, one: string) =>
    hex === undefined ? (ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
  )

/** Words between blanks, `"…"` as one (with \n \r \t \0 \xHH \" \\), arrows as `>` wherever they stand. */
export function tokens(line: string): readonly Token[] | LineProblem {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  while (line.slice(TOKEN.lastIndex).trim() !== '') {
    const start = TOKEN.lastIndex
    const match = TOKEN.exec(line)
    if (!match) return { message: 'this cannot be read', at: start }
    const [whole, arrow, inside, close, word] = match
    const at = start + whole.length - whole.trimStart().length
    if (inside !== undefined && close === undefined) return { message: 'this quote is never closed', at }
    if (arrow !== undefined) found.push({ text: '>', at, quoted: false })
    else found.push({ text: inside === undefined ? word! : unescaped(inside), at, quoted: inside !== undefined })
  }
  return found
}

/** How many letters must be put in, taken out, or replaced, or swapped with their neighbour (Damerau). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(replaced, rows[i - 1]![j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/** `; did you mean "fragment"?`, or nothing where no known word is near. */
export function suggestion(text: string, known: Iterable<string>): string {
  const wanted = text.toLowerCase()
  let best: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const one of known) {
    const far = distance(wanted, one)
    if (far < least) {
      least = far
      best = one
    }
  }
  return best === undefined ? '' : `; did you mean "${best}"?`
}

/** A decimal number, or a hexadecimal one behind 0x, up to `most`. */
export function parseNumber(text: string, most: number): number | undefined {
  if (!/^(\d{1,12}|0x[\da-f]{1,10})$/i.test(text)) return undefined
  const value = Number(text)
  return value <= most ? value : undefined
}
