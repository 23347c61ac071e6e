import { PageEngine } from './engine.js'

export type Method = 'open' | 'trace' | 'connect' | 'map' | 'chain' | 'change' | 'holds' | 'lint'

export interface Call {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failed: string }

const engine = new PageEngine()

self.onmessage = ({ data: { id, method, args } }: MessageEvent<Call>) => {
  const answer = (): Reply => {
    try {
      return { id, value: (engine[method] as (...all: readonly unknown[]) => unknown)(...args) }
    } catch (error) {
      return { id, failed: error instanceof Error ? error.message : String(error) }
    }
  }
  self.postMessage(answer())
}
