import type { Table } from '../../rules/program.js'
import { conditionsOf, effectsOf, someCondition } from '../scope.js'
import { callers, tableFlows } from './helpers.js'
import { type LintRule, ruleSpot } from './types.js'

type Rule = Parameters<typeof conditionsOf>[0]

export const logWithoutLimit: LintRule = {
  id: 'log-without-limit',
  level: 'note',
  summary: 'a rule logs packets, and nothing limits how many',
  *check(scope) {
    for (const [table, flows] of tableFlows(scope)) {
      const limited = limitedChains(table)
      for (const flow of flows.values())
        if (logs(flow.rule) && flow.isMatched && !isLimited(flow.rule) && !limited.has(flow.chain))
          yield {
            message: 'every packet that matches is logged: whoever sends them fills the log',
            at: ruleSpot(table, flow),
            fix: '-m limit --limit 10/minute',
          }
    }
  },
}

/** LOG, and neither a lamp, a timer or a label, nor a program that is told and makes of it what it likes (NFLOG). */
const logs = (rule: Rule): boolean =>
  effectsOf(rule).some((effect) => effect.do === 'log' && effect.what === undefined && !effect.handed)

/** Lots and limits: fewer packets than come match. */
const isLimited = (rule: Rule): boolean =>
  conditionsOf(rule).some((condition) =>
    someCondition(condition, ({ is }) => is === 'stateful' || is === 'chance' || is === 'unknown'),
  )

/** Chains to which only limited rules lead. */
function limitedChains(table: Table): ReadonlySet<string> {
  const called = callers(table)
  const known = new Map<string, boolean>()
  const limited = (name: string): boolean => {
    const before = known.get(name)
    if (before !== undefined) return before
    const jumps = called.get(name) ?? []
    known.set(name, false)
    const result =
      jumps.length > 0 &&
      !table.chains.get(name)?.base &&
      jumps.every(({ rule, chain }) => isLimited(rule) || limited(chain.name))
    known.set(name, result)
    return result
  }
  return new Set([...table.chains.keys()].filter(limited))
}
