import { PageEngine } from './engine.js'
import { Questions } from './questions.js'

// biome-ignore lint/suspicious/noExplicitAny: methods of every shape
type Methods<T> = { readonly [M in keyof T]: T[M] extends (...args: any[]) => unknown ? M : never }[keyof T]
export type Method = Methods<PageEngine> | Methods<Questions>

export interface Call {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failed: string }

const engine = new PageEngine()
const questions = new Questions()

self.onmessage = async ({ data: { id, method, args } }: MessageEvent<Call>) => {
  const of = (method in engine ? engine : questions) as unknown as Readonly<
    Record<Method, (...all: readonly unknown[]) => unknown>
  >
  const answer = async (): Promise<Reply> => {
    try {
      const value = of[method](...args)
      // what is there at once is sent at once
      return { id, value: value instanceof Promise ? await value : value }
    } catch (error) {
      return { id, failed: error instanceof Error ? error.message : String(error) }
    }
  }
  self.postMessage(await answer())
}
