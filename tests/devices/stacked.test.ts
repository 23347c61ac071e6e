import { describe, expect, test } from 'vitest'
import { parseIp } from '../../src/address/ip.js'
import { buildFrame } from '../../src/packet/frame.js'
import { hexToBytes } from '../../src/packet/hex.js'
import { toPacket } from '../../src/packet/request.js'
import { simulate } from '../../src/path/simulate.js'
import type { Branch } from '../../src/path/trail.js'
import { connected1, packet, state, traced } from '../scenarios/state.js'

/** What was sent by which device, and what came in there. */
const devices = ({ steps }: Branch): readonly string[] =>
  steps.flatMap((step) =>
    step.kind === 'send' || step.kind === 'receive' ? [`${step.kind === 'send' ? '<' : '>'} ${step.interface}`] : [],
  )

/** The IPv4 packet of a line of the packet language. */
function bytesOf(line: string, src: string, dst: string): Uint8Array {
  const request = packet(line)
  if (request.is !== 'fields') throw new Error(line)
  return toPacket(request, { src: parseIp(src)!, dst: parseIp(dst)! }).bytes
}

describe('VLAN', () => {
  const router = {
    links: {
      eth0: { addresses: [], mac: '02:00:00:00:00:10' },
      'eth0.5': { addresses: ['10.5.0.1/24'], kind: 'vlan', data: { id: 5, protocol: '802.1Q' }, lower: 'eth0', mac: '02:00:00:00:00:10' },
      'eth0.6': { addresses: ['10.6.0.1/24'], kind: 'vlan', data: { id: 6, protocol: '802.1Q' }, lower: 'eth0', mac: '02:00:00:00:00:10' },
    },
    neighbours: ['10.6.0.9 dev eth0.6 lladdr 02:00:00:00:00:99 REACHABLE'],
    sysctl: {},
    iptables: '*filter\n-A FORWARD -i eth0.5 -o eth0.6 -j ACCEPT\n-A FORWARD -j DROP\n',
  } // biome-ignore format: a state
  const hosts = state({ r: router })
  const frame = (id: number) =>
    buildFrame(
      { source: 0x020000000050, destination: 0x020000000010, ethertype: 0x800 },
      bytesOf('udp 10.5.0.9:1000 > 10.6.0.9:2000', '10.5.0.9', '10.6.0.9'),
      id === 0 ? [] : [{ id, priority: 0, tpid: 0x8100 }],
    )
  const sent = (id: number) =>
    simulate(hosts, { now: 0, seed: 1, assumeNeighbours: false }).receive(hosts.namespaces[0]!, 'eth0', frame(id), 0)

  test('a router on a stick: the tag comes off, the rules see the VLAN devices, another tag goes on', () => {
    const { sent: frames, branch } = sent(5)
    expect(branch).toMatchObject({ outcome: 'sent', final: { interface: 'eth0.6' } })
    expect(devices(branch)).toEqual(['> eth0', '> eth0.5', '< eth0.6', '< eth0'])
    expect(frames).toHaveLength(1)
    expect(frames[0]).toMatchObject({ interface: 'eth0' })
    expect(frames[0]!.frame.subarray(12, 18)).toEqual(hexToBytes('810000060800'))
  })
  test.each([
    ['a VLAN without a device', 7, 'other-host'],
    ['no tag, on a device without an address', 0, 'rule-drop'],
  ])('%s', (_, id, reason) => {
    const { sent: frames, branch } = sent(id)
    expect(frames).toEqual([])
    expect(branch).toMatchObject({ outcome: 'dropped', where: { reason } })
  })
  test('a tag of VLAN 0 is a priority', () => {
    const bytes = frame(5)
    bytes.set([0, 0], 14)
    const { branch } = simulate(hosts, { now: 0, seed: 1, assumeNeighbours: false }).receive(
      hosts.namespaces[0]!,
      'eth0',
      bytes,
      0,
    )
    expect(branch.where.reason).toBe('rule-drop')
  })
  test('on a bond: through its port', () => {
    const bonded = state({
      h: {
        links: {
          eth0: { master: 'bond0', port: { state: 'BACKUP' } },
          eth1: { master: 'bond0', port: { state: 'ACTIVE' } },
          bond0: { kind: 'bond', data: { mode: 'active-backup', active_slave: 'eth1' } },
          'bond0.5': { addresses: ['10.5.0.1/24'], kind: 'vlan', data: { id: 5 }, lower: 'bond0' },
        },
        sysctl: {},
      },
    })
    const branch = traced(bonded, 'udp > 10.5.0.9:53 from h')
    expect(branch).toMatchObject({ outcome: 'sent', final: { interface: 'bond0.5', src: '10.5.0.1' } })
    expect(devices(branch)).toEqual(['< bond0.5', '< bond0', '< eth1'])
    expect(branch.steps.at(-1)).toMatchObject({ text: expect.stringContaining('through bond0.5') })
  })
})

describe('bonds', () => {
  const host = (mode: string, ports: Readonly<Record<string, string>>) =>
    state({
      h: {
        links: {
          ...Object.fromEntries(Object.entries(ports).map(([name, state]) => [name, { master: 'bond0', port: { state }, mac: '02:00:00:00:00:77' }])),
          bond0: { addresses: ['192.0.2.1/24'], kind: 'bond', data: { mode }, mac: '02:00:00:00:00:77' },
        },
        sysctl: {},
        sockets: ['tcp 0.0.0.0:22'],
        iptables: '*filter\n:INPUT DROP\n-A INPUT -i bond0 -j ACCEPT\n',
      },
    }) // biome-ignore format: a state
  test('what a port receives is the bond’s', () => {
    const branch = traced(
      host('802.3ad', { eth0: 'ACTIVE', eth1: 'ACTIVE' }),
      'tcp 192.0.2.9:40000 > 192.0.2.1:22 in eth1',
    )
    expect(branch.outcome).toBe('delivered')
    expect(devices(branch)).toEqual(['> eth1', '> bond0'])
  })
  test('the port that waits drops what it receives', () => {
    const hosts = host('active-backup', { eth0: 'ACTIVE', eth1: 'BACKUP' })
    const at = (port: string) => traced(hosts, `tcp 192.0.2.9:40000 > 192.0.2.1:22 in ${port}`)
    expect(at('eth0').outcome).toBe('delivered')
    expect(at('eth1')).toMatchObject({ outcome: 'dropped', where: { reason: 'inactive-port' } })
  })
  test('without a port that is up nothing leaves', () => {
    const hosts = state({
      h: {
        links: {
          eth0: { master: 'bond0', port: { state: 'ACTIVE' }, down: true },
          bond0: { addresses: ['192.0.2.1/24'], kind: 'bond', data: { mode: 'balance-rr' } },
        },
        sysctl: {},
      },
    })
    expect(traced(hosts, 'udp > 192.0.2.9:53 from h')).toMatchObject({
      outcome: 'dropped',
      where: { reason: 'no-carrier' },
    })
  })
})

test('a dummy takes what is sent to it, and nobody gets it', () => {
  const hosts = state({
    h: {
      links: { eth0: ['192.0.2.1/24'], dummy0: { addresses: ['10.9.0.1/24'], kind: 'dummy' } },
      sysctl: {},
      sockets: ['tcp 0.0.0.0:22'],
    },
  })
  expect(traced(hosts, 'udp > 10.9.0.7:53 from h')).toMatchObject({ outcome: 'dropped', where: { reason: 'dummy' } })
  expect(traced(hosts, 'tcp 192.0.2.9:40000 > 10.9.0.1:22 in eth0').outcome).toBe('delivered')
})

describe('macvlan in containers', () => {
  const container = (address: string, mac: string, mode = 'bridge') => ({
    links: { eth0: { addresses: [address], kind: 'macvlan', data: { mode }, peer: '-/ens1', mac } },
    routes: ['default via 192.168.1.254 dev eth0'],
    sysctl: {},
    sockets: ['tcp 0.0.0.0:80'],
  })
  const host = (mode?: string) =>
    state({
      h: {
        links: { ens1: { addresses: ['192.168.1.1/24'], mac: '02:00:00:00:01:01' } },
        sysctl: {},
        sockets: ['tcp 0.0.0.0:80'],
        iptables: '*raw\n-A PREROUTING -p tcp -j DROP\n',
        netns: {
          a: container('192.168.1.11/24', '02:00:00:00:0a:0a', mode),
          b: container('192.168.1.12/24', '02:00:00:00:0b:0b', mode),
        },
      },
    })
  test('one reaches the other, and no rule of the host is run', () => {
    expect(connected1(host(), 'tcp > 192.168.1.12:80 from h/a')).toMatchObject({
      works: true,
      receiver: { namespace: 'b', src: '192.168.1.11' },
    })
  })
  test('in private mode it does not', () => {
    expect(traced(host('private'), 'tcp > 192.168.1.12:80 from h/a').outcome).not.toBe('delivered')
  })
  test('the host itself is not reached', () => {
    expect(traced(host(), 'tcp > 192.168.1.1:80 from h/a')).toMatchObject({
      outcome: 'dropped',
      where: { reason: 'macvlan-lower' },
    })
  })
  test('outside is, by the wire of the host’s device', () => {
    const branch = traced(host(), 'tcp > 198.51.100.9:80 from h/a')
    expect(branch).toMatchObject({ outcome: 'sent', final: { src: '192.168.1.11' } })
    expect(branch.steps.at(-1)).toMatchObject({ interface: 'ens1' })
  })
  test('what comes from outside for its MAC address is its own', () => {
    const question = 'tcp 192.168.1.99:40000 > 192.168.1.11:80 in ens1 dmac 02:00:00:00:0a:0a'
    const branch = traced(host(), question)
    expect(branch).toMatchObject({ outcome: 'delivered', where: { namespace: 'a' } })
  })
})
