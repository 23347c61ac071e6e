/** What a piece of text is, so that a terminal can colour it and a page can style it. Nothing here knows a colour. */
export type Role = 'plain' | 'heading' | 'label' | 'name' | 'accept' | 'drop' | 'unknown' | 'rewrite' | 'rule' | 'dim'

export interface Span {
  readonly text: string
  readonly role: Role
}

/** One line, without its line end. */
export type Line = readonly Span[]

/** One line that may break between words where the width asks for it. */
export interface Paragraph {
  readonly indent: number
  /** Columns by which the second and later lines are indented further. */
  readonly hang: number
  /** Pieces that are kept whole where they fit; a space (or a line end) stands between two. */
  readonly pieces: readonly Span[]
}

export const span = (text: string, role: Role = 'plain'): Span => ({ text, role })

/**
 * Text from a snapshot, safe to show: control and format characters (escape sequences, right-to-left marks, zero-width ones),
 * line separators and lone surrogates appear as `\x1b`, `\u202e`.
 */
export function printable(text: string): string {
  return /^[ -~]*$/.test(text) ? text : text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escaped)
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u
const NO_WIDTH = /[\p{Mn}\p{Me}]/u

/** Columns that a terminal gives it: two for East Asian wide characters (UAX #11), none for combining marks. */
export function columns(text: string): number {
  // also arrows, dashes, dots and box drawing, one column each: the Unicode classes below take long to compile
  if (/^[ -~\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027\u2190-\u2311\u2500-\u25fc]*$/.test(text)) return text.length
  let width = 0
  for (const character of text) width += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

export const lineColumns = (line: Line): number => line.reduce((sum, { text }) => sum + columns(text), 0)

export const plainLine = (line: Line): string => line.map(({ text }) => text).join('')

/** The lines as plain text, each ended by a newline. */
export const plainText = (lines: readonly Line[]): string => lines.map((line) => `${plainLine(line)}\n`).join('')

/** To the right by `by` columns, behind `gutter`. */
export const indented = (lines: readonly Line[], by: number, gutter = ''): Line[] =>
  lines.map((line) => (line.length === 0 && gutter === '' ? line : [span(gutter.padEnd(by), 'dim'), ...line]))

/** Fills lines up to `width` columns. A piece wider than a line is broken between its words; a single word never is. */
export function fill({ indent, hang, pieces }: Paragraph, width: number): Line[] {
  const lines: Span[][] = []
  let line: Span[] = []
  let used = 0
  const margin = () => indent + (lines.length > 0 ? hang : 0)
  const put = (piece: Span): void => {
    const needs = columns(piece.text)
    if (line.length > 0 && used + 1 + needs > width) {
      lines.push(line)
      line = []
    }
    if (line.length === 0) {
      line.push(span(' '.repeat(margin())))
      used = margin()
    } else {
      line.push(span(' '))
      used++
    }
    line.push(piece)
    used += needs
  }
  for (const piece of pieces) {
    if (columns(piece.text) <= width - indent - hang) put(piece)
    else for (const word of piece.text.split(' ')) put({ text: word, role: piece.role })
  }
  if (line.length > 0) lines.push(line)
  return lines
}

/** Running text: breaks at any space. */
export const words = (text: string, role: Role = 'plain'): Span[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => span(word, role))

/** Columns beside each other, each as wide as its widest cell; the last one is not padded, and wraps where a width is given. */
export function table(
  rows: readonly (readonly Span[])[],
  { indent = 0, gap = 2, width = Number.POSITIVE_INFINITY }: { indent?: number; gap?: number; width?: number } = {},
): Line[] {
  const widths: number[] = []
  for (const row of rows) for (const [i, { text }] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, columns(text))
  return rows.flatMap((row) => {
    const last = row.reduce((at, { text }, i) => (text === '' ? at : i), 0)
    const padded = row
      .slice(0, last)
      .map(({ text, role }, i) => span(text + ' '.repeat(widths[i]! - columns(text) + gap - 1), role))
    const hang = padded.reduce((sum, { text }) => sum + columns(text) + 1, 0)
    const end = row[last]
    if (!end) return [[]]
    return fillRow(
      [...padded, ...(width === Number.POSITIVE_INFINITY ? [end] : words(end.text, end.role))],
      indent,
      hang,
      width,
    )
  })
}

/** As `fill`, but padding is no place to break. */
function fillRow(pieces: readonly Span[], indent: number, hang: number, width: number): Line[] {
  const lines: Span[][] = [[span(' '.repeat(indent))]]
  let used = indent
  for (const [i, piece] of pieces.entries()) {
    const needs = columns(piece.text)
    if (i > 0 && used > indent + hang && used + 1 + needs > width) {
      lines.push([span(' '.repeat(indent + hang)), piece])
      used = indent + hang + needs
    } else {
      lines.at(-1)!.push(...(i > 0 ? [span(' ')] : []), piece)
      used += needs + (i > 0 ? 1 : 0)
    }
  }
  return lines
}
