import { expect, test } from 'vitest'
import { applyCommand, familyOfCommand, printSave, readSave, type SaveFile } from './index.js'

const START = [
  '*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':USER - [0:0]', ':EMPTY - [0:0]',
  '[1:2] -A INPUT -i lo -j ACCEPT', '[3:4] -A INPUT -j USER', '[5:6] -A USER -p tcp -m tcp --dport 22 -j ACCEPT', 'COMMIT', '',
] // biome-ignore format: a file

const start = (): SaveFile => {
  const saved = readSave(START.join('\n'), { file: 'f', family: 4 })
  if (!saved.ok) throw new Error(saved.problems[0]!.message)
  return saved.save
}

/** The lines that go (-) and come (+). */
const difference = (before: string, after: string): readonly string[] => {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const count = (lines: readonly string[], line: string) => lines.filter((one) => one === line).length
  const gone = old.filter((line, i) => count(old.slice(0, i + 1), line) > count(now, line)).map((line) => `- ${line}`)
  const come = now.filter((line, i) => count(now.slice(0, i + 1), line) > count(old, line)).map((line) => `+ ${line}`)
  return [...gone, ...come]
}

test.each<readonly [command: string, ...changes: string[]]>([
  ['iptables -A INPUT -p tcp --dport 80 -j ACCEPT', '+ [0:0] -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'],
  ['/usr/sbin/iptables-nft -w 5 -t filter --append INPUT -j DROP', '+ [0:0] -A INPUT -j DROP'],
  ['iptables -p udp -A INPUT -j DROP', '+ [0:0] -A INPUT -p udp -j DROP'],
  [
    `iptables -A INPUT -m comment --comment 'say "hi"' -j DROP`,
    '+ [0:0] -A INPUT -m comment --comment "say \\"hi\\"" -j DROP',
  ],
  ['iptables -A INPUT -s 10.0.0.1,10.0.0.2', '+ [0:0] -A INPUT -s 10.0.0.1/32', '+ [0:0] -A INPUT -s 10.0.0.2/32'],
  ['iptables -D INPUT 1', '- [1:2] -A INPUT -i lo -j ACCEPT'],
  ['iptables -D USER -p tcp --dport 22 -j ACCEPT', '- [5:6] -A USER -p tcp -m tcp --dport 22 -j ACCEPT'],
  ['iptables -R INPUT 2 -j DROP', '- [3:4] -A INPUT -j USER', '+ [0:0] -A INPUT -j DROP'],
  ['iptables -P FORWARD DROP', '- :FORWARD ACCEPT [0:0]', '+ :FORWARD DROP [0:0]'],
  ['iptables -N NEW', '+ :NEW - [0:0]'],
  ['iptables -X EMPTY', '- :EMPTY - [0:0]'],
  ['iptables -E EMPTY FULL', '- :EMPTY - [0:0]', '+ :FULL - [0:0]'],
  ['iptables -F USER', '- [5:6] -A USER -p tcp -m tcp --dport 22 -j ACCEPT'],
  [
    'iptables -F',
    '- [1:2] -A INPUT -i lo -j ACCEPT',
    '- [3:4] -A INPUT -j USER',
    '- [5:6] -A USER -p tcp -m tcp --dport 22 -j ACCEPT',
  ],
  [
    'iptables -t raw -A PREROUTING -j NOTRACK',
    '+ *raw',
    '+ :PREROUTING ACCEPT [0:0]',
    '+ :OUTPUT ACCEPT [0:0]',
    '+ [0:0] -A PREROUTING -j NOTRACK',
    '+ COMMIT',
  ],
  [
    'iptables -Z USER',
    '- [5:6] -A USER -p tcp -m tcp --dport 22 -j ACCEPT',
    '+ [0:0] -A USER -p tcp -m tcp --dport 22 -j ACCEPT',
  ],
])('%s', (command, ...changes) => {
  const save = start()
  const applied = applyCommand(save, command)
  if (!applied.ok) throw new Error(applied.problems[0]!.message)
  expect([...difference(START.join('\n'), printSave(applied.save))].sort()).toEqual([...changes].sort())
  expect(printSave(save)).toBe(START.join('\n'))
})

test('-I puts rules first, or before a number', () => {
  const order = (command: string) => {
    const applied = applyCommand(start(), command)
    if (!applied.ok) throw new Error(applied.problems[0]!.message)
    return applied.save.tables[0]!.chains.get('INPUT')!.rules.map(({ text }) => text.slice('-A INPUT '.length))
  }
  expect(order('iptables -I INPUT -j DROP')).toEqual(['-j DROP', '-i lo -j ACCEPT', '-j USER'])
  expect(order('iptables -I INPUT 2 -j DROP')).toEqual(['-i lo -j ACCEPT', '-j DROP', '-j USER'])
  expect(order('iptables -I INPUT 3 -j DROP')).toEqual(['-i lo -j ACCEPT', '-j USER', '-j DROP'])
  // as iptables-legacy 1.8.9 does it: each of them goes to the same place
  expect(order('iptables -I INPUT -s 10.0.0.1,10.0.0.2 -j DROP').slice(0, 2)).toEqual([
    '-s 10.0.0.2/32 -j DROP',
    '-s 10.0.0.1/32 -j DROP',
  ])
})

test('a new rule says where it came from', () => {
  const applied = applyCommand(start(), 'iptables -A INPUT -j DROP', '--with')
  expect(applied.ok && applied.save.tables[0]!.chains.get('INPUT')!.rules[2]!.source).toEqual({
    file: '--with',
    line: 1,
  })
})

test.each([
  ['iptables -A NONE -j DROP', 13, 'iptables: No chain/target/match by that name.'],
  [
    'iptables -A USER -j USER',
    10,
    'iptables v1.8.9 (nf_tables):  RULE_APPEND failed (Too many links): rule in chain USER (a loop of jumps: USER → USER)',
  ],
  ["iptables -A INPUT -s 'x' -j DROP", 22, "host/network `x' not found: names are not looked up"],
  ['iptables -D INPUT 3', 19, 'iptables: Index of deletion too big.'],
  ['iptables -I INPUT 0 -j DROP', 19, "Invalid rule number `0'"],
  ['iptables -P USER DROP', 13, 'iptables: Bad built-in chain name.'],
  ['iptables -N USER', 13, 'iptables: Chain already exists.'],
  ['iptables -t nta -F', 13, "table 'nta' does not exist"],
  ['ip6tables -F', 1, 'these are the rules of IPv4'],
  ['ipset -F', 1, '"ipset" is not iptables'],
  ['iptables -j DROP', 17, 'no command specified'],
  ['iptables -A INPUT -m comment --comment "x', 40, 'this quote is never closed'],
  ['iptables -F USER -p tcp', 10, "Illegal option `-p' with this command"],
])('%s: refused', (command, column, message) => {
  expect(applyCommand(start(), command, 'w')).toEqual({
    ok: false,
    problems: [{ file: 'w', line: 1, column, message }],
  })
})

test.each([
  ['iptables -A INPUT', 4],
  ['/sbin/ip6tables-legacy -S', 6],
  ['ip route add', undefined],
  ['iptablesx', undefined],
])('familyOfCommand %s: %s', (command, family) => expect(familyOfCommand(command)).toBe(family))
