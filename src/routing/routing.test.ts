import { describe, expect, test } from 'vitest'
import { parseIp, printIp } from '../address/ip.js'
import { parsePrefix } from '../address/prefix.js'
import { Fib } from './fib.js'
import { routeInput } from './input.js'
import type { Interfaces } from './interfaces.js'
import { lookup } from './lookup.js'
import { routeOutput } from './output.js'
import type { Route, RouteType, RoutingRule } from './types.js'

/** `[TYPE] PREFIX [via GW] dev DEV [src A] [table T] [metric N] [scope S] [tos N]` */
function route(text: string): Route {
  const words = text.split(' ')
  const types: readonly RouteType[] = ['local', 'broadcast', 'blackhole', 'unreachable', 'prohibit', 'throw']
  const type = types.find((name) => name === words[0]) ?? 'unicast'
  const word = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined)
  const gateway = word('via')
  const dev = word('dev')
  const source = word('src')
  const scope = word('scope') ?? (type === 'local' ? 'host' : gateway === undefined ? 'link' : 'global')
  const destination = parsePrefix((type === 'unicast' ? words[0] : words[1])!.replace('default', '0.0.0.0/0'))!
  return {
    type,
    destination,
    table: word('table') ?? (type === 'local' || type === 'broadcast' ? 'local' : 'main'),
    metric: Number(word('metric') ?? 0),
    tos: Number(word('tos') ?? 0),
    scope: scope as Route['scope'],
    source: source === undefined ? undefined : parseIp(source),
    nexthops:
      dev === undefined
        ? []
        : [
            {
              gateway: gateway === undefined ? undefined : parseIp(gateway),
              dev,
              weight: 1,
              onlink: false,
              dead: false,
            },
          ],
    mtu: undefined,
    text: `${text} proto kernel`,
  }
}

const NOTHING = {
  not: false,
  from: undefined,
  to: undefined,
  iif: undefined,
  oif: undefined,
  fwmark: undefined,
  tos: undefined,
  protocol: undefined,
  sport: undefined,
  dport: undefined,
  uidRange: undefined,
  l3mdev: false,
} as const

const rule = (priority: number, table: string, more: Partial<RoutingRule> = {}): RoutingRule => ({
  priority,
  ...NOTHING,
  action: { do: 'lookup', table, suppressPrefixLength: undefined, suppressGroup: undefined },
  text: `${priority}: lookup ${table}`,
  ...more,
})

const STANDARD = [rule(0, 'local'), rule(32766, 'main'), rule(32767, 'default')]

const ROUTES = [
  'default via 10.1.0.254 dev eth0',
  '10.1.0.0/16 dev eth0 src 10.1.0.1',
  '10.2.0.0/16 dev eth1 src 10.2.0.1',
  '10.3.0.0/16 via 10.2.0.9 dev eth1',
  'unreachable 10.4.0.0/16',
  'blackhole 10.5.0.0/16',
  'prohibit 10.6.0.0/16',
  'local 10.1.0.1/32 dev eth0 src 10.1.0.1',
  'local 10.2.0.1/32 dev eth1 src 10.2.0.1',
  'local 127.0.0.0/8 dev lo src 127.0.0.1',
  'broadcast 10.1.255.255/32 dev eth0 src 10.1.0.1',
].map(route)

const settings = { forwarding: true, rpFilter: 0, acceptLocal: false, routeLocalnet: false, srcValidMark: false }

function interfaces(given: Partial<typeof settings> = {}): Interfaces {
  const now = { ...settings, ...given }
  const addresses: Readonly<Record<string, readonly string[]>> = {
    lo: ['127.0.0.1/8'],
    eth0: ['10.1.0.1/16'],
    eth1: ['10.2.0.1/16'],
  }
  return {
    devices: ['lo', 'eth0', 'eth1'],
    isUp: () => true,
    isLoopback: (dev) => dev === 'lo',
    addresses: (dev) =>
      (addresses[dev] ?? []).map((text) => ({
        prefix: parsePrefix(text)!,
        scope: dev === 'lo' ? 'host' : 'global',
        secondary: false,
        deprecated: false,
        usable: true,
      })),
    forwards: () => now.forwarding,
    rpFilter: () => now.rpFilter,
    acceptLocal: () => now.acceptLocal,
    routeLocalnet: () => now.routeLocalnet,
    srcValidMark: () => now.srcValidMark,
    sendsRedirects: () => true,
  }
}

const fib = (routes: readonly Route[] = ROUTES, rules: readonly RoutingRule[] = STANDARD) => new Fib(4, rules, routes)
const address = (text: string) => parseIp(text)!

describe('what the host sends', () => {
  const send = (dst: string, src?: string, more = {}) => {
    const result = routeOutput(fib(), interfaces(), {
      dst: address(dst),
      ...(src === undefined ? {} : { src: address(src) }),
      ...more,
    })
    if (!result.ok) return `${result.reason} ${result.errno}`
    return [
      result.type,
      result.dev,
      result.gateway === undefined ? 'direct' : `via ${printIp(result.gateway)}`,
      `src ${printIp(result.source)}`,
    ].join(' ')
  }
  // as `ip route get` of a namespace with these routes answers
  test.each([
    ['8.8.8.8', 'unicast eth0 via 10.1.0.254 src 10.1.0.1'],
    ['10.1.0.7', 'unicast eth0 direct src 10.1.0.1'],
    ['10.3.0.7', 'unicast eth1 via 10.2.0.9 src 10.2.0.1'],
    ['10.2.0.1', 'local lo direct src 10.2.0.1'],
    ['127.0.0.5', 'local lo direct src 127.0.0.1'],
    ['10.1.255.255', 'broadcast eth0 direct src 10.1.0.1'],
    ['10.4.0.1', 'unreachable EHOSTUNREACH'],
    ['10.5.0.1', 'blackhole EINVAL'],
    ['10.6.0.1', 'prohibit EACCES'],
  ])('to %s: %s', (dst, expected) => expect(send(dst)).toBe(expected))
  test('a source that is not its own is refused', () =>
    expect(send('8.8.8.8', '192.0.2.1')).toBe('bad-source ENETUNREACH'))
  test('a loopback source may not leave', () => expect(send('8.8.8.8', '127.0.0.1')).toBe('martian-source EINVAL'))
  test('no route at all', () => {
    expect(routeOutput(fib([]), interfaces(), { dst: address('8.8.8.8') })).toMatchObject({
      ok: false,
      reason: 'no-route',
      errno: 'ENETUNREACH',
    })
  })
})

describe('what comes in on eth0', () => {
  const receive = (src: string, dst: string, given: Partial<typeof settings> = {}, table = fib()) => {
    const result = routeInput(table, interfaces(given), { src: address(src), dst: address(dst), iif: 'eth0' })
    if (result.to === 'nowhere') return `${result.reason}${result.icmp === undefined ? '' : ` icmp ${result.icmp}`}`
    return result.to === 'local' ? `local ${result.type}` : `${result.dev}${result.redirect ? ' redirect' : ''}`
  }
  // the routing part of packets that Linux 6.18 was shown
  test.each([
    ['10.1.0.2', '10.3.0.9', 'eth1'],
    ['10.1.0.2', '10.1.0.77', 'eth0 redirect'],
    ['10.1.0.2', '10.1.0.1', 'local local'],
    ['10.1.0.2', '10.2.0.1', 'local local'],
    ['10.1.0.2', '10.1.255.255', 'local broadcast'],
    ['10.1.0.2', '255.255.255.255', 'local broadcast'],
    ['10.1.0.2', '224.0.0.1', 'local multicast'],
    ['10.1.0.2', '239.1.1.1', 'multicast-not-joined'],
    ['127.0.0.1', '10.3.0.9', 'martian-source'],
    ['10.1.0.1', '10.3.0.9', 'martian-source'],
    ['10.2.0.1', '10.3.0.9', 'martian-source'],
    ['0.0.0.0', '10.3.0.9', 'martian-source'],
    ['0.1.2.3', '10.3.0.9', 'eth1'],
    ['240.0.0.1', '10.3.0.9', 'eth1'],
    ['224.0.0.1', '10.3.0.9', 'martian-source'],
    ['255.255.255.255', '10.3.0.9', 'martian-source'],
    ['10.2.0.50', '10.3.0.9', 'eth1'],
    ['10.1.0.2', '127.0.0.1', 'martian-destination'],
    ['10.1.0.2', '0.0.0.0', 'martian-destination'],
    ['10.1.0.2', '10.4.0.1', 'unreachable icmp 1'],
    ['10.1.0.2', '10.5.0.1', 'blackhole'],
    ['10.1.0.2', '10.6.0.1', 'prohibit icmp 13'],
  ])('%s → %s: %s', (src, dst, expected) => expect(receive(src, dst)).toBe(expected))
  test('forwarding off', () => {
    expect(receive('10.1.0.2', '10.3.0.9', { forwarding: false })).toBe('ip-forward-off')
    expect(receive('10.1.0.2', '10.1.0.1', { forwarding: false })).toBe('local local')
  })
  test.each([
    [1, '10.2.0.50', 'rp_filter'],
    [2, '10.2.0.50', 'eth1'],
    [1, '10.1.0.2', 'eth1'],
    [1, '198.51.100.9', 'eth1'],
  ])('rp_filter=%s, from %s: %s', (rpFilter, src, expected) =>
    expect(receive(src, '10.3.0.9', { rpFilter })).toBe(expected),
  )
  test('loose mode wants some way back', () => {
    const noDefault = fib(ROUTES.slice(1))
    expect(receive('198.51.100.9', '10.3.0.9', { rpFilter: 2 }, noDefault)).toBe('rp_filter')
    expect(receive('198.51.100.9', '10.3.0.9', { rpFilter: 0 }, noDefault)).toBe('eth1')
  })
})

describe('policy rules', () => {
  const routes = [...ROUTES, route('default via 10.2.0.9 dev eth1 table 100'), route('throw 10.9.0.0/16 table 100')]
  const rules = [
    rule(0, 'local'),
    rule(10, 'main', { action: { do: 'lookup', table: 'main', suppressPrefixLength: 0, suppressGroup: undefined } }),
    rule(20, '100', { fwmark: { value: 1, mask: 0xff } }),
    rule(30, '100', { from: parsePrefix('10.1.0.128/25')! }),
    rule(40, '100', { not: true, to: parsePrefix('0.0.0.0/1')! }),
    rule(32766, 'main'),
  ]
  const chosen = (dst: string, more = {}) => {
    const { found, tried } = lookup(fib(routes, rules), { dst: address(dst), iif: 'lo', ...more })
    return [
      found.is === 'route' ? found.route.text.replace(' proto kernel', '') : found.is,
      tried.filter(({ matched }) => matched).length,
    ]
  }
  test('suppress_prefixlength 0 hides the default route of main', () =>
    expect(chosen('8.8.8.8')).toEqual(['default via 10.1.0.254 dev eth0', 3]))
  test('a connected route is found at once', () =>
    expect(chosen('10.2.0.7')).toEqual(['10.2.0.0/16 dev eth1 src 10.2.0.1', 2]))
  test('fwmark with a mask', () =>
    expect(chosen('8.8.8.8', { mark: 0x301 })).toEqual(['default via 10.2.0.9 dev eth1 table 100', 3]))
  test('from', () =>
    expect(chosen('8.8.8.8', { src: address('10.1.0.200') })).toEqual(['default via 10.2.0.9 dev eth1 table 100', 3]))
  test('not', () => expect(chosen('200.0.0.1')).toEqual(['default via 10.2.0.9 dev eth1 table 100', 3]))
  test('throw goes on with the next rule', () =>
    expect(chosen('10.9.0.1', { mark: 1 })).toEqual(['default via 10.1.0.254 dev eth0', 4]))
  test('why a rule did not match', () => {
    const { tried } = lookup(fib(routes, rules), { dst: address('8.8.8.8'), iif: 'lo', mark: 2 })
    expect(tried.find(({ text }) => text.startsWith('20'))?.why).toBe('fwmark 0x2 ≠ 0x1/0xff')
  })
})

describe('among equal prefixes', () => {
  const at = (routes: readonly string[], more = {}) => {
    const { found } = lookup(fib(routes.map(route)), { dst: address('10.9.0.1'), iif: 'lo', ...more })
    return found.is === 'route' ? found.nexthop?.dev : found.is
  }
  test('the lower metric wins', () =>
    expect(at(['10.9.0.0/16 dev eth0 metric 20', '10.9.0.0/16 dev eth1 metric 10'])).toBe('eth1'))
  test('the longer prefix wins over the metric', () =>
    expect(at(['10.9.0.0/24 dev eth0 metric 20', '10.9.0.0/16 dev eth1'])).toBe('eth0'))
  test('a TOS that fits wins, one that does not is passed over', () => {
    const routes = ['10.9.0.0/16 dev eth0', '10.9.0.0/16 dev eth1 tos 16']
    expect([at(routes, { tos: 16 }), at(routes, { tos: 0 })]).toEqual(['eth1', 'eth0'])
  })
})
