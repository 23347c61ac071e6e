import { describe, expect, test } from 'vitest'
import { parseIp } from '../../src/address/ip.js'
import { buildPacket } from '../../src/packet/build.js'
import { buildFrame } from '../../src/packet/frame.js'
import { connect } from '../../src/path/connect.js'
import { simulate } from '../../src/path/simulate.js'
import { trace } from '../../src/path/trace.js'
import type { Branch } from '../../src/path/trail.js'
import type { Hosts } from '../../src/path/world.js'
import { connected1, type HostSpec, packet, state, traced } from '../scenarios/state.js'

/** Every place and hook that a packet passes, in order: `node1 output`. */
const hooksOf = ({ steps }: Branch): readonly string[] =>
  steps.flatMap((step) => (step.kind === 'hook' ? [`${step.host} ${step.hook}`] : []))

const SERVICE = `
*nat
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC
-A KUBE-SVC ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC -j KUBE-SEP
-A KUBE-SEP -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
`

describe('S18: from a host to a ClusterIP, through flannel', () => {
  const vxlan = { id: 1, local: '', link: 'eth0', port: 8472, learning: false, ttl: 0 }
  /** Each node has two interfaces of its own, then one of the tunnel. */
  const cluster = (iptables: string, node2: Readonly<Record<string, number>> = {}) =>
    state({
      node1: {
        links: {
          eth0: { addresses: ['192.168.1.11/24'], mac: '02:00:00:00:01:01' },
          'flannel.1': {
            addresses: ['10.244.0.0/32'],
            kind: 'vxlan',
            mac: '02:00:00:00:01:02',
            mtu: 1450,
            data: { ...vxlan, local: '192.168.1.11' },
          },
          cni0: { addresses: ['10.244.0.1/24'], kind: 'bridge', mac: '02:00:00:00:01:03' },
          veth1: { kind: 'veth', master: 'cni0', peer: 'p1/eth0', mac: '02:00:00:00:01:04' },
        },
        routes: ['default via 192.168.1.12 dev eth0', '10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink'],
        neighbours: ['10.244.1.0 dev flannel.1 lladdr 02:00:00:00:02:02 PERMANENT'],
        fdb: ['02:00:00:00:02:02 dev flannel.1 dst 192.168.1.12 self permanent'],
        sysctl: {},
        iptables,
        netns: {
          p1: {
            links: { eth0: { addresses: ['10.244.0.5/24'], peer: '-/veth1', mac: '02:00:00:00:01:05' } },
            routes: ['default via 10.244.0.1 dev eth0'],
            sysctl: {},
          },
        },
      },
      node2: {
        links: {
          eth0: { addresses: ['192.168.1.12/24'], mac: '02:00:00:00:02:01' },
          'flannel.1': {
            addresses: ['10.244.1.0/32'],
            kind: 'vxlan',
            mac: '02:00:00:00:02:02',
            mtu: 1450,
            data: { ...vxlan, local: '192.168.1.12' },
          },
          cni0: { addresses: ['10.244.1.1/24'], kind: 'bridge', mac: '02:00:00:00:02:03' },
          veth1: { kind: 'veth', master: 'cni0', peer: 'web/eth0', mac: '02:00:00:00:02:04' },
        },
        routes: ['default via 192.168.1.1 dev eth0', '10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink'],
        neighbours: ['10.244.0.0 dev flannel.1 lladdr 02:00:00:00:01:02 PERMANENT'],
        fdb: ['02:00:00:00:01:02 dev flannel.1 dst 192.168.1.11 self permanent'],
        sysctl: node2,
        iptables: `*raw\n-A PREROUTING -p icmp -j ACCEPT\n*filter\n-A INPUT -p icmp -j ACCEPT\n-A FORWARD -p icmp -j ACCEPT\n`,
        netns: {
          web: {
            links: { eth0: { addresses: ['10.244.1.5/24'], peer: '-/veth1', mac: '02:00:00:00:02:05' } },
            routes: ['default via 10.244.1.1 dev eth0'],
            sysctl: {},
            sockets: ['tcp 0.0.0.0:8080'],
          },
        },
      },
    })
  const question = 'tcp > 10.96.0.10:80 from node1'

  test('two decisions with their source, the mark, the port drawn, both nodes, and the outer packet', () => {
    const branch = traced(cluster(SERVICE), question)
    expect(branch).toMatchObject({
      outcome: 'delivered',
      where: { host: 'node2', namespace: 'web' },
      final: { src: '10.244.0.0', dst: '10.244.1.5', dport: 8080 },
    })
    const { steps } = branch
    expect(steps.find(({ kind }) => kind === 'route')).toMatchObject({
      lookup: { sourceChosen: '192.168.1.11', dev: 'eth0' },
    })
    expect(steps.find(({ kind }) => kind === 'reroute')).toMatchObject({ lookup: { dev: 'flannel.1' } })
    expect(steps.filter(({ kind }) => kind === 'nat')).toMatchObject([
      { manip: 'dst', after: '10.244.1.5:8080' },
      { manip: 'src', ports: [1024, 65535] },
    ])
    expect(steps.find(({ kind }) => kind === 'encapsulate')).toMatchObject({
      host: 'node1',
      outer: { src: '192.168.1.11', dst: '192.168.1.12', protocol: 'udp', dport: 8472 },
    })
    expect(hooksOf(branch).slice(0, 8)).toEqual([
      'node1 output',
      'node1 postrouting',
      'node1 output',
      'node1 postrouting',
      'node2 prerouting',
      'node2 input',
      'node2 prerouting',
      'node2 forward',
    ])
    expect(connected1(cluster(SERVICE), question).works).toBe(true)
  })
  test('without masquerading the pod sees the node, and a strict second node drops it', () => {
    const bare = SERVICE.replace('-A KUBE-POSTROUTING -j MASQUERADE --random-fully\n', '')
    expect(traced(cluster(bare), question)).toMatchObject({ outcome: 'delivered', final: { src: '192.168.1.11' } })
    expect(traced(cluster(bare, { 'net.ipv4.conf.all.rp_filter': 1 }), question)).toMatchObject({
      outcome: 'dropped',
      where: { host: 'node2', reason: 'rp_filter' },
    })
  })
  test('from a pod the source stays', () => {
    expect(traced(cluster(SERVICE), 'tcp > 10.96.0.10:80 from node1/p1')).toMatchObject({
      outcome: 'delivered',
      final: { src: '10.244.0.5', dst: '10.244.1.5' },
    })
  })
})

describe('S19: a pod to a ClusterIP whose endpoint is on the same bridge', () => {
  const node = (call: number, more = '') =>
    state({
      node: {
        links: {
          eth0: ['192.168.1.11/24'],
          cni0: { addresses: ['10.0.0.1/24'], kind: 'bridge' },
          veth1: { kind: 'veth', master: 'cni0', peer: 'a/eth0' },
          veth2: { kind: 'veth', master: 'cni0', peer: 'b/eth0' },
        },
        sysctl: { 'net.bridge.bridge-nf-call-iptables': call },
        iptables: `*nat\n-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.12:80\n${more}\n`,
        netns: Object.fromEntries(
          [
            ['a', '10.0.0.11/24', '-/veth1'],
            ['b', '10.0.0.12/24', '-/veth2'],
          ].map(([name, address, peer]) => [
            name!,
            {
              links: { eth0: { addresses: [address!], peer: peer! } },
              routes: ['default via 10.0.0.1 dev eth0'],
              sysctl: {},
              sockets: ['tcp 0.0.0.0:80'],
            },
          ]),
        ),
      },
    })
  const question = 'tcp > 10.96.0.10:80 from node/a'
  test('bridge-nf-call-iptables=0: the reply is bridged with the wrong address', () => {
    const connection = connected1(node(0), question)
    expect(connection).toMatchObject({ works: false, receiver: { namespace: 'b', src: '10.0.0.11' } })
    const bridged = connection.reply!.steps.find((step) => step.kind === 'bridge')
    expect(bridged).toMatchObject({ text: expect.stringContaining('bridge-nf-call-iptables=0: IP hooks skipped') })
  })
  test('=1: works', () => expect(connected1(node(1), question).works).toBe(true))
  test('=0 and masqueraded: works', () => {
    const connection = connected1(node(0, '-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE'), question)
    expect(connection).toMatchObject({ works: true, receiver: { src: '10.0.0.1' } })
  })
})

describe('S20: a pod to its own Service', () => {
  const self = (hairpin: boolean, marked: boolean) =>
    connected1(
      state({
        node: {
          links: {
            cni0: { addresses: ['10.0.0.1/24'], kind: 'bridge' },
            veth1: { kind: 'veth', master: 'cni0', peer: 'web/eth0', hairpin },
          },
          sysctl: { 'net.bridge.bridge-nf-call-iptables': 1 },
          iptables: `
*nat
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SEP
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
${marked ? '-A KUBE-SEP -s 10.0.0.11/32 -j MARK --set-xmark 0x4000/0x4000' : ''}
-A KUBE-SEP -p tcp -m tcp -j DNAT --to-destination 10.0.0.11:8080
`,
          netns: {
            web: {
              links: { eth0: { addresses: ['10.0.0.11/24'], peer: '-/veth1' } },
              routes: ['default via 10.0.0.1 dev eth0'],
              sysctl: {},
              sockets: ['tcp 0.0.0.0:8080'],
            },
          },
        },
      }),
      'tcp > 10.96.0.10:80 from node/web',
    )
  test('needs hairpin mode and the mark', () => {
    expect([self(false, false), self(false, true), self(true, false), self(true, true)].map(({ works }) => works)).toEqual([
      false, false, false, true,
    ]) // biome-ignore format: a matrix
    expect(self(false, true).why).toContain('hairpin')
    expect(self(true, false).request.where.reason).toBe('martian-source')
  })
})

describe('S21: externalTrafficPolicy Local, by where it is asked', () => {
  const rules = (endpoint: string) => `
*nat
-A PREROUTING -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A OUTPUT -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/nginx-ext" -m tcp --dport 30080 -j KUBE-EXT
-A KUBE-EXT -s 10.244.0.0/16 -m comment --comment "pod traffic for default/nginx-ext external destinations" -j KUBE-SVC
-A KUBE-EXT -m addrtype --src-type LOCAL -j MARK --set-xmark 0x4000/0x4000
-A KUBE-EXT -m addrtype --src-type LOCAL -j KUBE-SVC
${endpoint}
-A KUBE-SVC -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
*filter
-A INPUT -j KUBE-EXTERNAL
${endpoint === '' ? '-A KUBE-EXTERNAL -p tcp -m comment --comment "default/nginx-ext has no local endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP' : ':KUBE-EXTERNAL -'}
`
  const node = (endpoint: string, sysctl = {}): HostSpec => ({
    links: { eth0: ['192.168.1.11/24'], cali0: ['10.244.0.1/24'] },
    routes: ['default via 192.168.1.1 dev eth0', '10.244.1.0/24 via 192.168.1.12 dev eth0'],
    sysctl,
    sockets: ['tcp 0.0.0.0:22'],
    iptables: rules(endpoint),
  })
  const without = state({ node: node('') })
  const withOne = state({
    node: node('-A KUBE-EXT -p tcp -m tcp -j DNAT --to-destination 10.244.0.9:8080'),
  })
  test('outside, no local endpoint: dropped, and the comment says why', () => {
    const branch = traced(without, 'tcp 198.51.100.9:40000 > 192.168.1.11:30080 in eth0')
    expect(branch).toMatchObject({
      outcome: 'dropped',
      symptom: 'timeout',
      where: { table: 'filter', chain: 'KUBE-EXTERNAL', rule: 1 },
    })
    const rules = branch.steps.flatMap((step) => (step.kind === 'hook' ? step.chains.flatMap((one) => one.visits) : []))
    expect(rules.find((one) => one.chain === 'KUBE-EXTERNAL')?.rule.text).toContain('has no local endpoints')
  })
  test('outside, a local endpoint: there, with the client as the source', () => {
    expect(traced(withOne, 'tcp 198.51.100.9:40000 > 192.168.1.11:30080 in eth0')).toMatchObject({
      outcome: 'sent',
      final: { interface: 'cali0', src: '198.51.100.9', dst: '10.244.0.9' },
    })
  })
  test('a pod: to the remote endpoint without SNAT', () => {
    expect(traced(without, 'tcp 10.244.0.5:40000 > 192.168.1.11:30080 in cali0')).toMatchObject({
      outcome: 'sent',
      final: { interface: 'eth0', src: '10.244.0.5', dst: '10.244.1.5' },
    })
  })
  test('the node itself: masqueraded', () => {
    expect(traced(without, 'tcp > 192.168.1.11:30080 from node')).toMatchObject({
      outcome: 'sent',
      final: { interface: 'eth0', src: '192.168.1.11', dst: '10.244.1.5' },
    })
  })
  test('localhost: the second decision has no way for 127.0.0.1', () => {
    expect(traced(without, 'tcp > 127.0.0.1:30080 from node')).toMatchObject({
      outcome: 'dropped',
      where: { hook: 'output' },
    })
    const open = state({ node: node('', { 'net.ipv4.conf.all.route_localnet': 1 }) })
    expect(traced(open, 'tcp > 127.0.0.1:30080 from node')).toMatchObject({
      outcome: 'sent',
      final: { src: '192.168.1.11', dst: '10.244.1.5' },
    })
  })
})

test('S22: a Service without endpoints is refused at once, by the node', () => {
  const hosts = state({
    node: {
      links: { eth0: ['192.168.1.11/24'] },
      routes: ['default via 192.168.1.1 dev eth0'],
      sysctl: {},
      iptables:
        '*filter\n-A OUTPUT -j KUBE-SERVICES\n-A KUBE-SERVICES -d 10.0.222.109/32 -p tcp -m comment --comment "default/web has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable\n',
    },
  })
  expect(traced(hosts, 'tcp > 10.0.222.109:80 from node')).toMatchObject({
    outcome: 'rejected',
    symptom: 'connection refused',
    where: { host: 'node', chain: 'KUBE-SERVICES', rule: 1 },
  })
})

describe('S23: IPVS: service addresses are this host', () => {
  const node = (policy: string) =>
    state({
      node: {
        links: { eth0: ['192.168.1.11/24'], 'kube-ipvs0': { addresses: ['10.200.10.10/32'], kind: 'dummy' } },
        routes: ['default via 192.168.1.1 dev eth0'],
        sysctl: {},
        sockets: ['tcp 0.0.0.0:22'],
        iptables: `*filter\n:INPUT ${policy}\n`,
      },
    })
  test('INPUT decides', () => {
    const branch = traced(node('DROP'), 'tcp 198.51.100.9:40000 > 10.200.10.10:443 in eth0')
    expect(branch).toMatchObject({ outcome: 'dropped', where: { hook: 'input', reason: 'policy-drop' } })
    expect(hooksOf(branch)).not.toContain('node forward')
  })
  test("the host's own sshd answers there", () => {
    expect(traced(node('ACCEPT'), 'tcp 198.51.100.9:40000 > 10.200.10.10:22 in eth0').outcome).toBe('delivered')
  })
})

describe('S24: what is INVALID is not translated', () => {
  const node = (liberal: number, rule = '') =>
    state({
      node: {
        links: { eth0: ['203.0.113.7/24'], cali0: ['10.244.0.1/24'] },
        routes: ['default via 203.0.113.1 dev eth0'],
        sysctl: { 'net.netfilter.nf_conntrack_tcp_be_liberal': liberal },
        iptables: `
*filter
${rule}
*nat
-A PREROUTING -d 203.0.113.7/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.5:8080
`,
      },
    })
  const [CLIENT, VIP, POD] = ['198.51.100.9', '203.0.113.7', '10.244.0.5'].map((text) => parseIp(text) as number) as [
    number,
    number,
    number,
  ]
  const [SYN, ACK] = [2, 16]
  /** A handshake, then a segment of the server far outside of the window. */
  function segment(hosts: Hosts) {
    const simulation = simulate(hosts, { now: 0, seed: 1, assumeNeighbours: true })
    const place = hosts.namespaces[0]!
    const send = (fromServer: boolean, flags: number, sequence: number, acknowledgement: number, bytes = 0) => {
      const [src, dst, sport, dport] = fromServer ? [POD, CLIENT, 8080, 40000] : [CLIENT, VIP, 40000, 80]
      const transport = { is: 'tcp', sport, dport, flags, sequence, acknowledgement, window: 60000 } as const
      const { bytes: ip } = buildPacket({ src, dst, ttl: 64, id: 1, df: true }, transport, new Uint8Array(bytes))
      const link = place.links.find(({ name }) => name === (fromServer ? 'cali0' : 'eth0'))!
      const mac = { source: 0x02aa00000001, destination: link.mac!, ethertype: 0x800 }
      return simulation.receive(place, link.name, buildFrame(mac, ip), 0).branch
    }
    send(false, SYN, 1000, 0)
    expect(send(true, SYN | ACK, 5000, 1001).final).toMatchObject({ src: '203.0.113.7', sport: 80 })
    send(false, ACK, 1001, 5001)
    return send(true, ACK, 5001 + 1_000_000, 1001, 100)
  }
  test("be_liberal=0: it reaches the client with the pod's address", () => {
    const branch = segment(node(0))
    expect(branch).toMatchObject({ outcome: 'sent', final: { src: '10.244.0.5', sport: 8080 } })
    const step = branch.steps.find(({ kind }) => kind === 'conntrack')
    expect(step).toMatchObject({ state: 'INVALID', text: expect.stringMatching(/window/) })
  })
  test('be_liberal=1: translated', () => {
    expect(segment(node(1))).toMatchObject({ outcome: 'sent', final: { src: '203.0.113.7', sport: 80 } })
  })
  test('with a rule of its own it is dropped', () => {
    expect(segment(node(0, '-A FORWARD -m conntrack --ctstate INVALID -j DROP'))).toMatchObject({
      outcome: 'dropped',
      where: { chain: 'FORWARD', rule: 1 },
    })
  })
})

test('S25: a policy by the address of a client does not see it behind SNAT', () => {
  const hosts = state({
    node1: {
      links: { eth0: { addresses: ['172.16.0.11/24'], mac: '02:00:00:00:01:01' } },
      routes: ['default via 172.16.0.1 dev eth0', '10.244.1.0/24 via 172.16.0.12 dev eth0'],
      sysctl: { 'net.ipv4.conf.all.send_redirects': 0 },
      iptables: `
*nat
-A PREROUTING -p tcp -m tcp --dport 30080 -j MARK --set-xmark 0x4000/0x4000
-A PREROUTING -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.1.5:8080
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
`,
    },
    node2: {
      links: {
        eth0: { addresses: ['172.16.0.12/24'], mac: '02:00:00:00:02:01' },
        cni0: { addresses: ['10.244.1.1/24'], kind: 'bridge', mac: '02:00:00:00:02:02' },
      },
      routes: ['default via 172.16.0.1 dev eth0'],
      sysctl: {},
      iptables: '*filter\n-A FORWARD -d 10.244.1.5/32 -j POLICY\n-A POLICY -s 172.27.48.0/24 -j ACCEPT\n-A POLICY -j DROP\n',
    },
  }) // biome-ignore format: a state
  const branch = traced(hosts, 'tcp 172.27.48.111:40000 > 172.16.0.11:30080')
  expect(branch).toMatchObject({
    outcome: 'dropped',
    where: { host: 'node2', chain: 'POLICY', rule: 2 },
    final: { src: '172.16.0.11' },
  })
})

describe('S27: two questions of one resolver socket', () => {
  const node = (nat: string) =>
    state({
      node: {
        links: { eth0: ['192.168.1.11/24'] },
        routes: ['default via 192.168.1.1 dev eth0'],
        sysctl: {},
        iptables: `*nat\n${nat}\n`,
      },
    })
  const question = packet('udp > 10.96.0.10:53 from node')
  const drawn =
    '-A OUTPUT -d 10.96.0.10/32 -p udp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 192.168.1.21\n-A OUTPUT -d 10.96.0.10/32 -p udp -j DNAT --to-destination 192.168.1.22'
  // Linux before 5.7 dropped the packet that was confirmed last (insert_failed); 6.18 lets both answers come back
  test('each with its own endpoint: both go, the second beside the first connection', () => {
    const { branches } = connect(node(drawn), question, { race: true })
    const ways = branches.map(({ works, request, rival }) => [works, request.final.dst, rival?.final.dst])
    expect(ways).toContainEqual([true, '192.168.1.21', '192.168.1.22'])
    expect(ways.every(([works]) => works)).toBe(true)
  })
  test('one endpoint: both go', () => {
    const one = '-A OUTPUT -d 10.96.0.10/32 -p udp -j DNAT --to-destination 192.168.1.21'
    for (const { works } of connect(node(one), question, { race: true }).branches) expect(works).toBe(true)
    for (const { outcome } of trace(node(one), question).branches) expect(outcome).toBe('sent')
  })
})
