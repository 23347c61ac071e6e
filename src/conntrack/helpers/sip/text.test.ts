import { describe, expect, test } from 'vitest'
import { parseIp } from '../../../address/ip.js'
import {
  addressAt,
  headerIn,
  numberAt,
  numberParameter,
  requestUri,
  sessionIp,
  sessionLine,
  transportAt,
  uriIn,
} from './text.js'

const lines = (...all: readonly string[]) => `OPTIONS sip:x SIP/2.0\r\n${all.map((line) => `${line}\r\n`).join('')}`

describe('an address', () => {
  test.each<[text: string, family: 4 | 6, bare: boolean, ip: string | undefined, end: number]>([
    ['10.0.0.1', 4, false, '10.0.0.1', 8],
    ['10.0.0.1:5060', 4, false, '10.0.0.1', 8],
    ['010.0.0.01 ', 4, false, '10.0.0.1', 10],
    ['10.0.0.1.', 4, false, undefined, 0],
    ['10.0.0.1a', 4, false, undefined, 0],
    ['10.0.0.1x', 4, false, '10.0.0.1', 8],
    ['10.0.0.256', 4, false, undefined, 0],
    ['10.0.1', 4, false, undefined, 0],
    ['[fd00::1]:5060', 6, false, 'fd00::1', 9],
    ['[fd00::1', 6, false, undefined, 0],
    ['[fd00::1', 6, true, 'fd00::1', 8],
    ['fd00::1', 6, false, undefined, 0],
    ['fd00::00001;x', 6, true, 'fd00::1', 11],
    ['[::ffff:010.0.0.1]', 6, false, '::ffff:10.0.0.1', 18],
  ])('%s of IPv%i', (text, family, bare, ip, end) => {
    expect(addressAt(text, 0, family, bare)).toEqual(ip === undefined ? undefined : { ip: parseIp(ip), end })
  })
})

test.each([
  ['4294967295', 4294967295, 10],
  ['4294967296', 0, 0],
  ['00000000012', 12, 11],
  ['000000000012', 0, 0],
  ['7x', 7, 1],
  ['x', 0, 0],
])('the number %s is %i', (text, value, length) => {
  expect(numberAt(text, 0)).toEqual({ value, length })
})

describe('a header', () => {
  test.each<[line: string, value: string | undefined]>([
    ['CSeq: 12 INVITE', '12'],
    ['cseq :\t12', '12'],
    ['CSeq:\r\n 12', '12'],
    ['CSeq\r\n : 12', '12'],
    ['X: 1\r\n CSeq: 2', undefined],
    ['CSeq 12', undefined],
    ['CSeq: x', undefined],
  ])('%j', (line, value) => {
    const text = lines(line)
    const found = headerIn(text, 0, 'CSeq', 4)
    expect(found.is === 'found' ? text.slice(found.at, found.at + found.length) : undefined).toBe(value)
  })
  test('in its short form, which no letter follows', () => {
    expect(headerIn(lines('l: 5'), 0, 'Content-Length', 4)).toMatchObject({ is: 'found', length: 1 })
    expect(headerIn(lines('lx: 5'), 0, 'Content-Length', 4)).toEqual({ is: 'none' })
  })
})

describe('a place', () => {
  const place = (line: string) => uriIn(lines(line), 'Contact', 4)
  test.each<[line: string, port: number | 'none' | 'bad']>([
    ['Contact: <sip:a@10.0.0.1:5070>', 5070],
    ['m: sip:10.0.0.1', 5060],
    ['Contact: <sip:10.0.0.1:80>', 'none'],
    ['Contact: <sip:10.0.0.1:65536>', 'none'],
    ['Contact: <sip:10.0.0.1:>', 'none'],
    ['Contact: <sip:host>', 'none'],
    ['Contact: *', 'none'],
  ])('%s', (line, port) => {
    const found = place(line)
    expect(typeof found === 'string' ? found : found.port).toBe(port)
  })
  test('one after another, behind commas and in further headers', () => {
    const text = lines('Contact: <sip:10.0.0.1>, <sip:host>,\r\n <sip:10.0.0.2>', 'm: <sip:10.0.0.3>')
    const reading = { at: 0, inside: false }
    const next = () => {
      const found = uriIn(text, 'Contact', 4, reading)
      return typeof found === 'string' ? found : found.ip
    }
    expect([next(), next(), next(), next()]).toEqual([0x0a000001, 0x0a000002, 0x0a000003, 'none'])
  })
  test('of a request', () => {
    expect(requestUri('INVITE sip:bob@10.0.0.9:5070 SIP/2.0\r\n', 4)).toMatchObject({ at: 15, length: 13, port: 5070 })
    expect(requestUri('INVITE tel:1 SIP/2.0\r\n', 4)).toBeUndefined()
  })
})

test('parameters end where the next value begins', () => {
  const text = ';transport=tcp;expires=60, <sip:x>;q=1 '
  expect(numberParameter(text, 0, 'expires=')).toMatchObject({ value: 60 })
  expect(numberParameter(text, 0, 'q=')).toBeUndefined()
  expect(numberParameter(';expires=x ', 0, 'expires=')).toBe('bad')
  expect([transportAt(text, 0, 6), transportAt(text, 0, 17), transportAt(text, 26, 17)]).toEqual([6, undefined, 17])
})

test('lines of a session description, up to a medium', () => {
  const text = '\r\nv=0\r\no=a 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 10.0.0.2\nm=audio 5000 RTP\r\nc=IN IP4 10.0.0.3\r\n'
  expect(sessionIp(text, 0, 'owner', 4, 'media')?.ip).toBe(0x0a000001)
  expect(sessionIp(text, 0, 'connection', 4, 'media')?.ip).toBe(0x0a000002)
  const medium = sessionLine(text, 0, 'media', 4)
  if (medium.is !== 'found') throw new Error(medium.is)
  expect(text.slice(medium.at, medium.at + medium.length)).toBe('audio 5000')
  expect(sessionIp(text, medium.at, 'connection', 4, 'media')?.ip).toBe(0x0a000003)
  expect(sessionIp(text, 0, 'connection', 6)).toBeUndefined()
})
