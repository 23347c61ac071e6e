import { describe, expect, test } from 'vitest'
import { printIp } from '../../address/ip.js'
import type { Hosts, Namespace } from '../../path/world.js'
import { readSnapshot } from '../index.js'
import { changeHosts } from './index.js'

// What iproute2 6.1, procps 4.0 and iptables 1.8.9 say, and what `ip route show table all` and `ip rule` print afterwards, on Linux 6.18.

const FILES = {
  'h/ip-addr': [
    '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN', '    inet 127.0.0.1/8 scope host lo',
    '3: a0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP', '    link/ether fe:54:00:68:8f:31 brd ff:ff:ff:ff:ff:ff',
    '    inet 10.0.0.1/24 scope global a0', '    inet6 fd00::1/64 scope global',
    '5: d1: <BROADCAST,MULTICAST> mtu 1500 state DOWN', '    link/ether fe:54:00:68:8f:32 brd ff:ff:ff:ff:ff:ff',
  ],
  'h/ip-route': [
    '10.0.0.0/24 dev a0 proto kernel scope link src 10.0.0.1', '10.50.0.0/16 via 10.0.0.2 dev a0', 'blackhole 10.4.0.0/16',
    'default dev a0 table 100 scope link', 'local 10.0.0.1 dev a0 table local proto kernel scope host src 10.0.0.1',
    'broadcast 10.0.0.255 dev a0 table local proto kernel scope link src 10.0.0.1',
    'local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1', 'local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1',
    'fd00::/64 dev a0 proto kernel metric 256 pref medium', 'local fd00::1 dev a0 table local proto kernel metric 0 pref medium',
    'multicast ff00::/8 dev a0 table local proto kernel metric 256 pref medium',
  ],
  'h/ip-rule': ['0:\tfrom all lookup local', '77:\tfrom all fwmark 0x1 lookup 5', '32766:\tfrom all lookup main', '32767:\tfrom all lookup default'],
  'h/sysctl': ['net.ipv4.ip_forward = 0', 'net.ipv4.conf.all.forwarding = 0', 'net.ipv4.conf.all.rp_filter = 0'],
  'h/netns/web/iptables-save': ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', 'COMMIT'],
} // biome-ignore format: files

function start(): Hosts {
  const read = readSnapshot(Object.entries(FILES).map(([path, lines]) => ({ path, text: `${lines.join('\n')}\n` })))
  if (!read.ok) throw new Error(read.problems[0]!.message)
  return read.hosts
}

const host = (hosts: Hosts): Namespace => hosts.namespaces.find(({ namespace }) => namespace === '')!
const web = (hosts: Hosts): Namespace => hosts.namespaces.find(({ namespace }) => namespace === 'web')!

function after(...texts: readonly string[]): Hosts {
  const hosts = start()
  const changed = changeHosts(
    hosts,
    texts.map((text) => ({ text, name: 'w' })),
    () => host(hosts),
  )
  if (!changed.ok) throw new Error(changed.problems[0]!.message)
  return changed.hosts
}

const routeLines = (hosts: Hosts): readonly string[] =>
  host(hosts).routes.map(({ text, table }) => `${text}${table === 'main' ? '' : ` table ${table}`}`)

/** Lines that go (-) and come (+). */
const difference = (before: readonly string[], now: readonly string[]): readonly string[] => [
  ...before.filter((line) => !now.includes(line)).map((line) => `- ${line}`),
  ...now.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
]

test.each<readonly [string, ...string[]]>([
  ['ip route add 10.1.0.0/16 via 10.0.0.2', '+ 10.1.0.0/16 via 10.0.0.2 dev a0'],
  ['ip r a 10.1/16 via 10.0.0.2 metric 5', '+ 10.1.0.0/16 via 10.0.0.2 dev a0 metric 5'],
  ['ip route add 10.2.0.0/16 via 10.7.0.2 dev a0 onlink', '+ 10.2.0.0/16 via 10.7.0.2 dev a0 onlink'],
  ['ip route add 10.3.0.0/16 via 10.0.0.1', '+ 10.3.0.0/16 via 10.0.0.1 dev a0'],
  ['ip route add 10.3.0.0/16 dev a0', '+ 10.3.0.0/16 dev a0 scope link'],
  ['ip route replace 10.50.0.0/16 via 10.0.0.4', '- 10.50.0.0/16 via 10.0.0.2 dev a0', '+ 10.50.0.0/16 via 10.0.0.4 dev a0'],
  ['ip route append 10.50.0.0/16 via 10.0.0.3', '+ 10.50.0.0/16 via 10.0.0.3 dev a0'],
  ['ip route add unreachable 10.5.0.0/16 metric 3', '+ unreachable 10.5.0.0/16 metric 3'],
  ['ip route add default via 10.0.0.2 table 101', '+ default via 10.0.0.2 dev a0 table 101'],
  ['ip route add local 10.8.0.0/16 dev lo', '+ local 10.8.0.0/16 dev lo scope host table local'],
  ['ip route add fd01::/64 via fd00::2', '+ fd01::/64 via fd00::2 dev a0'],
  ['ip -6 route add default via fe80::1 dev a0', '+ default via fe80::1 dev a0'],
  ['ip route del 10.50.0.0/16', '- 10.50.0.0/16 via 10.0.0.2 dev a0'],
  ['ip route del default table 100', '- default dev a0 scope link table 100'],
  ['ip route flush table 100', '- default dev a0 scope link table 100'],
  ['ip addr add 10.20.0.1 dev a0', '+ local 10.20.0.1 dev a0 proto kernel scope host src 10.20.0.1 table local'],
  [
    'ip addr add 10.21.0.1/24 brd + dev a0', '+ 10.21.0.0/24 dev a0 proto kernel scope link src 10.21.0.1',
    '+ local 10.21.0.1 dev a0 proto kernel scope host src 10.21.0.1 table local',
    '+ broadcast 10.21.0.255 dev a0 proto kernel scope link src 10.21.0.1 table local',
  ],
  [
    'ip addr del 10.0.0.1/24 dev a0', '- 10.0.0.0/24 dev a0 proto kernel scope link src 10.0.0.1',
    '- local 10.0.0.1 dev a0 proto kernel scope host src 10.0.0.1 table local',
    '- broadcast 10.0.0.255 dev a0 proto kernel scope link src 10.0.0.1 table local',
  ],
  [
    'ip link set a0 down', '- 10.0.0.0/24 dev a0 proto kernel scope link src 10.0.0.1', '- 10.50.0.0/16 via 10.0.0.2 dev a0',
    '- default dev a0 scope link table 100', '- broadcast 10.0.0.255 dev a0 proto kernel scope link src 10.0.0.1 table local',
    '- fd00::/64 dev a0 proto kernel metric 256 pref medium', '- local fd00::1 dev a0 proto kernel metric 0 pref medium table local',
    '- multicast ff00::/8 dev a0 proto kernel metric 256 pref medium table local',
  ],
])('%s', (command, ...changes) => {
  expect(difference(routeLines(start()), routeLines(after(command))).toSorted()).toEqual([...changes].sort())
}) // biome-ignore format: a table

test.each<readonly [string, readonly string[]]>([
  ['ip rule add from 1.2.3.0/24 lookup 100', ['+ 76:\tfrom 1.2.3.0/24 lookup 100']],
  ['ip rule add fwmark 2 table 5 prio 78', ['+ 78:\tfrom all fwmark 2 lookup 5']],
  ['ip ru add not from 1.1.1.1 iif a0 tos 0x10 lookup main pref 9', ['+ 9:\tnot from 1.1.1.1 tos 0x10 iif a0 lookup main']],
  ['ip rule add to 5.0.0.0/8 prohibit prio 100', ['+ 100:\tfrom all to 5.0.0.0/8 prohibit']],
  ['ip rule add ipproto tcp dport 80-90 lookup 7 prio 8', ['+ 8:\tfrom all ipproto tcp dport 80-90 lookup 7']],
  ['ip rule del prio 77', ['- 77:\tfrom all fwmark 0x1 lookup 5']],
  ['ip rule del fwmark 1', ['- 77:\tfrom all fwmark 0x1 lookup 5']],
])('%s', (command, changes) => {
  const texts = (hosts: Hosts) => host(hosts).rules4.map(({ text }) => text)
  expect(difference(texts(start()), texts(after(command)))).toEqual(changes)
}) // biome-ignore format: a table

describe('refused in the words of the real program', () => {
  test.each([
    ['ip route add 10.50.0.0/16 via 10.0.0.2', 14, 'RTNETLINK answers: File exists'],
    ['ip route change 10.9.0.0/16 via 10.0.0.4', 17, 'RTNETLINK answers: No such file or directory'],
    ['ip route add 10.2.0.0/16 via 10.7.0.2', 14, 'Error: Nexthop has invalid gateway.'],
    ['ip route add 10.2.0.0/16 via 10.7.0.2 dev a0', 14, 'Error: Nexthop has invalid gateway.'],
    ['ip route add 10.3.0.0/16 dev zz', 14, 'Cannot find device "zz"'],
    ['ip route add 10.3.0.0/16 dev d1', 14, 'Error: Device for nexthop is not up.'],
    ['ip route add 10.3.0.0/16', 14, 'RTNETLINK answers: No such device'],
    ['ip route add 10.3.0.1/16 dev a0', 14, 'Error: Invalid prefix for given prefix length.'],
    ['ip route add 10.3.0.0/33 dev a0', 14, 'Error: any valid prefix is expected rather than "10.3.0.0/33".'],
    ['ip route add foo dev a0', 14, 'Error: any valid prefix is expected rather than "foo".'],
    ['ip route add 10.3.0.0/16 dev a0 src 9.9.9.9', 14, 'Error: Invalid prefsrc address.'],
    ['ip route del 10.99.0.0/16', 14, 'RTNETLINK answers: No such process'],
    ['ip route del 10.50.0.0/16 via 10.0.0.9', 14, 'RTNETLINK answers: No such process'],
    ['ip -6 route add fd02::/64 via fd77::2', 17, 'RTNETLINK answers: No route to host'],
    ['ip -6 route add default via fe80::1', 17, 'Error: Egress device not specified.'],
    ['ip rule add fwmark 0x1 table 5 prio 77', 13, 'RTNETLINK answers: File exists'],
    ['ip rule add', 12, '"ip rule add" requires arguments.'],
    ['ip rule add from x', 18, 'Error: any valid prefix is expected rather than "x".'],
    ['ip rule del prio 99', 13, 'RTNETLINK answers: No such file or directory'],
    ['ip rule del from 9.0.0.0/8', 13, 'RTNETLINK answers: No such file or directory'],
    ['ip addr add 10.0.0.1/24 dev a0', 13, 'Error: ipv4: Address already assigned.'],
    ['ip addr add 10.20.0.1/24 dev zz', 30, 'Cannot find device "zz"'],
    ['ip addr del 10.77.0.1/24 dev a0', 13, 'Error: ipv4: Address not found.'],
    ['ip link set zz up', 13, 'Cannot find device "zz"'],
    ['ip link set a0 mtu 10', 20, 'Error: mtu less than device minimum.'],
    ['ip link set a0 mtu 99999', 20, 'Error: mtu greater than device maximum.'],
    ['ip link set a0 master zz', 23, 'Error: argument "zz" is wrong: Device does not exist'],
    ['sysctl -w net.ipv4.ip_forward', 11, 'sysctl: command line(0): invalid syntax, continuing...'],
    ['sysctl -w net.ipv4.ip_forward=x', 11, 'sysctl: setting key "net.ipv4.ip_forward": Invalid argument'],
    ['sysctl -w net.ipv4.conf.zz.rp_filter=1', 11, 'sysctl: cannot stat /proc/sys/net/ipv4/conf/zz/rp_filter: No such file or directory'],
    ['iptables -A NONE -j DROP', 13, 'iptables: No chain/target/match by that name.'],
    ['h/none: iptables -F', 1, 'nothing in the snapshot is called "h/none": it holds h, h/web'],
    ['h: iptables -A NONE -j DROP', 16, 'iptables: No chain/target/match by that name.'],
    ['reboot', 1, '"reboot" is not read here: iptables, ip6tables, ebtables, arptables, ip, ipset, sysctl'],
    ['ip foo', 4, 'Object "foo" is unknown, try "ip help".'],
    ["ip route add 'x", 14, 'this quote is never closed'],
  ])('%s', (text, column, message) => {
    const hosts = start()
    expect(changeHosts(hosts, [{ text, name: 'w' }], () => host(hosts))).toEqual({
      ok: false,
      problems: [{ file: 'w', line: 1, column, message }],
    })
  })
}) // biome-ignore format: a table

test('a place in front, ip netns exec and ip -n name another namespace', () => {
  const rules = (hosts: Hosts) =>
    web(hosts).tables.flatMap(({ chains }) =>
      [...chains.values()].flatMap((chain) => chain.rules.map(({ text }) => text)),
    )
  const done = after(
    'h/web: iptables -A INPUT -j DROP',
    'sudo ip netns exec web iptables -A OUTPUT -j DROP',
    'web: iptables -P FORWARD DROP',
  )
  expect(rules(done)).toEqual(['-A INPUT -j DROP', '-A OUTPUT -j DROP'])
  expect(web(done).tables[0]!.chains.get('FORWARD')!.base!.policy).toBe('drop')
  expect(host(done)).toBe(host(done))
  expect(web(after('ip -n web rule add prio 5 lookup 9')).rules4.map(({ priority }) => priority)).toContain(5)
})

test('forwarding is switched on for every device', () => {
  const sysctls = host(after('sysctl -w net.ipv4.ip_forward=1')).sysctls!
  for (const key of ['ip_forward', 'conf.all.forwarding', 'conf.default.forwarding', 'conf.a0.forwarding'])
    expect(sysctls.get(`net.ipv4.${key}`)).toBe('1')
  expect(sysctls.get('net.ipv4.conf.all.rp_filter')).toBe('0')
})

test('new addresses stand where Linux puts them', () => {
  // what ip addr printed on Linux 6.18 after the same commands on a link with fe80::1
  const given = [
    'fe80::1/64',
    'fd00:17::1/64',
    'fd00:18::1/64',
    'fe80::55/64',
    'fec0::1/64',
    '10.0.0.1/24',
    '10.0.0.2/24',
    '10.1.0.2/24',
    '10.2.0.2/24',
    '10.3.0.2/24',
  ]
  const done = after(
    'ip link add q0 type bridge',
    ...given.map((one) => `ip addr add ${one} dev q0${one.startsWith('10.2.') ? ' scope link' : ''}`),
    'ip -6 addr change fd00:17::1/64 dev q0',
  )
  const addresses = host(done)
    .links.find(({ name }) => name === 'q0')!
    .addresses.map(({ prefix }) => printIp(prefix.ip))
  expect(addresses.filter((ip) => ip.startsWith('10.'))).toEqual([
    '10.2.0.2',
    '10.0.0.1',
    '10.1.0.2',
    '10.3.0.2',
    '10.0.0.2',
  ])
  expect(addresses.filter((ip) => ip.startsWith('f'))).toEqual([
    'fd00:18::1',
    'fd00:17::1',
    'fec0::1',
    'fe80::55',
    'fe80::1',
  ])
})

test('sets are made, filled, and held by the rules that use them', () => {
  const rule = 'iptables -A INPUT -m set --match-set blocked src -j DROP'
  const made = after(
    'ipset create blocked hash:ip',
    'ipset add blocked 192.0.2.1',
    rule,
    'web: ipset -N other hash:net',
  )
  const listed = (namespace: Namespace) =>
    namespace.sets?.listed.map(({ name, type, elements }) => [name, type, elements])
  expect(listed(host(made))).toEqual([['blocked', 'hash:ip', 1]])
  expect(listed(web(made))).toEqual([['other', 'hash:net', 0]])
  const refused = (text: string) => changeHosts(made, [{ text, name: 'w' }], () => host(made))
  const problem = (column: number, message: string) => ({
    ok: false,
    problems: [{ file: 'w', line: 1, column, message }],
  })
  expect(refused('ipset destroy blocked')).toEqual(
    problem(7, 'ipset v7.17: Set cannot be destroyed: it is in use by a kernel component'),
  )
  expect(refused('sudo ipset add nothing 192.0.2.1')).toEqual(
    problem(12, 'ipset v7.17: The set with the given name does not exist'),
  )
  expect(refused('ipset add blocked 192.0.2.1')).toEqual(
    problem(7, "ipset v7.17: Element cannot be added to the set: it's already added"),
  )
  expect(refused('/sbin/ipset add blocked 300.0.2.1')).toMatchObject({ ok: false })
})

describe('ip link add', () => {
  test('a VLAN with an address routes', () => {
    const { links, routes } = host(
      after('ip link add link a0 name a0.5 type vlan id 5', 'ip link set a0.5 up', 'ip addr add 10.5.0.1/24 dev a0.5'),
    )
    expect(links.at(-1)).toMatchObject({ name: 'a0.5', kind: 'vlan', up: true, mtu: 1500, peerIndex: 3 })
    expect(links.at(-1)!.device).toEqual({ is: 'vlan', id: 5, tpid: 0x8100 })
    expect(routes.some(({ text }) => text.startsWith('10.5.0.0/24 dev a0.5'))).toBe(true)
  })
  test('a bridge with a port; a macvlan is vepa unless told', () => {
    const { links } = host(
      after(
        'ip link add b0 type bridge',
        'ip link set d1 master b0',
        'ip link add link a0 m0 type macvlan',
        'ip link add red type vrf table 10',
      ),
    )
    expect(links.find(({ name }) => name === 'd1')).toMatchObject({ master: 'b0' })
    expect(links.slice(-2).map(({ device }) => device)).toEqual([
      { is: 'macvlan', mode: 'vepa' },
      { is: 'vrf', table: '10' },
    ])
  })
  test.each([
    ['ip link add a0 type bridge', 'RTNETLINK answers: File exists'],
    ['ip link add link nope name x type macvlan', 'Cannot find device "nope"'],
    ['ip link add m0 type macvlan', 'RTNETLINK answers: Invalid argument'],
    ['ip link add b1 mtu x type bridge', 'Error: argument "x" is wrong: Invalid "mtu" value'],
    ['ip link add b1 address zz type bridge', '"zz" is invalid lladdr.'],
    ['ip link add b/1 type bridge', 'Error: argument "b/1" is wrong: "dev" not a valid ifname'],
    ['ip link add b2', 'Not enough information: "type" argument is required'],
    ['ip link add b2 type', 'Command line is not complete. Try option "help"'],
    ['ip link add averyveryverylongname type bridge', 'Error: Attribute failed policy validation.'],
    ['ip link add link a0 name m0 type macvlan mode strange', 'Error: argument of "mode" must be "private", "vepa", "bridge", "passthru" or "source", not "strange"'],
    ['ip link add w0 type wireguard', 'devices of type wireguard are not added'],
  ])('%s: %s', (text, message) => {
    const hosts = start()
    const changed = changeHosts(hosts, [{ text, name: 'w' }], () => host(hosts))
    expect(changed.ok ? '' : changed.problems[0]!.message).toContain(message)
  }) // biome-ignore format: a table
})

test('what was given stays as it is', () => {
  const hosts = start()
  const before = JSON.stringify(hosts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
  changeHosts(
    hosts,
    [
      { text: 'ip route del 10.50.0.0/16', name: 'w' },
      { text: 'ip link set a0 down', name: 'w' },
    ],
    () => host(hosts),
  )
  expect(JSON.stringify(hosts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))).toBe(before)
})

test('what commands print is told: listings and the answers to tests', () => {
  const texts = [
    'ipset create blocked hash:net',
    'ipset add blocked 192.0.2.0/24',
    'ipset test blocked 192.0.2.9',
    'ipset test blocked 198.51.100.1',
    'ipset list -n',
    'ipset restore < more',
    'ipset save blocked',
    'iptables -S INPUT',
  ]
  const hosts = start()
  const read = (path: string) => (path === 'more' ? 'add blocked 203.0.113.7\n' : undefined)
  const changed = changeHosts(
    hosts,
    texts.map((text) => ({ text, name: 'w', read })),
    () => host(hosts),
  )
  const lines = changed.ok ? changed.output.split('\n') : []
  expect(lines.slice(0, 3)).toEqual([
    'Warning: 192.0.2.9 is in set blocked.',
    '198.51.100.1 is NOT in set blocked.',
    'blocked',
  ])
  expect(lines[3]).toMatch(/^create blocked hash:net family inet /)
  expect(lines.slice(4, 6).sort()).toEqual(['add blocked 192.0.2.0/24', 'add blocked 203.0.113.7'])
  expect(lines[6]).toMatch(/^-P INPUT /)
  const missing = changeHosts(hosts, [{ text: 'ipset restore < none', name: 'w', read }], () => host(hosts))
  expect(missing.ok ? '' : missing.problems[0]!.message).toBe('Cannot open none for reading: No such file or directory')
})
