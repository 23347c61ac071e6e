import { expect, test } from 'vitest'
import { hexToBytes } from '../packet/hex.js'
import { readSnapshot } from '../snapshot/index.js'
import { simulate } from './simulate.js'

// A bridge of three ports, 10.0.0.254 on it; which frames leave by which port, after net/bridge. What a kernel did is in bridge-recorded.test.ts.

const PORTS = ['p1', 'p2', 'p3'] as const
const A = '0200000000a1'
const B = '0200000000b2'
const ALL = 'ffffffffffff'
const arp = (from: string, to = ALL, op = '0001') =>
  `${to}${from}08060001080006040${op.slice(1)}${from}0a000001000000000000 0a000002`.replace(' ', '')
const lldp = (from: string, to: string) => `${to}${from}88cc0207`

function bridge(rules: Readonly<Record<string, readonly string[]>> = {}, flags: Readonly<Record<string, string>> = {}) {
  const link = (name: string, i: number) =>
    `${i + 4}: ${name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP\n    link/ether 02:00:00:00:00:1${i} brd ff:ff:ff:ff:ff:ff\n    veth\n    bridge_slave state forwarding ${flags[name] ?? 'hairpin off'}\n`
  const chains: Readonly<Record<string, readonly string[]>> = {
    filter: ['INPUT', 'FORWARD', 'OUTPUT'],
    nat: ['PREROUTING', 'OUTPUT', 'POSTROUTING'],
    broute: ['BROUTING'],
  }
  const tables = Object.entries(rules).flatMap(([table, lines]) => [
    `*${table}`,
    ...chains[table]!.map((name) => `:${name} ACCEPT`),
    ...lines,
  ])
  const files: Readonly<Record<string, string>> = {
    'h/ip-link': `3: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:00:00:00:ff brd ff:ff:ff:ff:ff:ff\n    bridge forward_delay 0\n${PORTS.map(link).join('')}`,
    'h/ip-addr':
      '3: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:00:00:00:ff brd ff:ff:ff:ff:ff:ff\n    inet 10.0.0.254/24 brd 10.0.0.255 scope global br0\n',
    'h/sysctl': 'net.ipv4.ip_forward = 1\n',
    ...(tables.length > 0 ? { 'h/ebtables-save': `${tables.join('\n')}\n` } : {}),
  }
  const read = readSnapshot(Object.entries(files).map(([path, text]) => ({ path, text })))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const place = { host: 'h', namespace: '' }
  const run = simulate(read.hosts, { now: 0, seed: 1, assumeNeighbours: false })
  return (port: string, frame: string): readonly string[] =>
    run
      .receive(place, port, hexToBytes(frame)!, 0)
      .sent.map(
        ({ interface: name, frame: bytes }) =>
          `${name} ${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`,
      )
      .sort()
}

type Case = readonly [
  what: string,
  frames: readonly (readonly [port: string, frame: string])[],
  sent: readonly string[],
  rules?: Readonly<Record<string, readonly string[]>>,
  flags?: Readonly<Record<string, string>>,
]

const CASES: readonly Case[] = [
  ['a broadcast goes to all others', [['p1', arp(A)]], [`p2 ${arp(A)}`, `p3 ${arp(A)}`]],
  ['an address that nobody knows, too', [['p1', lldp(A, B)]], [`p2 ${lldp(A, B)}`, `p3 ${lldp(A, B)}`]],
  [
    'it is learned',
    [
      ['p2', lldp(B, A)],
      ['p1', lldp(A, B)],
    ],
    [`p2 ${lldp(A, B)}`],
  ],
  [
    'not with learning off',
    [
      ['p2', lldp(B, A)],
      ['p1', lldp(A, B)],
    ],
    [`p2 ${lldp(A, B)}`, `p3 ${lldp(A, B)}`],
    {},
    { p2: 'hairpin off learning off' },
  ],
  ['isolated ports', [['p1', arp(A)]], [`p3 ${arp(A)}`], {}, { p1: 'isolated on', p2: 'isolated on' }],
  ['hairpin', [['p1', arp(A)]], [`p1 ${arp(A)}`, `p2 ${arp(A)}`, `p3 ${arp(A)}`], {}, { p1: 'hairpin on' }],
  ['flood off', [['p1', lldp(A, B)]], [`p3 ${lldp(A, B)}`], {}, { p2: 'flood off' }],
  [
    'behind its own port',
    [
      ['p1', lldp(B, ALL)],
      ['p1', lldp(A, B)],
    ],
    [],
  ],
  ['LLDP stays', [['p1', lldp(A, '0180c200000e')]], []],
  [
    'BPDUs pass where there is no STP',
    [['p1', lldp(A, '0180c2000000')]],
    [`p2 ${lldp(A, '0180c2000000')}`, `p3 ${lldp(A, '0180c2000000')}`],
  ],
  [
    'a rule about ARP',
    [['p1', arp(A)]],
    [`p3 ${arp(A)}`],
    { filter: ['-A FORWARD -p ARP -o p2 --arp-op Request --arp-ip-dst 10.0.0.2 -j DROP'] },
  ],
  [
    'a rule about another',
    [['p1', arp(A)]],
    [`p2 ${arp(A)}`, `p3 ${arp(A)}`],
    { filter: ['-A FORWARD -p ARP --arp-op Reply -j DROP', '-A FORWARD -p IPv4 -j DROP'] },
  ],
  [
    'dnat',
    [
      ['p2', lldp(B, ALL)],
      ['p1', lldp(A, '020000000099')],
    ],
    [`p2 ${lldp(A, B)}`],
    { nat: ['-A PREROUTING -d 02:00:00:00:00:99 -j dnat --to-dst 02:00:00:00:00:b2 --dnat-target ACCEPT'] },
  ],
  [
    'snat of ARP',
    [['p1', arp(A)]],
    [`p2 ${arp(A)}`, `p3 ${arp('020000000077')}`],
    { nat: ['-A POSTROUTING -o p3 -j snat --to-src 02:00:00:00:00:77 --snat-arp --snat-target ACCEPT'] },
  ],
  [
    'arpreply',
    [['p1', arp(A)]],
    [`p1 ${A}02000000009908060001080006040002020000000099${'0a000002'}${A}0a000001`],
    { nat: ['-A PREROUTING -p ARP --arp-op Request -j arpreply --arpreply-mac 02:00:00:00:00:99'] },
  ],
  ['redirect', [['p1', lldp(A, B)]], [], { nat: ['-A PREROUTING -j redirect '] }],
]

const ALL_CASES = CASES.map(
  ([what, frames, sent, rules = {}, flags = {}]) => [what, frames, sent, rules, flags] as const,
)

test.each(ALL_CASES)('%s', (_, frames, sent, rules, flags) => {
  const receive = bridge(rules, flags)
  const last = frames.map(([port, frame]) => receive(port, frame)).at(-1)
  expect(last).toEqual(sent)
})
