import { expect, test } from 'vitest'
import { readSnapshot } from '../../snapshot/index.js'
import { sameHost, TableChange } from './changes.js'

function filter(rules: readonly string[]) {
  const text = ['*filter', ':INPUT ACCEPT [0:0]', ':ONE - [0:0]', ':TWO - [0:0]', ...rules, 'COMMIT', ''].join('\n')
  const read = readSnapshot([{ path: 'iptables-save', text }])
  if (!read.ok) throw new Error(read.problems[0]!.message)
  const [namespace] = read.hosts.namespaces
  return { namespace: namespace!, table: namespace!.tables.find(({ name }) => name === 'filter')! }
}

const isChanged = (old: readonly string[], now: readonly string[], same = true) =>
  new TableChange(filter(old).table, filter(now).table, same).isChanged('INPUT')

const RULES = ['-A INPUT -p tcp -m tcp --dport 22 -j ONE', '-A ONE -s 10.0.0.0/8 -j ACCEPT', '-A TWO -j DROP']

test.each<readonly [string, readonly string[], boolean]>([
  ['the same', RULES, false],
  ['another rule in a chain that is called', [RULES[0]!, '-A ONE -s 10.0.0.0/9 -j ACCEPT', RULES[2]!], true],
  ['another rule in a chain that nobody calls', [RULES[0]!, RULES[1]!, '-A TWO -j ACCEPT'], false],
  ['one rule more', [...RULES, '-A INPUT -j LOG'], true],
  ['a comment', [RULES[0]!, '-A ONE -s 10.0.0.0/8 -m comment --comment "as \\"ever\\"" -j ACCEPT', RULES[2]!], false],
  ['other counters', [`[7:420] ${RULES[0]}`, ...RULES.slice(1)], false],
])('%s', (_, rules, changed) => {
  expect(isChanged(RULES, rules)).toBe(changed)
})

test('a comment that looks like a jump hides none', () => {
  const commented = (last: string) => ['-A INPUT -m comment --comment "was -j TWO" -j ONE', `-A ONE -j ${last}`]
  expect(isChanged(commented('DROP'), commented('ACCEPT'))).toBe(true)
})

test('what asks the host is the same only where the host is', () => {
  const rules = ['-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT']
  expect([isChanged(rules, rules, false), isChanged(rules, rules, true)]).toEqual([true, false])
  const { namespace } = filter(rules)
  expect(sameHost(namespace, namespace, 4)).toBe(true)
  const route = { ...namespace, routes: [{ table: 254 }] } as never
  expect(sameHost(namespace, route, 4)).toBe(false)
})

test('which rules two versions have in common', () => {
  const change = new TableChange(
    filter(RULES).table,
    filter([RULES[0]!, '-A INPUT -j LOG', ...RULES.slice(1)]).table,
    true,
  )
  expect(change.chain('INPUT')).toMatchObject({ onlyOld: [], onlyNow: [1] })
  expect(change.chain('ONE')).toMatchObject({ onlyOld: [], onlyNow: [] })
})
