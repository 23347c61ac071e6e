import { expect, test } from 'vitest'
import { readSnapshot } from '../snapshot/index.js'
import { sameHost, sameRules } from './same-rules.js'

function input(rules: readonly string[], policy = 'ACCEPT') {
  const text = ['*filter', `:INPUT ${policy} [0:0]`, ':ONE - [0:0]', ':TWO - [0:0]', ...rules, 'COMMIT', ''].join('\n')
  const read = readSnapshot([{ path: 'iptables-save', text }])
  if (!read.ok) throw new Error(read.problems[0]!.message)
  const [namespace] = read.hosts.namespaces
  const table = namespace!.tables.find(({ name }) => name === 'filter')!
  return { namespace: namespace!, base: { table, chain: table.chains.get('INPUT')! } }
}

const RULES = ['-A INPUT -p tcp -m tcp --dport 22 -j ONE', '-A ONE -s 10.0.0.0/8 -j ACCEPT', '-A TWO -j DROP']

test.each<readonly [string, readonly string[], string, boolean]>([
  ['the same', RULES, 'ACCEPT', true],
  ['another policy', RULES, 'DROP', false],
  ['another rule in a chain that is called', [RULES[0]!, '-A ONE -s 10.0.0.0/9 -j ACCEPT', RULES[2]!], 'ACCEPT', false],
  ['another rule in a chain that nobody calls', [RULES[0]!, RULES[1]!, '-A TWO -j ACCEPT'], 'ACCEPT', true],
  ['one rule more', [...RULES, '-A INPUT -j LOG'], 'ACCEPT', false],
])('%s', (_, rules, policy, same) => {
  expect(sameRules(input(RULES).base, input(rules, policy).base, true)).toBe(same)
})

test('a comment that looks like a jump hides none', () => {
  const commented = (last: string) => ['-A INPUT -m comment --comment "was -j TWO" -j ONE', `-A ONE -j ${last}`]
  expect(sameRules(input(commented('DROP')).base, input(commented('ACCEPT')).base, true)).toBe(false)
})

test('what asks the host is the same only where the host is', () => {
  const { base, namespace } = input(['-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT'])
  expect(sameRules(base, base, false)).toBe(false)
  expect(sameRules(base, base, true)).toBe(true)
  expect(sameHost(namespace, namespace, 4)).toBe(true)
  const route = { ...namespace, routes: [{ table: 254 }] } as never
  expect(sameHost(namespace, route, 4)).toBe(false)
})
