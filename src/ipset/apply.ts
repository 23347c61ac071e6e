import { runCommand, type Surroundings } from './command.js'
import { type ErrorKind, IpsetError, KernelError, kernelMessage } from './data.js'
import { Sets } from './sets.js'
import { splitLine, type Word } from './words.js'

/** Something that cannot be read or done. Lines and columns count from 1. */
export interface IpsetProblem {
  /** As the real program prints it, its name and version left out. */
  readonly message: string
  readonly kind: ErrorKind
  /** Of a restored text. */
  readonly line: number
  readonly column: number
  /** `-q` was said: the real program does not print it. */
  readonly quiet: boolean
}

export type Restored =
  /** A test or a warning ends the text: `err` has what it says, and `status` is 1 where nothing was found. */
  | { readonly ok: true; readonly sets: Sets; readonly out: string; readonly err: string; readonly status: number }
  /** `sets`: with what was done before. */
  | { readonly ok: false; readonly problem: IpsetProblem; readonly sets: Sets }

/**
 * Reads what `ipset save` printed, or any text for `ipset restore`, into `sets` (none, unless given; they stay as they are). The first line that cannot be
 * read or done ends it.
 */
export function restoreSets(text: string, around: Surroundings, before: Sets = new Sets()): Restored {
  const sets = before.size === 0 ? new Sets() : before.clone()
  const settings = around.settings ?? {}
  const out: string[] = []
  const pending = new Pending()
  let number = 0
  let words: readonly Word[] = []
  try {
    for (let from = 0; from < text.length; ) {
      const end = text.indexOf('\n', from)
      const line = text.slice(from, end < 0 ? text.length : end)
      from = end < 0 ? text.length : end + 1
      number++
      words = []
      if (/^\s*(#|$)/.test(line)) continue
      if (/^\s*COMMIT\r?$/.test(line)) {
        pending.commit()
        continue
      }
      words = splitLine(line)
      const texts = words.map((word) => word.text)
      const ran = runCommand(texts, sets, { ...around, settings, line: number, flush: () => pending.commit() })
      if (ran.out !== '') out.push(ran.out)
      if (ran.later) pending.push(ran.later.of, ran.later.change, number, words)
      if (ran.ends && !around.reading)
        return { ok: true, sets, out: out.join(''), err: ran.err ?? '', status: ran.status }
    }
    pending.commit()
  } catch (error) {
    if (!(error instanceof IpsetError)) throw error
    const at = pending.failed ?? { number, words }
    const column = (at.words[error.word ?? 0]?.at ?? 0) + 1
    const message = messageOf(error, at.number)
    const quiet = settings.quiet ?? false
    return { ok: false, sets, problem: { message, kind: error.kind, line: at.number, column, quiet } }
  }
  return { ok: true, sets, out: out.join(''), err: '', status: 0 }
}

/** Elements that are added to, or deleted from, one set go to the kernel together: an error in a line behind them comes first. */
class Pending {
  readonly #waiting: { readonly change: () => void; readonly number: number; readonly words: readonly Word[] }[] = []
  #of = ''
  failed: { readonly number: number; readonly words: readonly Word[] } | undefined

  push(of: string, change: () => void, number: number, words: readonly Word[]): void {
    if (of !== this.#of || this.#waiting.length >= AT_ONCE) this.commit()
    this.#of = of
    this.#waiting.push({ change, number, words })
  }

  commit(): void {
    for (const one of this.#waiting.splice(0)) {
      try {
        one.change()
      } catch (error) {
        if (error instanceof KernelError) {
          this.failed = one
          throw new IpsetError(kernelMessage(error.code, this.#of.startsWith('add') ? 'add' : 'del'))
        }
        throw error
      }
    }
  }
}

/** About as many fit into a page of memory. */
const AT_ONCE = 64

/** Each complaint that names the line takes the place of those before it. */
function messageOf({ message, kind }: IpsetError, line: number | undefined): string {
  if (line === undefined || kind !== 'session') return message
  return `Error in line ${line}: ${message.split('\n').at(-1)}`
}

export interface Applied {
  /** As they are afterwards; the ones given are not changed. */
  readonly sets: Sets
  readonly out: string
  /** What the real program writes to its standard error. */
  readonly err: string
  readonly status: number
  readonly problem: IpsetProblem | undefined
}

/**
 * One `ipset` command line on a namespace's sets, its name in front or not: `ipset add blocked 192.0.2.1`, `['test', 'blocked', '192.0.2.1']`.
 * `restore` reads `around.input`.
 */
export function applyIpset(command: string | readonly string[], before: Sets, around: Surroundings): Applied {
  const sets = before.clone()
  const failed = (error: IpsetError, words: readonly Word[]): Applied => ({
    sets,
    out: '',
    err: error.quiet ? '' : complaint(messageOf(error, undefined), error.kind),
    status: error.kind === 'parameter' ? 2 : 1,
    problem: {
      message: error.message,
      kind: error.kind,
      line: 1,
      column: (words[error.word ?? 0]?.at ?? 0) + 1,
      quiet: error.quiet,
    },
  })
  let words: readonly Word[] = []
  try {
    words = typeof command === 'string' ? splitLine(command) : placed(command)
    if (words[0]?.text === 'ipset') words = words.slice(1)
    const ran = runCommand(
      words.map(({ text }) => text),
      sets,
      around,
    )
    if (!ran.restore) {
      return {
        sets,
        out: ran.out,
        err: ran.err ?? '',
        status: ran.status,
        problem: undefined,
      }
    }
    const restored = restoreSets(around.input ?? '', { ...around, settings: ran.restore }, sets)
    if (restored.ok)
      return { sets: restored.sets, out: restored.out, err: restored.err, status: restored.status, problem: undefined }
    const { problem } = restored
    return {
      sets: restored.sets,
      out: '',
      err: problem.quiet ? '' : complaint(problem.message, problem.kind),
      status: problem.kind === 'parameter' ? 2 : 1,
      problem,
    }
  } catch (error) {
    if (error instanceof IpsetError) return failed(error, words)
    throw error
  }
}

function placed(words: readonly string[]): readonly Word[] {
  let at = 0
  return words.map((text) => {
    const word = { text, at }
    at += text.length + 1
    return word
  })
}

const complaint = (message: string, kind: ErrorKind): string =>
  `ipset v7.17: ${message}\n${kind === 'parameter' ? "Try `ipset help' for more information.\n" : ''}`
