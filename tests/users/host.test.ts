import { describe, expect, test } from 'vitest'
import { connected1, state, traced } from '../scenarios/state.js'

const vps = { links: { eth0: ['192.0.2.1/24'] }, routes: ['default via 192.0.2.254 dev eth0'], sysctl: {} }

test("S04: Docker's nat chain is gone: the packet comes to INPUT, where nothing listens", () => {
  const host = (nat: string) =>
    state({
      h: {
        links: { eth0: ['192.0.2.1/24'], ct0: ['172.17.0.1/16'] },
        sysctl: {},
        sockets: ['tcp 0.0.0.0:22'],
        iptables: `*nat\n${nat}\n*filter\n-A INPUT -m conntrack --ctstate NEW -j ACCEPT\n`,
      },
    })
  const question = 'tcp 198.51.100.9:40000 > 192.0.2.1:8080 in eth0'
  const rule = '-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80'
  expect(traced(host(rule), question)).toMatchObject({ outcome: 'sent', final: { dst: '172.17.0.2' } })
  expect(traced(host(':PREROUTING ACCEPT'), question)).toMatchObject({
    outcome: 'rejected',
    where: { reason: 'no-socket' },
  })
})

describe('S16: fail2ban behind the rule for established connections', () => {
  const host = (first: string, second: string) =>
    state({
      h: {
        ...vps,
        sockets: ['tcp 0.0.0.0:443'],
        iptables: `*filter\n-A INPUT ${first}\n-A INPUT ${second}\n-A f2b -s 203.0.113.66/32 -j REJECT --reject-with icmp-port-unreachable\n`,
        conntrack:
          'ipv4     2 tcp      6 431999 ESTABLISHED src=203.0.113.66 dst=192.0.2.1 sport=40000 dport=443 src=192.0.2.1 dst=203.0.113.66 sport=443 dport=40000 [ASSURED] mark=0 use=1\n',
      },
    })
  const [ESTABLISHED, BAN] = ['-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-p tcp -j f2b']
  const outcomes = (first: string, second: string) =>
    ['tcp 203.0.113.66:41000 > 192.0.2.1:443 in eth0', 'tcp 203.0.113.66:40000 > 192.0.2.1:443 ack in eth0'].map(
      (question) => traced(host(first, second), question).where.chain ?? 'none',
    )
  test('new connections are refused, the live one goes on', () => {
    expect(outcomes(ESTABLISHED, BAN)).toEqual(['f2b', 'none'])
  })
  test('in front of it both are', () => expect(outcomes(BAN, ESTABLISHED)).toEqual(['f2b', 'f2b']))
})

describe('S30: the kill switch of IPv4 says nothing about IPv6', () => {
  test('IPv6 leaves', () => {
    const hosts = state({
      box: {
        links: { eth0: ['192.168.1.10/24', '2001:db8::10/64'] },
        files: { 'ip-6-route': 'default via 2001:db8::1 dev eth0 metric 1024 pref medium\n' },
        sysctl: {},
        iptables: '*filter\n:OUTPUT DROP\n-A OUTPUT -o tun0 -j ACCEPT\n',
        ip6tables: '*filter\n:OUTPUT ACCEPT\n',
      },
    })
    expect(traced(hosts, 'udp > [2001:db8:f::8]:53 from box')).toMatchObject({
      outcome: 'sent',
      final: { interface: 'eth0' },
    })
  })
})

test('S34: an accept of iptables does not end it: the chain of firewalld comes behind', () => {
  const firewalld =
    'table inet firewalld {\n\tchain filter_FORWARD {\n\t\ttype filter hook forward priority filter + 10; policy accept;\n\t\tct state { established, related } accept\n\t\treject with icmpx admin-prohibited\n\t}\n}\n'
  const hosts = (nft?: string) =>
    state({
      h: {
        links: { eth0: ['192.0.2.1/24'], ct0: ['172.17.0.1/16'] },
        sysctl: {},
        iptables: '*filter\n-A FORWARD -o ct0 -j ACCEPT\n',
        ...(nft === undefined ? {} : { nft }),
      },
    })
  const question = 'tcp 198.51.100.9:40000 > 172.17.0.2:80 in eth0'
  expect(traced(hosts(), question).outcome).toBe('sent')
  // native nft rules are not evaluated: which of both it is cannot be told, and it is not called accepted
  const branch = traced(hosts(firewalld), question)
  expect(branch.outcome).toBe('undecided')
  expect(branch.where.text).toContain('filter_FORWARD')
})

test('S37: where a flowtable is, a packet of a known flow may pass all hooks by', () => {
  const flowtable =
    'table inet fw {\n\tflowtable ft {\n\t\thook ingress priority filter\n\t\tdevices = { eth0, lan0 }\n\t}\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tct state established flow add @ft\n\t}\n}\n'
  const hosts = state({
    r: {
      links: { eth0: ['192.0.2.1/24'], lan0: ['10.1.0.1/24'] },
      routes: ['default via 192.0.2.254 dev eth0'],
      sysctl: {},
      iptables: '*filter\n-A FORWARD -j DROP\n',
      nft: flowtable,
      conntrack:
        'ipv4     2 tcp      6 src=10.1.0.2 dst=198.51.100.9 sport=40000 dport=443 src=198.51.100.9 dst=10.1.0.2 sport=443 dport=40000 [OFFLOAD] mark=0 use=2\n',
    },
  })
  const branch = traced(hosts, 'tcp 10.1.0.2:40000 > 198.51.100.9:443 ack in lan0')
  expect(branch.outcome).toBe('undecided')
})

describe('S39: connections beyond nf_conntrack_max', () => {
  const host = (protocol: string) =>
    state({
      h: {
        ...vps,
        sysctl: { 'net.netfilter.nf_conntrack_max': 1 },
        sockets: ['tcp 0.0.0.0:22'],
        iptables: '*filter\n-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\n',
        conntrack: protocol,
      },
    })
  const assured =
    'ipv4     2 tcp      6 431999 ESTABLISHED src=203.0.113.66 dst=192.0.2.1 sport=40000 dport=22 src=192.0.2.1 dst=203.0.113.66 sport=22 dport=40000 [ASSURED] mark=0 use=1\n'
  test('what is new is dropped, what is known goes on', () => {
    expect(traced(host(assured), 'tcp 203.0.113.66:41000 > 192.0.2.1:22 in eth0')).toMatchObject({
      outcome: 'dropped',
      symptom: 'timeout',
    })
    expect(traced(host(assured), 'tcp 203.0.113.66:40000 > 192.0.2.1:22 ack in eth0').steps.at(-1)?.kind).not.toBe(
      'hook',
    )
    expect(traced(host(''), 'tcp 203.0.113.66:41000 > 192.0.2.1:22 in eth0').outcome).toBe('delivered')
  })
})

describe('S40: TPROXY for what this host sends itself', () => {
  const host = (routes: readonly string[], sockets: readonly string[]) =>
    state({
      h: {
        links: { eth0: ['192.0.2.1/24'] },
        routes: ['default via 192.0.2.254 dev eth0', ...routes],
        rules: ['32765:\tfrom all fwmark 0x1 lookup 100'],
        sysctl: {},
        sockets,
        iptables: `
*mangle
-A OUTPUT -d 93.184.216.34/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x1/0xffffffff
-A PREROUTING -i lo -p tcp -m mark --mark 0x1 -j TPROXY --on-port 12345 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0
`,
      },
    })
  const local = ['local default dev lo table 100 scope host']
  const question = 'tcp > 93.184.216.34:80 from h'
  test('marked in OUTPUT, it comes back through lo to PREROUTING and the proxy', () => {
    const branch = traced(host(local, ['tcp 0.0.0.0:12345']), question)
    expect(branch).toMatchObject({ outcome: 'delivered', final: { dst: '93.184.216.34', dport: 80, mark: 1 } })
    expect(branch.steps.find(({ kind }) => kind === 'reroute')).toMatchObject({ lookup: { table: '100', dev: 'lo' } })
    const hooks = branch.steps.flatMap((step) => (step.kind === 'hook' ? [`${step.hook} ${step.iif ?? ''}`] : []))
    expect(hooks).toContain('prerouting lo')
  })
  test('without the local route it leaves, and no PREROUTING is run', () => {
    expect(traced(host([], ['tcp 0.0.0.0:12345']), question)).toMatchObject({
      outcome: 'sent',
      final: { interface: 'eth0' },
    })
  })
  // it is often said to fall through then; Linux 6.18 drops it
  test('nobody listens: dropped', () => {
    expect(traced(host(local, ['tcp 0.0.0.0:22']), question)).toMatchObject({
      outcome: 'dropped',
      where: { hook: 'prerouting', table: 'mangle' },
    })
  })
})

describe('S43: the data connection of FTP without a helper', () => {
  const host = (raw: string) =>
    state({
      h: {
        ...vps,
        sockets: ['tcp 0.0.0.0:21', 'tcp 0.0.0.0:50000'],
        iptables: `*raw\n${raw}\n*filter\n:INPUT DROP\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\n`,
      },
    })
  const data = 'tcp 198.51.100.9:41000 > 192.0.2.1:50000 in eth0'
  test('is NEW, and dropped by the policy', () => {
    const branch = traced(host(':PREROUTING ACCEPT'), data)
    expect(branch).toMatchObject({ outcome: 'dropped', where: { reason: 'policy-drop', chain: 'INPUT' } })
    expect(branch.steps.find(({ kind }) => kind === 'conntrack')).toMatchObject({ state: 'NEW' })
    expect(connected1(host(':PREROUTING ACCEPT'), 'tcp 198.51.100.9:40000 > 192.0.2.1:21 in eth0').works).toBe(true)
  })
})
