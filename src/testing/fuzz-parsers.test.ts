import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fuzzParsers } from './fuzz-parsers.js'

const root = join(import.meta.dirname, '../..')

test('3,000 mutated lines: no exception, nothing slow, every refusal with its place', () => {
  const { inputs, refused, failures } = fuzzParsers(root, 3000, 7)
  expect(failures).toEqual([])
  expect(inputs).toBe(3000)
  // lines that are still good are among them, and ones that are not
  expect(refused).toBeGreaterThan(600)
  expect(refused).toBeLessThan(2900)
}, 60_000)
