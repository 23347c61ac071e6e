import { expect, test } from 'vitest'
import { placeName } from '../path/world.js'
import { readSnapshot } from './index.js'
import { splitBlocks, splitPaste } from './paste.js'

const HEAD = ' pkts bytes target     prot opt in     out     source               destination         '

const PASTE = [
  'Hello, my forwarding does not work:', '', 'root@gw:~# iptables -t nat -nvL', 'Chain PREROUTING (policy ACCEPT 5 packets, 300 bytes)', HEAD,
  '    1    60 DNAT       6    --  eth0   *       0.0.0.0/0            0.0.0.0/0            tcp dpt:80 to:10.0.0.5:8080', '',
  'Chain INPUT (policy ACCEPT 0 packets, 0 bytes)', HEAD, '', 'Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)', HEAD, '',
  'Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)', HEAD, '', 'root@gw:~# sudo iptables -S', '-P INPUT ACCEPT', '-P FORWARD DROP', '-P OUTPUT ACCEPT',
  '-A FORWARD -d 10.0.0.5/32 -p tcp -m tcp --dport 8080 -j ACCEPT', 'root@gw:~# ip a', '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN',
  '    inet 127.0.0.1/8 scope host lo', '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP', '    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff',
  '    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0', '3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP',
  '    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff', '    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth1', '[root@gw ~]# ip route', 'default via 192.0.2.254 dev eth0',
  '10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.1', '192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1', '# /sbin/sysctl -a', 'net.ipv4.ip_forward = 1',
  'net.ipv4.conf.all.rp_filter = 0', 'root@gw:~# exit', 'Any idea?', '',
] // biome-ignore format: a paste

test('a paste is taken apart by its prompts', () => {
  const parts = splitPaste({ path: '-', text: PASTE.join('\n') }) ?? []
  expect(parts.map(({ hint }) => hint)).toEqual([
    'iptables_-t_nat_-nvL',
    'iptables_-S',
    'ip_a',
    'ip_route',
    'sysctl_-a',
  ])
  expect(parts[4]!.text.trim().split('\n')).toEqual(['net.ipv4.ip_forward = 1', 'net.ipv4.conf.all.rp_filter = 0'])
})

test('its rules, links and routes are read, and rules keep their lines', () => {
  const read = readSnapshot([{ path: 'paste.txt', text: PASTE.join('\n') }])
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const [host] = read.hosts.namespaces
  const rules = host!.tables.flatMap(({ name, chains }) =>
    [...chains.values()].flatMap((chain) => chain.rules.map(({ text, source }) => `${name}:${source!.line} ${text}`)),
  )
  expect(rules).toEqual([
    'filter:21 -A FORWARD -d 10.0.0.5/32 -p tcp -m tcp --dport 8080 -j ACCEPT',
    'nat:6 -A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8080',
  ])
  expect(host!.links.map(({ name }) => name)).toEqual(['lo', 'eth0', 'eth1'])
  expect(host!.sysctls?.get('net.ipv4.ip_forward')).toBe('1')
  expect(host!.routes.filter(({ table }) => table === 'main')).toHaveLength(3)
  expect(read.hosts.assumptions).toContain('gw: paste.txt: 1 rule put together from iptables -L')
})

test.each([
  ['# iptables -S', 'h: of iptables only filter was given: raw, mangle, nat taken as without rules'],
  ['# iptables -t nat -S', 'h: of iptables only nat was given: raw, mangle, filter taken as without rules'],
  ['# iptables-save -t filter', 'h: of iptables only filter was given: raw, mangle, nat taken as without rules'],
  ['# iptables-save', undefined],
])('%s: which tables are not there', (command, said) => {
  const chains = command.includes('nat')
    ? ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']
    : ['INPUT', 'FORWARD', 'OUTPUT']
  const lines = command.includes('save')
    ? ['*filter', ...chains.map((chain) => `:${chain} ACCEPT [0:0]`), 'COMMIT']
    : chains.map((chain) => `-P ${chain} ACCEPT`)
  const read = readSnapshot([{ path: 'h/a.txt', text: [command, ...lines, ''].join('\n') }])
  const told = read.ok ? read.hosts.assumptions.filter((text) => text.includes(' was given')) : read.problems
  expect(told).toEqual(said === undefined ? [] : [said])
})

test('prompts say whose state it is', () => {
  const rules = (policy: string) => ['-P INPUT ACCEPT', `-P FORWARD ${policy}`, '-P OUTPUT ACCEPT']
  const lines = [
    'root@node1:~# iptables -S', ...rules('DROP'), 'root@node1:~# ip netns exec web iptables -S', ...rules('ACCEPT'),
    'root@node1:~# ip -n web route', 'default via 10.0.0.1 dev eth0', 'ops@node2:~$ sudo iptables -S', ...rules('ACCEPT'),
    '# sysctl -a', 'net.ipv4.ip_forward = 1',
  ] // biome-ignore format: a paste
  const read = readSnapshot([{ path: 'ticket/a.txt', text: lines.join('\n') }])
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const told = read.hosts.namespaces.map((one) => {
    const [table] = one.tables
    return [
      placeName(one),
      table?.chains.get('FORWARD')?.base?.policy,
      one.routes.length,
      one.sysctls?.get('net.ipv4.ip_forward'),
    ]
  })
  expect(told).toEqual([
    ['node1', 'drop', 0, undefined],
    ['node1/web', 'accept', 1, undefined],
    ['node2', 'accept', 0, '1'],
  ])
})

test('a paste beside other files is of the same host as they are', () => {
  const read = readSnapshot([
    { path: 'gw/paste.txt', text: 'root@other:~# ip route\ndefault via 192.0.2.254 dev eth0\n' },
    { path: 'gw/sysctl', text: 'net.ipv4.ip_forward = 1\n' },
  ])
  expect(read.ok && read.hosts.namespaces.map(placeName)).toEqual(['gw'])
})

test('a problem has its place in the paste', () => {
  const text = PASTE.join('\n').replace('--dport 8080', '--dport 99999')
  const read = readSnapshot([{ path: 'p', text }])
  expect(read.ok ? [] : read.problems).toEqual([
    { file: 'p', line: 21, column: 49, message: "invalid port/service `99999' specified (--dport)" },
  ])
})

test.each([
  '# Generated by iptables-save v1.8.9 on Mon\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n',
  '# ip addresses of the office\n# iptables rules of the office\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n',
  'net.ipv4.ip_forward = 1\n',
])('%j is no paste', (text) => expect(splitPaste({ path: 'p', text })).toBeUndefined())

test('what counts where a listing and the rules themselves tell of one table', () => {
  const list = `Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\n${HEAD}\n    0     0 DROP       0    --  *      *       0.0.0.0/0            0.0.0.0/0           \nChain FORWARD (policy ACCEPT 0 packets, 0 bytes)\n${HEAD}\nChain OUTPUT (policy ACCEPT 0 packets, 0 bytes)\n${HEAD}\n`
  const saved = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'
  const rules = (files: Readonly<Record<string, string>>) => {
    const read = readSnapshot(Object.entries(files).map(([path, text]) => ({ path: `h/${path}`, text })))
    return read.ok
      ? read.hosts.namespaces[0]!.tables.flatMap(({ family, chains }) =>
          [...chains.values()].flatMap((chain) => chain.rules.map(({ text }) => `${family} ${text}`)),
        )
      : read.problems
  }
  expect(rules({ 'iptables_-vnxL': list })).toEqual(['4 -A INPUT -j DROP'])
  expect(rules({ 'ip6tables_-vnxL': list.replaceAll('0.0.0.0/0', '::/0     ') })).toEqual(['6 -A INPUT -j DROP'])
  expect(rules({ 'iptables_-vnxL': list, 'iptables-save': saved })).toEqual([])
})

const BLOCKS = [
  'my rules:',
  '# Generated by iptables-save v1.8.9 on Mon',
  '*filter',
  ':INPUT DROP [0:0]',
  ':FORWARD ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  'COMMIT',
  '# Completed on Mon',
  '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN',
  '    inet 127.0.0.1/8 scope host lo',
  '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP',
  '    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff',
  '    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0',
  '',
  'default via 192.0.2.254 dev eth0',
  '192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1',
  '0:\tfrom all lookup local',
  '32766:\tfrom all lookup main',
  '32767:\tfrom all lookup default',
  'net.ipv4.ip_forward = 1',
  '',
]

test('outputs without prompts are told apart by how each begins, and what is missing is told', () => {
  const read = readSnapshot([{ path: 'pasted', text: BLOCKS.join('\n') }])
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  expect(read.files.map(({ kind, lines }) => [kind, lines])).toEqual([
    ['iptables-save', [2, 8]],
    ['ip-addr', [9, 14]],
    ['ip-route', [15, 16]],
    ['ip-rule', [17, 19]],
    ['sysctl', [20, 21]],
  ])
  expect(read.missing.map(({ lack }) => lack)).toEqual(['local4'])
})

test('a file of one command is never taken apart', () => {
  expect(splitBlocks({ path: 'p', text: BLOCKS.slice(1, 8).join('\n') })).toBeUndefined()
  expect(splitBlocks({ path: 'p', text: BLOCKS.slice(8, 13).join('\n') })).toBeUndefined()
})
