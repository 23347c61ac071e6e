import { expect, test } from 'vitest'
import { parsePacketLine } from '../packet/language.js'
import { readSnapshot } from '../snapshot/index.js'
import { trace } from './trace.js'

// A bridge with two ports on one host, and a container behind each: what ebtables does with IP packets between them (net/bridge/netfilter/ebtables.c).

const port = (index: number, name: string, netns: number) =>
  `${index}: ${name}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP\n    link/ether 02:00:00:00:00:1${index} brd ff:ff:ff:ff:ff:ff link-netnsid ${netns}\n    veth\n    bridge_slave state forwarding hairpin off`
const inside = (number: number, peer: number) => ({
  [`h/netns/c${number}/ip-addr`]: `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0@if${peer}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:00:00:00:0${number} brd ff:ff:ff:ff:ff:ff link-netnsid 0\n    inet 10.0.0.${number}/24 brd 10.0.0.255 scope global eth0\n`,
  [`h/netns/c${number}/ip-route`]: `10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.${number}\n`,
})

function outcomes(
  ebtables: readonly string[],
  line = 'tcp 10.0.0.1:5000 > 10.0.0.2:80 syn from h/c1',
): readonly string[] {
  const files: Readonly<Record<string, string>> = {
    'h/ip-link': `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n3: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:00:00:00:ff brd ff:ff:ff:ff:ff:ff\n    bridge forward_delay 0\n${port(4, 'p1', 1)}\n${port(5, 'p2', 2)}\n`,
    'h/ip-addr':
      '3: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:00:00:00:ff brd ff:ff:ff:ff:ff:ff\n    inet 10.0.0.254/24 brd 10.0.0.255 scope global br0\n',
    'h/sysctl': 'net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 0\n',
    'h/ebtables-save': ['*filter', ':INPUT ACCEPT', ':FORWARD ACCEPT', ':OUTPUT ACCEPT', ...ebtables, ''].join('\n'),
    ...inside(1, 4),
    ...inside(2, 5),
  }
  const read = readSnapshot(Object.entries(files).map(([path, text]) => ({ path, text })))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const packet = parsePacketLine(line)
  if (!packet.ok) throw new Error(packet.problem.message)
  return trace(read.hosts, packet.packet).branches.map(({ outcome, where }) =>
    `${outcome} ${where.table ?? ''}/${where.chain ?? ''} ${where.rule ?? ''}`.trim(),
  )
}

test.each<readonly [what: string, rules: readonly string[], outcome: RegExp]>([
  ['no rules', [], /^(?!dropped bridge)/],
  ['all of it', ['-A FORWARD -j DROP'], /^dropped bridge filter\/FORWARD 1$/],
  ['by port and address', ['-A FORWARD -p IPv4 -i p1 -o p2 --ip-dst 10.0.0.2 --ip-proto tcp --ip-dport 80 -j DROP'], /^dropped bridge filter\/FORWARD 1$/],
  ['by MAC', ['-A FORWARD -s 02:00:00:00:00:01 -j DROP'], /^dropped bridge filter\/FORWARD 1$/],
  ['another port', ['-A FORWARD -i p2 -j DROP'], /^(?!dropped bridge)/],
  ['only ARP', ['-A FORWARD -p ARP -j DROP', '-A FORWARD -p ARP --arp-op Request -j DROP'], /^(?!dropped bridge)/],
  ['in a chain', [':X ACCEPT', '-A FORWARD -p IPv4 -j X', '-A X -d 02:00:00:00:00:02 -j DROP'], /^dropped bridge filter\/X 1$/],
  ['a limit, not used up', ['-A FORWARD --limit 5/min --limit-burst 5 -j DROP'], /^dropped bridge filter\/FORWARD 1$/],
  ['a list of addresses', ['-A FORWARD --among-src 2:0:0:0:0:9,02:00:00:00:00:01 -j DROP'], /^dropped bridge filter\/FORWARD 1$/],
  ['a list without it', ['-A FORWARD --among-src 2:0:0:0:0:9 -j DROP'], /^(?!dropped bridge)/],
  ['an address of IP in it', ['-A FORWARD --among-dst 02:00:00:00:00:02=10.0.0.2 -j DROP'], /^dropped bridge filter\/FORWARD 1$/],
  ['a watcher stands in no way', ['-A FORWARD --log-level notice --log-prefix "x" -j DROP'], /^dropped bridge filter\/FORWARD 1$/],
  ['not evaluated', ['-A FORWARD -d BGA --stp-type config -j DROP'], /^(?!dropped bridge)/],
  ['local packets are another chain', ['-A INPUT -j DROP'], /^(?!dropped bridge)/],
])('%s', (_, rules, outcome) => {
  for (const one of outcomes(rules)) expect(one).toMatch(outcome)
}) // biome-ignore format: a table

test('to the bridge itself', () => {
  expect(outcomes(['-A INPUT -i p1 -j DROP'], 'tcp 10.0.0.1:5000 > 10.0.0.254:80 syn from h/c1')).toEqual([
    'dropped bridge filter/INPUT 1',
  ])
  expect(outcomes(['-A OUTPUT -o p2 -j DROP'], 'tcp > 10.0.0.2:80 syn from h')).toEqual([
    'dropped bridge filter/OUTPUT 1',
  ])
})
