import type { PageEngine } from './engine.js'
import type { Call, Method, Reply } from './worker.js'

/** The engine's methods, answered by a worker, so that the page never waits. */
export type EngineClient = {
  readonly [M in Method]: (...args: Parameters<PageEngine[M]>) => Promise<ReturnType<PageEngine[M]>>
}

const METHODS: readonly Method[] = ['open', 'trace', 'connect', 'map', 'chain', 'change', 'holds', 'lint']

export function startEngine(): EngineClient {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<number, (reply: Reply) => void>()
  let last = 0
  worker.onmessage = ({ data }: MessageEvent<Reply>) => {
    waiting.get(data.id)?.(data)
    waiting.delete(data.id)
  }
  const call = (method: Method, args: readonly unknown[]) =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, (reply) => ('failed' in reply ? reject(new Error(reply.failed)) : resolve(reply.value)))
      worker.postMessage({ id, method, args } satisfies Call)
    })
  return Object.fromEntries(
    METHODS.map((method) => [method, (...args: readonly unknown[]) => call(method, args)]),
  ) as unknown as EngineClient
}
