import { PROTOCOL } from '../packet/checksum.js'
import type { Field, FieldValue } from '../packet/fields.js'
import type { Condition } from '../rules/condition.js'
import type { Chain, Rule, Table } from '../rules/program.js'

/** What is true of all packets that come into a chain. */
export interface Context {
  /** Fields with the one value that they have. */
  readonly values: ReadonlyMap<Field, FieldValue>
  /** As much of the transport header is there as any rule can ask for. */
  readonly header: boolean
  /** They begin connections: connection tracking asks for translations of no others (nf_nat_inet_fn). */
  readonly begin: boolean
}

const ANY: Context = { values: new Map(), header: false, begin: false }
/** Connection tracking has put fragments together. */
const FIRST: Context = { values: new Map([['frag.offset', 0]]), header: false, begin: true }

/** A packet may change its protocol nowhere, nor become a fragment. */
const LASTING: ReadonlySet<Field> = new Set<Field>(['frag.offset', 'meta.l4proto'])
/** Nor its addresses and ports, where no rule of the table writes them and lets it go on. */
const USUAL: ReadonlySet<Field> = new Set<Field>([
  ...LASTING, 'ip.saddr', 'ip.daddr', 'ip6.saddr', 'ip6.daddr', 'th.sport', 'th.dport',
]) // biome-ignore format: a table

/** Whoever calls a chain says what comes into it. Chains that call each other in a circle are left out. */
export function contextsOf(table: Table): ReadonlyMap<Chain, Context> {
  const contexts = new Map<Chain, Context>()
  const called = new Map<string, Context>()
  const kept = writesHeaders(table) ? LASTING : USUAL
  for (const chain of callersFirst(table)) {
    const context = chain.base ? (chain.base.type === 'nat' ? FIRST : ANY) : (called.get(chain.name) ?? ANY)
    contexts.set(chain, context)
    for (const rule of chain.rules) {
      const calls = callsOf(rule)
      if (calls.length === 0) continue
      const behind = behindConditions(context, rule, kept)
      for (const name of calls) {
        const known = called.get(name)
        called.set(name, known ? inCommon(known, behind) : behind)
      }
    }
  }
  return contexts
}

/** What is known of packets that fulfil the conditions with which a rule begins. */
function behindConditions(context: Context, { steps }: Rule, kept: ReadonlySet<Field>): Context {
  let { values, header } = context
  const look = (condition: Condition): void => {
    if (condition.is === 'all') condition.of.forEach(look)
    else if (condition.is === 'readable') header ||= condition.field === 'tcp.urgent'
    else if (condition.is === 'in' && typeof condition.value === 'string' && condition.ranges.length === 1) {
      const [from, to] = condition.ranges[0]!
      if (from === to && kept.has(condition.value) && !values.has(condition.value))
        values = new Map(values).set(condition.value, from)
    }
  }
  for (const step of steps) {
    if (!('if' in step)) break
    look(step.if)
  }
  // a TCP header that is cut off begins no connection (nf_conntrack_proto_tcp.c: nf_conntrack_tcp_packet)
  if (context.begin && values.get('meta.l4proto') === PROTOCOL.TCP) header = true
  return values === context.values && header === context.header ? context : { ...context, values, header }
}

function inCommon(one: Context, other: Context): Context {
  if (one === other) return one
  const values = new Map([...one.values].filter(([field, value]) => other.values.get(field) === value))
  return { values, header: one.header && other.header, begin: one.begin && other.begin }
}

/** Does a rule change what is in the packets' headers, but for the hop count and the type of service, and let them go on? */
function writesHeaders({ chains }: Table): boolean {
  for (const { rules } of chains.values())
    for (const { steps } of rules)
      for (const step of steps) {
        if (!('do' in step)) continue
        const { do: effect } = step
        if (effect.do === 'map-prefix' || effect.do === 'queue') return true
        if ((effect.do === 'set' || effect.do === 'add') && !/^(meta|ct)\.|^ip\.(ttl|tos)$/.test(effect.field))
          return true
      }
  return false
}

function callsOf({ steps }: Rule): readonly string[] {
  let found = NO_CALLS
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!
    if ('do' in step && (step.do.do === 'jump' || step.do.do === 'goto')) found = [...found, step.do.chain]
  }
  return found
}

const NO_CALLS: readonly string[] = []

function callersFirst(table: Table): readonly Chain[] {
  const found: Chain[] = []
  const seen = new Map<Chain, 'open' | 'done'>()
  let round = false
  const visit = (chain: Chain): void => {
    seen.set(chain, 'open')
    for (const rule of chain.rules)
      for (const name of callsOf(rule)) {
        const next = table.chains.get(name)
        if (next && seen.get(next) === 'open') round = true
        if (next && !seen.has(next)) visit(next)
      }
    seen.set(chain, 'done')
    found.push(chain)
  }
  for (const chain of table.chains.values()) if (!seen.has(chain)) visit(chain)
  return round ? [] : found.reverse()
}
