import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isList, readList, readSave, type SaveFile } from './index.js'

interface Recorded {
  readonly backend: 'legacy' | 'nft'
  readonly table: string
  readonly options: string
  readonly listing: string
  readonly saved: string
}

const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'recordings', 'list.json'), 'utf8'),
)

const rulesOf = ({ tables }: SaveFile): readonly string[] =>
  [...tables[0]!.chains.values()].flatMap(({ rules }) => rules.map(({ text }) => text))

/** What a listing does not tell, or tells in another way. */
const untold = (rule: string): string => rule.replace('-j NOTRACK', '-j CT --notrack')

describe.each(recorded)('$backend, $table, $options', ({ backend, table, listing, saved }) => {
  const options = { file: 'f', family: 4, backend } as const
  test('gives the rules that iptables-save has', () => {
    expect(isList(listing)).toBe(true)
    const [listed, kept] = [readList(listing, options), readSave(saved, options)]
    if (!listed.ok || !kept.ok) throw new Error(JSON.stringify([listed, kept]))
    expect(listed.save.tables[0]!.name).toBe(table)
    const order = (rules: readonly string[]) => [...rules].sort()
    expect(order(rulesOf(listed.save))).toEqual(order(rulesOf(kept.save).map(untold)))
  })
})

test('a rule keeps its line and its counters', () => {
  const text =
    'Chain INPUT (policy DROP 0 packets, 0 bytes)\n pkts bytes target prot opt in out source destination\n  12K  3M ACCEPT  all  --  lo  any  anywhere  anywhere\n'
  const read = readList(text, { file: 'f', family: 4, table: 'filter' })
  const [rule] = read.ok ? read.save.tables[0]!.chains.get('INPUT')!.rules : []
  expect([rule?.text, rule?.source.line, rule?.counters]).toEqual([
    '-A INPUT -i lo -j ACCEPT',
    3,
    { packets: 12_000, bytes: 3_000_000 },
  ])
})

test.each([
  [
    'Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination\n',
    2,
    'this listing has no interfaces: iptables -L needs -v (better: iptables-save)',
  ],
  ['Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\nhello\n', 2, 'this is no line of iptables -L -v'],
])('%j is refused', (text, line, message) => {
  expect(readList(text, { file: 'f', family: 4 })).toEqual({
    ok: false,
    problems: [{ file: 'f', line, column: 1, message }],
  })
})
