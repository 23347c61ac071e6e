import type { Io } from './io.js'

const FIRST_MS = 1000
const EVERY_MS = 200

/** A line on the terminal's error stream for work that takes more than a second; nothing where nobody looks. */
export class Progress {
  readonly #io: Io
  #next = Date.now() + FIRST_MS
  #shown = false

  constructor(io: Io) {
    this.#io = io
  }

  /** Call it often. `text` is only made where it is shown. */
  tell(text: () => string): void {
    if (!this.#io.errIsTerminal || Date.now() < this.#next) return
    this.#next = Date.now() + EVERY_MS
    this.#shown = true
    this.#io.err(`\r\u001b[K${text()}`)
  }

  end(): void {
    if (this.#shown) this.#io.err('\r\u001b[K')
    this.#shown = false
  }
}
