/** The world outside of a command: what it reads and writes besides files. Tests hand in their own. */
export interface Io {
  out(text: string): void
  err(text: string): void
  /** Everything on standard input. */
  stdin(): Promise<Uint8Array>
  /** Standard input as it comes, once; left out: only as a whole. */
  stdinChunks?(): Iterable<Uint8Array>
  readonly env: Readonly<Partial<Record<'NO_COLOR' | 'TERM' | 'PACKETWALK_DEBUG', string | undefined>>>
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  /** Columns of the terminal, `undefined` in a pipe. */
  readonly columns: number | undefined
}
