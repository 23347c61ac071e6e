import { expect, test } from 'vitest'
import { parseIp } from '../src/address/ip.js'
import type { Entry } from '../src/conntrack/entry.js'
import { help } from '../src/conntrack/helpers/run.js'
import { DEFAULT_SETTINGS } from '../src/conntrack/settings.js'
import { ConnectionTable } from '../src/conntrack/table.js'
import { buildPacket, type TransportFields } from '../src/packet/build.js'
import type { Packet } from '../src/packet/packet.js'
import { connectionsText, expectationsText } from '../src/report/connections.js'
import { readConnections } from '../src/snapshot/conntrack.js'

/** What random conversations cannot ask: broadcasts of this host, old kernels, connections of a listing. */

const ip = (text: string) => parseIp(text)! as number
const text = (words: string) => Uint8Array.from(words, (c) => c.charCodeAt(0))
const build = (src: string, dst: string, transport: TransportFields, payload = '') =>
  buildPacket({ src: ip(src), dst: ip(dst), ttl: 64, id: 1, df: true }, transport, text(payload))
const tcp = (
  sport: number,
  dport: number,
  flags: number,
  sequence: number,
  acknowledgement: number,
): TransportFields => ({
  is: 'tcp',
  sport,
  dport,
  flags,
  sequence,
  acknowledgement,
  window: 1000,
})

/** The packet through tracking, its helper and confirmation. */
function pass(table: ConnectionTable, packet: Packet, more: { helper?: string; mask?: string; now?: number } = {}) {
  const { now = 0 } = more
  const tracking = table.inbound(packet, { prerouting: true, now, zone: 0, helper: more.helper })
  if (tracking.is !== 'tracked') throw new Error(tracking.is)
  const { attachment } = tracking
  const broadcastMask = () => (more.mask === undefined ? undefined : ip(more.mask))
  const helped = help({ packet, attachment, table, now, random: () => 0, broadcastMask, loopback: false })
  table.confirm(attachment, now)
  return { helped, attachment }
}

// conntrack -L expect and -L of Linux 6.18 after a socket had sent to 10.2.255.255, 10.2.0.255 (10.2.0.7/24 beside 10.2.0.1/16) and 255.255.255.255
test('netbios-ns: who is asked by broadcast may answer, and the connection lives no longer than that', () => {
  const table = new ConnectionTable()
  const ask = (dst: string, mask?: string) =>
    pass(table, build('10.2.0.1', dst, { is: 'udp', sport: 40000, dport: 137 }, 'who'), {
      helper: 'netbios-ns',
      ...(mask ? { mask } : {}),
    })
  ask('10.2.255.255', '255.255.0.0')
  ask('10.2.0.255', '255.255.255.0')
  ask('255.255.255.255')
  expect(expectationsText(table.expectations.at(0), 0)).toBe(
    '3 proto=17 src=10.2.255.255 dst=10.2.0.1 sport=137 dport=40000 mask-src=255.255.0.0 mask-dst=255.255.255.255 sport=65535 dport=65535 master-src=10.2.0.1 master-dst=10.2.255.255 sport=40000 dport=137 PERMANENT class=0 helper=netbios-ns\n',
  )
  const seconds = connectionsText(table.entries(), { now: 0, accounting: false }).split('\n').filter(Boolean)
  expect(seconds.map((line) => line.split(/\s+/)[4])).toEqual(['3', '3', '30'])
  const answer = (src: string, sport: number, now: number) => {
    const packet = build(src, '10.2.0.1', { is: 'udp', sport, dport: 40000 }, 'me')
    return pass(table, packet, { now }).attachment.state
  }
  expect([answer('10.2.0.20', 137, 1), answer('10.2.77.1', 137, 1)]).toEqual(['RELATED', 'RELATED'])
  expect([answer('10.2.0.21', 138, 1), answer('10.3.0.20', 137, 1), answer('10.2.0.22', 137, 4)]).toEqual([
    'NEW',
    'NEW',
    'NEW',
  ])
})

const SYN = 2
const [SYNACK, ACK, PUSH] = [18, 16, 24]
function openFtp(table: ConnectionTable, helper?: string): void {
  const more = helper === undefined ? {} : { helper }
  pass(table, build('10.1.0.2', '10.2.0.9', tcp(4000, 21, SYN, 1000, 0)), more)
  pass(table, build('10.2.0.9', '10.1.0.2', tcp(21, 4000, SYNACK, 5000, 1001)))
  pass(table, build('10.1.0.2', '10.2.0.9', tcp(4000, 21, ACK, 1001, 5001)), more)
  pass(table, build('10.1.0.2', '10.2.0.9', tcp(4000, 21, PUSH, 1001, 5001), 'USER x\r\n'), more)
}
const PORT = () => build('10.1.0.2', '10.2.0.9', tcp(4000, 21, PUSH, 1009, 5001), 'PORT 10,1,0,2,4,1\r\n')

test('without a rule there is a helper only where the old automatic mode is on', () => {
  const expected = (table: ConnectionTable, helper?: string) => {
    openFtp(table, helper)
    pass(table, PORT())
    return table.expectations.at(0).length
  }
  expect(expected(new ConnectionTable())).toBe(0)
  expect(expected(new ConnectionTable(), 'ftp')).toBe(1)
  expect(expected(new ConnectionTable({ ...DEFAULT_SETTINGS, automaticHelpers: true }))).toBe(1)
})

const LISTED =
  'tcp 6 431999 ESTABLISHED src=10.1.0.2 dst=10.2.0.9 sport=4000 dport=21 src=10.2.0.9 dst=10.1.0.2 sport=21 dport=4000 [ASSURED] mark=0 helper=ftp use=1'

test('a connection of a listing: what its helper had seen is not known until a line has ended', () => {
  const table = new ConnectionTable(DEFAULT_SETTINGS, readConnections(LISTED, 0) as readonly Entry[])
  expect(pass(table, PORT()).helped.is).toBe('unknown')
  const noop = build('10.1.0.2', '10.2.0.9', tcp(4000, 21, PUSH, 1001, 5001), 'NOOP x\r\n')
  expect(pass(table, noop).helped.is).toBe('accept')
  expect(pass(table, PORT()).helped.is).toBe('accept')
  expect(table.expectations.at(0).map(({ tuple }) => tuple.dport)).toEqual([1025])
})

/** A call of H.323: 10.1.0.2 is alerted, and H.245 is to come to its port 5000. */
const ALERTING = Buffer.from('0300001a08020001057e000e05034002000000000a0100021388', 'hex').toString('latin1')
const CALL =
  'tcp 6 431999 ESTABLISHED src=10.1.0.2 dst=10.2.0.9 sport=4000 dport=1720 src=10.2.0.9 dst=10.1.0.2 sport=1720 dport=4000 [ASSURED] mark=0 helper=Q.931 use=1'

test('a call of H.323 of a listing: neither the header of a message nor the ports that NAT has chosen are known', () => {
  const send = (line: string, payload: string) => {
    const table = new ConnectionTable(DEFAULT_SETTINGS, readConnections(line, 0) as readonly Entry[])
    const { helped } = pass(table, build('10.1.0.2', '10.2.0.9', tcp(4000, 1720, PUSH, 1001, 5001), payload))
    return [helped.is, ...table.expectations.at(0).map(({ tuple, helper }) => `${tuple.dport} ${helper}`)]
  }
  expect(send(CALL, ALERTING)).toEqual(['accept', '5000 H.245'])
  expect(send(CALL, ALERTING.slice(4))).toEqual(['unknown'])
  const translated = CALL.replace('dst=10.1.0.2 sport=1720', 'dst=198.51.100.7 sport=1720')
  expect(send(translated, ALERTING)).toEqual(['unknown'])
})

test('a helper that is not modelled: nobody knows what it does with payload', () => {
  const table = new ConnectionTable()
  const search = build('10.1.0.2', '10.2.0.9', { is: 'udp', sport: 1900, dport: 1900 }, 'request')
  expect(pass(table, search, { helper: 'ssdp' }).helped).toEqual({
    is: 'unknown',
    reason: 'conntrack helper ssdp is not modelled',
  })
})
