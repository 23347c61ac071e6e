import { expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { buildPacket } from '../packet/build.js'
import { CT_STATUS } from '../packet/fields.js'
import type { Packet } from '../packet/packet.js'
import type { Attachment } from './entry.js'
import { setUp } from './nat/setup.js'
import { DEFAULT_SETTINGS } from './settings.js'
import { ConnectionTable } from './table.js'

/**
 * What Linux 6.18 did with two packets of one flow that were held (in a queue) behind tracking and NAT, and let go one after the other; `conntrack -S` counted
 * clash_resolve=1, for TCP insert_failed=1 and drop=1 (kernel/conntrack/clash.py).
 */
const ip = (text: string) => parseIp(text)! as number
const [CLIENT, SERVICE, FIRST, SECOND] = ['10.1.0.2', '10.2.0.9', '10.2.0.20', '10.2.0.21'].map(ip) as [
  number,
  number,
  number,
  number,
]
const ARRIVAL = { prerouting: true, now: 0, zone: 0 }

function packet(src: number, dst: number, sport: number, dport: number, tcp = false): Packet {
  const ends = { sport, dport }
  const transport = tcp
    ? ({ is: 'tcp', ...ends, flags: 2, sequence: 1000, acknowledgement: 0, window: 1000 } as const)
    : ({ is: 'udp', ...ends } as const)
  return buildPacket({ src, dst, ttl: 64, id: 1, df: true }, transport, new Uint8Array(2))
}

/** The first packet of the flow once more, led to one of the servers. */
function tracked(table: ConnectionTable, server: number, tcp = false): Attachment {
  const tracking = table.inbound(packet(CLIENT, SERVICE, 4000, 53, tcp), ARRIVAL)
  if (tracking.is !== 'tracked') throw new Error(tracking.is)
  const context = { table, now: 0, random: () => 0 }
  setUp(tracking.attachment.entry, 'dst', { addresses: [server, server] }, context)
  setUp(tracking.attachment.entry, 'src', { addresses: [CLIENT, CLIENT] }, context)
  return tracking.attachment
}

const newTable = () => new ConnectionTable({ ...DEFAULT_SETTINGS, accounting: true })

test('led to the same server: the second belongs to the connection of the first', () => {
  const table = newTable()
  const [first, second] = [tracked(table, FIRST), tracked(table, FIRST)]
  expect(table.settle(first, 0)).toEqual({ is: 'entered' })
  expect(table.settle(second, 0)).toEqual({ is: 'merged', entry: first.entry })
  expect(table.entries()).toEqual([first.entry])
  expect(first.entry.counters.original).toEqual({ packets: 2, bytes: 60 })
})

test('led to another server: a connection beside the first, for its replies, for a second; no listing shows it', () => {
  const table = newTable()
  const [first, second] = [tracked(table, FIRST), tracked(table, SECOND)]
  table.settle(first, 0)
  expect(table.settle(second, 0)).toEqual({ is: 'beside' })
  expect(table.entries()).toEqual([first.entry])
  const answer = (server: number, now: number) => table.inbound(packet(server, CLIENT, 53, 4000), { ...ARRIVAL, now })
  for (const now of [0.1, 0.2])
    expect(answer(SECOND, now)).toMatchObject({
      is: 'tracked',
      created: false,
      attachment: { entry: second.entry, direction: 'reply' },
    })
  expect(answer(FIRST, 0.2)).toMatchObject({ created: false, attachment: { entry: first.entry } })
  expect(table.inbound(packet(CLIENT, SERVICE, 4000, 53), { ...ARRIVAL, now: 0.5 })).toMatchObject({
    attachment: { entry: first.entry },
  })
  expect(answer(SECOND, 1.7)).toMatchObject({ created: true, attachment: { state: 'NEW' } })
})

test('TCP: the second is dropped', () => {
  const table = newTable()
  const [first, second] = [tracked(table, FIRST, true), tracked(table, SECOND, true)]
  table.settle(first, 0)
  expect(table.settle(second, 0).is).toBe('dropped')
  expect(table.confirm(second, 0)).toBe(false)
})

test('a full table: a connection that nobody has answered may be given up, assured ones are not', () => {
  const table = new ConnectionTable({ ...DEFAULT_SETTINGS, max: 1 })
  const first = tracked(table, FIRST)
  table.settle(first, 0)
  const next = packet(CLIENT, SERVICE, 4001, 53)
  expect(table.inbound(next, ARRIVAL)).toEqual({ is: 'dropped', reason: 'conntrack-full' })
  expect(table.mayGiveUp(0)).toBe(true)
  expect(table.inbound(next, { ...ARRIVAL, overfull: true }).is).toBe('tracked')
  first.entry.status |= CT_STATUS.ASSURED
  expect(table.mayGiveUp(0)).toBe(false)
})

test.each([
  ['ESTABLISHED', false],
  ['TIME_WAIT', true],
  ['CLOSE_WAIT', true],
] as const)('a full table: an assured TCP connection in %s may be given up: %s', (state, may) => {
  const table = new ConnectionTable({ ...DEFAULT_SETTINGS, max: 1 })
  const first = tracked(table, FIRST, true)
  table.settle(first, 0)
  const { entry } = first
  entry.status |= CT_STATUS.ASSURED
  if (entry.protocol.kind === 'tcp') entry.protocol.state = state
  expect(table.mayGiveUp(0)).toBe(may)
})
