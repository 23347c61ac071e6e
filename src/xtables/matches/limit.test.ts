import { expect, test } from 'vitest'
import { readSave } from '../index.js'

function ruleOf(rule: string, backend: 'legacy' | 'nft'): string {
  const read = readSave(`*filter\n:INPUT ACCEPT\n-A INPUT ${rule}\nCOMMIT\n`, { file: 'f', family: 4, backend })
  return read.ok ? read.save.tables[0]!.chains.get('INPUT')!.rules[0]!.text : read.problems[0]!.message
}

// what iptables 1.8.9 made of them
test.each([
  ['1s', '1/sec'],
  ['5x/minute', '5/min'],
  [' +3/S', '3/sec'],
  ['03/hour', undefined],
])('a rate of "%s"', (given, printed) => {
  const rule = `-m limit --limit${printed === undefined ? '' : ` ${printed}`}`
  expect(ruleOf(`-m limit --limit "${given}"`, 'nft')).toContain(rule)
})

// limit_mt_check wraps at 32 bits, so that more may be less
test.each<[string, number, boolean]>([
  ['1/day', 1, true], ['1/day', 2, false], ['1/day', 3, true], ['1/day', 4, false], ['1/day', 5, false],
  ['1/hour', 119, true], ['1/hour', 120, false], ['1/hour', 200, true],
])('legacy: %s with a burst of %i: %s', (rate, burst, taken) => {
  const rule = `-m limit --limit ${rate} --limit-burst ${burst}`
  expect(ruleOf(rule, 'legacy').includes('overflows')).toBe(!taken)
  expect(ruleOf(rule, 'nft')).not.toContain('overflows')
}) // biome-ignore format: a table
