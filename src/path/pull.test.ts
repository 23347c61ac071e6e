import { expect, test } from 'vitest'
import { Packet } from '../packet/packet.js'
import { pull } from './pull.js'
import { Skb } from './skb.js'

test.each([
  [[8, 56], 20, [20, 44]],
  [[8, 16, 40], 20, [20, 4, 40]],
  [[8, 16, 40], 24, [24, 40]],
  [[24, 40], 20, [24, 40]],
  [[8, 56], undefined, [64]],
  [[8, 8], 40, [16]],
])('pieces %j, of which the first %s bytes are pulled together, leave as %j', (pieces, length, left) => {
  const skb = new Skb(new Packet(new Uint8Array(40)))
  skb.pieces = { pieces, longest: 100, df: false, head: 0 }
  pull(skb, length)
  expect(skb.pieces.pieces).toEqual(left)
})
