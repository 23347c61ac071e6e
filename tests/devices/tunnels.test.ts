import { describe, expect, test } from 'vitest'
import type { Branch } from '../../src/path/trail.js'
import { connected1, state, traced } from '../scenarios/state.js'

/** `node output`, for the hooks that have a chain. */
const hooksOf = ({ steps }: Branch): readonly string[] =>
  steps.flatMap((step) =>
    step.kind === 'hook' && step.chains.length > 0
      ? [`${step.host} ${step.hook} ${step.hook === 'postrouting' ? step.oif : (step.iif ?? step.oif)}`]
      : [],
  )

const ALL_HOOKS =
  '*mangle\n-A PREROUTING -j ACCEPT\n-A INPUT -j ACCEPT\n-A FORWARD -j ACCEPT\n-A OUTPUT -j ACCEPT\n-A POSTROUTING -j ACCEPT\n'

describe.each([
  ['gre', { ikey: '0.0.0.5', okey: '0.0.0.5' }, 'gre', 28],
  ['gre', {}, 'gre', 24],
  ['ipip', {}, 'ipencap', 20],
])('%s %j between two sites', (kind, data, protocol, overhead) => {
  const site = (n: 1 | 2, more = {}) => ({
    links: {
      wan0: { addresses: [`198.51.100.${n}/24`], mac: `02:00:00:00:0${n}:01` },
      lan0: { addresses: [`10.${n}.0.1/24`], mac: `02:00:00:00:0${n}:02` },
      tun1: {
        addresses: [`10.99.0.${n}/30`],
        kind,
        data: { local: `198.51.100.${n}`, remote: `198.51.100.${3 - n}`, ttl: 'inherit', pmtudisc: true, ...data },
        mtu: 1500 - overhead,
      },
    },
    routes: [`10.${3 - n}.0.0/24 dev tun1 scope link`],
    sysctl: {},
    iptables: ALL_HOOKS,
    ...more,
  })
  const hosts = state({ a: site(1), b: site(2) })
  const question = 'tcp 10.1.0.9:40000 > 10.2.0.9:80'
  test('the packet goes through the tunnel, with a walk of its own for the outer one', () => {
    const branch = traced(hosts, question)
    expect(branch).toMatchObject({
      outcome: 'sent',
      where: { host: 'b' },
      final: { dst: '10.2.0.9', interface: 'lan0' },
    })
    const wrapped = branch.steps.find((step) => step.kind === 'encapsulate')
    expect(wrapped).toMatchObject({
      host: 'a',
      interface: 'tun1',
      outer: { src: '198.51.100.1', dst: '198.51.100.2', protocol, ttl: 63 },
      inner: { src: '10.1.0.9', dst: '10.2.0.9' },
    })
    if (wrapped?.kind === 'encapsulate') expect(wrapped.outer.length - wrapped.inner.length).toBe(overhead)
    expect(hooksOf(branch)).toEqual([
      'a prerouting lan0', 'a forward lan0', 'a postrouting tun1', 'a output wan0', 'a postrouting wan0',
      'b prerouting wan0', 'b input wan0', 'b prerouting tun1', 'b forward tun1', 'b postrouting lan0',
    ]) // biome-ignore format: a list
  })
  test('a sender that no tunnel has is told so', () => {
    const other =
      kind === 'gre' ? 'gre 198.51.100.7 > 198.51.100.1 in wan0' : 'ipencap 198.51.100.7 > 198.51.100.1 in wan0'
    expect(traced(state({ a: site(1) }), other)).toMatchObject({ outcome: 'rejected', where: { reason: 'no-tunnel' } })
  })
})

test('GRE whose keys differ is not the other end’s tunnel', () => {
  const end = (n: 1 | 2, key: string) => ({
    links: {
      wan0: { addresses: [`198.51.100.${n}/24`], mac: `02:00:00:00:0${n}:01` },
      tun1: { addresses: [`10.99.0.${n}/30`], kind: 'gre', data: { local: `198.51.100.${n}`, remote: `198.51.100.${3 - n}`, okey: key, ikey: key } },
    },
    sysctl: {},
    sockets: ['udp 0.0.0.0:53'],
  }) // biome-ignore format: a state
  expect(traced(state({ a: end(1, '5'), b: end(2, '5') }), 'udp > 10.99.0.2:53 from a').outcome).toBe('delivered')
  expect(traced(state({ a: end(1, '5'), b: end(2, '6') }), 'udp > 10.99.0.2:53 from a')).toMatchObject({
    where: { host: 'b', reason: 'no-tunnel' },
  })
})

test('sit carries IPv6 through IPv4; 6to4 finds its far end in the address', () => {
  const end = (data: Readonly<Record<string, unknown>>) =>
    state({
      a: {
        links: {
          wan0: ['198.51.100.1/24'],
          sit1: { addresses: ['2002:c633:6401::1/16'], kind: 'sit', data },
        },
        files: { 'ip-6-route': '2002::/16 dev sit1 metric 256\n' },
        sysctl: {},
      },
    })
  const [fixed, any] = [
    { local: '198.51.100.1', remote: '198.51.100.2' },
    { local: '198.51.100.1', remote: 'any' },
  ].map((data) => traced(end(data), 'udp > [2002:cb00:7109::1]:53 from a'))
  const outer = (branch: Branch) => branch.steps.find((step) => step.kind === 'encapsulate')
  expect(outer(fixed!)).toMatchObject({ outer: { dst: '198.51.100.2', protocol: 'ipv6' } })
  expect(outer(any!)).toMatchObject({ outer: { dst: '203.0.113.9' } })
})

test.each(['ip6tnl', 'geneve', 'xfrm'])('a tunnel that is not walked (%s) is undecided', (kind) => {
  const hosts = state({
    a: {
      links: {
        wan0: ['198.51.100.1/24'],
        t0: { addresses: ['10.99.0.1/30'], kind, data: { remote: '2001:db8::2' } },
      },
      sysctl: {},
    },
  })
  const branch = traced(hosts, 'udp > 10.99.0.2:53 from a')
  expect(branch.outcome).toBe('undecided')
  expect(branch.where.text).toContain(kind)
})

describe('WireGuard', () => {
  const KEY = { server: `${'s'.repeat(43)}=`, client: `${'c'.repeat(43)}=` }
  const server = (allowed: string, more = {}) => ({
    links: {
      eth0: { addresses: ['203.0.113.1/24'], mac: '02:00:00:00:01:01' },
      wg0: { addresses: ['10.8.0.1/24'], kind: 'wireguard' },
    },
    routes: ['default via 203.0.113.254 dev eth0'],
    sysctl: {},
    sockets: ['udp 0.0.0.0:51820', 'tcp 0.0.0.0:80'],
    iptables: '*filter\n:INPUT DROP\n-A INPUT -p udp -m udp --dport 51820 -j ACCEPT\n-A INPUT -i wg0 -j ACCEPT\n',
    files: {
      wg: `interface: wg0\n  public key: ${KEY.server}\n  listening port: 51820\n\npeer: ${KEY.client}\n  endpoint: 203.0.113.2:41000\n  allowed ips: ${allowed}\n`,
    },
    ...more,
  })
  const client = (allowed: string) => ({
    links: {
      eth0: { addresses: ['203.0.113.2/24'], mac: '02:00:00:00:02:01' },
      wg0: { addresses: ['10.8.0.2/24'], kind: 'wireguard' },
    },
    sysctl: {},
    files: {
      wg: `interface: wg0\n  public key: ${KEY.client}\n  listening port: 41000\n  fwmark: 0xca6c\n\npeer: ${KEY.server}\n  endpoint: 203.0.113.1:51820\n  allowed ips: ${allowed}\n`,
    },
  })
  test('both ways, with the outer packets', () => {
    const hosts = state({ server: server('10.8.0.2/32'), client: client('10.8.0.0/24') })
    const connection = connected1(hosts, 'tcp > 10.8.0.1:80 from client')
    expect(connection).toMatchObject({ works: true, receiver: { host: 'server', src: '10.8.0.2' } })
    expect(connection.request.steps.find(({ kind }) => kind === 'encapsulate')).toMatchObject({
      outer: { src: '203.0.113.2', sport: 41000, dst: '203.0.113.1', dport: 51820, mark: 0xca6c },
    })
  })
  test('a destination that no peer may have: the sender is told', () => {
    const hosts = state({ client: client('10.8.0.1/32') })
    expect(traced(hosts, 'tcp > 10.8.0.7:80 from client')).toMatchObject({
      where: { host: 'client', reason: 'no-peer' },
      outcome: 'rejected',
    })
  })
  test('a source that the peer may not have is dropped behind decryption', () => {
    const hosts = state({ server: server('10.8.0.99/32'), client: client('10.8.0.0/24') })
    expect(traced(hosts, 'tcp > 10.8.0.1:80 from client')).toMatchObject({
      outcome: 'dropped',
      where: { host: 'server', reason: 'not-allowed' },
    })
  })
  test('a peer without an endpoint', () => {
    const files = {
      wg: `interface: wg0\n  public key: ${KEY.server}\n  listening port: 51820\n\npeer: ${KEY.client}\n  allowed ips: 10.8.0.2/32\n`,
    }
    expect(traced(state({ server: server('', { files }) }), 'tcp > 10.8.0.2:80 from server').where.reason).toBe(
      'no-endpoint',
    )
  })
  test('nothing of its peers is known: undecided, with the command', () => {
    const branch = traced(state({ server: server('', { files: {} }) }), 'tcp > 10.8.0.2:80 from server')
    expect(branch.outcome).toBe('undecided')
    expect(branch.where.text).toContain('wg show')
  })
})
