import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columns, fill, lineColumns, plainLine, printable, span, table, words } from './line.js'

test.each([
  ['plain', 'plain'],
  ['grün 中文 🐧', 'grün 中文 🐧'],
  ['\x1b[31mred', '\\x1b[31mred'],
  ['a\tb\nc', 'a\\x09b\\x0ac'],
  ['\u202egnp.exe', '\\u202egnp.exe'],
  ['zero\u200bwidth\ufeff', 'zero\\u200bwidth\\ufeff'],
  ['tag \u{e0041}', 'tag \\u{e0041}'],
  ['lone \ud800', 'lone \\ud800'],
  ['\u2028', '\\u2028'],
])('printable(%j) is %j', (text, shown) => {
  expect(printable(text)).toBe(shown)
})

test.each([
  ['abc', 3],
  ['中文', 4],
  ['e\u0301', 1],
  ['🐧', 2],
  ['→ ≠', 3],
])('%j takes %i columns', (text, width) => {
  expect(columns(text)).toBe(width)
})

test('a filled line is as wide as asked, words whole and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 24, max: 90 }),
      (text, width) => {
        const lines = fill({ indent: 4, hang: 2, pieces: words(text.join(' ')) }, width)
        for (const line of lines) expect(lineColumns(line)).toBeLessThanOrEqual(width)
        expect(lines.map((line) => plainLine(line).trim()).join(' ')).toBe(text.join(' '))
      },
    ),
  )
})

test('a piece stays whole where it fits, and breaks at its spaces where not', () => {
  const pieces = [span('-A X'), span('--comment "one two three four"'), span('-j ACCEPT')]
  expect(fill({ indent: 0, hang: 2, pieces }, 34).map(plainLine)).toEqual([
    '-A X',
    '  --comment "one two three four"',
    '  -j ACCEPT',
  ])
  expect(fill({ indent: 0, hang: 2, pieces }, 20).map(plainLine)).toEqual([
    '-A X --comment "one',
    '  two three four"',
    '  -j ACCEPT',
  ])
})

test('columns of a table line up, nothing trails', () => {
  const rows = [
    [span('a'), span('中'), span('x')],
    [span('long'), span(''), span('')],
  ]
  expect(table(rows, { indent: 1 }).map(plainLine)).toEqual([' a     中  x', ' long'])
})
