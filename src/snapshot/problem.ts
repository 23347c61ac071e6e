/** One file of a snapshot, by its path within it. */
export interface InputFile {
  readonly path: string
  readonly text: string
}

/** Something in the input that cannot be read. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Counted from 1; columns in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

export const START: Position = { line: 1, column: 1 }

/** What a reader throws at the first thing in a file that it cannot read; whoever knows the file's name makes a Problem of it. */
export class InputError extends Error {
  override readonly name = 'InputError'
  readonly position: Position

  constructor(message: string, position: Position) {
    super(message)
    this.position = position
  }
}

/** The place of an offset in a text. */
export function positionOf(text: string, offset: number): Position {
  let line = 1
  let start = 0
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++
    start = at + 1
  }
  return { line, column: offset - start + 1 }
}
