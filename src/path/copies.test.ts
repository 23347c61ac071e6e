import { expect, test } from 'vitest'
import { parsePacketLine } from '../packet/language.js'
import { plantedHost } from '../testing/planted.js'
import { trace } from './trace.js'

const LINKS = '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n    inet 192.0.2.10/24 scope global eth0\n' // biome-ignore format: a file
const FILES = {
  'ip-addr': LINKS,
  'ip-route': '192.0.2.0/24 dev eth0 scope link src 192.0.2.10\n',
  sysctl: 'net.ipv4.ip_forward = 0\nnet.ipv4.conf.all.rp_filter = 0\n',
  ipset: 'create s bitmap:ip,mac range 192.0.2.0/24\nadd s 192.0.2.10,02:00:00:00:00:01\n',
}

/** pskb_copy copies no Ethernet header: what rules in OUTPUT read there nobody has written. */
test.each([
  ['raw: -A PREROUTING -m set --match-set s dst,dst -j ACCEPT', 'yes'],
  ['raw: -A OUTPUT -m set --match-set s dst,dst -j DROP', 'unknown'],
])('a copy that TEE makes, and %s: %s', (rule, outcome) => {
  const read = parsePacketLine('udp 192.0.2.9 > 192.0.2.10:53 in eth0 mac 02:00:00:00:00:09 dmac 02:00:00:00:00:01')
  if (!read.ok) throw new Error(read.problem.message)
  const hosts = plantedHost({ iptables: ['-A INPUT -j TEE --gateway 192.0.2.1', rule], ...FILES })
  const [branch] = trace(hosts, read.packet, { now: 0 }).branches
  const steps = branch!.steps.flatMap((step) => (step.kind === 'copy' ? step.walked : [step]))
  const visits = steps.flatMap((step) => (step.kind === 'hook' ? step.chains.flatMap((chain) => chain.visits) : []))
  expect(visits.filter(({ rule: { text } }) => text.includes('match-set')).map((visit) => visit.outcome)).toEqual([
    outcome,
  ])
})
