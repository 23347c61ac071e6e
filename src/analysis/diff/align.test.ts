import fc from 'fast-check'
import { expect, test } from 'vitest'
import { align } from './align.js'

test.each<[string, string, string, number]>([
  ['the same', 'abc', 'abc', 3],
  ['one more', 'abc', 'abxc', 3],
  ['one less', 'abc', 'ac', 2],
  ['two change places', 'abcd', 'acbd', 3],
  ['a block moves', 'abcdefgh', 'efghabcd', 4],
  ['lines that are there twice', 'aabcc', 'aaxbcc', 5],
  ['nothing in common', 'abc', 'xyz', 0],
])('%s', (_, old, now, count) => {
  expect(align([...old], [...now])).toHaveLength(count)
})

test('what is found is in both lists, in the same order', () => {
  const lines = fc.array(fc.constantFrom(...'abcdefghij'), { maxLength: 40 })
  fc.assert(
    fc.property(lines, lines, (old, now) => {
      const found = align(old, now)
      for (const [a, b] of found) expect(old[a]).toBe(now[b])
      for (const [i, [a, b]] of found.entries())
        if (i > 0) expect([found[i - 1]![0] < a, found[i - 1]![1] < b]).toEqual([true, true])
    }),
  )
})
