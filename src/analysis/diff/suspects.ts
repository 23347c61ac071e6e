import type { Field } from '../../packet/fields.js'
import type { Effect } from '../../rules/effect.js'
import type { Rule, Table } from '../../rules/program.js'
import { EMPTY, type Node } from '../../sets/bdd.js'
import type { Conditions } from '../../sets/conditions.js'
import type { Space } from '../../sets/space.js'
import type { WayMath } from '../../sets/ways.js'
import { plainWords, type TableChange } from './changes.js'
import type { BaseChain, Both } from './pairs.js'
import { Passage } from './through.js'

export interface Passages {
  readonly old: Passage
  readonly now: Passage
}

/** Both sides' rules as they meet packets; those that both have are worked out once. */
export function passagesOf(
  change: TableChange,
  math: WayMath,
  [before, after]: readonly [Conditions, Conditions],
): Passages {
  const stands = new Map<Rule, Rule>()
  for (const [name, { rules }] of change.now?.chains ?? []) {
    const { oldOf } = change.chain(name)
    const olds = change.old?.chains.get(name)?.rules ?? []
    for (const [i, rule] of rules.entries()) if (oldOf[i]! >= 0) stands.set(rule, olds[oldOf[i]!]!)
  }
  const old = new Passage(before, math, (rule) => rule)
  return { old, now: new Passage(after, math, (rule) => stands.get(rule) ?? rule, old) }
}

const WRITES_NOTHING = new Set('ACCEPT DROP RETURN REJECT LOG NFLOG DNAT SNAT MASQUERADE REDIRECT'.split(' '))

/** Fields that rules of these tables may write. Only rules whose words do not tell that they write nothing are worked out. */
function writtenIn(tables: readonly (Table | undefined)[]): readonly Field[] {
  const found = new Set<Field>()
  for (const table of tables)
    for (const { rules } of table?.chains.values() ?? [])
      for (const rule of rules) {
        const text = plainWords(rule)
        const [, target] = / -[jg] (\S+)/.exec(text) ?? []
        const plain =
          !text.includes('"') && target !== undefined && (WRITES_NOTHING.has(target) || table!.chains.has(target))
        if (!plain)
          for (const step of rule.steps) if ('do' in step) for (const field of writtenBy(step.do)) found.add(field)
      }
  return [...found]
}

function writtenBy(effect: Effect): readonly Field[] {
  switch (effect.do) {
    case 'set':
    case 'add':
      return [effect.field]
    case 'notrack':
      return ['ct.state']
    case 'tcp-bits':
      return ['tcp.flags']
    case 'map-prefix':
      return ['ip6.saddr', 'ip6.daddr']
    case 'hash-mark':
      return ['meta.mark']
    case 'map-set':
      return effect.to.flatMap((to): readonly Field[] => (to === 'queue' ? [] : [`meta.${to}`]))
    default:
      return []
  }
}

/**
 * Packets that touch a rule which only one side has, and some more: all others meet the same rules on both. Fields that rules write are not asked: whatever a packet had of
 * them may be something else when it comes to a rule.
 */
export function suspectsOf(space: Space, change: TableChange, { old, now }: Both<BaseChain>, passages: Passages): Node {
  const policy = (base: BaseChain | undefined) => base?.chain.base?.policy ?? 'accept'
  if (policy(old) !== policy(now)) return space.valid
  const written = writtenIn([change.old, change.now])
  const known = new Map<string, Node>()
  const of = (name: string): Node => {
    const found = known.get(name)
    if (found !== undefined) return found
    known.set(name, EMPTY)
    const { oldOf, onlyOld, onlyNow } = change.chain(name)
    const [olds, news] = [change.old?.chains.get(name)?.rules ?? [], change.now?.chains.get(name)?.rules ?? []]
    const sets = [
      ...onlyOld.map((i) => passages.old.touched(olds[i]!)),
      ...onlyNow.map((i) => passages.now.touched(news[i]!)),
      ...news.flatMap((rule, i) => {
        if (oldOf[i] === -1) return []
        const inside = change.callsOf(rule).filter((called) => change.isChanged(called))
        return inside.map((called) => space.bdd.and(of(called), passages.now.touched(rule)))
      }),
    ]
    const all = space.forget(space.union(sets), written)
    known.set(name, all)
    return all
  }
  return of((now ?? old)!.chain.name)
}
