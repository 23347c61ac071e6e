import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { detect } from './detect.js'
import { readSnapshot } from './index.js'
import { readNexthops } from './ip-nexthop.js'

// iproute2 6.1 on Linux 6.18
const TEXT = `id 1 via 10.1.0.2 dev r0 scope link 
id 2 via 10.1.0.3 dev r0 scope link onlink 
id 3 group 1,3/2 
id 4 blackhole 
`
const JSON_TEXT =
  '[{"id":1,"gateway":"10.1.0.2","dev":"r0","scope":"link","flags":[]},{"id":2,"gateway":"10.1.0.3","dev":"r0","scope":"link","flags":["onlink"]},{"id":3,"group":[{"id":1,"weight":3},{"id":2}],"flags":[]},{"id":4,"blackhole":null,"flags":[]}]'

describe.each([
  ['text', TEXT],
  ['JSON', JSON_TEXT],
])('ip nexthop as %s', (_, text) => {
  test('is recognised', () => expect(detect('a', text)).toBe('ip-nexthop'))
  test('single ones, groups, blackholes', () => {
    expect(readNexthops(text)).toMatchObject([
      { id: 1, hop: { gateway: parseIp('10.1.0.2'), dev: 'r0', onlink: false } },
      { id: 2, hop: { onlink: true } },
      { id: 3, hop: undefined, group: [{ id: 1, weight: 3 }, { id: 2, weight: 1 }] },
      { id: 4, blackhole: true },
    ]) // biome-ignore format: a table
  })
})

test('a word that nobody knows', () =>
  expect(() => readNexthops('id 1 via 10.0.0.1 dev r0 sideways\n')).toThrow('sideways'))

describe('routes that name nexthop objects only (nexthop_compat_mode=0)', () => {
  const files = (nexthop: string | undefined) => [
    { path: 'h/ip-link', text: '2: r0: <BROADCAST,UP,LOWER_UP> mtu 1500\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n' },
    { path: 'h/ip-route', text: '10.9.0.0/16 nhid 3 \n10.8.0.0/16 nhid 4 \n' },
    ...(nexthop === undefined ? [] : [{ path: 'h/ip-nexthop', text: nexthop }]),
  ] // biome-ignore format: files
  test('with the listing', () => {
    const read = readSnapshot(files(TEXT))
    if (!read.ok) throw new Error(read.problems[0]!.message)
    const [nine, eight] = read.hosts.namespaces[0]!.routes
    expect(nine?.nexthops).toMatchObject([{ gateway: parseIp('10.1.0.2'), weight: 3 }, { gateway: parseIp('10.1.0.3'), weight: 1 }]) // biome-ignore format: a table
    expect(eight?.type).toBe('blackhole')
  })
  test('without it the snapshot is refused, and the command named', () => {
    const read = readSnapshot(files(undefined))
    expect(read.ok).toBe(false)
    if (!read.ok) expect(read.problems[0]!.message).toContain('`ip nexthop`')
  })
})
