import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { readRules } from './ip-rule.js'

const recorded = (name: string) => readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8')

describe('ip rule', () => {
  test.each(['ip-rule', 'ip-rule6'])('%s: text and JSON say the same', (name) => {
    const fromJson = readRules(recorded(`${name}.json`), undefined)
    expect(readRules(recorded(`${name}.txt`), undefined)).toEqual(fromJson)
    expect(`${fromJson.rules.map(({ text }) => text).join('\n')}\n`).toBe(recorded(`${name}.txt`))
  })
  test('the family shows itself', () => {
    expect(readRules(recorded('ip-rule.txt'), 6).family).toBe(4)
    expect(readRules(recorded('ip-rule6.txt'), 4).family).toBe(6)
    expect(readRules('0:	from all lookup local\n32766:	from all lookup main\n', undefined).family).toBe(6)
    expect(readRules('0:	from all lookup local\n32767:	from all lookup default\n', undefined).family).toBe(4)
  })

  const lookup = (table: string) => ({ do: 'lookup', table, suppressPrefixLength: undefined, suppressGroup: undefined })
  test.each([
    [
      '100:	from 192.0.2.0/25 lookup 200',
      { priority: 100, from: { ip: parseIp('192.0.2.0'), length: 25 }, to: undefined, action: lookup('200') },
    ],
    [
      '110:	not from 10.1.1.1 to 10.0.0.0/8 lookup 254',
      {
        not: true,
        from: { ip: parseIp('10.1.1.1'), length: 32 },
        to: { ip: parseIp('10.0.0.0'), length: 8 },
        action: lookup('main'),
      },
    ],
    ['120:	from all fwmark 0x10/0xff lookup 200', { from: undefined, fwmark: { value: 16, mask: 255 } }],
    [
      '130:	from all fwmark 0x20 iif eth0 blackhole',
      { fwmark: { value: 32, mask: 0xffffffff }, iif: 'eth0', action: { do: 'blackhole' } },
    ],
    [
      '150:	from all ipproto tcp sport 1000 dport 80-90 prohibit',
      { protocol: 6, sport: [1000, 1000], dport: [80, 90], action: { do: 'prohibit' } },
    ],
    ['160:	from all tos 0x10 uidrange 1000-1999 lookup 200', { tos: 16, uidRange: [1000, 1999] }],
    [
      '170:	from all lookup main suppress_prefixlength 0',
      { action: { do: 'lookup', table: 'main', suppressPrefixLength: 0, suppressGroup: undefined } },
    ],
    ['181:	from all goto 9999 [unresolved]', { action: { do: 'goto', priority: 9999 } }],
    ['195:	from all lookup [l3mdev-table]', { l3mdev: true, action: lookup('l3mdev') }],
  ] as const)('%s', (line, expected) => {
    expect(readRules(line, 4).rules[0]).toMatchObject({ ...expected, text: line })
  })
  test.each([
    ['100:	from nowhere lookup 200', 1, 11, 'src "nowhere" is not an address or prefix'],
    ['0:	from all lookup local\n100	from all', 2, 1, '"100" is no priority of a rule'],
    ['100:	from all fwmark zz lookup 200', 1, 22, 'fwmark "zz" is not a number'],
    ['100:	from all', 1, 1, 'a rule without an action'],
    ['100:	from all wherever main', 1, 15, '"wherever" is no word of a rule'],
  ] as const)('%j', (text, line, column, message) => {
    expect(() => readRules(text, 4)).toThrow(expect.objectContaining({ message, position: { line, column } }))
  })
})
