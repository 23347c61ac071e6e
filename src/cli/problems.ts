import { complaintText } from './complaint.js'
import { UserError } from './exit.js'
import type { Io } from './io.js'
import { widthOf } from './paint.js'

/** What readers of text report. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Problems with their lines, for standard error. `textOf`: the text of a file that was read. */
export function problemsError(
  problems: readonly Problem[],
  textOf: (file: string) => string | undefined,
  io: Io,
): UserError {
  const shown = problems.map(({ file, line, column, message }) => {
    const text = textOf(file)
    const source = text === undefined ? undefined : lineOf(text, line)
    return complaintText({ file, line, column, message, source }, widthOf(io))
  })
  return new UserError(shown.join('\n'))
}

/** The N-th line, from 1, without splitting the whole text. */
function lineOf(text: string, line: number): string {
  let from = 0
  for (let n = 1; n < line; n++) {
    const end = text.indexOf('\n', from)
    if (end < 0) return ''
    from = end + 1
  }
  const end = text.indexOf('\n', from)
  return text.slice(from, end < 0 ? undefined : end).replace(/\r$/, '')
}
