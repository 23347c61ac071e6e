import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { readRoutes } from './ip-route.js'
import { InputError } from './problem.js'

const recorded = (name: string) => readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8')

describe('what is read from text is what is read from JSON', () => {
  // the JSON of iproute2 6.1 does not say "lock"
  test.each(['ip-route', 'ip-route6'])('%s', (name) => {
    const fromJson = readRoutes(recorded(`${name}.json`), 4)
    expect(readRoutes(recorded(`${name}.txt`), 4)).toEqual(fromJson)
    expect(fromJson.routes.length).toBeGreaterThan(28)
  })
  test('-d says what goes without saying', () => {
    expect(readRoutes(recorded('ip-d-route.txt'), 4)).toEqual(readRoutes(recorded('ip-route.json'), 4))
  })
  test('the lines are those that ip printed', () => {
    const lines = recorded('ip-route.txt')
      .replaceAll('lock ', '')
      .replace(/ \n\t/g, ' ')
      .replace(/\n\t/g, ' ')
      .split('\n')
    const shown = lines
      .map((line) => line.replace(/ table \S+/, '').trim())
      .filter((line) => line !== '' && !line.includes('from 2001'))
    expect(readRoutes(recorded('ip-route.json'), 4).routes.map(({ text }) => text)).toEqual(shown)
  })
})

const only = (line: string, hint: 4 | 6 = 4) => readRoutes(line, hint).routes[0]

describe('routes', () => {
  test('two next hops', () => {
    expect(
      only(
        '10.2.0.0/16 \n\tnexthop via 192.0.2.10 dev eth0 weight 3 \n\tnexthop via 10.9.0.2 dev tun0 weight 1 onlink linkdown \n',
      ),
    ).toEqual({
      type: 'unicast',
      destination: { ip: parseIp('10.2.0.0'), length: 16 },
      table: 'main',
      metric: 0,
      tos: 0,
      scope: 'global',
      source: undefined,
      nexthops: [
        { gateway: parseIp('192.0.2.10'), dev: 'eth0', weight: 3, onlink: false, dead: false },
        { gateway: parseIp('10.9.0.2'), dev: 'tun0', weight: 1, onlink: true, dead: true },
      ],
      mtu: undefined,
      text: '10.2.0.0/16 nexthop via 192.0.2.10 dev eth0 weight 3 nexthop via 10.9.0.2 dev tun0 weight 1 onlink linkdown',
    })
  })
  test.each([
    ['default dev wg0 scope link', 4, { destination: { ip: 0, length: 0 }, scope: 'link', metric: 0 }],
    ['default dev wg0 metric 1024 pref medium', 4, { destination: { ip: 0n, length: 0 }, metric: 1024 }],
    ['default dev wg0', 6, { destination: { ip: 0n, length: 0 }, metric: 1024 }],
    [
      '10.1.0.0/16 via 192.0.2.254 dev eth0 src 192.0.2.2 mtu lock 1300',
      4,
      { mtu: 1300, source: parseIp('192.0.2.2') },
    ],
    ['blackhole 10.3.0.0/16 table 254', 4, { type: 'blackhole', table: 'main', nexthops: [] }],
    ['10.8.0.0/16 tos 0x10 via 192.0.2.254 dev eth0', 4, { tos: 16 }],
    [
      '10.11.0.0/16 via inet6 2001:db8::9 dev eth0',
      4,
      { nexthops: [{ gateway: parseIp('2001:db8::9'), dev: 'eth0', weight: 1, onlink: false, dead: false }] },
    ],
  ] as const)('%s', (line, hint, expected) => {
    expect(only(line, hint)).toMatchObject(expected)
  })
  test('a route that asks for the source is left out, and said', () => {
    expect(
      readRoutes('2001:db8:a::/48 from 2001:db8:1::/64 via 2001:db8:1::ff dev eth0 metric 1024 pref medium', 6),
    ).toEqual({
      routes: [],
      notes: [
        'the route "2001:db8:a::/48 from 2001:db8:1::/64 via 2001:db8:1::ff dev eth0 metric 1024 pref medium" asks for the source address: left out',
      ],
    })
  })
  test.each([
    ['10.0.0.0/33 dev eth0', 1, 1, 'dst "10.0.0.0/33" is not an address or prefix'],
    ['default via 192.0.2.254 dev eth0\nnonsense here', 2, 1, '"nonsense" is no destination of a route'],
    ['default via 192.0.2.254 dev', 1, 28, 'the line ends after dev'],
    ['default via 192.0.2.999 dev eth0', 1, 13, 'gateway "192.0.2.999" is not an IP address'],
    ['default sideways', 1, 9, '"sideways" is no word of a route'],
    ['[{"dst":"default","gateway":7}]', 1, 29, 'gateway 7 is not a text'],
    ['[{"dst":"default",\n "metric":"x"}]', 2, 11, 'metric "x" is not a number'],
    ['[{"dst":"default"\n "dev":"eth0"}]', 2, 2, 'not JSON: comma expected'],
  ] as const)('%j', (text, line, column, message) => {
    const error = new InputError(message, { line, column })
    expect(() => readRoutes(text, 4)).toThrow(error)
    try {
      readRoutes(text, 4)
    } catch (thrown) {
      expect((thrown as InputError).position).toEqual({ line, column })
    }
  })
})
