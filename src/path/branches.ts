import type { Point, Tree } from './choices.js'

/** A result with the probability of getting there. */
export interface Weighted<T> {
  readonly probability: number
  readonly result: T
}

/** How the ways of an unknown point are put together. */
export interface Merge<T> {
  /** Do these come to the same for whoever asks? */
  same(a: T, b: T): boolean
  /** One result in place of several that differ because `point` is not known. `ways`: at least one. */
  undecided(ways: readonly T[], point: Point): T
  /** In place of a part of the tree that was too large to walk. */
  cut(ways: readonly T[]): T
}

/**
 * Leaves of a tree of choices with their probabilities, adding up to 1. Where the kernel draws lots every way stays; where something is not known,
 * ways that come to the same are one, and others are undecided.
 */
export function flatten<T>(tree: Tree<T>, merge: Merge<T>): readonly Weighted<T>[] {
  switch (tree.is) {
    case 'leaf':
      return [{ probability: 1, result: tree.result }]
    case 'cut':
      return []
    case 'fork': {
      const ways = tree.ways.map((way) => flatten(way, merge))
      if (tree.point.kind === 'lot') return lots(tree.point.weights, ways, merge)
      return unknown(ways, tree.point, merge)
    }
  }
}

function lots<T>(
  weights: readonly number[],
  ways: readonly (readonly Weighted<T>[])[],
  merge: Merge<T>,
): readonly Weighted<T>[] {
  const known = ways.flat().map(({ result }) => result)
  return ways.flatMap((way, i) => {
    const weight = weights[i] ?? 0
    if (way.length === 0) return [{ probability: weight, result: merge.cut(known) }]
    return way.map(({ probability, result }) => ({ probability: probability * weight, result }))
  })
}

function unknown<T>(ways: readonly (readonly Weighted<T>[])[], point: Point, merge: Merge<T>): readonly Weighted<T>[] {
  const [first, ...others] = ways
  const alike = (other: readonly Weighted<T>[]) =>
    other.length === first!.length &&
    other.every(
      ({ probability, result }, i) =>
        Math.abs(probability - first![i]!.probability) < 1e-12 && merge.same(result, first![i]!.result),
    )
  if (first && first.length > 0 && others.every(alike)) return first
  const results = ways.flat().map(({ result }) => result)
  return [{ probability: 1, result: merge.undecided(results, point) }]
}
