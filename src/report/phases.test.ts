import { expect, test } from 'vitest'
import type { Headers, Step } from '../path/trail.js'
import { phasesOf } from './phases.js'

const packet: Headers = {
  src: '10.244.0.5', dst: '10.244.1.3', protocol: 'tcp', sport: 40000, dport: 8080, icmp: undefined, flags: 'syn', ttl: 64, length: 60, mark: 0,
} // biome-ignore format: a packet
const outer: Headers = {
  ...packet,
  src: '192.168.50.11',
  dst: '192.168.50.12',
  protocol: 'udp',
  dport: 8472,
  flags: undefined,
}
const [node1, node2] = ['node1', 'node2'].map((host) => ({ host, namespace: '', packet }))
const hook = (at: typeof node1, name: 'output' | 'postrouting' | 'prerouting' | 'forward'): Step => ({
  ...at!, kind: 'hook', hook: name, iif: undefined, oif: 'eth0', chains: [],
}) // biome-ignore format: a step

test('what happens on a hook is one phase, and a tunnel indents what happens to the outer packet', () => {
  const steps: readonly Step[] = [
    { ...node1!, kind: 'generate', text: '' },
    hook(node1, 'output'),
    { ...node1!, kind: 'conntrack', hook: 'output', state: 'NEW', direction: 'original', original: undefined, reply: undefined, text: '' },
    hook(node1, 'output'),
    { ...node1!, kind: 'check', what: 'ttl', passed: true, text: '' },
    { ...node1!, kind: 'encapsulate', interface: 'flannel.1', text: '', outer, inner: packet },
    hook(node1, 'output'),
    { ...node1!, kind: 'send', interface: 'eth0', to: 'node2 eth0', text: '' },
    { ...node2!, kind: 'receive', interface: 'eth0', from: 'node1 eth0' },
    { ...node2!, kind: 'decapsulate', interface: 'flannel.1', text: '', outer, inner: packet },
    hook(node2, 'prerouting'),
  ] // biome-ignore format: a step a line
  expect(phasesOf(steps).map(({ title, place, notes, depth }) => [depth, title, place, ...notes].join(' '))).toEqual([
    '0 GENERATE node1',
    '0 OUTPUT node1 out eth0',
    '0 ENCAPSULATE node1 flannel.1',
    '1 OUTPUT node1 out eth0',
    '1 SEND node1 on eth0',
    '1 RECEIVE node2 on eth0',
    '1 DECAPSULATE node2 flannel.1',
    '0 PREROUTING node2 out eth0',
  ])
})
