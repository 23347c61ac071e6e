import { expect, test } from 'vitest'
import { cookieMss, SynCookies } from './cookies.js'

const TUPLE = { src: 0x0a000001, dst: 0x0a000002, sport: 1000, dport: 80 }
const random = () => 0.5
const DRAWN = 2 ** 31

test.each([
  [4, 0, 0],
  [4, 536, 0],
  [4, 1299, 0],
  [4, 1300, 1],
  [4, 1460, 3],
  [4, 9000, 3],
  [6, 1000, 0],
  [6, 1440, 2],
  [6, 8940, 3],
] as const)('IPv%i: of MSS %i the cookie keeps entry %i', (family, mss, entry) => {
  expect(cookieMss(family, mss)).toBe(entry)
})

/** A SYN with sequence number 1000 at second 0 was answered; `then`: what is known of cookies that come back, in order. */
const judged = (...then: readonly (readonly [sequence: number, cookie: number, now?: number])[]) => {
  const cookies = new SynCookies()
  expect(cookies.give(TUPLE, 1000, 2, 0, random)).toBe(DRAWN)
  return then.map(([sequence, cookie, now = 0]) => {
    const judgement = cookies.judge(TUPLE, sequence, cookie, now)
    return judgement.is === 'wrong' ? 'wrong' : `${judgement.is} ${judgement.mss}`
  })
}

test.each([
  ['the one that was drawn', [[1000, DRAWN]], ['right 2']],
  ['the same SYN has the same cookie, whatever comes in between', [[1000, DRAWN], [1000, DRAWN]], ['right 2', 'right 2']],
  ['a sequence number that is off by one: another MSS', [[1001, DRAWN], [999, DRAWN]], ['right 1', 'right 3']],
  ['off by more than the table is long', [[1003, DRAWN], [998, DRAWN]], ['wrong', 'wrong']],
  ['both off by as much', [[1500, DRAWN + 500]], ['right 2']],
  ['somebody else’s secret: the first one is believed, others are not', [[1000, 7], [1000, 70], [1000, 7]], ['right 2', 'wrong', 'right 2']],
  ['nothing that this SYN could have got', [[5000, 7]], ['wrong']],
  ['after a minute nobody knows, after two it is over', [[1000, DRAWN, 59], [1000, DRAWN, 60], [1000, DRAWN, 120]], ['right 2', 'unknown 2', 'wrong']],
] as const)('%s', (_, asked, told) => {
  expect(judged(...asked)).toEqual(told)
}) // biome-ignore format: a table

test('without a SYN nothing is known', () => {
  expect(new SynCookies().judge(TUPLE, 1000, 7, 0).is).toBe('unknown')
})

test('what the client did not get it cannot send back', () => {
  const cookies = new SynCookies()
  cookies.give(TUPLE, 1000, 2, 0, random)
  cookies.spoil(TUPLE, 1000)
  expect(cookies.judge(TUPLE, 1000, 7, 0)).toEqual({ is: 'wrong' })
})

test('a SYN that comes again a second later may have got another cookie', () => {
  const cookies = new SynCookies()
  cookies.give(TUPLE, 1000, 2, 0, random)
  expect(cookies.judge(TUPLE, 1000, 7, 0).is).toBe('right')
  cookies.give(TUPLE, 1000, 2, 1, random)
  expect(cookies.judge(TUPLE, 1000, 80, 1).is).toBe('right')
  expect(cookies.judge(TUPLE, 1000, 90, 1).is).toBe('wrong')
})
