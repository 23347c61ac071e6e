import type { PageEngine } from './engine.js'
import type { Situation } from './protocol.js'
import type { Questions } from './questions.js'
import type { Call, Method, Reply } from './worker.js'

/** The methods of what a worker holds, answered by it, so that the page never waits. */
export type ClientOf<T> = {
  readonly [M in keyof T]: T[M] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never
}

interface Line {
  call(method: Method, args: readonly unknown[]): Promise<unknown>
  end(): void
}

/** A page in one file has the worker's program as a text within it. */
const startWorker = (): Worker => {
  const inlined = document.getElementById('worker')?.textContent
  if (inlined == null) return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  return new Worker(URL.createObjectURL(new Blob([inlined], { type: 'text/javascript' })))
}

function startLine(): Line {
  const worker = startWorker()
  const waiting = new Map<number, (reply: Reply) => void>()
  let last = 0
  // it could not be started
  worker.onerror = ({ message }) => {
    for (const [id, settle] of waiting) settle({ id, failed: message ?? 'the worker could not be started' })
    waiting.clear()
  }
  worker.onmessage = ({ data }: MessageEvent<Reply>) => {
    waiting.get(data.id)?.(data)
    waiting.delete(data.id)
  }
  return {
    call: (method, args) =>
      new Promise((resolve, reject) => {
        const id = ++last
        waiting.set(id, (reply) => ('failed' in reply ? reject(new Error(reply.failed)) : resolve(reply.value)))
        worker.postMessage({ id, method, args } satisfies Call)
      }),
    end: () => worker.terminate(),
  }
}

const clientOf = <T>(call: Line['call']): ClientOf<T> =>
  new Proxy({} as ClientOf<T>, {
    get:
      (_, method) =>
      (...args: readonly unknown[]) =>
        call(method as Method, args),
  })

/** Packets and pages of rules: answered within milliseconds. */
export const startEngine = (): ClientOf<PageEngine> => clientOf<PageEngine>(startLine().call)

/** Never answered: what it was asked about is no more. */
const NEVER = new Promise<never>(() => undefined)

/**
 * Questions that may take seconds, in a worker of their own that is started with the first of them. Where the situation has changed while one is
 * being worked out, nobody wants its answer any more: the worker is ended, and the promise stays open.
 */
export function startQuestions(situation: () => Situation): ClientOf<Omit<Questions, 'sync'>> {
  let line: Line | undefined
  let synced: Situation | undefined
  let open = 0
  return clientOf<Omit<Questions, 'sync'>>(async (method, args) => {
    const now = situation()
    if (synced !== now) {
      if (open > 0) {
        line?.end()
        line = undefined
        open = 0
      }
      line ??= startLine()
      synced = now
      void line.call('sync', [now])
    }
    const asked = line!
    open++
    const value = await asked.call(method, args)
    if (asked !== line) return NEVER
    open--
    return value
  })
}
