import { ifName } from '../address/ifname.js'
import type { Family } from '../address/ip.js'
import { CT_STATE, type Field } from '../packet/fields.js'
import { type ChainEntry, type Hooks, registerHooks } from '../path/hooks.js'
import { type Hosts, type Namespace, placeName } from '../path/world.js'
import type { Condition } from '../rules/condition.js'
import type { Effect } from '../rules/effect.js'
import type { Chain, Hook, Rule, Table } from '../rules/program.js'
import { EMPTY, type Node, NodeLimitError } from '../sets/bdd.js'
import { type ChainFlow, chainFlow, VisitLimitError } from '../sets/chains.js'
import { Conditions } from '../sets/conditions.js'
import { fibSurroundings } from '../sets/fib.js'
import { namedSurroundings, namesOfSets } from '../sets/named-sets.js'
import { Names } from '../sets/names.js'
import { Space } from '../sets/space.js'

export interface ScopeOptions {
  /** Diagram nodes at most. */
  readonly limit?: number
  /** The interface names that can be told apart; left out: those of the namespace and its rules. */
  readonly names?: Names
  /** A space that is shared with another scope, made of the same names. */
  readonly space?: Space
  /**
   * The members of named sets are those that the snapshot lists. Without: a set has any members, which is what it is for, so that no answer about rules
   * hangs on whom it holds today.
   */
  readonly listedSets?: boolean
  /** Base chains whose sets are known to need too many diagram nodes: asking for them fails at once. */
  readonly tooLarge?: ReadonlyMap<Chain, Error>
}

/** The interface names that several namespaces and their rules of one family tell apart. */
export const sharedNames = (namespaces: readonly Namespace[], family: Family): Names =>
  Names.of(
    namespaces.flatMap(({ tables }) => tables.filter((table) => table.family === family)),
    ['lo', ...namespaces.flatMap(({ links }) => links.map(({ name }) => name))],
    namespaces.flatMap(({ sets, tables }) => (sets ? namesOfSets({ sets, tables }, family) : [])),
  )

const NODES_OF_A_RULE = { 4: 100, 6: 320 } as const
const RESERVED_AT_MOST = { 4: 1_000_000, 6: 2_000_000 } as const

/** The rules of one family in one namespace, with all packets that could come through them. What is asked for is worked out once. */
export class Scope {
  readonly hosts: Hosts
  readonly namespace: Namespace
  readonly family: Family
  readonly space: Space
  readonly conditions: Conditions
  readonly around: ReturnType<typeof fibSurroundings>
  readonly tables: readonly Table[]
  readonly hooks: Hooks
  /** The same namespace in the other family, where that has rules. */
  other: Scope | undefined
  readonly tooLarge: ReadonlyMap<Chain, Error>
  readonly #flows = new Map<Chain, ChainFlow>()
  readonly #inputs = new Map<Hook, Node>()
  #written: readonly Field[] | undefined
  #failed: Error | undefined

  constructor(hosts: Hosts, namespace: Namespace, family: Family, options: ScopeOptions = {}) {
    const { limit, names = sharedNames([namespace], family) } = options
    this.hosts = hosts
    this.namespace = namespace
    this.tooLarge = options.tooLarge ?? new Map()
    this.family = family
    this.tables = namespace.tables.filter((table) => table.family === family)
    this.space = options.space ?? new Space({ family, names, ...(limit === undefined ? {} : { limit }) })
    const rules = this.tables.reduce(
      (sum, { chains }) => [...chains.values()].reduce((all, one) => all + one.rules.length, sum),
      0,
    )
    this.space.bdd.reserve(Math.min(rules * NODES_OF_A_RULE[family], RESERVED_AT_MOST[family]))
    this.around = fibSurroundings(this.space, namespace)
    const { sets, tables } = namespace
    const named = sets && options.listedSets ? namedSurroundings(this.space, { sets, tables }) : {}
    this.conditions = new Conditions(this.space, { ...this.around, ...named })
    this.hooks = registerHooks(namespace.tables, family, namespace.unmodelled).hooks
  }

  get place(): string {
    return placeName(this.namespace)
  }

  /** Base chains on a hook, nat chains included, in their order. */
  entries(hook: Hook): readonly ChainEntry[] {
    return this.hooks[hook].flatMap((entry) =>
      entry.kind === 'chain' ? [entry] : entry.kind === 'nat' ? entry.chains : [],
    )
  }

  get allEntries(): readonly ChainEntry[] {
    return (Object.keys(this.hooks) as Hook[]).flatMap((hook) => this.entries(hook))
  }

  /** Every packet that can be on a hook. */
  input(hook: Hook): Node {
    let input = this.#inputs.get(hook)
    if (input === undefined) {
      input = hookInput(this.space, hook)
      this.#inputs.set(hook, input)
    }
    return input
  }

  /** All packets of its hook through a base chain. */
  flow({ table, chain, base }: ChainEntry): ChainFlow {
    let flow = this.#flows.get(chain)
    if (!flow) {
      const { bdd } = this.space
      // a nat chain sees the first packet of a connection only
      const first = this.space.in('ct.state', [
        [CT_STATE.RELATED, CT_STATE.RELATED],
        [CT_STATE.NEW, CT_STATE.NEW],
      ])
      const all = this.input(base.hook)
      const failed = this.tooLarge.get(chain) ?? this.#failed
      if (failed) throw failed
      try {
        flow = chainFlow(this.conditions, table, chain, base.type === 'nat' ? bdd.and(all, first) : all)
      } catch (error) {
        // who asks next is not kept waiting for the same
        if (error instanceof NodeLimitError || error instanceof VisitLimitError) this.#failed = error
        throw error
      }
      this.#flows.set(chain, flow)
    }
    return flow
  }

  /** Some packets through a chain. */
  through(table: Table, base: Chain, packets: Node): ChainFlow {
    return chainFlow(this.conditions, table, base, packets)
  }

  /** Fields that rules write: what a packet has of them when it comes to a later chain hangs on the earlier ones. */
  get written(): readonly Field[] {
    if (!this.#written) {
      const found = new Set<Field>()
      for (const table of this.tables)
        for (const chain of table.chains.values())
          for (const rule of chain.rules)
            for (const effect of effectsOf(rule)) {
              if (effect.do === 'set' || effect.do === 'add') found.add(effect.field)
              if (effect.do === 'notrack') found.add('ct.state')
            }
      this.#written = [...found]
    }
    return this.#written
  }

  /** Packets of a hook that all its filtering chains drop or one of them does, whatever was written to them before. */
  surelyDropped(hook: Hook): Node {
    const { bdd } = this.space
    return bdd.minus(
      this.input(hook),
      this.#through(hook, ({ accepted }) => accepted),
    )
  }

  /** Packets of a hook that no chain drops, whatever was written to them before. */
  surelyPassed(hook: Hook): Node {
    const { bdd } = this.space
    if (this.hooks[hook].some(({ kind }) => kind === 'opaque')) return EMPTY
    let left = this.input(hook)
    for (const entry of this.#filters(hook))
      left = bdd.minus(left, this.space.forget(this.flow(entry).dropped, this.written))
    return left
  }

  /** Packets of a hook that may pass all its chains. */
  mayPass(hook: Hook): Node {
    return this.#through(hook, ({ accepted }) => accepted)
  }

  /** May a packet of `set`, which is on the hook, pass all its chains? Builds less than `mayPass`. */
  mayPassSome(hook: Hook, set: Node): boolean {
    const filters = this.#filters(hook).filter(({ chain }) => chain.rules.length > 0 || chain.base?.policy === 'drop')
    const last = filters.at(-1)
    const { space } = this
    let left = space.bdd.and(set, this.input(hook))
    for (const entry of filters.slice(0, -1))
      left = space.bdd.and(left, space.forget(this.flow(entry).accepted, this.written))
    if (left === EMPTY || !last) return left !== EMPTY
    const any = space.bdd.and(space.forget(left, this.written), this.input(hook))
    return this.flow(last).mayAccept(any)
  }

  /** The packets of `set`, which is on the hook, that no chain drops, whatever was written to them before. */
  passingOf(hook: Hook, set: Node): Node {
    const { space } = this
    if (this.hooks[hook].some(({ kind }) => kind === 'opaque')) return EMPTY
    let left = space.bdd.and(set, this.input(hook))
    for (const entry of this.#filters(hook)) {
      const any = space.bdd.and(space.forget(left, this.written), this.input(hook))
      const dropped = space.bdd.minus(any, this.flow(entry).undropped(any))
      left = space.bdd.minus(left, space.forget(dropped, this.written))
    }
    return left
  }

  #through(hook: Hook, part: (flow: ChainFlow) => Node): Node {
    const { bdd } = this.space
    let left = this.input(hook)
    for (const entry of this.#filters(hook))
      left = bdd.and(left, this.space.forget(part(this.flow(entry)), this.written))
    return left
  }

  #filters(hook: Hook): readonly ChainEntry[] {
    return this.hooks[hook].flatMap((entry) => (entry.kind === 'chain' ? [entry] : []))
  }
}

const HAS_INPUT: ReadonlySet<Hook> = new Set(['prerouting', 'input', 'forward'])
const HAS_OUTPUT: ReadonlySet<Hook> = new Set(['forward', 'output', 'postrouting'])

function hookInput(space: Space, hook: Hook): Node {
  const { bdd } = space
  const none = (field: Field) => space.equals(field, ifName(''))
  const asked = (field: Field, there: boolean) => (there ? bdd.not(none(field)) : none(field))
  let input = bdd.and(space.valid, asked('meta.oifname', HAS_OUTPUT.has(hook)))
  // in POSTROUTING only what was forwarded has an interface that it came in by
  if (hook !== 'postrouting') input = bdd.and(input, asked('meta.iifname', HAS_INPUT.has(hook)))
  return input
}

const NO_EFFECTS: readonly Effect[] = []

// every lint rule asks this of every rule: by number, for an iterator makes an object for each step where the code is not optimized yet
export function effectsOf({ steps }: Rule): readonly Effect[] {
  let found: Effect[] | undefined
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!
    if (!('do' in step)) continue
    if (found) found.push(step.do)
    else found = [step.do]
  }
  return found ?? NO_EFFECTS
}

export function conditionsOf({ steps }: Rule): readonly Condition[] {
  const found: Condition[] = []
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!
    if ('if' in step) found.push(step.if)
  }
  return found
}

/** Does a part of the condition fulfil this? */
export function someCondition(condition: Condition, test: (one: Condition) => boolean): boolean {
  if (test(condition)) return true
  switch (condition.is) {
    case 'not':
    case 'drop-if':
      return someCondition(condition.of, test)
    case 'all':
    case 'any':
      return condition.of.some((part) => someCondition(part, test))
    default:
      return false
  }
}
