import type { Condition } from '../rules/condition.js'
import type { Chain, Rule, Table } from '../rules/program.js'

/** What is true of all packets that come into a chain. */
export interface Context {
  /** No later fragments: connection tracking has put packets together before it asks for translations (nf_nat_inet_fn). */
  readonly whole: boolean
  /** They all have this protocol. */
  readonly protocol: number | undefined
}

const ANY: Context = { whole: false, protocol: undefined }

/** Whoever calls a chain says what comes into it. Chains that call each other in a circle are left out. */
export function contextsOf(table: Table): ReadonlyMap<Chain, Context> {
  const contexts = new Map<Chain, Context>()
  const called = new Map<string, Context>()
  for (const chain of callersFirst(table)) {
    // a packet may change its protocol nowhere, nor become a fragment
    const context = chain.base
      ? { whole: chain.base.type === 'nat', protocol: undefined }
      : (called.get(chain.name) ?? ANY)
    contexts.set(chain, context)
    for (const rule of chain.rules)
      for (const name of callsOf(rule)) {
        const known = called.get(name)
        const protocol = context.protocol ?? protocolOf(rule)
        if (!known) called.set(name, { whole: context.whole, protocol })
        else if (known.protocol !== protocol || known.whole !== context.whole)
          called.set(name, {
            whole: known.whole && context.whole,
            protocol: known.protocol === protocol ? protocol : undefined,
          })
      }
  }
  return contexts
}

function callsOf({ steps }: Rule): readonly string[] {
  let found = NO_CALLS
  for (const step of steps)
    if ('do' in step && (step.do.do === 'jump' || step.do.do === 'goto')) found = [...found, step.do.chain]
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

/** The protocol that a rule asks for before it does anything. */
function protocolOf({ steps }: Rule): number | undefined {
  for (const step of steps) {
    if (!('if' in step)) break
    const found = required(step.if)
    if (found !== undefined) return found
  }
  return undefined
}

function required(condition: Condition): number | undefined {
  if (condition.is === 'all') {
    for (const part of condition.of) {
      const found = required(part)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (condition.is !== 'in' || condition.value !== 'meta.l4proto' || condition.ranges.length !== 1) return undefined
  const [from, to] = condition.ranges[0]!
  return from === to ? Number(from) : undefined
}
