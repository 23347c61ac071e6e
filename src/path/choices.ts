/** A point where a walk could go several ways. */
export interface Point {
  /** `lot`: the kernel draws. `unknown`: the input does not tell. */
  readonly kind: 'lot' | 'unknown'
  /** Of each way, adding up to 1; for `unknown` meaningless. */
  readonly weights: readonly number[]
  readonly about: string
}

/** Which way to go at each point, asked in the order in which a walk meets them. */
export interface Chooser {
  choose(point: Point): number
}

/** The ways of a walk as a tree: leaves are results. */
export type Tree<T> =
  | { readonly is: 'leaf'; readonly result: T }
  | { readonly is: 'fork'; readonly point: Point; readonly ways: readonly Tree<T>[] }
  /** More ways than `limit`: this part was not walked. */
  | { readonly is: 'cut' }

/**
 * Runs `walk` once for each combination of choices, depth first. `walk` must be deterministic: the same choices lead to the same points.
 * At most `limit` runs.
 */
export function explore<T>(walk: (chooser: Chooser) => T, limit = 256): Tree<T> {
  let left = limit
  const from = (script: readonly number[]): Tree<T> => {
    if (left-- <= 0) return { is: 'cut' }
    const met: Point[] = []
    const result = walk({
      choose(point) {
        met.push(point)
        return script[met.length - 1] ?? 0
      },
    })
    let tree: Tree<T> = { is: 'leaf', result }
    for (let depth = met.length - 1; depth >= script.length; depth--) {
      const point = met[depth]!
      const prefix = [...script, ...Array<number>(depth - script.length).fill(0)]
      const ways: readonly Tree<T>[] = [tree, ...point.weights.slice(1).map((_, i) => from([...prefix, i + 1]))]
      tree = { is: 'fork', point, ways }
    }
    return tree
  }
  return from([])
}

/** Small, seeded, good enough for draws in a simulation (mulberry32): 0 ≤ x < 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
