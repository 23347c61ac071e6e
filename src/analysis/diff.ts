import { type Hosts, type Namespace, placeName } from '../path/world.js'
import { NodeLimitError } from '../sets/bdd.js'
import { VisitLimitError } from '../sets/chains.js'
import { type Changed, chainDifferences, changedChains } from './diff/chains.js'
import { CellLimitError } from './diff/compare.js'
import type { Difference } from './diff/difference.js'
import { notCompared, otherWays } from './diff/host-state.js'
import { pairNamespaces, renamed } from './diff/pairs.js'
import { isWalkable, wayDifferences } from './diff/ways.js'
import type { ScopeOptions } from './scope.js'

export type { Became, Decided, Difference, Fares } from './diff/difference.js'

export interface DiffResult {
  readonly differences: readonly Difference[]
  /** Namespaces, and interfaces that lead outside, that are in one of the snapshots only. */
  readonly onlyBefore: readonly string[]
  readonly onlyAfter: readonly string[]
  /** Where some packets hang on lots, limits, or what is not known, before and after: whether those fare alike cannot be told. */
  readonly undecided: readonly string[]
  /** What was not compared, and why. */
  readonly incomplete: readonly string[]
}

type Lists = { readonly [K in keyof DiffResult]: DiffResult[K][number][] }

/**
 * Which packets fare differently. Where the snapshots tell where packets go, first packets of connections are followed from end to end, and everything else
 * (packets of connections that exist, fragments, multicast) through each chain that changed; of rules alone, all packets through each chain. No difference, with nothing
 * undecided or incomplete, is a proof that there is none.
 */
export function diff(old: Hosts, after: Hosts, options: ScopeOptions = {}): DiffResult {
  const before = renamed(old, after)
  const { both, onlyBefore, onlyAfter } = pairNamespaces(before, after)
  const found: Lists = {
    differences: [],
    undecided: [],
    incomplete: [],
    onlyBefore: [...onlyBefore],
    onlyAfter: [...onlyAfter],
  }
  const others = otherWays(before, after, both)
  const walkable = isWalkable(before) && isWalkable(after)
  found.incomplete.push(...both.flatMap((pair) => notCompared(pair.old, pair.now)))
  if (others && !walkable)
    found.incomplete.push(
      'routes, interfaces or settings differ: what that changes is compared where both snapshots have all of them',
    )
  if (others && walkable)
    found.incomplete.push(
      'packets of connections that exist, multicast and fragments: where routes, interfaces or settings send them now',
    )
  for (const family of [4, 6] as const) {
    const changed = both.map((pair) => ({
      ...pair,
      chains: pair.old === pair.now ? [] : changedChains(pair.old, pair.now, family),
    }))
    const walked =
      walkable && (others || changed.some(({ chains }) => chains.length > 0))
        ? followed(found, before, after, family, options)
        : undefined
    for (const one of changed) compareChains(found, before, after, family, { ...one, walked }, options)
  }
  return found
}

/** From end to end, as far as there is room for it. */
function followed(
  found: Lists,
  before: Hosts,
  after: Hosts,
  family: 4 | 6,
  options: ScopeOptions,
): 'differ' | 'alike' | undefined {
  try {
    const ways = wayDifferences(before, after, family, options)
    for (const key of Object.keys(found) as (keyof Lists)[])
      for (const one of ways[key]) if (!(found[key] as unknown[]).includes(one)) (found[key] as unknown[]).push(one)
    return ways.differences.length > 0 ? 'differ' : 'alike'
  } catch (error) {
    if (!tooLarge(error)) throw error
    found.incomplete.push(`IPv${family}, from end to end: ${error.message}`)
    return undefined
  }
}

function compareChains(
  found: Lists,
  before: Hosts,
  after: Hosts,
  family: 4 | 6,
  {
    old,
    now,
    chains,
    walked,
  }: {
    readonly old: Namespace
    readonly now: Namespace
    readonly chains: readonly Changed[]
    readonly walked: 'differ' | 'alike' | undefined
  },
  options: ScopeOptions,
): void {
  try {
    const [one, other] = [
      { hosts: before, namespace: old },
      { hosts: after, namespace: now },
    ]
    const { differences, undecided } = chainDifferences(one, other, family, chains, { ...options, walked })
    found.differences.push(...differences)
    found.undecided.push(...undecided)
  } catch (error) {
    if (!tooLarge(error)) throw error
    found.incomplete.push(`${placeName(now)}, IPv${family}: ${error.message}`)
  }
}

/** A RangeError: a browser's worker has less room for nested calls than Node. */
const tooLarge = (error: unknown): error is Error =>
  error instanceof RangeError ||
  error instanceof NodeLimitError ||
  error instanceof VisitLimitError ||
  error instanceof CellLimitError
