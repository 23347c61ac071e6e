import { expect, test } from 'vitest'
import type { Cell, Matrix } from '../analysis/reach-matrix.js'
import { plainLine } from './line.js'
import { matrixFile, matrixText } from './reach-matrix.js'

const cell = (reach: Cell['reach']): Cell => ({ reach, receivers: [] })

/** Of so many targets, only number 5 is reached. */
const matrixOf = (count: number): Matrix => ({
  family: 4,
  askers: ['internet'],
  targets: Array.from({ length: count }, (_, i) => `svc-${i}`),
  cells: [Array.from({ length: count }, (_, i) => cell(i === 5 ? 'all' : 'none'))],
})

test('many targets that fare alike share a column, in CSV each has its own', () => {
  const many = matrixOf(1_000)
  expect(matrixText(many, 'reach').map(plainLine)).toEqual([
    '  1  svc-0, svc-1, svc-2, and 996 more',
    '  2  svc-5',
    '',
    expect.stringMatching(/^from +1 +2 *$/),
    expect.stringMatching(/^internet +no +yes *$/),
  ])
  expect(matrixFile(many, 'reach', 'markdown')).toBe(
    '| from | svc-0, svc-1, svc-2, and 996 more | svc-5 |\n|---|---|---|\n| internet | no | yes |\n',
  )
  expect(matrixFile(many, 'reach', 'csv').split('\r\n')[0]!.split(',')).toHaveLength(1_001)
})

test('few targets have a column each', () => {
  expect(matrixText(matrixOf(10), 'reach')).toHaveLength(13)
})
