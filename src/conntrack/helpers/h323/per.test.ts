import { describe, expect, test } from 'vitest'
import {
  Bits,
  choice,
  digits,
  FLAG,
  Kept,
  NOTHING,
  named,
  OID,
  OPEN,
  octets,
  openChoice,
  optional,
  STOP,
  sequence,
  sequenceOf,
  type Type,
  WORD,
  whole,
  wide,
} from './per.js'

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from((hex.match(/../g) ?? []).map((two) => Number.parseInt(two, 16)))

/** How reading it ends, and where: in bits. */
function read(type: Type, hex: string): { how: string; bits: number; kept: Kept } {
  const bytes = bytesOf(hex)
  const bits = new Bits(bytes, 0, bytes.length)
  const kept = new Kept()
  const how = type(bits, kept)
  return { how, bits: 8 * bits.at + bits.bit, kept }
}

test.each([
  ['BOOLEAN', FLAG, '80', 1],
  ['INTEGER of four values', whole(1, 4), '40', 2],
  ['INTEGER of 256 values', whole(0, 255), '40', 8],
  ['INTEGER of 65535 values', whole(1, 65535), '0040', 16],
  ['a long INTEGER: two bytes', sequence([whole(1, 4294967295)]), '40012c', 24],
  ['OBJECT IDENTIFIER', OID, '0288340000', 24],
  ['OCTET STRING of 2', octets(2, 2), '1234', 16],
  ['OCTET STRING of 1 to 20', octets(1, 20), '08aabb', 24],
  ['OCTET STRING of 1 to 256', octets(1, 256), '01aabb', 24],
  ['OCTET STRING', octets(), '02aabb', 24],
  ['OCTET STRING, a long length', octets(), `8081${'00'.repeat(129)}`, 8 * 131],
  ['BMPString', wide(1, 256), '0100410042', 40],
  ['three digits', digits(1, 128), '041230', 20],
  ['SEQUENCE OF', sequenceOf(WORD), '0200010002', 40],
] as const)('%s', (_, type, hex, bits) => {
  expect(read(type, hex)).toMatchObject({ how: expect.stringMatching(/read/), bits: expect.any(Number) })
  expect(read(type, hex).bits).toBe(bits)
  expect(read(type, hex.slice(0, 2 * (Math.ceil(bits / 8) - 1))).how).toBe('bad')
})

describe('SEQUENCE', () => {
  const type = sequence([optional(named('number', octets(4, 4))), named('flag', FLAG)], {
    known: 3,
    at: { 1: named('more', octets(4, 4)), 2: STOP },
  })

  test('optional components', () => {
    expect(read(type, '20').bits).toBe(3)
    const { kept, bits } = read(type, '400102030480')
    expect([kept.get('number')?.at, kept.get('flag') !== undefined, bits]).toEqual([1, true, 41])
  })

  test('an addition stands behind its length', () => {
    // extended, no number, flag 0; two additions, of which the second is there
    const { kept, how, bits } = read(type, '80500401020304')
    expect([how, kept.get('more')?.at, bits]).toEqual(['read', 3, 56])
    expect(read(type, '805004010203').how).toBe('bad')
    // three: nothing is read where Linux stops
    expect(read(type, '8080')).toMatchObject({ how: 'stopped', bits: 16 })
  })

  test('at a part that Linux stops at, what follows is read from there', () => {
    const after = sequence([named('first', sequence([STOP], { known: 0, optionals: 2 })), named('second', FLAG)])
    expect(read(after, '00')).toMatchObject({ how: 'read', bits: 4 })
  })

  test('a bitmap that ends with the fourth byte is read from the first bit of the first', () => {
    const wide = sequence([FLAG], { known: 32, at: { 1: named('more', octets(4, 4)) } })
    // of 30 additions the second is there; of 31 the first, which Linux takes for the second
    expect(read(wide, '8ea0000000' + '0401020304').kept.get('more')?.at).toBe(6)
    expect(read(wide, '8f40000000' + '0401020304').kept.get('more')?.at).toBe(6)
  })

  test('additions that Linux does not know are taken for present', () => {
    const none = sequence([FLAG], OPEN)
    // one addition, not present: a length is read all the same
    expect(read(none, '80000100').how).toBe('read')
    expect(read(none, '8000').how).toBe('bad')
  })
})

describe('CHOICE', () => {
  const type = choice([named('first', NOTHING), named('second', octets(4, 4)), STOP], {
    known: 5,
    at: { 3: named('third', octets(4, 4)) },
  })

  test.each([
    ['00', 'first', 'read', 3],
    ['2001020304', 'second', 'read', 40],
    ['40', '', 'stopped', 3],
    ['60', '', 'bad', 3],
    ['800401020304', 'third', 'read', 48],
    ['8004010203', 'third', 'bad', 48],
    ['81020102', '', 'read', 32],
    ['8f02ffff', '', 'read', 32],
  ])('%s', (hex, name, how, bits) => {
    const found = read(type, hex)
    expect(found.how).toBe(how)
    if (how !== 'bad') expect([found.kept.choice, found.bits]).toEqual([name, bits])
  })

  test('without names nothing is kept', () => {
    expect(read(openChoice([NOTHING, NOTHING]), '40').kept.choice).toBe('')
  })
})
