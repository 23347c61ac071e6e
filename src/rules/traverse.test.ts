import { expect, test } from 'vitest'
import type { Answer, Condition } from './condition.js'
import type { Subject } from './interpret.js'
import type { Chain, Rule, Table } from './program.js'
import { type RuleHost, type Supposed, traverse } from './traverse.js'

const ASKED: Condition = { is: 'stateful', machine: { kind: 'quota', bytes: 1 } } as unknown as Condition
const NEVER: Condition = { is: 'any', of: [] }

/** The ways that are tried for a rule that asks something with a memory, and then what never holds. */
function ways(answer: Answer): readonly Supposed[] {
  const rule = { text: '', steps: [{ if: ASKED }, { if: NEVER }, { do: { do: 'accept' } }] } as unknown as Rule
  const chain = { name: 'INPUT', rules: [rule] } as unknown as Chain
  const table = { name: 'filter', chains: new Map([['INPUT', chain]]) } as unknown as Table
  const tried: Supposed[] = []
  const suppose: RuleHost['suppose'] = (_rule, _because, _at, all) => {
    tried.push(...all)
    return all.at(-1)!
  }
  const subject = { advance: () => answer } as unknown as Subject
  const host: RuleHost = { subject, suppose, count() {}, perform: () => ({ did: '', verdict: 'next' }) }
  const { verdict } = traverse(table, { ...chain, base: { policy: 'accept' } } as unknown as Chain, host)
  expect(verdict).toBe(tried.includes('drop') ? 'drop' : 'accept')
  return tried
}

test('what never holds further down makes an unknown answer unimportant', () => {
  expect(ways({ outcome: 'unknown', text: '' })).toEqual([])
})

test('unless the kernel may drop the packet on the spot', () => {
  expect(ways({ outcome: 'unknown', mayDrop: true, text: '' })).toEqual(['no', 'yes', 'drop'])
})
