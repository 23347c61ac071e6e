import { describe, expect, test } from 'vitest'
import { type Blank, comparable } from './frames.js'

const NOTHING: Blank = { ports: false, vxlan: new Set(), headerless: new Set(), id: 0x5057 }

/** An Ethernet header, IPv4 with id 0x5057 (checksum right), TCP from 40000 to 80. */
const frame =
  '0242ac1100020242d4fee51408004500002850570000' +
  '3f06' + '5529' + 'c6336409' + 'ac110002' + '9c400050' + '0000000000000000' + '5002faf0' + '4211' + '0000' // biome-ignore format: parts of a frame
const withId = (id: string, sum: string) => frame.replace('50570000', `${id}0000`).replace('3f065529', `3f06${sum}`)

describe('what is compared of a frame', () => {
  test('all of it, as it is', () => expect(comparable(['eth0', frame], NOTHING)).toBe(`eth0 ${frame}`))

  test('an id that the kernel drew is not, but the checksum over it has to be right', () => {
    const drawn = comparable(['eth0', withId('caea', 'da95')], NOTHING)
    expect(drawn).toContain('????')
    expect(drawn).toMatch(/header sum right$/)
    expect(comparable(['eth0', withId('1234', '934c')], NOTHING)).toBe(drawn)
    expect(comparable(['eth0', withId('1234', '934d')], NOTHING)).toMatch(/header sum wrong$/)
  })

  test('a port that was drawn is not, but the checksum over it has to be right', () => {
    const blank = { ...NOTHING, ports: true }
    const one = comparable(['eth0', frame], blank)
    const other = comparable(['eth0', frame.replace('9c400050', '9c410050').replace('faf04211', 'faf04210')], blank)
    expect(one).toMatch(/ right$/)
    expect(other).toBe(one)
    expect(comparable(['eth0', frame.replace('9c400050', '9c410050')], blank)).toMatch(/ wrong$/)
  })

  test('the Ethernet header of what only stands in for a tunnel is not', () => {
    const blank = { ...NOTHING, headerless: new Set(['wg0']) }
    expect(comparable(['wg0', frame], blank)).toBe(`wg0 ${'?'.repeat(24)}${frame.slice(24)}`)
    expect(comparable(['eth0', frame], blank)).toBe(`eth0 ${frame}`)
  })
})
