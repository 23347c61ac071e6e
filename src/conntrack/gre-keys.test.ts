import { describe, expect, test } from 'vitest'
import { buildPacket } from '../packet/build.js'
import type { Packet } from '../packet/packet.js'
import { GreKeys } from './gre-keys.js'
import { DEFAULT_SETTINGS } from './settings.js'
import { ConnectionTable } from './table.js'
import type { Tuple } from './tuple.js'

const call = (src: number, dst: number, sport: number, dport: number): Tuple => ({
  family: 4,
  protocol: 47,
  src,
  dst,
  sport,
  dport,
})
const entryOf = (table: ConnectionTable, packet: Packet) => {
  const tracking = table.inbound(packet, { prerouting: true, now: 0, zone: 0 })
  if (tracking.is !== 'tracked') throw new Error(tracking.is)
  table.confirm(tracking.attachment, 0)
  return tracking.attachment
}
const syn = buildPacket(
  { src: 1, dst: 2, ttl: 64, id: 1 },
  { is: 'tcp', sport: 3, dport: 1723, flags: 2, sequence: 0, acknowledgement: 0, window: 1000 },
  new Uint8Array(0),
)
/** PPTP's GRE (RFC 2637 section 4.1) with a call id. */
const gre = (src: number, dst: number, id: number): Packet =>
  buildPacket(
    { src, dst, ttl: 64, id: 1 },
    { is: 'other', protocol: 47 },
    Uint8Array.of(0x30, 1, 0x88, 0x0b, 0, 0, id >> 8, id & 255),
  )

describe('the ids of PPTP calls', () => {
  const table = new ConnectionTable(DEFAULT_SETTINGS)
  const { entry: master } = entryOf(table, syn)

  test('a packet has the id of its receiver; that of its sender is what the control connection told, in each direction', () => {
    const keys = new GreKeys()
    expect(keys.add(master, 'original', call(1, 2, 7, 8))).toBe(true)
    expect(keys.add(master, 'reply', call(2, 1, 8, 7))).toBe(true)
    expect([keys.complete(call(1, 2, 0, 8)).sport, keys.complete(call(2, 1, 0, 7)).sport]).toEqual([7, 8])
    // another call, other ends
    expect([keys.complete(call(1, 2, 0, 9)).sport, keys.complete(call(3, 2, 0, 8)).sport]).toEqual([0, 0])
    // told again, and told otherwise
    expect([keys.add(master, 'original', call(1, 2, 7, 8)), keys.add(master, 'original', call(1, 2, 7, 9))]).toEqual([
      true,
      false,
    ])
    keys.removeOf(master)
    expect([keys.isEmpty, keys.complete(call(1, 2, 0, 8)).sport]).toEqual([true, 0])
  })

  test('a listing of calls has both ids: packets of either end belong to them', () => {
    const { entry } = entryOf(new ConnectionTable(DEFAULT_SETTINGS), gre(1, 2, 8))
    const listed = { ...entry, original: call(1, 2, 7, 8), reply: call(2, 1, 8, 7) }
    const again = new ConnectionTable(DEFAULT_SETTINGS, [listed])
    expect(entryOf(again, gre(1, 2, 8)).direction).toBe('original')
    expect(entryOf(again, gre(2, 1, 7)).direction).toBe('reply')
    expect(entryOf(again, gre(2, 1, 6)).entry.original.dport).toBe(6)
  })

  test('keys go with the control connection, and with its call', () => {
    table.greKeys.add(master, 'original', call(1, 2, 7, 8))
    expect(entryOf(table, gre(1, 2, 8)).entry.original.sport).toBe(7)
    master.helping = { original: [], reply: [], listed: false, end: () => table.greKeys.removeOf(master) }
    table.forget(master)
    expect(table.greKeys.isEmpty).toBe(true)
  })
})
