import { type Hosts, type Namespace, placeName } from '../path/world.js'
import { NodeLimitError } from '../sets/bdd.js'
import { VisitLimitError } from '../sets/chains.js'
import { chainDifferences, changedChains } from './diff/chains.js'
import { CellLimitError } from './diff/compare.js'
import type { Difference } from './diff/difference.js'
import { pairNamespaces } from './diff/pairs.js'
import type { ScopeOptions } from './scope.js'

export type { Became, Decided, Difference, Fares } from './diff/difference.js'

export interface DiffResult {
  readonly differences: readonly Difference[]
  /** Namespaces that are in one of the snapshots only. */
  readonly onlyBefore: readonly string[]
  readonly onlyAfter: readonly string[]
  /** Where some packets hang on lots, limits, or what is not known, before and after: whether those fare alike cannot be told. */
  readonly undecided: readonly string[]
  /** What was not compared, and why. */
  readonly incomplete: readonly string[]
}

/** Which packets fare differently. No difference, and nothing undecided or incomplete, is a proof that there is none. */
export function diff(before: Hosts, after: Hosts, options: ScopeOptions = {}): DiffResult {
  const pairs = pairNamespaces(before, after)
  const differences: Difference[] = []
  const incomplete: string[] = []
  const undecided: string[] = []
  for (const { old, now } of pairs.both)
    for (const family of [4, 6] as const) {
      const changed = changedChains(old, now, family)
      incomplete.push(...unlike(old, now, family))
      try {
        const [one, other] = [{ hosts: before, namespace: old }, { hosts: after, namespace: now }] // biome-ignore format: short
        const found = chainDifferences(one, other, family, changed, options)
        differences.push(...found.differences)
        undecided.push(...found.undecided)
      } catch (error) {
        if (!tooLarge(error)) throw error
        incomplete.push(`${placeName(now)}, IPv${family}: ${error.message}`)
      }
    }
  return { differences, undecided, onlyBefore: pairs.onlyBefore, onlyAfter: pairs.onlyAfter, incomplete }
}

const tooLarge = (error: unknown): error is Error =>
  error instanceof NodeLimitError || error instanceof VisitLimitError || error instanceof CellLimitError

/** What stands on a packet's way and is not evaluated. */
function unlike(old: Namespace, now: Namespace, family: 4 | 6): readonly string[] {
  const textsOf = ({ unmodelled = [] }: Namespace) =>
    unmodelled.filter((one) => one.family !== (family === 4 ? 'ip6' : 'ip')).map(({ text }) => text)
  const [olds, news] = [textsOf(old), textsOf(now)]
  return olds.join('\n') === news.join('\n')
    ? []
    : [`${placeName(now)}, IPv${family}: what is not evaluated differs: ${[...new Set([...olds, ...news])].join(', ')}`]
}
