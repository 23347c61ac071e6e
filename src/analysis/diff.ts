import type { Family } from '../address/ip.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import type { Chain, Hook, Rule, Table } from '../rules/program.js'
import { EVERYTHING_ACCEPTED, EVERYTHING_DROPPED, mayReach } from '../sets/backward.js'
import { EMPTY, type Node, NodeLimitError } from '../sets/bdd.js'
import { VisitLimitError } from '../sets/chains.js'
import { describe } from '../sets/describe.js'
import { pickOne, sampleText } from '../sets/sample.js'
import { type BaseChain, sameHost, sameRules } from './same-rules.js'
import { Scope, type ScopeOptions, sharedNames } from './scope.js'
import { existingInterfaces, localAddresses } from './witness.js'

/** What a base chain does to a packet: `either` where lots, limits, or something that is not known decide. */
export type Fares = 'accepted' | 'dropped' | 'either'

/** Packets that fare differently in one base chain. */
export interface Difference {
  readonly place: string
  readonly family: Family
  readonly table: string
  readonly chain: string
  readonly hook: Hook
  readonly before: Fares
  readonly after: Fares
  /** Blocks without a packet in common. */
  readonly packets: readonly string[]
  /** There are more blocks than these. */
  readonly more: boolean
  /** One of them, as `trace` reads it. */
  readonly example: string
  /** The interface that it leaves through, where the hook knows one. */
  readonly out: string | undefined
  /** The rules that decide the example, if one does. */
  readonly decidedBefore: Decided
  readonly decidedAfter: Decided
}

/** A rule with its place, or what decides where no rule does. */
export interface Decided {
  readonly rule:
    | {
        readonly chain: string
        readonly number: number
        readonly text: string
        readonly file: string | undefined
        readonly line: number | undefined
      }
    | undefined
  readonly text: string
}

export interface DiffResult {
  readonly differences: readonly Difference[]
  /** Namespaces that are in one of the snapshots only. */
  readonly onlyBefore: readonly string[]
  readonly onlyAfter: readonly string[]
  /** Chains in which some packets hang on lots, limits, or what is not known, before and after: whether those fare alike cannot be told. */
  readonly undecided: readonly string[]
  /** What was not compared, and why. */
  readonly incomplete: readonly string[]
}

/** Which packets fare differently in the base chains that filter. No difference is a proof that there is none: every packet was compared. */
export function diff(before: Hosts, after: Hosts, options: ScopeOptions = {}): DiffResult {
  const pairs = pair(before, after)
  const differences: Difference[] = []
  const incomplete: string[] = []
  const undecided: string[] = []
  for (const { old, now } of pairs.both) {
    incomplete.push(...otherTranslations(old, now))

    for (const family of [4, 6] as const) {
      try {
        differences.push(
          ...differencesOf(
            { hosts: before, namespace: old },
            { hosts: after, namespace: now },
            family,
            options,
            undecided,
          ),
        )
      } catch (error) {
        if (!(error instanceof NodeLimitError || error instanceof VisitLimitError)) throw error
        incomplete.push(`${placeName(now)}, IPv${family}: ${error.message}`)
      }
    }
  }
  return { differences, undecided, onlyBefore: pairs.onlyBefore, onlyAfter: pairs.onlyAfter, incomplete }
}

/** Namespaces by their names; where both snapshots have a single one, that one, whatever it is called (a folder's name, `-`). */
function pair(before: Hosts, after: Hosts) {
  const [one, ...others] = before.namespaces
  const [other, ...more] = after.namespaces
  if (one && other && others.length === 0 && more.length === 0)
    return { both: [{ old: one, now: other }], onlyBefore: [], onlyAfter: [] }
  const hostless = (namespaces: readonly Namespace[]) => new Set(namespaces.map(({ host }) => host)).size === 1
  const loose = hostless(before.namespaces) && hostless(after.namespaces)
  const nameOf = (namespace: Namespace) => (loose ? namespace.namespace : placeName(namespace))
  const olds = new Map(before.namespaces.map((namespace) => [nameOf(namespace), namespace]))
  const news = new Map(after.namespaces.map((namespace) => [nameOf(namespace), namespace]))
  return {
    both: [...news].flatMap(([name, now]) => {
      const old = olds.get(name)
      return old ? [{ old, now }] : []
    }),
    onlyBefore: [...olds].filter(([name]) => !news.has(name)).map(([, namespace]) => placeName(namespace)),
    onlyAfter: [...news].filter(([name]) => !olds.has(name)).map(([, namespace]) => placeName(namespace)),
  }
}

interface Side {
  readonly hosts: Hosts
  readonly namespace: Namespace
}

/** A base chain of both sides; a side without one lets everything pass. */
interface Both {
  readonly old: BaseChain | undefined
  readonly now: BaseChain | undefined
}

function* differencesOf(
  old: Side,
  now: Side,
  family: Family,
  options: ScopeOptions,
  undecided: string[],
): Generator<Difference> {
  const same = sameHost(old.namespace, now.namespace, family)
  const chains = bothChains(old.namespace, now.namespace, family).filter(
    (both) => !(both.old && both.now && sameRules(both.old, both.now, same)),
  )
  if (chains.length === 0) return
  const asked = new Set(chains.flatMap((both) => [both.old?.table, both.now?.table]))
  const onlyAsked = (namespace: Namespace) => ({
    ...namespace,
    tables: namespace.tables.filter((table) => asked.has(table)),
  })
  const names = sharedNames([onlyAsked(old.namespace), onlyAsked(now.namespace)], family)
  const known = { ...options, names, listedSets: true }
  const oldScope = new Scope(old.hosts, old.namespace, family, known)
  const nowScope = new Scope(now.hosts, now.namespace, family, { ...known, space: oldScope.space })
  const { space } = oldScope
  const { bdd } = space
  for (const both of chains) {
    const { table, chain } = (both.now ?? both.old)!
    const { hook } = chain.base!
    const input = nowScope.input(hook)
    const was = fares(oldScope, both.old, input)
    const is = fares(nowScope, both.now, input)
    if (bdd.meets(was.either, is.either))
      undecided.push(`${placeName(now.namespace)}, IPv${family}, ${table.name}/${chain.name}`)
    for (const before of KINDS)
      for (const after of KINDS) {
        const set = before === after ? EMPTY : bdd.and(was[before], is[after])
        if (set === EMPTY) continue
        const { sample, packet } = pickOne(space, set, wishes(nowScope, hook))!
        const { lines, more } = describe(space, set, undefined, MOST_BLOCKS, input)
        yield {
          place: placeName(now.namespace),
          family,
          table: table.name,
          chain: chain.name,
          hook,
          before,
          after,
          packets: lines,
          more,
          example: sampleText(sample),
          out: sample.oif === '' ? undefined : sample.oif,
          decidedBefore: decided(oldScope, both.old, packet),
          decidedAfter: decided(nowScope, both.now, packet),
        }
      }
  }
}

const KINDS: readonly Fares[] = ['accepted', 'dropped', 'either']
const MOST_BLOCKS = 60

/** Chains of type nat are not compared as sets: where their tables are not the same text, that is said. */
function otherTranslations(old: Namespace, now: Namespace): readonly string[] {
  const textOf = ({ tables }: Namespace, family: Family) =>
    tables
      .filter((table) => table.family === family && [...table.chains.values()].some(({ base }) => base?.type === 'nat'))
      .flatMap(({ chains }) =>
        [...chains.values()].flatMap(({ name, rules }) => rules.map(({ text }) => `${name} ${text}`)),
      )
      .join('\n')
  return ([4, 6] as const)
    .filter((family) => textOf(old, family) !== textOf(now, family))
    .map(
      (family) =>
        `${placeName(now)}, IPv${family}: the rules of the nat table differ; what they translate is not compared`,
    )
}

/** The base chains of either side that may drop packets, by backend, table and name. */
function bothChains(old: Namespace, now: Namespace, family: Family): readonly Both[] {
  const of = ({ tables }: Namespace) => {
    const found = new Map<string, BaseChain>()
    for (const table of tables)
      if (table.family === family)
        for (const chain of table.chains.values())
          if (chain.base && chain.base.type !== 'nat') found.set(`${table.name} ${chain.name}`, { table, chain })
    return found
  }
  const [olds, news] = [of(old), of(now)]
  return [...new Set([...olds.keys(), ...news.keys()])].map((key) => ({ old: olds.get(key), now: news.get(key) }))
}

/** The packets of a hook by what the chain does to them: each is in one part. */
function fares({ conditions, space }: Scope, base: BaseChain | undefined, input: Node): Readonly<Record<Fares, Node>> {
  const { bdd } = space
  if (!base) return { accepted: input, dropped: EMPTY, either: EMPTY }
  const may = bdd.and(input, mayReach(conditions, base.table, base.chain, EVERYTHING_ACCEPTED))
  const mayNot = bdd.and(input, mayReach(conditions, base.table, base.chain, EVERYTHING_DROPPED))
  return { accepted: bdd.minus(may, mayNot), dropped: bdd.minus(mayNot, may), either: bdd.and(may, mayNot) }
}

/** What an example is to be, where it can: on interfaces that exist, for this host in INPUT and for others in FORWARD. */
function wishes(scope: Scope, hook: Hook): readonly Node[] {
  const local = localAddresses(scope, 'daddr')
  const address =
    hook === 'input' ? [local] : hook === 'forward' || hook === 'output' ? [scope.space.bdd.not(local)] : []
  return [existingInterfaces(scope), scope.space.bdd.not(localAddresses(scope, 'saddr')), ...address]
}

/** The rule that ends a packet's way through the chain: found by following it, marks and all. */
function decided(scope: Scope, base: BaseChain | undefined, packet: Node): Decided {
  if (!base) return { rule: undefined, text: 'there is no such chain' }
  const found = follow(scope, base.table, base.chain, packet)
  if (!found)
    return {
      rule: undefined,
      text: `policy ${(base.chain.base?.policy ?? 'accept').toUpperCase()} of ${base.chain.name}`,
    }
  const { rule, chain, number } = found
  const { source, text } = rule
  return { rule: { chain: `${base.table.name}/${chain}`, number, text, file: source?.file, line: source?.line }, text }
}

function follow(
  scope: Scope,
  table: Table,
  base: Chain,
  packet: Node,
): { readonly rule: Rule; readonly chain: string; readonly number: number } | undefined {
  const flow = scope.through(table, base, packet)
  for (const { rule, chain, number, accepted, dropped } of flow.rules.values())
    if (accepted !== EMPTY || dropped !== EMPTY) return { rule, chain, number }
  return undefined
}
