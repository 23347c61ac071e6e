import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { readFdb } from './bridge-fdb.js'

const recorded = (name: string) => readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8')

describe('bridge fdb', () => {
  test('text and JSON say the same', () => {
    expect(readFdb(recorded('bridge-fdb.txt'))).toEqual(readFdb(recorded('bridge-fdb.json')))
    expect(readFdb(recorded('bridge-fdb.txt'))).toHaveLength(32)
  })
  test.each([
    [
      '02:00:00:00:00:55 dev port1 master br0 static',
      { mac: 0x020000000055, dev: 'port1', master: 'br0', remote: undefined, local: false },
    ],
    [
      '2a:ba:81:eb:b1:99 dev port1 master br0 permanent',
      { mac: 0x2aba81ebb199, dev: 'port1', master: 'br0', remote: undefined, local: true },
    ],
    [
      '02:00:00:00:00:66 dev vx0 dst 192.0.2.66 self permanent',
      {
        mac: 0x020000000066,
        dev: 'vx0',
        master: undefined,
        remote: parseIp('192.0.2.66'),
        local: false,
        permanent: true,
      },
    ],
  ] as const)('%s', (line, expected) => expect(readFdb(line)).toEqual([expected]))
  test('a bad line', () =>
    expect(() => readFdb('02:00:00:00:00:55 dev port1\n02:00:00 dev x')).toThrow(
      expect.objectContaining({ message: 'mac "02:00:00" is not a MAC address', position: { line: 2, column: 1 } }),
    ))
})
