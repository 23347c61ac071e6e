/** What is wrong with a line, and at which word (from 0). */
export class LineError extends Error {
  readonly word: number

  constructor(message: string, word: number) {
    super(message)
    this.word = word
  }
}
