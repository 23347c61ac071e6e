import { expect, test } from 'vitest'
import { buildPacket } from '../packet/build.js'
import { type ConnectionEvent, ConnectionWatch } from './events.js'
import { DEFAULT_SETTINGS } from './settings.js'
import { ConnectionTable } from './table.js'

const PAYLOAD = new Uint8Array(1)
const datagram = (sport: number) =>
  buildPacket({ src: 0x0a000001, dst: 0x0a000002, ttl: 64, id: 1 }, { is: 'udp', sport, dport: 53 }, PAYLOAD)

/** A table, what it tells, and packets through it. */
function watched() {
  const table = new ConnectionTable(DEFAULT_SETTINGS)
  let now = 100
  const told: string[] = []
  const tell = ({ kind, at, entry, mark }: ConnectionEvent) =>
    told.push(`${kind} ${entry.original.sport} at ${at}${mark ? ` mark ${entry.mark}` : ''}`)
  const send = (sport: number, at: number) => {
    now = at
    const tracking = table.inbound(datagram(sport), { prerouting: true, now, zone: 0 })
    if (tracking.is !== 'tracked') throw new Error(tracking.is)
    return tracking.attachment
  }
  const watch = () => table.watch(new ConnectionWatch(tell, () => now))
  return { table, told, send, watch }
}

test('a connection whose packet does not get through never was; one whose time is up ended then', () => {
  const { table, told, send, watch } = watched()
  watch()
  send(1, 100)
  table.confirm(send(2, 100), 100)
  table.confirm(send(3, 110), 110)
  send(4, 200)
  table.collect(200)
  expect(told).toEqual(['new 2 at 100', 'new 3 at 110', 'destroy 2 at 130', 'destroy 3 at 140'])
})

test('a mark that has changed and changed back is told, once a packet is through', () => {
  const { table, told, send, watch } = watched()
  const attachment = send(1, 100)
  table.confirm(attachment, 100)
  // what was there before is not new
  watch()
  table.mark(attachment.entry, 7)
  table.mark(attachment.entry, 0)
  expect(told).toEqual([])
  table.confirm(attachment, 101)
  table.confirm(attachment, 102)
  expect(told).toEqual(['update 1 at 100 mark 0'])
})
