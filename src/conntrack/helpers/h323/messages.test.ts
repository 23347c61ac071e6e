import { expect, test } from 'vitest'
import { USER_INFORMATION } from './h225-types.js'
import { CONTROL_MESSAGE } from './h245-types.js'
import { Bits, Kept, type Type } from './per.js'
import { RAS_MESSAGE } from './ras-types.js'

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from((hex.match(/../g) ?? []).map((two) => Number.parseInt(two, 16)))

/** Names from the outside in, with where the address stands. */
function addresses(kept: Kept, path = ''): readonly string[] {
  return [
    ...[...kept.parts].flatMap(([name, part]) =>
      name === 'ip' || name === 'network' ? [`${path}: ${part.at}`] : addresses(part, `${path} ${name}`.trim()),
    ),
    ...kept.items.flatMap((item) => addresses(item, path)),
  ]
}

function read(type: Type, hex: string): { readonly how: string; readonly found: readonly string[] } {
  const bytes = bytesOf(hex)
  const kept = new Kept()
  return { how: type(new Bits(bytes, 0, bytes.length), kept), found: addresses(kept) }
}

const CONFERENCE = '11'.repeat(16)
/** An OpenLogicalChannel for nothing, with its media at 10.1.0.2 port 5000. */
const CHANNEL = '00' + '0001' + '0600' + '0a' + '10000100' + '0a010002' + '1388'

test('H.245: the channel of an OpenLogicalChannel', () => {
  const path = 'request openLogicalChannel forward multiplexParameters h2250 mediaChannel unicastAddress iPAddress'
  expect(read(CONTROL_MESSAGE, `03${CHANNEL}`)).toEqual({ how: 'read', found: [`${path}: 11`] })
  expect(read(CONTROL_MESSAGE, `03${CHANNEL.slice(0, -2)}`).how).toBe('bad')
})

test('H.245: others are of no interest', () => {
  expect(read(CONTROL_MESSAGE, '00').how).toBe('read')
  expect(read(CONTROL_MESSAGE, '40')).toEqual({ how: 'stopped', found: [] })
})

/** A Setup with ten additions, of which the last, at which Linux stops, is there. What it reads then is taken for the end of the whole message. */
const SETUP = `20800200000000${CONFERENCE}004802`

test('H.225.0: behind the endpoint identifier of a Setup, Linux reads on from there', () => {
  const path =
    'pdu h245Control request openLogicalChannel forward multiplexParameters h2250 mediaChannel unicastAddress iPAddress'
  const control = `0440130111${'03'}${CHANNEL}0000`
  expect(read(USER_INFORMATION, SETUP + control)).toEqual({ how: 'stopped', found: [`${path}: 42`] })
})

test('RAS: where the gatekeeper is to answer', () => {
  // gatekeeperRequest without optional parts, number 1, protocol 0.0.8.2250.0.1
  expect(read(RAS_MESSAGE, '00' + '000000' + '06' + '0008914a0001' + '00' + '0a010002' + '06b7')).toEqual({
    how: 'read',
    found: ['gatekeeperRequest rasAddress ipAddress: 12'],
  })
})

/** A registration of 10.1.0.2 for 301 seconds, which ends with that. */
const REGISTRATION = `0e00000006${'0008914a0001'}00${'01000a0100021388'.repeat(2)}0000000000000280${'03'}40012c`

test('RAS: Linux goes twice over how long a registration counts, and there has to be room for it', () => {
  expect(read(RAS_MESSAGE, REGISTRATION).how).toBe('bad')
  expect(read(RAS_MESSAGE, `${REGISTRATION}0000`)).toEqual({
    how: 'read',
    found: ['registrationRequest callSignalAddress ipAddress: 14', 'registrationRequest rasAddress ipAddress: 22'],
  })
})
