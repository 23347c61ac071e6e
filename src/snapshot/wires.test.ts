import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Hosts } from '../path/world.js'
import { readFolder } from './files.js'
import { type InputFile, readSnapshot } from './index.js'

const here = import.meta.dirname

function hosts(files: readonly InputFile[]): Hosts {
  const read = readSnapshot(files, { now: 0 })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.hosts
}

/** `node1:eth0 -- node2:eth0 (share 10.0.0.0/24)`. */
const wires = ({ wires: all }: Hosts): string[] =>
  all.map(({ ends, because }) => {
    const names = ends.map(({ host, namespace, link }) => `${host}${namespace && `/${namespace}`}:${link}`)
    return `${names.join(' -- ')} (${because})`
  })

/** What was doubted, apart from files that are missing here on purpose. */
const doubts = ({ assumptions }: Hosts): readonly string[] =>
  assumptions.filter((text) => / taken as (not )?joined/.test(text))

describe('pairs', () => {
  test('all numbers alike: a subnet, a neighbour; what is left follows', async () => {
    const read = hosts(await readFolder(join(here, 'recordings/ambiguous')))
    expect(wires(read)).toEqual([
      'ambiguous:vetha -- ambiguous/a:eth0 (veth peers (vetha is ifindex 2, netnsid 0; eth0 is ifindex 2, netnsid 0; share 10.0.1.0/24))',
      'ambiguous:vethb -- ambiguous/b:eth0 (veth peers (vethb is ifindex 3, netnsid 1; eth0 is ifindex 2, netnsid 0; share 10.0.2.0/24))',
      'ambiguous:vethc -- ambiguous/c:eth0 (veth peers (vethc is ifindex 4, netnsid 2; eth0 is ifindex 2, netnsid 0; share 10.0.3.0/24))',
      'ambiguous:vethd -- ambiguous/d:eth0 (veth peers (vethd is ifindex 5, netnsid 3; eth0 is ifindex 2, netnsid 0; share 10.0.4.0/24))',
      'ambiguous/a:eth1 -- ambiguous/b:eth1 (veth peers (eth1 is ifindex 3, netnsid 1; eth1 is ifindex 3, netnsid 1; share 10.9.0.0/24))',
      'ambiguous/c:eth1 -- ambiguous/d:eth1 (veth peers (eth1 is ifindex 3, netnsid 1; eth1 is ifindex 3, netnsid 1; a neighbour of ambiguous/c))',
    ])
    expect(doubts(read)).toEqual([])
  })
  test('without addresses and neighbours of the pairs, they are joined to nobody, and it is said', async () => {
    const files = (await readFolder(join(here, 'recordings/ambiguous')))
      .filter(({ path }) => !path.endsWith('ip-neigh.json'))
      .map(({ path, text }) => ({ path, text: text.replaceAll(/10\.9\.0\.\d/g, '0.0.0.0') }))
    const read = hosts(files.filter(({ path }) => !/netns\/[ab]\/ip-addr/.test(path)))
    expect(wires(read).map((text) => text.replace(/ \(.*/, ''))).toEqual([
      'ambiguous:vetha -- ambiguous/a:eth0',
      'ambiguous:vethb -- ambiguous/b:eth0',
      'ambiguous:vethc -- ambiguous/c:eth0',
      'ambiguous:vethd -- ambiguous/d:eth0',
    ])
    expect(doubts(read)[0]).toBe(
      'ambiguous/a:eth1 could be joined to ambiguous/b:eth1 or ambiguous/c:eth1 or ambiguous/d:eth1: taken as joined to neither',
    )
    expect(doubts(read)).toHaveLength(4)
  })
  test('the text that `ip link` prints: the peer is named in one namespace, its namespace in others', () => {
    const read = hosts([
      { path: 'h/ip-link', text: ['5: va@if2: <UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:05 brd ff:ff:ff:ff:ff:ff link-netns pod',
        '6: x@y: <UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:06 brd ff:ff:ff:ff:ff:ff',
        '7: y@x: <UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:07 brd ff:ff:ff:ff:ff:ff'].join('\n') },
      { path: 'h/netns/pod/ip-link', text: '2: eth0@if5: <UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0' },
      { path: 'h/netns/pad/ip-link', text: '2: eth0@if5: <UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0' },
    ]) // biome-ignore format: lines as ip -o prints them
    expect(wires(read)).toEqual([
      'h:va -- h/pod:eth0 (veth peers (va is ifindex 5; eth0 is ifindex 2, netnsid 0))',
      'h:x -- h:y (veth peers (x is ifindex 6; y is ifindex 7))',
    ])
  })
  test('numbers fit by chance: addresses of different subnets speak against it', () => {
    const link = (address: string, id: number) =>
      JSON.stringify([{ ifindex: 2, ifname: 'eth0', flags: ['UP', 'LOWER_UP'], mtu: 1500, link_type: 'ether', link_index: 2, link_netnsid: id, linkinfo: { info_kind: 'veth' },
        addr_info: [{ family: 'inet', local: address, prefixlen: 24, scope: 'global' }] }]) // biome-ignore format: one link
    const read = hosts([
      { path: 'h/ip-addr.json', text: link('192.0.2.1', 0) },
      { path: 'h/netns/x/ip-addr.json', text: link('10.0.0.1', 0) },
    ])
    expect(wires(read)).toEqual([])
    expect(doubts(read)).toEqual([
      'h:eth0 and h/x:eth0 could be peers by their ifindexes, but their addresses share no subnet: taken as not joined',
    ])
  })
})

interface Nic {
  readonly name: string
  readonly addresses?: readonly string[]
  readonly kind?: string
  readonly master?: string
}

function host(name: string, ...nics: readonly Nic[]): InputFile {
  const links = nics.map(({ name: ifname, addresses = [], kind, master }, at) => ({
    ifindex: at + 2,
    ifname,
    flags: ['UP', 'LOWER_UP'],
    mtu: 1500,
    link_type: 'ether',
    ...(kind ? { linkinfo: { info_kind: kind } } : {}),
    ...(master ? { master } : {}),
    addr_info: addresses.map((address) => {
      const [local, length] = address.split('/')
      return { family: address.includes(':') ? 'inet6' : 'inet', local, prefixlen: Number(length), scope: 'global' }
    }),
  }))
  // with -d: what has no kind is hardware
  const lo = {
    ifindex: 1,
    ifname: 'dummy0',
    flags: [],
    mtu: 1500,
    link_type: 'ether',
    linkinfo: { info_kind: 'dummy' },
    addr_info: [],
  }
  return { path: `${name}/ip-addr.json`, text: JSON.stringify([lo, ...links]) }
}

describe('segments', () => {
  const eth0 = (...addresses: string[]): Nic => ({ name: 'eth0', addresses })
  test.each<[string, readonly InputFile[], readonly string[]]>([
    ['one subnet', [host('a', eth0('10.0.0.1/24')), host('b', eth0('10.0.0.2/24'))], ['a:eth0 -- b:eth0 (share 10.0.0.0/24)']],
    ['two subnets, one wire', [host('a', eth0('10.0.0.1/24', '2001:db8::1/64')), host('b', eth0('10.0.0.2/24', '2001:db8::2/64'))], ['a:eth0 -- b:eth0 (share 10.0.0.0/24, 2001:db8::/64)']],
    ['three hosts over two subnets', [host('a', eth0('10.0.0.1/24')), host('b', eth0('10.0.0.2/24', '10.1.0.2/24')), host('c', eth0('10.1.0.3/24'))], ['a:eth0 -- b:eth0 -- c:eth0 (share 10.0.0.0/24, 10.1.0.0/24)']],
    ['prefix lengths that differ, both within', [host('a', eth0('10.0.0.1/16')), host('b', eth0('10.0.0.2/24'))], ['a:eth0 -- b:eth0 (share 10.0.0.0/24)']],
    ['a prefix that does not reach', [host('a', eth0('10.0.9.1/16')), host('b', eth0('10.0.0.2/24'))], []],
    ['single addresses', [host('a', eth0('10.0.0.1/32')), host('b', eth0('10.0.0.1/32'))], []],
    ['link-local ones', [host('a', eth0('fe80::1/64', '169.254.0.1/16')), host('b', eth0('fe80::2/64', '169.254.0.2/16'))], []],
    ['the inner bridge of every host', [host('a', { name: 'docker0', kind: 'bridge', addresses: ['172.17.0.1/16'] }, { name: 'veth1', kind: 'veth', master: 'docker0' }), host('b', { name: 'docker0', kind: 'bridge', addresses: ['172.17.0.2/16'] }, { name: 'veth1', kind: 'veth', master: 'docker0' })], []],
    ['a bridge with a card', [host('a', { name: 'br0', kind: 'bridge', addresses: ['10.0.0.1/24'] }, { name: 'eno1', master: 'br0' }), host('b', eth0('10.0.0.2/24'))], ['a:eno1 -- b:eth0 (share 10.0.0.0/24)']],
    ['VLAN and bond', [host('a', { name: 'bond0', kind: 'bond', addresses: ['10.0.0.1/24'] }, { name: 'eth0.7', kind: 'vlan', addresses: ['10.7.0.1/24'] }), host('b', eth0('10.0.0.2/24'), { name: 'eth1.7', kind: 'vlan', addresses: ['10.7.0.2/24'] })], ['a:bond0 -- b:eth0 (share 10.0.0.0/24)', 'a:eth0.7 -- b:eth1.7 (share 10.7.0.0/24)']],
    ['tunnels', [host('a', { name: 'wg0', kind: 'wireguard', addresses: ['10.0.0.1/24'] }), host('b', { name: 'wg0', kind: 'wireguard', addresses: ['10.0.0.2/24'] })], []],
    ['two cards of one host', [host('a', eth0('10.0.0.1/24'), { name: 'eth1', addresses: ['10.0.0.2/24'] })], []],
  ])('%s', (_, files, expected) => {
    const read = hosts(files)
    expect(wires(read)).toEqual(expected)
    expect(doubts(read)).toEqual([])
  }) // biome-ignore format: a table
  test('the same address twice is not one segment', () => {
    const read = hosts([host('a', eth0('10.0.2.15/24')), host('b', eth0('10.0.2.15/24'))])
    expect(wires(read)).toEqual([])
    expect(doubts(read)).toEqual(['a:eth0 and b:eth0 have the same address in 10.0.2.0/24: taken as not joined'])
  })
})
