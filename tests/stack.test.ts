import { expect, test } from 'vitest'
import { state, traced } from './scenarios/state.js'

const hosts = state({
  h: {
    links: { eth0: ['192.0.2.10/24', '2001:db8::10/64'] },
    routes: [
      'default via 192.0.2.1 dev eth0',
      'default via 2001:db8::1 dev eth0',
      'anycast 2001:db8:: dev eth0 table local proto kernel metric 0',
      'local 2001:db8::10 dev eth0 table local proto kernel metric 0',
    ],
    sockets: ['tcp 0.0.0.0:80', 'tcp [::]:80', 'udp 0.0.0.0:53'],
  },
})

// what Linux 6.18 did with such frames, sent to the MAC address of eth0
test.each([
  ['none', 'dropped', 'rejected'],
  ['fin', 'dropped', 'rejected'],
  ['syn', 'delivered', 'rejected'],
  ['syn,fin', 'dropped', 'rejected'],
  ['rst', 'dropped', 'dropped'],
  ['syn,rst', 'dropped', 'dropped'],
  ['psh', 'dropped', 'rejected'],
  ['ack', 'rejected', 'rejected'],
  ['fin,ack', 'rejected', 'rejected'],
  ['syn,ack', 'rejected', 'rejected'],
  ['rst,ack', 'dropped', 'dropped'],
  ['urg', 'dropped', 'rejected'],
  ['fin,psh,urg', 'dropped', 'rejected'],
  ['syn,ece,cwr', 'delivered', 'rejected'],
])('TCP with flags %s: %s where somebody listens, %s elsewhere', (flags, listening, elsewhere) => {
  const outcome = (dst: string) => traced(hosts, `tcp ${dst} ${flags} in eth0`).outcome
  expect(outcome('198.51.100.9:4000 > 192.0.2.10:80')).toBe(listening)
  expect(outcome('198.51.100.9:4000 > 192.0.2.10:81')).toBe(elsewhere)
  expect(outcome('[2001:db8:9::9]:4000 > [2001:db8::10]:80')).toBe(listening)
  expect(outcome('[2001:db8:9::9]:4000 > [2001:db8::10]:81')).toBe(elsewhere)
})

test.each([
  ['tcp 192.0.2.1:4000 > 192.0.2.255:80 syn in eth0', 'dropped'],
  ['tcp 192.0.2.1:4000 > 192.0.2.255:81 syn in eth0', 'dropped'],
  ['tcp 192.0.2.1:4000 > 192.0.2.255:80 ack in eth0', 'dropped'],
  ['tcp 192.0.2.1:4000 > 224.0.0.1:80 syn in eth0', 'dropped'],
  ['tcp [2001:db8::1]:4000 > [2001:db8::]:80 syn in eth0', 'dropped'],
  ['tcp [2001:db8::1]:4000 > [2001:db8::]:81 syn in eth0', 'dropped'],
  ['udp 192.0.2.1:4000 > 192.0.2.255:53 in eth0', 'delivered'],
])('no answer of TCP to what is not unicast: %s', (line, outcome) => {
  expect(traced(hosts, line).outcome).toBe(outcome)
})
