import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { parseMac } from '../address/mac.js'
import { printPrefix } from '../address/prefix.js'
import type { Hosts, Namespace } from '../path/world.js'
import { readFolder } from './files.js'
import { type InputFile, readSnapshot } from './index.js'

const samples = join(import.meta.dirname, '../../samples')
const NOW = 1_700_000_000

function hosts(files: readonly InputFile[]): Hosts {
  const read = readSnapshot(files, { now: NOW })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.hosts
}

const find = ({ namespaces }: Hosts, host: string, namespace = ''): Namespace =>
  namespaces.find((one) => one.host === host && one.namespace === namespace) ?? expect.fail(`no ${host}/${namespace}`)

const wires = ({ wires: all }: Hosts): string[] =>
  all.map(({ ends }) =>
    ends.map(({ host, namespace, link }) => `${host}${namespace && `/${namespace}`}:${link}`).join(' -- '),
  )

const tables = ({ tables: all }: Namespace): string[] =>
  all.map(({ name, family, backend, chains }) => {
    const rules = [...chains.values()].reduce((sum, chain) => sum + chain.rules.length, 0)
    return `${family} ${backend} ${name}: ${chains.size} chains, ${rules} rules`
  })

/** Routes as `ip route show table all` has them, with the table where it is not main. */
const routes = ({ routes: all }: Namespace, family: 'number' | 'bigint' = 'number'): string[] =>
  all
    .filter(({ destination }) => typeof destination.ip === family)
    .map(({ text, table }) => (table === 'main' ? text : `${text} table ${table}`))

describe('samples/k8s-cluster', () => {
  let read: Hosts
  beforeAll(async () => {
    read = hosts(await readFolder(join(samples, 'k8s-cluster')))
  })

  test('two nodes with their pods', () => {
    expect(read.namespaces.map(({ host, namespace }) => `${host}/${namespace}`)).toEqual([
      'node1/',
      'node1/coredns-a',
      'node1/shell',
      'node2/',
      'node2/coredns-b',
      'node2/web',
    ])
  })
  test('wires: the pods on their bridges, the nodes on one LAN; flannel.1 needs none', () => {
    expect(wires(read)).toEqual([
      'node1:veth2 -- node1/coredns-a:eth0',
      'node1:veth3 -- node1/shell:eth0',
      'node2:veth2 -- node2/coredns-b:eth0',
      'node2:veth3 -- node2/web:eth0',
      'node1:eth0 -- node2:eth0',
    ])
    expect(read.wires.at(-1)).toMatchObject({ kind: 'segment', because: 'share 192.168.50.0/24' })
  })
  test('nothing is taken for granted that was not missing', () => {
    expect(read.assumptions).toEqual([])
  })
  test('the interfaces of node1', () => {
    const links = find(read, 'node1').links.map(({ name, kind, mtu, master, addresses }) => {
      const own = addresses
        .filter(({ prefix }) => typeof prefix.ip === 'number')
        .map(({ prefix }) => printPrefix(prefix))
      return [name, kind, mtu, master, ...own].join(' ')
    })
    expect(links).toEqual([
      'lo loopback 65536  127.0.0.1/8',
      'eth0 veth 1500  192.168.50.11/24',
      'cni0 bridge 1500  10.244.0.1/24',
      'flannel.1 vxlan 1450  10.244.0.0/32',
      'veth2 veth 1500 cni0',
      'veth3 veth 1500 cni0',
    ])
  })
  test('a bridge, one of its ports, a VXLAN device', () => {
    const { links } = find(read, 'node1')
    const link = (name: string) => links.find((one) => one.name === name)
    expect(link('cni0')).toMatchObject({
      mac: parseMac('9a:5e:e2:5e:28:51'),
      up: true,
      carrier: true,
      arp: true,
      bridge: { vlanFiltering: false, callIptables: false, callIp6tables: false },
    })
    expect(link('veth2')).toMatchObject({
      index: 5,
      peerIndex: 2,
      peerNetnsId: 1,
      port: { hairpin: true, isolated: false, state: 'forwarding', flood: true, learning: true },
    })
    expect(link('flannel.1')?.vxlan).toMatchObject({
      vni: 1,
      local: parseIp('192.168.50.11'),
      port: 8472,
      learning: false,
    })
  })
  test('routes, IPv6 once although two files have it', () => {
    expect(routes(find(read, 'node1'))).toEqual([
      'default via 192.168.50.1 dev eth0',
      '10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1',
      '10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink',
      '192.168.50.0/24 dev eth0 proto kernel scope link src 192.168.50.11',
      'local 10.244.0.0 dev flannel.1 proto kernel scope host src 10.244.0.0 table local',
      'local 10.244.0.1 dev cni0 proto kernel scope host src 10.244.0.1 table local',
      'broadcast 10.244.0.255 dev cni0 proto kernel scope link src 10.244.0.1 table local',
      'local 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1 table local',
      'local 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1 table local',
      'broadcast 127.255.255.255 dev lo proto kernel scope link src 127.0.0.1 table local',
      'local 192.168.50.11 dev eth0 proto kernel scope host src 192.168.50.11 table local',
      'broadcast 192.168.50.255 dev eth0 proto kernel scope link src 192.168.50.11 table local',
    ])
    const six = routes(find(read, 'node1'), 'bigint')
    expect(six.filter((text) => text.startsWith('fe80::/64 dev eth0'))).toHaveLength(1)
    expect(six).toHaveLength(16)
  })
  test('rules, both families', () => {
    const { rules4, rules6 } = find(read, 'node1')
    expect(rules4.map(({ text }) => text)).toEqual([
      '0:\tfrom all lookup local',
      '32766:\tfrom all lookup main',
      '32767:\tfrom all lookup default',
    ])
    expect(rules6.map(({ text }) => text)).toEqual(['0:\tfrom all lookup local', '32766:\tfrom all lookup main'])
  })
  test('tables', () => {
    expect(tables(find(read, 'node1'))).toEqual([
      '4 nft mangle: 6 chains, 0 rules',
      '4 nft filter: 10 chains, 19 rules',
      '4 nft nat: 20 chains, 44 rules',
    ])
    expect(tables(find(read, 'node1', 'shell'))).toEqual([])
    expect(find(read, 'node1', 'shell').known).toMatchObject({ rules4: true, rules6: true })
  })
  test('neighbours, forwarding entries, connections, sockets, sysctls', () => {
    const counted = read.namespaces.map(({ neighbours, fdb, connections, sockets, sysctls }) =>
      [neighbours.length, fdb.length, connections?.length, sockets?.length, sysctls?.size].join(' '),
    )
    expect(counted).toEqual([
      '5 19 31 2 1200',
      '2 3 0 2 700',
      '2 3 0 0 700',
      '5 19 32 1 1200',
      '1 3 0 2 700',
      '1 3 0 1 700',
    ])
    expect(find(read, 'node1').fdb.filter(({ remote }) => remote !== undefined)).toEqual([
      {
        mac: parseMac('0e:00:00:00:00:01'),
        dev: 'flannel.1',
        master: undefined,
        remote: parseIp('192.168.50.12'),
        local: false,
        permanent: true,
      },
    ])
    expect(find(read, 'node1').sysctls?.get('net.ipv4.conf.flannel/1.rp_filter')).toBe('0')
  })
  test('a connection through a Service, translated at both ends', () => {
    const entry = find(read, 'node1').connections?.find(({ original }) => original.sport === 59730)
    expect(entry).toMatchObject({
      original: { src: parseIp('192.168.50.100'), dst: parseIp('192.168.50.11'), sport: 59730, dport: 30080 },
      reply: { src: parseIp('10.244.1.3'), dst: parseIp('10.244.0.0'), sport: 8080, dport: 32476 },
      protocol: { kind: 'tcp', state: 'TIME_WAIT' },
      counters: { original: { packets: 6, bytes: 403 }, reply: { packets: 6, bytes: 1205 } },
      expires: NOW + 119,
      mark: 0,
    })
  })
})

describe('samples/docker-host', () => {
  let read: Hosts
  beforeAll(async () => {
    read = hosts(await readFolder(join(samples, 'docker-host')))
  })
  test('containers on their bridges; eth0 leads outside', () => {
    expect(wires(read)).toEqual([
      'docker-host:veth1ff3b5a -- docker-host/web:eth0',
      'docker-host:vethe641af8 -- docker-host/dns:eth0',
      'docker-host:veth791b935 -- docker-host/db:eth0',
    ])
  })
  test('tables, in the order of the file', () => {
    expect(tables(find(read, 'docker-host'))).toEqual([
      '4 nft filter: 7 chains, 16 rules',
      '4 nft nat: 5 chains, 8 rules',
    ])
    expect(read.namespaces.flatMap(({ unmodelled }) => unmodelled)).toEqual([])
  })
  test('no conntrack file, but a count of 0: no connections, and nothing to take for granted', () => {
    expect(find(read, 'docker-host', 'db').connections).toEqual([])
    expect(read.assumptions).toEqual([])
  })
})

test('samples/docker-ufw-host: IPv6 rules too', async () => {
  const read = hosts(await readFolder(join(samples, 'docker-ufw-host')))
  expect(tables(find(read, 'docker-ufw-host')).map((text) => text.split(':')[0])).toEqual([
    '4 nft filter',
    '4 nft nat',
    '6 nft filter',
  ])
})

test('both docker hosts together: equal addresses join nothing', async () => {
  const files = await readFolder(samples)
  const read = hosts(files.filter(({ path }) => path.includes('docker')))
  expect(read.wires.filter(({ kind }) => kind === 'segment')).toEqual([])
  expect(read.assumptions).toEqual([
    'docker-host:eth0 and docker-ufw-host:eth0 have the same address in 192.0.2.0/24: taken as not joined',
  ])
})

describe('what is missing is said', () => {
  const ADDRESSES = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
`
  const RULES = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m state --state NEW -j DROP\nCOMMIT\n'
  test('ip addr alone', () => {
    const read = hosts([{ path: 'h/ip_addr', text: ADDRESSES }])
    expect(read.assumptions).toEqual([
      'h: no ip route: only the routes that its addresses give',
      "h: no ip rule: the kernel's own three (local, main, default)",
      'h: no iptables-save: taken as without IPv4 rules',
      'h: no sysctl file: ip_forward, rp_filter and bridge-nf-call-iptables taken as 0, all else as the kernel has it at first',
    ])
    expect(routes(find(read, 'h'))).toEqual([
      '192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1',
      'local 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1 table local',
      'local 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1 table local',
      'broadcast 127.255.255.255 dev lo proto kernel scope link src 127.0.0.1 table local',
      'local 192.0.2.1 dev eth0 proto kernel scope host src 192.0.2.1 table local',
      'broadcast 192.0.2.255 dev eth0 proto kernel scope link src 192.0.2.1 table local',
    ])
    expect(find(read, 'h')).toMatchObject({
      connections: undefined,
      sockets: undefined,
      sysctls: undefined,
      known: { rules4: false, rules6: false, routes4: false, routes6: false, neighbours: false },
    })
    expect(find(read, 'h').rules4.map(({ priority }) => priority)).toEqual([0, 32766, 32767])
  })
  test('`ip route` prints the table main only; rules that track, but no connections', () => {
    const read = hosts([
      { path: 'h/ip-addr', text: ADDRESSES },
      { path: 'h/ip-route', text: '192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1 \n' },
      { path: 'h/sysctl', text: 'net.ipv4.ip_forward = 1\n' },
      { path: 'h/ip-rule', text: '0:\tfrom all lookup local\n32766:\tfrom all lookup main\n' },
      { path: 'h/iptables-save', text: RULES },
    ])
    expect(read.assumptions).toEqual([
      'h: ip route without the table local: made from the addresses',
      'h: no conntrack listing: taken as without connections',
      'h: the sysctl file does not have net.ipv4.conf.all.rp_filter: taken as 0',
    ])
    expect(routes(find(read, 'h'))).toHaveLength(6)
    expect(find(read, 'h').known).toMatchObject({ rules4: true, routes4: true })
  })
  test('one line for several namespaces; IPv6 only where it is used', () => {
    const six = ADDRESSES.replace(
      'inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0',
      'inet6 2001:db8::1/64 scope global',
    )
    const read = hosts([
      { path: 'h/ip-addr', text: ADDRESSES },
      { path: 'h/netns/six/ip-addr', text: six },
    ])
    expect(read.assumptions.filter((text) => text.includes('6'))).toEqual([
      'h/six: no ip -6 route: only the routes that its addresses give',
      "h/six: no ip -6 rule: the kernel's own two (local, main)",
      'h/six: no ip6tables-save: taken as without IPv6 rules',
    ])
    expect(read.assumptions[0]).toBe('h, h/six: no ip route: only the routes that its addresses give')
  })
})

describe('files', () => {
  test('what is not recognised is listed, and harms nothing', () => {
    const read = readSnapshot([
      { path: 'top/h/sysctl', text: 'net.ipv4.ip_forward = 1\n' },
      { path: 'top/h/notes.md', text: 'Dear diary\n' },
      { path: 'top/h/netns/web/sysctl', text: 'net.ipv4.ip_forward = 0\n' },
    ])
    expect(read.ok && read.files).toEqual([
      { path: 'top/h/sysctl', kind: 'sysctl', place: { host: 'h', namespace: '' } },
      { path: 'top/h/notes.md', kind: undefined, place: undefined },
      { path: 'top/h/netns/web/sysctl', kind: 'sysctl', place: { host: 'h', namespace: 'web' } },
    ])
  })
  test('a byte order mark is no content', () => {
    const read = hosts([{ path: 'h/iptables-save', text: '\uFEFF*filter\n:INPUT DROP [0:0]\nCOMMIT\n' }])
    expect(tables(find(read, 'h'))).toEqual(['4 nft filter: 1 chains, 0 rules'])
  })
  test('nothing at all', () => {
    expect(readSnapshot([{ path: 'x/README', text: 'hello\n' }])).toEqual({
      ok: false,
      problems: [
        {
          file: 'x/README',
          line: 1,
          column: 1,
          message: 'nothing here is recognised as the output of iptables-save, ip, bridge, sysctl, conntrack or ss',
        },
      ],
    })
  })
  test('all problems, in the order of the files', () => {
    const read = readSnapshot([
      { path: 'h/ip-link.json', text: '[{"ifindex":1,"ifname":"lo","link_type":"loopback"' },
      { path: 'h/iptables-save', text: '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j NOWHERE\nCOMMIT\n' },
      { path: 'h/sysctl', text: 'net.ipv4.ip_forward = 1\nnonsense\n' },
    ])
    expect(read.ok ? [] : read.problems.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual([
      'h/ip-link.json:1:51',
      'h/iptables-save:3:13',
      'h/sysctl:2:1',
    ])
  })
})
