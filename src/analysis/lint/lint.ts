import type { Hosts, Namespace } from '../../path/world.js'
import { placeName } from '../../path/world.js'
import type { Chain, Rule } from '../../rules/program.js'
import { NodeLimitError } from '../../sets/bdd.js'
import { VisitLimitError } from '../../sets/chains.js'
import { Scope, type ScopeOptions } from '../scope.js'
import { LINT_RULES } from './index.js'
import { type Finding, LEVELS, type Level } from './types.js'

export interface LintOptions extends ScopeOptions {
  /** Ids of rules that are not to be asked. */
  readonly ignore?: readonly string[]
  /** Other levels than a rule's own, by id; `off`: it is not asked. */
  readonly levels?: ReadonlyMap<string, Level | 'off'>
}

export interface LintResult {
  /** By place, then file and line. */
  readonly findings: readonly Finding[]
  /** How many a comment of their rule ignores. */
  readonly ignored: number
  /** What was not looked at, and why: the findings are true, but not all that there are. */
  readonly incomplete: readonly string[]
}

/** Everything that is wrong, dead or dangerous in the rules of all namespaces. */
export function lint(hosts: Hosts, options: LintOptions = {}): LintResult {
  const findings: Finding[] = []
  const incomplete = new Map<string, readonly string[]>()
  const tooLarge: string[] = []
  let ignored = 0
  const { ignore, levels } = options
  const rules = LINT_RULES.filter(({ id }) => !ignore?.includes(id) && levels?.get(id) !== 'off')
  for (const namespace of hosts.namespaces)
    for (const scope of scopesOf(hosts, namespace, options)) {
      for (const { table, chain } of scope.allEntries) {
        const error = scope.tooLarge.get(chain)
        const where = `${placeName(namespace)}, IPv${scope.family}, ${table.name}/${chain.name}`
        if (error) tooLarge.push(`${where}: ${error.message}, so its rules were not looked at`)
      }
      for (const rule of rules) {
        const { id } = rule
        const level = (levels?.get(id) ?? rule.level) as Level
        const about = { id, level, place: placeName(namespace), family: scope.family }
        try {
          for (const found of rule.check(scope))
            if (isIgnored(id, scope, found.at)) ignored++
            else findings.push({ ...about, ...found })
        } catch (error) {
          if (!(error instanceof NodeLimitError || error instanceof VisitLimitError)) throw error
          const text = `${about.place}, IPv${scope.family}: ${error.message}`
          incomplete.set(text, [...(incomplete.get(text) ?? []), id])
        }
      }
    }
  return {
    findings: inOrder(findings),
    ignored,
    incomplete: [
      ...tooLarge,
      ...[...incomplete].map(([text, ids]) => `${text}, so not all was looked at for ${ids.join(', ')}`),
    ],
  }
}

/** Each family that has rules in a namespace. */
function scopesOf(hosts: Hosts, namespace: Namespace, options: ScopeOptions): readonly Scope[] {
  const scopes = ([4, 6] as const)
    .filter((family) => namespace.tables.some((table) => table.family === family))
    .map((family) => scopeOf(hosts, namespace, family, options))
  const [one, two] = scopes
  if (one && two) {
    one.other = two
    two.other = one
  }
  return scopes
}

/** Base chains whose sets need too many nodes are left aside, so that the others are looked at nevertheless. */
function scopeOf(hosts: Hosts, namespace: Namespace, family: 4 | 6, options: ScopeOptions): Scope {
  const tooLarge = new Map<Chain, Error>()
  for (;;) {
    const scope = new Scope(hosts, namespace, family, { ...options, tooLarge })
    const before = tooLarge.size
    for (const entry of scope.allEntries) {
      if (tooLarge.has(entry.chain)) continue
      try {
        scope.flow(entry)
      } catch (error) {
        if (!(error instanceof NodeLimitError || error instanceof VisitLimitError)) throw error
        tooLarge.set(entry.chain, error)
        break
      }
    }
    if (tooLarge.size === before) return scope
  }
}

const IGNORE = /packetwalk:\s*ignore\b([^;]*)/

/**
 * A rule's comment: `packetwalk: ignore` silences everything about it, `packetwalk: ignore rule-shadowed log-without-limit` these. What is said of a chain as a whole is silenced by
 * the comment of any of its rules that names it.
 */
function isIgnored(id: string, { tables }: Scope, { chain, number }: Finding['at']): boolean {
  if (chain === undefined) return false
  const slash = chain.indexOf('/')
  for (const table of tables) {
    if (table.name !== chain.slice(0, slash)) continue
    const rules = table.chains.get(chain.slice(slash + 1))?.rules ?? []
    if (number === undefined ? rules.some((rule) => ignores(rule, id, false)) : ignores(rules[number - 1], id, true))
      return true
  }
  return false
}

function ignores(rule: Rule | undefined, id: string, orAll: boolean): boolean {
  const found = rule?.comment === undefined ? undefined : IGNORE.exec(rule.comment)
  if (!found) return false
  return found[1]!.trim() === '' ? orAll : found[1]!.split(/[\s,=]+/).includes(id)
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const key = ({ at: { source } }: Finding) => source?.file ?? ''
  return [...findings].sort(
    (a, b) =>
      (a.place < b.place ? -1 : a.place > b.place ? 1 : 0) ||
      (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) ||
      (a.at.source?.line ?? 0) - (b.at.source?.line ?? 0) ||
      LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) ||
      (a.id < b.id ? -1 : 1),
  )
}
