import { expect, test } from 'vitest'
import { Peers } from './peers.js'

const PEER = 0x0a000001

test('six at once, then one each time that it costs', () => {
  const peers = new Peers()
  const told = (now: number, times: number) =>
    Array.from({ length: times }, () => peers.mayTell(PEER, now, 1)).filter(Boolean).length
  expect([told(0, 10), told(0.9, 10), told(1, 10), told(3, 10), told(100, 10)]).toEqual([6, 0, 1, 2, 6])
  expect(peers.mayTell(0x0a000002, 0, 1)).toBe(true)
})

test('what costs nothing uses up all that was saved', () => {
  const peers = new Peers()
  expect([0, 0, 0].map((cost) => peers.mayTell(PEER, 5, cost))).toEqual([true, true, true])
  expect([5, 5.9, 6].map((now) => peers.mayTell(PEER, now, 1))).toEqual([false, false, true])
})

test('a redirect waits twice as long each time, nine are all, and silence makes up for it', () => {
  const peers = new Peers()
  const at: number[] = []
  for (let tick = 0; tick <= 6000; tick++) if (peers.mayRedirect(PEER, tick / 100)) at.push(tick)
  // 0.02 s · 2^n behind the last one
  expect(at).toEqual([0, 5, 14, 31, 64, 129, 258, 515, 1028])
  expect(peers.mayRedirect(PEER, 60 + 20)).toBe(false)
  expect(peers.mayRedirect(PEER, 80 + 21)).toBe(true)
})
