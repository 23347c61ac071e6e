import { EMPTY, type Node } from '../../sets/bdd.js'
import { matching } from '../../sets/chains.js'
import { conditionsOf, type Scope, someCondition } from '../scope.js'
import { verdictOf, walked } from './helpers.js'
import { type Target, type Translation, targetOf, translated, translations } from './nat.js'
import { type LintRule, ruleSpot } from './types.js'

interface Moved {
  readonly by: Translation
  readonly before: Node
  readonly after: Node
  readonly port: number
}

export const matchesBeforeNat: LintRule = {
  id: 'matches-before-nat',
  level: 'warning',
  summary: 'a rule behind the destination NAT asks for the port that packets had before it',
  *check(scope) {
    const { space } = scope
    const { bdd } = space
    const forward = walked(scope).filter(({ entry: { base } }) => base.hook === 'forward' && base.type !== 'nat')
    const asking = forward.flatMap(({ table, flow }) =>
      [...flow.rules.values()]
        .filter(({ rule }) => verdictOf(rule) && asksForPort(rule))
        .map((one) => ({ rule: one.rule, chain: one.chain, number: one.number, table, flow })),
    )
    const moved = asking.length > 0 ? movedPorts(scope) : []
    if (moved.length === 0) return
    for (const { rule, chain, number, table, flow } of asking) {
      const wanted = space.forget(matching(scope.conditions, rule, flow.chains.get(chain)), ['meta.oifname'])
      const ports = space.project(bdd.and(wanted, space.whole), ['th.dport'])
      const meant = moved.filter(({ before }) => bdd.meets(wanted, before))
      const [first] = meant
      if (!first || moved.some(({ after }) => bdd.meets(wanted, after))) continue
      if (!bdd.isWithin(ports, space.union(meant.map(({ before }) => space.project(before, ['th.dport']))))) continue
      yield {
        message: `the packets to this port have another one by now: PREROUTING has sent them to port ${first.port}; ask for that, or for --ctorigdstport`,
        at: ruleSpot(table, { chain, number, rule }),
        related: meant.map(({ by }) => ({
          ...ruleSpot(by.table, flowOf(by)),
          how: 'changes the port before this rule sees the packet',
        })),
      }
    }
  },
}

const flowOf = ({ flow, use }: Translation) => flow.rules.get(use.rule)!

function movedPorts(scope: Scope): readonly Moved[] {
  const { space } = scope
  const forget = (set: Node) => space.forget(space.bdd.and(set, space.whole), ['meta.oifname', ...scope.written])
  return translations(scope, 'prerouting').flatMap((by) => {
    const target: Target | undefined = targetOf(by.use)
    if (target?.port === undefined) return []
    const before = forget(space.bdd.minus(by.use.packets, space.equals('th.dport', target.port)))
    return before === EMPTY
      ? []
      : [{ by, before, after: forget(translated(scope, by.use.packets, target)), port: target.port }]
  })
}

const asksForPort = (rule: Parameters<typeof conditionsOf>[0]): boolean =>
  conditionsOf(rule).some((condition) => someCondition(condition, (one) => one.is === 'in' && one.value === 'th.dport'))
