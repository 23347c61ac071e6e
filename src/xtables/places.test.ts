import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { matches } from './matches/index.js'
import { readSave } from './save.js'
import { TABLES } from './tables.js'
import { targets } from './targets/index.js'

/** Where iptables 1.8.9 on Linux 6.18 takes a rule: `TABLE CHAIN`, in the base chain itself and in a chain to which that jumps. */
interface Answer {
  readonly family: 4 | 6
  readonly backend: 'legacy' | 'nft'
  readonly rule: string
  readonly base: readonly string[]
  readonly below: readonly string[]
}

const answers: readonly Answer[] = JSON.parse(readFileSync(join(import.meta.dirname, 'recordings/places.json'), 'utf8'))

const places = Object.entries(TABLES).flatMap(([table, chains]) =>
  Object.keys(chains).map((chain) => [table, chain] as const),
)

function problemAt(
  { family, backend, rule }: Answer,
  table: string,
  chain: string,
  below: boolean,
): string | undefined {
  const heads = Object.keys(TABLES[table]!).map((name) => `:${name} ACCEPT [0:0]`)
  const rules = below ? [`-A ${chain} -j USER`, `-A USER ${rule}`] : [`-A ${chain} ${rule}`]
  const text = [`*${table}`, ...heads, ':USER - [0:0]', ...rules, 'COMMIT', ''].join('\n')
  const read = readSave(text, { file: 'case', family, backend })
  return read.ok ? undefined : read.problems[0]!.message
}

describe.each(['base', 'below'] as const)('where a rule may stand: %s', (where) => {
  test.each(answers.map((answer) => [`${answer.backend} IPv${answer.family} ${answer.rule}`, answer] as const))(
    '%s',
    (_, answer) => {
      const taken = places.filter(([table, chain]) => !problemAt(answer, table, chain, where === 'below'))
      expect(taken.map((place) => place.join(' ')).sort()).toEqual([...answer[where]].sort())
    },
  )
})

// the error says which of table, chain, protocol and family is wrong
test.each([
  [4, 'mangle', 'INPUT', '-p tcp -j TPROXY --on-port 1', 'TPROXY may only be reached from PREROUTING, not from INPUT'],
  [
    4,
    'filter',
    'INPUT',
    '-p tcp -j TPROXY --on-port 1',
    '"TPROXY" may only be used in the table mangle, not in filter',
  ],
  [4, 'mangle', 'PREROUTING', '-p icmp -j TPROXY --on-port 1', '"TPROXY" needs -p with a protocol that it knows'],
  [4, 'mangle', 'POSTROUTING', '-j SNPT --src-pfx fd00::/64 --dst-pfx fd01::/64', '"SNPT" is not there for IPv4'],
  [6, 'nat', 'PREROUTING', '-j MASQUERADE', 'MASQUERADE may only be reached from POSTROUTING, not from PREROUTING'],
] as const)('IPv%s %s %s %s', (family, table, chain, rule, problem) => {
  expect(problemAt({ family, backend: 'legacy', rule, base: [], below: [] }, table, chain, false)).toBe(problem)
})

/** Extensions that this kernel does not have, or that need more than a rule (a set, SELinux); QUEUE, which nft has not, and we read all the same. */
const UNASKED = /^(ipvs|ipcomp|nfacct|osf|rateest|set|srh|udplite|CLUSTERIP|LED|QUEUE|SECMARK|SET|ULOG)$/

test.each(Object.keys({ ...matches, ...targets }).filter((name) => !UNASKED.test(name)))('%s is asked for', (name) => {
  const uses = answers.some(({ rule }) => new RegExp(`-[mjp] ${name}\\b`).test(rule))
  expect(uses).toBe(true)
})
