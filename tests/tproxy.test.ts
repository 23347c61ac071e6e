import { expect, test } from 'vitest'
import { state, traced } from './scenarios/state.js'

const MARKED = ['32765: from all fwmark 0x1 lookup 100']

interface Given {
  readonly sockets: readonly string[]
  readonly local?: boolean
}

/** A router that hands web traffic to a proxy of its own. */
const hosts = ({ sockets, local = true }: Given) =>
  state({
    r: {
      links: { lan0: ['10.1.0.1/16'], wan0: ['203.0.113.7/24'] },
      routes: ['default via 203.0.113.1 dev wan0', ...(local ? ['local default dev lo table 100 scope host'] : [])],
      rules: ['0: from all lookup local', ...MARKED, '32766: from all lookup main'],
      sysctl: { 'net.ipv4.ip_forward': 1 },
      sockets: [...sockets],
      iptables: `
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i lan0 -p tcp -m tcp --dport 80 -j TPROXY --on-port 5000 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
COMMIT
`,
    },
  })

// Linux 6.18: no listener, and the packet is gone; nothing behind the rule sees it
test.each([
  ['a proxy listens', { sockets: ['tcp 0.0.0.0:5000'] }, 'delivered', 'tcp *:5000'],
  ['on another port', { sockets: ['tcp 0.0.0.0:5001'] }, 'dropped', 'nothing listens on tcp 5000'],
  ['nobody listens', { sockets: ['tcp 0.0.0.0:22'] }, 'dropped', 'nothing listens on tcp 5000'],
  ['on the address of lan0', { sockets: ['tcp 10.1.0.1:5000'] }, 'delivered', 'tcp 10.1.0.1:5000'],
  ['on the address of wan0', { sockets: ['tcp 203.0.113.7:5000'] }, 'dropped', 'nothing listens'],
  ['no local route', { sockets: ['tcp 0.0.0.0:5000'], local: false }, 'dropped', 'no route leads there'],
] as const)('TPROXY: %s', (_, given, outcome, text) => {
  const { outcome: came, where, steps } = traced(hosts(given), 'tcp 10.1.0.9:40000 > 93.184.216.34:80 in lan0')
  expect(came).toBe(outcome)
  const told = JSON.stringify([where, steps], (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  expect(told).toContain(text)
})
