import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { type LinkFacts, readLinks } from './ip-link.js'

const recorded = (name: string) => readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8')
const sample = (name: string) => readFileSync(new URL(`../../samples/${name}`, import.meta.url), 'utf8')

/** Without what depends on where a command prints it, and with the namespace's name, which text has for the id of JSON, left out. */
const bare = (links: readonly LinkFacts[]) =>
  links.map(({ peerNetnsId, peerNetnsName, ...rest }) => ({
    ...rest,
    foreign: (peerNetnsId ?? peerNetnsName) !== undefined,
  }))

describe('what is read from text is what is read from JSON', () => {
  test.each([
    ['ip-link.txt', 'ip-link.json'],
    ['ip-o-link.txt', 'ip-link.json'],
    ['ip-addr.txt', 'ip-addr.json'],
    ['bridge-link.txt', 'bridge-link.json'],
  ])('%s', (text, json) => {
    expect(bare(readLinks(recorded(text)))).toEqual(bare(readLinks(recorded(json))))
  })
  test('ip -d addr has both', () => {
    const links = new Map(readLinks(recorded('ip-link.json')).map((link) => [link.index, link]))
    const addresses = new Map(readLinks(recorded('ip-addr.json')).map((link) => [link.index, link.addresses]))
    const both = [...links.values()].map((link) => ({ ...link, addresses: addresses.get(link.index) }))
    expect(bare(readLinks(recorded('ip-d-addr.txt')))).toEqual(bare(both))
  })
  test('ip -s link prints numbers between', () => {
    expect(readLinks(recorded('ip-s-link.txt')).map(({ name, flags }) => [name, flags])).toEqual(
      readLinks(recorded('ip-link.json')).map(({ name, flags }) => [name, flags]),
    )
  })
  test('ip -o addr has addresses only', () => {
    const expected = readLinks(recorded('ip-addr.json')).filter(({ addresses }) => addresses!.length > 0)
    expect(readLinks(recorded('ip-o-addr.txt')).map(({ index, addresses }) => [index, addresses])).toEqual(
      expected.map(({ index, addresses }) => [index, addresses!.map((one) => ({ ...one }))]),
    )
  })
})

describe('links', () => {
  const link = (name: string) => readLinks(recorded('ip-link.txt')).find((one) => one.name === name)
  test.each([
    [
      'port1',
      {
        index: 5,
        kindText: 'veth',
        master: 'br0',
        peerName: 'far1',
        port: { hairpin: true, isolated: true, state: 'forwarding', flood: false, learning: false },
      },
    ],
    [
      'eth0',
      {
        index: 2,
        kindText: 'veth',
        mac: 0x020000000001,
        mtu: 1400,
        group: 7,
        peerIndex: 2,
        peerNetnsName: 'snrec-b',
        flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      },
    ],
    ['br0', { kindText: 'bridge', bridge: { vlanFiltering: false, callIptables: true, callIp6tables: false } }],
    [
      'vx0',
      {
        vxlan: {
          vni: 42,
          local: parseIp('192.0.2.1'),
          remote: parseIp('192.0.2.9'),
          group: undefined,
          dev: 'eth0',
          port: 4789,
          ttl: 5,
          learning: false,
        },
      },
    ],
    [
      'vx1',
      {
        vxlan: {
          vni: 43,
          local: undefined,
          remote: undefined,
          group: parseIp('239.1.1.1'),
          dev: 'eth0',
          port: 8472,
          ttl: 0,
          learning: true,
        },
      },
    ],
    ['tun0', { kindText: 'tun', linkType: 'none', mac: undefined }],
    ['eth0.10', { kindText: 'macvlan', peerName: 'eth0' }],
  ] as const)('%s', (name, expected) => expect(link(name)).toMatchObject(expected))

  test('a vxlan of the cluster sample', () => {
    expect(readLinks(sample('k8s-cluster/node1/ip-link.json')).find(({ name }) => name === 'flannel.1')).toMatchObject({
      index: 4,
      kindText: 'vxlan',
      vxlan: {
        vni: 1,
        local: parseIp('192.168.50.11'),
        remote: undefined,
        group: undefined,
        dev: 'eth0',
        port: 8472,
        ttl: 0,
        learning: false,
      },
    })
  })
})

describe('addresses', () => {
  const read = (line: string) => readLinks(`2: eth0: <UP> mtu 1500\n    ${line}\n`)[0]!.addresses![0]
  const usual = {
    peer: undefined,
    broadcast: undefined,
    scope: 'global',
    secondary: false,
    usable: true,
    deprecated: false,
    noPrefixRoute: false,
  }
  test.each([
    [
      'inet 10.9.0.1 peer 10.9.0.2/32 scope global tun0',
      { ...usual, prefix: { ip: parseIp('10.9.0.1'), length: 32 }, peer: { ip: parseIp('10.9.0.2'), length: 32 } },
    ],
    [
      'inet 192.0.2.3/24 metric 100 brd 192.0.2.255 scope global secondary deprecated dynamic noprefixroute eth0',
      {
        ...usual,
        prefix: { ip: parseIp('192.0.2.3'), length: 24 },
        broadcast: parseIp('192.0.2.255'),
        secondary: true,
        deprecated: true,
        noPrefixRoute: true,
      },
    ],
    [
      'inet6 fe80::1/64 scope link tentative proto kernel_ll',
      { ...usual, prefix: { ip: parseIp('fe80::1'), length: 64 }, scope: 'link', usable: false },
    ],
    [
      'inet6 2001:db8::1/64 scope global temporary dynamic',
      { ...usual, prefix: { ip: parseIp('2001:db8::1'), length: 64 }, secondary: true },
    ],
  ] as const)('%s', (line, expected) => expect(read(line)).toEqual(expected))
  test.each([
    ['2: eth0: <UP> mtu 1500\n    inet 10.0.0.300/8', 2, 10, 'local "10.0.0.300" is not an IP address'],
    ['2: eth0: <UP> mtu 1500\n    inet 10.0.0.3/80', 2, 10, 'a prefix of 80 bits'],
    ['2: eth0: <UP> mtu many', 1, 19, 'mtu "many" is not a number'],
    ['2: eth0: <UP> mtu 1500\n    %%%', 2, 5, '"%%%" is no line of ip link or ip addr'],
  ] as const)('%j', (text, line, column, message) => {
    expect(() => readLinks(text)).toThrow(expect.objectContaining({ message, position: { line, column } }))
  })
})
