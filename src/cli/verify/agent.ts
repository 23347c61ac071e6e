import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A frame that came out of the router: the far end that caught it (`f0`), and its bytes in hex. */
export type Caught = readonly [tap: string, frame: string]

export interface ToolResult {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** What the helper process answers; kernel/agent.py has the operations. */
interface Answer {
  readonly error?: string
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own answer
  readonly [key: string]: any
}

/** Beside the built command; from dist/kernel/ or from here where it lies in the sources. */
const FOLDERS = ['./', '../../kernel/', '../../../kernel/']

function script(program: string): string {
  const paths = FOLDERS.map((folder) => fileURLToPath(new URL(`${folder}${program}`, import.meta.url)))
  const found = paths.find((path) => existsSync(path))
  if (found === undefined) throw new Error(`the helper program is missing: ${paths[0]}`)
  return found
}

/** The helper process. It owns the lab's namespaces; they are gone when it ends, and it ends when its stdin closes. */
export class Agent {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: ((answer: Answer) => void)[] = []
  #ended: string | undefined
  #complaints = ''

  constructor(program = 'agent.py') {
    // imports at the head of a file are carried out at every start of the bundled command, whatever it is asked
    const { spawn } = process.getBuiltinModule('node:child_process')
    const { createInterface } = process.getBuiltinModule('node:readline')
    this.#child = spawn('python3', ['-ISu', script(program)], { stdio: 'pipe' })
    this.#child.stderr.on('data', (data) => {
      this.#complaints += data
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#waiting.shift()?.(JSON.parse(line)))
    this.#child.stdin.on('error', () => {})
    this.#child.on('error', (error) => this.#end(error.message))
    this.#child.on('exit', (code, signal) => this.#end(`the helper ended (${signal ?? code}) ${this.#complaints}`))
  }

  #end(why: string): void {
    this.#ended = why
    for (const resolve of this.#waiting.splice(0)) resolve({ error: why })
  }

  /** One request; throws what the helper complains about. */
  async ask(op: string, request: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    if (this.#ended !== undefined) throw new Error(this.#ended)
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.push(resolve)
      this.#child.stdin.write(`${JSON.stringify({ op, ...request })}\n`)
    })
    if (answer.error !== undefined) throw new Error(`${op}: ${answer.error}`)
    return answer
  }

  /** Runs a tool in the lab; its status is the caller's business. */
  async run(argv: readonly string[], input = '', far = false): Promise<ToolResult> {
    return (await this.ask('run', { argv, input, far })) as unknown as ToolResult
  }

  /** Runs a tool that has to succeed; gives its output. */
  async must(argv: readonly string[], input = '', far = false): Promise<string> {
    const { status, out, err } = await this.run(argv, input, far)
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${err || out}\n${input}`)
    return out
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return
    await new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.stdin.end()
    })
  }
}
