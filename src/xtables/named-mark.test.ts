import { expect, test } from 'vitest'
import { deviceGroup, routeRealm } from './named-mark.js'

// what iptables-save 1.8.9 prints for them
test.each([
  [deviceGroup, 'default', 'default'],
  [deviceGroup, '0x0', 'default'],
  [deviceGroup, '0x1', '0x1'],
  [deviceGroup, '0x0/0xf', '0x0/0xf'],
  [routeRealm, 'cosmos', 'cosmos'],
  [routeRealm, '0x0', 'cosmos'],
])('%#: %s prints as %s', (codec, given, printed) => {
  expect(codec.print(codec.parse(given))).toBe(printed)
})
