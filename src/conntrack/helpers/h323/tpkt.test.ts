import { expect, test } from 'vitest'
import type { H323Notes } from '../../entry.js'
import { userInformation } from './q931.js'
import { messagesIn } from './tpkt.js'

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from((hex.match(/../g) ?? []).map((two) => Number.parseInt(two, 16)))

const notes = (left: number | undefined): H323Notes => ({
  listed: left === undefined,
  left: { original: left, reply: 0 },
  signalPort: { original: 0, reply: 0 },
  mediaPorts: [],
  seconds: 0,
})

test.each([
  ['one', 0, '03000006aabb', [[4, 6]], 0],
  [
    'two',
    0,
    '03000006aabb03000005cc',
    [
      [4, 6],
      [10, 11],
    ],
    0,
  ],
  ['two, the second cut off', 0, '03000006aabb03000007cc', [[4, 6]], 0],
  ['something behind it', 0, '03000006aabb0301', [[4, 6]], 0],
  ['a header alone', 0, '03000006', [], 2],
  ['what belongs to a header alone', 2, 'aabb', [[0, 2]], 0],
  [
    'and another message behind it',
    2,
    'aabb03000005cc',
    [
      [0, 2],
      [6, 7],
    ],
    0,
  ],
  ['less than belongs to it', 3, 'aabb', [], 0],
  ['another header instead', 3, '03000006aabb', [[4, 6]], 0],
  ['a message in two segments', 0, '03000009aabb', [], 0],
  ['no message', 0, '04000006aabb', [], 0],
  ['seen by somebody else', undefined, 'aabb', ['unknown'], undefined],
] as const)('TPKT: %s', (_, left, hex, messages, after) => {
  const known = notes(left)
  const found: unknown[] = []
  for (const one of messagesIn(bytesOf(hex), 0, 'original', known)) {
    found.push(one === 'unknown' ? one : [one.at, one.end])
    if (one === 'unknown') break
  }
  expect(found).toEqual(messages)
  expect(known.left.original).toBe(after)
})

test.each([
  ['0802000105' + '7e000305aabb', [9, 11]],
  ['0802000105' + '0403808090' + '7e000305aabb', [14, 16]],
  ['08000580' + '7e000205aa', [8, 9]],
  ['0902000105' + '7e000305aabb', undefined],
  ['0802000105' + '7e000405aabb', undefined],
  ['0802000105' + '0403808090', undefined],
  ['0802', undefined],
] as const)('Q.931 %s', (hex, place) => {
  const bytes = bytesOf(hex)
  const found = userInformation(bytes, { at: 0, end: bytes.length })
  expect(found && [found.at, found.end]).toEqual(place)
})
