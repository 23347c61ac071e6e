import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isList, readList, readListings, readSave, type SaveFile } from './index.js'

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

test('a line that is none is refused', () => {
  const text = 'Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\nhello\n'
  const problem = { file: 'f', line: 2, column: 1, message: 'this is no line of iptables -L' }
  expect(readList(text, { file: 'f', family: 4 })).toEqual({ ok: false, problems: [problem] })
})

const HEAD = ' pkts bytes target     prot opt in     out     source               destination         '

/** Listings of other versions and other options, and what is made of them. */
test.each<readonly [what: string, listing: readonly string[], family: 4 | 6, rules: readonly string[]]>([
  [
    'without -v the interfaces are not known',
    ['Chain INPUT (policy ACCEPT)', 'target     prot opt source               destination', 'ACCEPT     tcp  --  10.0.0.0/8           anywhere             tcp dpt:ssh'],
    4,
    ['-A INPUT -s 10.0.0.0/8 -p tcp -m listing "interfaces are shown only with -v" -m tcp --dport 22 -j ACCEPT'],
  ],
  [
    'names that every host has',
    ['Chain INPUT (policy ACCEPT 0 packets, 0 bytes)', HEAD, '    0     0 DOCKER     all  --  any    any     localhost           !loopback/8           ADDRTYPE match dst-type LOCAL', 'Chain DOCKER (1 references)', HEAD],
    4,
    ['-A INPUT -s 127.0.0.1/32 ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER'],
  ],
  [
    'names that nobody here knows',
    ['Chain INPUT (policy ACCEPT 0 packets, 0 bytes)', HEAD, '    0     0 ACCEPT     all  --  eth0   any     gw.example.org       anywhere            '],
    4,
    ['-A INPUT -i eth0 -m listing "-s gw.example.org" -j ACCEPT'],
  ],
  [
    'ip6tables before 1.8.9, whose column of options is empty',
    ['Chain INPUT (policy ACCEPT 0 packets, 0 bytes)', HEAD, '    0     0 ACCEPT     tcp      eth0   *       fe80::/10            ::/0                 tcp dpt:22', '    0     0            all      *      *       ::/0                 2001:db8::1/128     '],
    6,
    ['-A INPUT -s fe80::/10 -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -d 2001:db8::1/128'],
  ],
  [
    'what is not understood',
    ['Chain INPUT (policy ACCEPT 0 packets, 0 bytes)', HEAD, '    0     0 ACCEPT     6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:22 HOCUS pocus'],
    4,
    ['-A INPUT -p tcp -m tcp --dport 22 -m listing "HOCUS pocus" -j ACCEPT'],
  ],
])('%s', (_, listing, family, rules) => {
  const read = readListings(`${listing.join('\n')}\n`, { file: 'f', family })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  expect(read.saves.flatMap(rulesOf)).toEqual(rules)
  expect(read.uncertain).toBe(rules.filter((rule) => rule.includes('-m listing')).length)
}) // biome-ignore format: a table

test('several tables in one text', () => {
  const table = (names: readonly string[]) =>
    names.map((name) => `Chain ${name} (policy ACCEPT 0 packets, 0 bytes)\n${HEAD}\n\n`).join('')
  const nat = table(['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'])
  const filter = `${table(['INPUT', 'FORWARD', 'OUTPUT'])}    0     0 DROP       0    --  *      *       0.0.0.0/0            0.0.0.0/0           \nChain X (0 references)\n`
  const read = readListings(filter + nat + table(['PREROUTING', 'OUTPUT']), { file: 'f', family: 4 })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  expect(read.saves.map(({ tables }) => tables[0]!.name)).toEqual(['filter', 'nat', 'raw'])
  expect(read.saves[0]!.tables[0]!.chains.get('OUTPUT')!.rules[0]!.source.line).toBe(10)
})
