import { expect, test } from 'vitest'
import { buildPacket } from '../../../packet/build.js'
import { DEFAULT_SETTINGS } from '../../settings.js'
import { ConnectionTable } from '../../table.js'
import { help } from '../run.js'

const [PHONE, REGISTRAR] = [0x0a010002, 0x0a020009]

/** The phone says something to the registrar, or is told something by it. */
function say(table: ConnectionTable, now: number, lines: readonly string[], back = false) {
  const [src, dst] = back ? [REGISTRAR, PHONE] : [PHONE, REGISTRAR]
  const text = new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`)
  const packet = buildPacket({ src, dst, ttl: 64, id: 1 }, { is: 'udp', sport: 5060, dport: 5060 }, text)
  const tracking = table.inbound(packet, { prerouting: true, now, zone: 0, helper: 'sip' })
  if (tracking.is !== 'tracked') throw new Error(tracking.is)
  const { attachment } = tracking
  const helped = help({
    packet,
    attachment,
    table,
    now,
    random: () => 0,
    broadcastMask: () => undefined,
    loopback: false,
  })
  if (helped.is === 'accept') table.confirm(attachment, now)
  return { helped, entry: attachment.entry }
}

const CONTACT = 'Contact: <sip:me@10.1.0.2:5062>'
const register = (cseq: number) => ['REGISTER sip:10.2.0.9 SIP/2.0', `CSeq: ${cseq} REGISTER`, CONTACT, 'Expires: 600']

test('a registration lets calls in once the registrar has agreed, for as long as it says', () => {
  const table = new ConnectionTable(DEFAULT_SETTINGS)
  const { entry } = say(table, 100, register(1))
  const [asked] = table.expectations.at(100)
  expect(asked).toMatchObject({ inactive: true, permanent: true, class: 0, expires: 280 })
  expect(entry.expires).toBe(3700) // sip_timeout, of the connection itself
  say(table, 101, ['SIP/2.0 100 Trying', 'CSeq: 1 REGISTER'], true)
  expect(table.expectations.at(101)).toMatchObject([{ inactive: true, expires: 280 }])
  say(table, 102, ['SIP/2.0 200 OK', 'CSeq: 1 REGISTER', `${CONTACT};expires=60`], true)
  expect(table.expectations.at(102)).toMatchObject([{ inactive: false, expires: 162 }])
  // an answer to another request does not count, a refusal ends it
  say(table, 103, ['SIP/2.0 404 Not Found', 'CSeq: 2 REGISTER'], true)
  expect(table.expectations.at(103)).toHaveLength(1)
  say(table, 104, ['SIP/2.0 404 Not Found', 'CSeq: 1 REGISTER'], true)
  expect(table.expectations.at(104)).toHaveLength(0)
})

test('of a connection from a listing, what was asked before is not known', () => {
  const table = new ConnectionTable(DEFAULT_SETTINGS)
  const { entry } = say(table, 100, register(1))
  const { helping: _, ...listed } = entry
  const again = new ConnectionTable(DEFAULT_SETTINGS, [{ ...listed, helper: 'sip' }])
  expect(say(again, 101, ['SIP/2.0 200 OK', 'CSeq: 1 REGISTER', CONTACT], true).helped.is).toBe('unknown')
  expect(say(again, 102, register(2)).helped.is).toBe('accept')
  expect(say(again, 103, ['SIP/2.0 200 OK', 'CSeq: 2 REGISTER', `${CONTACT};expires=5`], true).helped.is).toBe('accept')
  expect(again.expectations.at(103)).toMatchObject([{ inactive: false, expires: 108 }])
})

test('a message without a number is dropped, and what a first one announced with it', () => {
  const table = new ConnectionTable(DEFAULT_SETTINGS)
  expect(say(table, 100, ['INVITE sip:10.2.0.9 SIP/2.0', CONTACT]).helped.is).toBe('drop')
  expect(say(table, 100, ['SIP/2.0 200 OK', CONTACT], true).helped.is).toBe('drop')
  expect(say(table, 100, ['MESSAGE sip:10.2.0.9 SIP/2.0']).helped.is).toBe('accept')
})
