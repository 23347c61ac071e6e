import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SaveRule } from './rule.js'
import { ReadChain } from './rule-rows.js'
import { SaveReader } from './save-reader.js'
import { TABLES } from './tables.js'

interface Asked {
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  readonly rule: string
}

const asked = (name: string): readonly Asked[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, `recordings/${name}.json`), 'utf8'))

/** 0 ≤ x < 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const draw = seeded(4)
const upTo = (last: number) => Math.floor(draw() * (last + 1))
const oneOf = <T>(list: readonly T[]): T => list[upTo(list.length - 1)]!

/** Values of the kinds that may be plain, and such that nearly are. */
const OTHERS: Readonly<Record<string, () => string>> = {
  '-s': () =>
    oneOf([
      `10.${upTo(255)}.0.0/16`,
      `192.0.2.${upTo(255)}/32`,
      '10.1.2.3/8',
      '10.1.2.3',
      '01.2.3.4/32',
      '0.0.0.0/0',
      '1.2.3.4/33',
      '10.0.0.1,10.0.0.2',
      'fd00::/8',
      'fd00:0::1/128',
      '::/0',
      '! 10.0.0.0/8',
      '"10.0.0.0/8"',
      '1.2.3/32',
      '1.2.3.4.5/32',
    ]),
  '--dport': () =>
    oneOf([
      `${upTo(70_000)}`,
      `${upTo(999)}`,
      '0',
      '080',
      'http',
      '1:5',
      '0:65535',
      '5:1',
      '65535',
      '65536',
      '"22"',
      '-1',
    ]),
  '--comment': () =>
    oneOf([
      '"a b"',
      'a_b',
      'a.b',
      '"a_b"',
      '"é"',
      '"it\'s"',
      '"a\\"b"',
      '""',
      '"!"',
      '!',
      '"-j"',
      '-j',
      `"${'x '.repeat(130)}"`,
      '"open',
      '"a"b',
      'a"b c"',
      '"\t"',
    ]),
  '--to-destination': () =>
    oneOf([
      `10.0.0.${upTo(255)}`,
      `10.0.0.1:${upTo(70_000)}`,
      '10.0.0.1:0',
      '10.0.0.1-10.0.0.9',
      ':80',
      '10.0.0.1:http',
      '10.0.0.1:80-90',
      '[fd00::1]:80',
      '10.0.0.01',
    ]),
  '-i': () =>
    oneOf([
      `eth${upTo(9)}`,
      'eth+',
      '+',
      'br-lan',
      '-x',
      '',
      'a+b',
      'verylonginterfacename',
      'eth0.100',
      '"e"',
      '!',
      'e:1',
      'wg@0',
    ]),
  '-j': () => oneOf(['USER', 'ACCEPT', 'NOTHING', 'INPUT', 'LOG', '"USER"', 'DNAT', '! USER']),
}
const SAME: Readonly<Record<string, string>> = {
  '-d': '-s',
  '--sport': '--dport',
  '-o': '-i',
  '-g': '-j',
  '--to-source': '--to-destination',
  '--log-prefix': '--comment',
}

/** A rule with some of its values changed. */
function varied(rule: string): string {
  const words = rule.match(/"[^"]*"|\S+/g) ?? []
  return words
    .map((word, i) => {
      const before = words[i - 1] ?? ''
      const other = OTHERS[SAME[before] ?? before]
      return other && draw() < 0.7 ? other() : word
    })
    .join(draw() < 0.02 ? '  ' : ' ')
}

const head = (table: string) => [
  `*${table}`,
  ...Object.keys(TABLES[table]!).map((chain) => `:${chain} ACCEPT [0:0]`),
  ':USER - [0:0]',
  ':LOG - [0:0]',
]

/** What is wrong with the lines behind the first ones, and the rules that they make, by line. */
function read(first: readonly string[], lines: readonly string[], family: 4 | 6, small: number) {
  const reader = new SaveReader(
    `${[...first, ...lines].join('\n')}\n# end`,
    { file: 'f', family, keepGoing: true },
    small,
  )
  reader.read()
  const chains = reader
    .result()
    .tables.flatMap(({ chains }) => [...chains.values()].filter((chain) => chain instanceof ReadChain))
  const printed: string[] = []
  for (const chain of chains) chain.print(printed)
  // COMMIT is missing, so that the table is not checked as a whole
  const problems = new Map(
    reader.problems.map(({ line, column, message }) => [line - first.length, `${column}: ${message}`]),
  )
  const rules = new Map<number, Facts[]>()
  for (const rule of chains.flatMap((chain) => chain.rules))
    rules.set(rule.line - first.length, [...(rules.get(rule.line - first.length) ?? []), facts(rule)])
  return {
    problems,
    rules,
    printed: printed.join('\n'),
    expected: chains.flatMap((chain) => chain.rules.map((rule) => rule.print())).join('\n'),
  }
}

type Facts = ReturnType<typeof facts>
const facts = ({ text, jump, tracks, defragments, allowed, ends, counters }: SaveRule) => ({
  text,
  jump,
  tracks,
  defragments,
  allowed,
  ends,
  counters,
})

const MORE = [
  '-s 10.0.0.0/8 -d 10.1.0.0/16 -i eth0 -o eth1 -p tcp -m tcp --sport 1 --dport 2 -j USER', '-p tcp -m comment --comment "a b" -m tcp --dport 80 -j DNAT --to-destination 10.0.0.1:80',
  '-p udp -m udp --dport 53 -m comment --comment x -g USER', '-j SNAT --to-source 10.0.0.1', '-j LOG --log-prefix "a b" --log-level 4', '-m comment --comment "a b" -j ACCEPT', '--dport 80 -p tcp -j USER', '-p tcp --dport=80 -j USER',
  '-j DNAT --to-destination 10.0.0.1', '-p udp -j DNAT --to-destination 10.0.0.1:53', '! -s 10.0.0.0/8 -j USER', '-m nothing --comment "a b" -j USER',
  '-4 -s 10.0.0.0/8 -j USER', '-6 -j USER', '-c 1 2 -j USER', '-s 10.0.0.1,10.0.0.2 -j USER', '-p tcp --dpo 80 -j USER', '-ptcp --dport 80 -jUSER', '-s ! 10.0.0.0/8 -j USER',
] // biome-ignore format: a table

describe.each([4, 6] as const)('IPv%i: rules of one shape are what they are when each is read alone', (family) => {
  test.each(['raw', 'mangle', 'nat', 'filter'])('%s', (table) => {
    const recorded = [...asked('text'), ...asked('matches')].filter(
      (one) => one.family === family && one.table === table,
    )
    const more = MORE.flatMap((rule) =>
      Object.keys(TABLES[table]!).flatMap((chain) => Array.from({ length: 25 }, () => ({ chain, rule }))),
    )
    const lines = [...recorded, ...recorded, ...more].map(
      ({ chain, rule }) => `${oneOf(['', '', '[0:0] ', '[05:7] '])}-A ${draw() < 0.2 ? 'USER' : chain} ${varied(rule)}`,
    )
    const first = head(table)
    const together = read(first, lines, family, 0)
    let good = 0
    for (const [i, line] of lines.entries()) {
      const alone = read(first, [line], family, Number.POSITIVE_INFINITY)
      expect({ line, rules: together.rules.get(i + 1), problem: together.problems.get(i + 1) }).toEqual({
        line,
        rules: alone.rules.get(1),
        problem: alone.problems.get(1),
      })
      if (alone.rules.has(1)) good++
    }
    expect(good).toBeGreaterThan(lines.length / 5)
    expect(together.printed).toBe(together.expected)
  })
})
