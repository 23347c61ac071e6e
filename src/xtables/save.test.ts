import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isSave, printSave, readSave, toTables } from './index.js'

const read = (text: string, options: { family?: 4 | 6; keepGoing?: boolean; backend?: 'legacy' | 'nft' } = {}) =>
  readSave(text, { file: 'f', family: 4, ...options })

const samples = join(import.meta.dirname, '../../samples')
const dumps = readdirSync(samples, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /ip6?tables-save$/.test(file),
)

describe('dumps of real hosts', () => {
  test.each(dumps)('%s is printed back byte for byte', (file) => {
    const text = readFileSync(join(samples, file), 'utf8')
    const saved = readSave(text, { file, family: file.includes('ip6') ? 6 : 4 })
    if (!saved.ok) throw new Error(JSON.stringify(saved.problems))
    expect(printSave(saved.save)).toBe(text)
    for (const table of toTables(saved.save))
      for (const chain of table.chains.values()) for (const rule of chain.rules) rule.steps
  })
  test('there are some', () => expect(dumps.length).toBeGreaterThan(6))
})

const FILTER = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n'

/** A file, where the problem is, and what it says. */
const REFUSED: readonly (readonly [text: string, line: number, column: number, message: string])[] = [
  [
    `${FILTER}-A INPUT -p tcp --nonsense 5\nCOMMIT\n`,
    5,
    17,
    'unknown option "--nonsense": no match of this rule has it',
  ],
  [`${FILTER}-A INPUT -m tcp --dport 5 -j DROP\nCOMMIT\n`, 5, 13, '"tcp" needs -p with a protocol that it knows'],
  [`${FILTER}-A INPUT -p tcp --dport 99999\nCOMMIT\n`, 5, 25, "invalid port/service `99999' specified (--dport)"],
  [`${FILTER}-A INPUT -s 10.0.0.256 -j DROP\nCOMMIT\n`, 5, 13, "host/network `10.0.0.256' not found"],
  [
    `${FILTER}-A INPUT -s example.org -j DROP\nCOMMIT\n`,
    5,
    13,
    "host/network `example.org' not found: names are not looked up",
  ],
  [`${FILTER}-A INPUT -s 2001:db8::1 -j DROP\nCOMMIT\n`, 5, 13, '2001:db8::1 is not an IPv4 address'],
  [`${FILTER}[0:0] -A INPUT -j NOWHERE\nCOMMIT\n`, 5, 19, 'chain or target "NOWHERE" does not exist in table filter'],
  [`${FILTER}-A INPUT -j OUTPUT\nCOMMIT\n`, 5, 13, 'OUTPUT is a built-in chain: nothing jumps to it'],
  [
    `${FILTER}:A - [0:0]\n:B - [0:0]\n-A INPUT -j A\n-A A -j B\n-A B -g A\nCOMMIT\n`,
    9,
    9,
    'a loop of jumps: A → B → A',
  ],
  [`${FILTER}:A - [0:0]\n-A FORWARD -p tcp -j A\n-A A -j A\nCOMMIT\n`, 7, 9, 'a loop of jumps: A → A'],
  [`${FILTER}-A INPUT -j ACCEPT\n`, 5, 1, 'the file ends within table filter: COMMIT is missing'],
  [`${FILTER}*nat\nCOMMIT\n`, 5, 1, 'table nat begins before table filter ended: COMMIT is missing'],
  [`${FILTER}COMMIT\n-A INPUT -j ACCEPT\n`, 6, 1, 'this stands in no table'],
  [`${FILTER}COMMIT\n${FILTER}COMMIT\n`, 6, 1, 'table filter stands twice'],
  [`${FILTER}:A - [0:0]\n:A - [0:0]\nCOMMIT\n`, 6, 1, 'chain A stands twice'],
  [`${FILTER}:A DROP [0:0]\nCOMMIT\n`, 5, 4, 'chain A is not built into table filter: it has no policy'],
  ['*filter\n:INPUT REJECT [0:0]\nCOMMIT\n', 2, 8, 'bad policy "REJECT" of INPUT: ACCEPT or DROP'],
  ['*filter\n:INPUT ACCEPT [0:x]\nCOMMIT\n', 2, 15, 'bad counters "[0:x]": [packets:bytes]'],
  [
    `${FILTER}:${'A'.repeat(29)} - [0:0]\nCOMMIT\n`,
    5,
    1,
    `chain name \`${'A'.repeat(29)}' too long (must be under 29 chars)`,
  ],
  ['*flter\nCOMMIT\n', 1, 1, 'there is no table "flter": raw, mangle, nat, filter, security'],
  [`${FILTER}-A NONE -j ACCEPT\nCOMMIT\n`, 5, 4, 'chain NONE of table filter does not exist'],
  [`${FILTER}-A INPUT -m comment --comment "open -j DROP\nCOMMIT\n`, 5, 31, 'this quote is never closed'],
  [`${FILTER}hello\nCOMMIT\n`, 5, 1, '"hello" is no line of iptables-save'],
  [`${FILTER}-A INPUT -p tcp ! -j DROP\nCOMMIT\n`, 5, 19, '"!" cannot stand before -j'],
  [`${FILTER}-A INPUT -p\nCOMMIT\n`, 5, 10, 'option "-p" requires an argument: a protocol'],
  [
    '*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:X - [0:0]\n-A INPUT -j X\n-A X -p tcp -j DNAT --to-destination 10.0.0.1\nCOMMIT\n',
    6,
    16,
    'DNAT may only be reached from PREROUTING, OUTPUT, not from INPUT',
  ],
  [`${FILTER}-A INPUT -j MASQUERADE\nCOMMIT\n`, 5, 13, '"MASQUERADE" may only be used in the table nat, not in filter'],
  ['x'.repeat(50_000_000), 1, 1, 'a line of 50000000 characters: longer than any rule'],
  [
    `${FILTER}-A INPUT -m conntrack --ctstate NOVEL -j DROP\nCOMMIT\n`,
    5,
    33,
    '--ctstate: bad connection state "NOVEL": one of INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED, SNAT, DNAT',
  ],
]

describe('what cannot be read', () => {
  test.each(REFUSED.map((row) => [row[3], row] as const))('%s', (_, [text, line, column, message]) => {
    const begun = performance.now()
    expect(read(text)).toEqual({ ok: false, problems: [{ file: 'f', line, column, message }] })
    expect(performance.now() - begun).toBeLessThan(1000)
  })

  test('all bad lines, where asked', () => {
    const text = `${FILTER}-A INPUT -s x -j DROP\n-A INPUT -j DROP\n-A INPUT --y\nCOMMIT\n`
    const all = read(text, { keepGoing: true })
    expect(all.ok ? [] : all.problems.map(({ line }) => line)).toEqual([5, 7])
  })
})

const text = (rules: string) => {
  const saved = read(`${FILTER}:USER - [0:0]\n${rules}\nCOMMIT\n`, { backend: 'legacy' })
  if (!saved.ok) throw new Error(saved.problems[0]!.message)
  return saved.save
}

test.each([
  ['a loop that nothing leads to', '-A A -j B\n-A B -j A', 'nft', true],
  ['a loop behind a rule that always ends', '-A INPUT -j ACCEPT\n-A INPUT -j A\n-A A -j B\n-A B -j A', 'legacy', true],
  ['the same under nft', '-A INPUT -j ACCEPT\n-A INPUT -j A\n-A A -j B\n-A B -j A', 'nft', false],
  [
    'a loop behind a rule that ends for some',
    '-A INPUT -p tcp -j ACCEPT\n-A INPUT -j A\n-A A -j B\n-A B -j A',
    'legacy',
    false,
  ],
] as const)('%s, as Linux 6.18 takes it', (_, rules, backend, ok) => {
  expect(read(`${FILTER}:A - [0:0]\n:B - [0:0]\n${rules}\nCOMMIT\n`, { backend }).ok).toBe(ok)
})

describe('what it means', () => {
  test('an unknown match and an unknown target are kept, and say so', () => {
    const line = '-A INPUT -m future --new-thing "a b" 5 ! --other x -j FUTURE --deep "x y"'
    const [rule] = text(line).tables[0]!.chains.get('INPUT')!.rules
    expect(rule!.text).toBe(line)
    expect(rule!.steps).toEqual([
      {
        if: {
          is: 'unknown',
          text: '-m future --new-thing "a b" 5 ! --other x',
          needs: 'the match future is not known',
        },
      },
      { count: 'rule' },
      { do: { do: 'unknown', text: '-j FUTURE --deep "x y"', needs: 'the target FUTURE is not known' } },
    ])
  })

  test('the header in the order of ip_packet_match, then the matches, the counter, the target', () => {
    const [rule] = text(
      '[3:4] -A INPUT -s 10.0.0.0/8 ! -d 10.1.2.3 -i eth+ -p udp ! -f -m mark --mark 1 -g USER',
    ).tables[0]!.chains.get('INPUT')!.rules
    expect(rule!.steps).toEqual([
      { if: { is: 'in', value: 'ip.saddr', ranges: [[0x0a000000, 0x0affffff]] } },
      { if: { is: 'not', of: { is: 'in', value: 'ip.daddr', ranges: [[0x0a010203, 0x0a010203]] } } },
      {
        if: {
          is: 'in',
          value: 'meta.iifname',
          ranges: [[0x65746800000000000000000000000000n, 0x657468ffffffffffffffffffffffffffn]],
        },
      },
      { if: { is: 'in', value: 'meta.l4proto', ranges: [[17, 17]] } },
      { if: { is: 'in', value: 'frag.offset', ranges: [[0, 0]] } },
      { if: { is: 'in', value: { from: 'masked', of: 'meta.mark', mask: 0xffffffff }, ranges: [[1, 1]] } },
      { count: 'rule' },
      { do: { do: 'goto', chain: 'USER' } },
    ])
    expect(rule!.counters).toEqual({ packets: 3, bytes: 4 })
    expect(rule!.source).toEqual({ file: 'f', line: 6 })
  })

  test('steps are the same object each time', () => {
    const [rule] = text('-A INPUT -m limit --limit 1/s -j ACCEPT').tables[0]!.chains.get('INPUT')!.rules
    expect(rule!.steps).toBe(rule!.steps)
  })

  test('a comment is the comment of its rule', () => {
    const [rule] = text('-A INPUT -m comment --comment "two words" -j ACCEPT').tables[0]!.chains.get('INPUT')!.rules
    expect(rule!.comment).toBe('two words')
  })

  test.each([
    ['-A INPUT -m conntrack --ctstate NEW -j ACCEPT', true],
    ['-A INPUT -m state --state NEW -j ACCEPT', true],
    ['-A USER -m connmark --mark 1 -j ACCEPT', true],
    ['-A INPUT -j CONNMARK --save-mark', true],
    ['-A INPUT -m mark --mark 1 -j ACCEPT', false],
  ])('%s: connection tracking %s', (line, on) => {
    expect(toTables(text(line))[0]!.needsConntrack).toBe(on)
  })

  test('base chains with hook, priority and type', () => {
    const saved = read('*mangle\n:OUTPUT DROP [1:2]\n:X - [0:0]\nCOMMIT\n*nat\n:INPUT ACCEPT [0:0]\nCOMMIT\n')
    if (!saved.ok) throw new Error('refused')
    const [mangle, nat] = toTables(saved.save)
    expect(mangle!.chains.get('OUTPUT')!.base).toEqual({
      hook: 'output',
      priority: -150,
      type: 'route',
      policy: 'drop',
      counters: { packets: 1, bytes: 2 },
    })
    expect(mangle!.chains.get('X')!.base).toBeUndefined()
    expect(nat!.chains.get('INPUT')!.base).toEqual({
      hook: 'input',
      priority: 100,
      type: 'nat',
      policy: 'accept',
      counters: { packets: 0, bytes: 0 },
    })
  })
})

describe('iptables -S', () => {
  test('is a table without its line', () => {
    const saved = read('-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N USER\n-A INPUT -j USER\n')
    expect(saved.ok && printSave(saved.save)).toBe(
      '*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:USER - [0:0]\n-A INPUT -j USER\nCOMMIT\n',
    )
  })
})

test.each([
  ['# Generated by iptables-save v1.8.9 on x\n*filter\n', true],
  ['*nat\n:X - [0:0]\n', true],
  ['-P INPUT ACCEPT\n', true],
  ['\n\n-A INPUT -j DROP\n', true],
  ['# Generated by ip6tables-save v1.8.9 on x\n', true],
  ['Chain INPUT (policy ACCEPT)\n', false],
  ['table ip filter {\n', false],
  ['*.log\n', false],
  ['', false],
])('isSave %j: %s', (given, expected) => expect(isSave(given)).toBe(expected))
