import { describe, expect, test } from 'vitest'
import type { HostSpec } from '../scenarios/state.js'
import { state, traced } from '../scenarios/state.js'

/** Two customers with the same addresses, each in a VRF of its own. */
const router = (more: Partial<HostSpec> = {}): HostSpec => ({
  links: {
    red: { kind: 'vrf', data: { table: 10 } },
    blue: { kind: 'vrf', data: { table: 20 } },
    r0: { addresses: [], master: 'red', port: { table: 10 } },
    r1: { addresses: [], master: 'red', port: { table: 10 } },
    b0: { addresses: [], master: 'blue', port: { table: 20 } },
    wan0: ['203.0.113.7/24'],
  },
  routes: [
    'default via 203.0.113.1 dev wan0',
    '10.1.0.0/16 dev r0 table 10 scope link',
    '10.2.0.0/16 dev r1 table 10 scope link',
    'local 10.1.0.1 dev r0 table 10 scope host src 10.1.0.1',
    '10.1.0.0/16 dev b0 table 20 scope link',
  ],
  rules: ['1000:\tfrom all lookup [l3mdev-table]'],
  sysctl: {},
  ...more,
})
const question = 'tcp 10.1.0.9:40000 > 10.2.0.9:80 in r0'

describe('VRF', () => {
  test('what comes in by a port is routed by the table of its VRF', () => {
    const branch = traced(state({ h: router() }), question)
    expect(branch).toMatchObject({ outcome: 'sent', final: { interface: 'r1' } })
    const route = branch.steps.find((step) => step.kind === 'route')
    expect(route).toMatchObject({ lookup: { iif: 'red', table: '10' } })
  })
  test('the other VRF has no such network', () => {
    expect(traced(state({ h: router() }), question.replace('in r0', 'in b0'))).toMatchObject({
      where: { host: 'h' },
      outcome: 'sent',
      final: { interface: 'wan0' },
    })
    const alone = router({
      routes: ['10.1.0.0/16 dev b0 table 20 scope link', 'unreachable default table 20 metric 4278198272'],
    })
    expect(traced(state({ h: alone }), question.replace('in r0', 'in b0'))).toMatchObject({
      outcome: 'rejected',
      where: { reason: 'unreachable' },
    })
  })
  test('PREROUTING sees the port, then the VRF; FORWARD sees the VRF', () => {
    const iptables =
      '*raw\n-A PREROUTING -i r0 -j ACCEPT\n-A PREROUTING -i red -j ACCEPT\n*filter\n:FORWARD DROP\n-A FORWARD -i red -o r1 -j ACCEPT\n'
    const branch = traced(state({ h: router({ iptables }) }), question)
    expect(branch.outcome).toBe('sent')
    const raw = branch.steps.flatMap((step) =>
      step.kind === 'hook' ? step.chains.filter(({ table }) => table === 'raw') : [],
    )
    expect(raw.map(({ decidedBy }) => decidedBy.number)).toEqual([1, 2])
  })
  test('strict reverse-path filtering takes a port of the VRF for the VRF', () => {
    const sysctl = { 'net.ipv4.conf.all.rp_filter': 1 }
    expect(traced(state({ h: router({ sysctl }) }), question).outcome).toBe('sent')
    expect(traced(state({ h: router({ sysctl }) }), question.replace('10.1.0.9', '10.2.0.7'))).toMatchObject({
      outcome: 'sent', // the VRF is the device, r1 as good as r0
    })
    expect(traced(state({ h: router({ sysctl }) }), question.replace('10.1.0.9', '10.9.0.7'))).toMatchObject({
      where: { reason: 'rp_filter' },
    })
  })
  test.each([
    [0, undefined, 'rejected'],
    [1, undefined, 'delivered'],
    [0, '%red', 'delivered'],
    [0, '%blue', 'rejected'],
  ])('tcp_l3mdev_accept=%i, a socket bound to %s: %s', (accept, bound, outcome) => {
    const hosts = state({
      h: router({ sysctl: { 'net.ipv4.tcp_l3mdev_accept': accept }, sockets: [`tcp 0.0.0.0${bound ?? ''}:22`] }),
    })
    expect(traced(hosts, 'tcp 10.1.0.9:40000 > 10.1.0.1:22 in r0').outcome).toBe(outcome)
  })
  test('what the host sends itself, with rules in OUTPUT: undecided', () => {
    const iptables = '*filter\n-A OUTPUT -o red -j DROP\n'
    const rules = ['1000:\tfrom all lookup [l3mdev-table]', '1001:\tfrom all to 10.2.0.0/16 lookup 10']
    const sent = (more: Partial<HostSpec>) =>
      traced(state({ h: router({ rules, ...more }) }), 'udp > 10.2.0.9:53 from h')
    expect(sent({}).outcome).toBe('sent')
    expect(sent({ iptables }).outcome).toBe('undecided')
  })
})
