import { describe, expect, test } from 'vitest'
import { connected1, state, traced } from './state.js'

test('S11: a rule behind a catch-all REJECT is never reached; the client sees "no route to host"', () => {
  const hosts = state({
    vm: {
      links: { ens3: ['10.0.0.5/24'] },
      routes: ['default via 10.0.0.1 dev ens3'],
      sysctl: {},
      sockets: ['tcp 0.0.0.0:443', 'tcp 0.0.0.0:22'],
      iptables: `
*filter
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
`,
    },
  })
  expect(traced(hosts, 'tcp 198.51.100.9:40000 > 10.0.0.5:443 in ens3')).toMatchObject({
    outcome: 'rejected',
    symptom: 'no route to host',
    where: { table: 'filter', chain: 'INPUT', rule: 5, reason: 'rule-reject' },
  })
  expect(connected1(hosts, 'tcp 198.51.100.9:40000 > 10.0.0.5:22 in ens3').works).toBe(true)
})

describe('S13: VPN peers connect, no internet', () => {
  const PEERS = [
    'interface: wg0',
    '  listening port: 51820',
    '',
    'peer: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    '  endpoint: 198.51.100.77:41000',
    '  allowed ips: 10.8.0.2/32',
    '',
  ].join('\n')
  const vpn = (forward: string, masquerade: string, sysctl = {}, known = true) =>
    state({
      gw: {
        links: { ens3: ['203.0.113.7/24'], wg0: { addresses: ['10.8.0.1/24'], kind: 'wireguard' } },
        routes: ['default via 203.0.113.1 dev ens3'],
        sysctl,
        iptables: `*filter\n${forward}\n*nat\n${masquerade}\n`,
        files: known ? { wg: PEERS } : {},
      },
    })
  const question = 'tcp 10.8.0.2:40000 > 1.1.1.1:443 in wg0'
  const wrong = '-A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE'
  const right = '-A POSTROUTING -s 10.8.0.0/24 -o ens3 -j MASQUERADE'
  test('ip_forward is off: FORWARD is never run', () => {
    const branch = traced(
      vpn(':FORWARD ACCEPT', right, { 'net.ipv4.ip_forward': 0, 'net.ipv4.conf.wg0.forwarding': 0 }),
      question,
    )
    expect(branch).toMatchObject({
      outcome: expect.stringMatching(/dropped|rejected/),
      where: { reason: 'ip-forward-off' },
    })
    expect(branch.steps.some((step) => step.kind === 'hook' && step.hook === 'forward')).toBe(false)
  })
  test('FORWARD policy DROP', () => {
    expect(traced(vpn(':FORWARD DROP', right), question)).toMatchObject({
      outcome: 'dropped',
      where: { reason: 'policy-drop', chain: 'FORWARD' },
    })
  })
  test('MASQUERADE on the wrong interface: it leaves with its private address', () => {
    const connection = connected1(vpn(':FORWARD ACCEPT', wrong), question)
    expect(connection).toMatchObject({ works: false, request: { final: { src: '10.8.0.2', interface: 'ens3' } } })
    expect(connection.why).toContain('private source address 10.8.0.2')
  })
  test('right: the source is the address of ens3', () => {
    expect(connected1(vpn(':FORWARD ACCEPT', right), question)).toMatchObject({
      works: true,
      receiver: { src: '203.0.113.7', dst: '1.1.1.1' },
    })
  })
  test('without wg show, whether the reply finds its peer is not known', () => {
    expect(connected1(vpn(':FORWARD ACCEPT', right, {}, false), question)).toMatchObject({ works: null })
  })
})

describe('S14: ICMP blocked makes a path MTU black hole', () => {
  const router = (rules: string) =>
    state({
      r: {
        links: { lan0: ['10.1.0.1/16'], wan0: ['203.0.113.7/24'] },
        routes: ['default via 203.0.113.1 dev wan0'],
        sysctl: {},
        iptables: `*filter\n:FORWARD DROP\n-A FORWARD -p tcp -j ACCEPT\n${rules}\n*nat\n-A POSTROUTING -o nowhere -j MASQUERADE\n`,
        conntrack:
          'ipv4     2 tcp      6 431999 ESTABLISHED src=10.1.0.2 dst=198.51.100.9 sport=40000 dport=443 src=198.51.100.9 dst=10.1.0.2 sport=443 dport=40000 [ASSURED] mark=0 use=1\n',
      },
    })
  const error = 'icmp 203.0.113.1 > 10.1.0.2 type 3 code 4 about "tcp 10.1.0.2:40000 > 198.51.100.9:443" in wan0'
  test('the "fragmentation needed" is dropped', () => {
    expect(traced(router(''), error)).toMatchObject({
      outcome: 'dropped',
      where: { chain: 'FORWARD', reason: 'policy-drop' },
    })
  })
  test('with RELATED accepted it passes', () => {
    const branch = traced(router('-A FORWARD -m conntrack --ctstate RELATED -j ACCEPT'), error)
    expect(branch.outcome).toBe('sent')
    expect(branch.steps.find(({ kind }) => kind === 'conntrack')).toMatchObject({ state: 'RELATED' })
  })
})

describe('S28: rp_filter and marks', () => {
  const wgQuick = (srcValidMark: number) =>
    state({
      host: {
        links: { eth0: ['192.168.1.10/24'], wg0: { addresses: ['10.9.0.2/24'], kind: 'wireguard' } },
        routes: ['default via 192.168.1.1 dev eth0', 'default dev wg0 table 51820 scope link'],
        rules: [
          '32764:\tfrom all lookup main suppress_prefixlength 0',
          '32765:\tnot from all fwmark 0xca6c lookup 51820',
        ],
        sysctl: {
          'net.ipv4.conf.all.rp_filter': 1,
          'net.ipv4.conf.eth0.rp_filter': 1,
          'net.ipv4.conf.all.src_valid_mark': srcValidMark,
        },
        sockets: ['udp 0.0.0.0:51820'],
        iptables: '*mangle\n-A PREROUTING -p udp -j MARK --set-xmark 0xca6c/0xffffffff\n',
      },
    })
  const question = 'udp 192.0.2.5:51820 > 192.168.1.10:51820 in eth0'
  test('without src_valid_mark the reverse lookup ends at wg0', () => {
    const branch = traced(wgQuick(0), question)
    expect(branch).toMatchObject({ outcome: 'dropped', symptom: 'timeout', where: { reason: 'rp_filter' } })
    expect(branch.steps.find(({ kind }) => kind === 'rp-filter')).toMatchObject({
      passed: false,
      lookup: { dev: 'wg0', table: '51820' },
    })
  })
  test('with src_valid_mark it is delivered', () => {
    expect(traced(wgQuick(1), question).outcome).toBe('delivered')
  })
})

describe('S30: a kill switch on OUTPUT only', () => {
  const hosts = state({
    box: {
      links: { eth0: ['192.168.1.10/24'], docker0: { addresses: ['172.17.0.1/16'], kind: 'bridge' } },
      routes: ['default via 192.168.1.1 dev eth0'],
      sysctl: {},
      iptables:
        '*filter\n:OUTPUT DROP\n-A OUTPUT -o tun0 -j ACCEPT\n*nat\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n',
    },
  })
  test('the host cannot reach 8.8.8.8', () => {
    expect(traced(hosts, 'udp > 8.8.8.8:53 from box')).toMatchObject({
      outcome: 'dropped',
      symptom: 'operation not permitted',
      where: { chain: 'OUTPUT', reason: 'policy-drop' },
    })
  })
  test('a container can, from the real address', () => {
    expect(traced(hosts, 'udp 172.17.0.2:40000 > 8.8.8.8:53 in docker0')).toMatchObject({
      outcome: 'sent',
      final: { src: '192.168.1.10', interface: 'eth0' },
    })
  })
})

describe('S32: a mark restored in mangle PREROUTING steers the route', () => {
  const eks = (mark: string) =>
    state({
      node: {
        links: { eth0: ['10.0.1.10/24'], eth1: ['10.0.2.10/24'], eni1: [] },
        routes: [
          'default via 10.0.1.1 dev eth0',
          '10.0.2.50 dev eni1 scope link',
          'default via 10.0.2.1 dev eth1 table 2',
        ],
        rules: ['1024:\tfrom all fwmark 0x80/0x80 lookup main', '1536:\tfrom 10.0.2.50 lookup 2'],
        sysctl: {},
        iptables: `*mangle\n${mark}\n*nat\n-A PREROUTING -d 172.20.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.9.9:8080\n`,
      },
    })
  const question = 'tcp 10.0.2.50:40000 > 172.20.0.10:80 in eni1'
  test('without the mark: out of eth1', () => {
    expect(traced(eks(''), question)).toMatchObject({
      outcome: 'sent',
      final: { interface: 'eth1', dst: '10.0.9.9', dport: 8080 },
    })
  })
  test('with the mark: rule 1024 wins, out of eth0; the rules tried are listed', () => {
    const branch = traced(eks('-A PREROUTING -i eni+ -j MARK --set-xmark 0x80/0x80'), question)
    expect(branch).toMatchObject({ outcome: 'sent', final: { interface: 'eth0', src: '10.0.2.50' } })
    const route = branch.steps.find(({ kind }) => kind === 'route')
    if (route?.kind !== 'route') throw new Error('no routing step')
    expect(route.lookup.rule).toContain('fwmark 0x80/0x80 lookup main')
    expect(route.lookup.rules.map(({ matched }) => matched)).toEqual([true, true])
  })
})

describe('S33: "accept" is not final, "drop" is', () => {
  const both = (nft: string, legacy: string) =>
    state({
      h: {
        links: { eth0: ['192.0.2.1/24'] },
        sysctl: {},
        sockets: ['tcp 0.0.0.0:22'],
        iptables: `*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ${nft}\n`,
        legacy: `*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ${legacy}\n`,
      },
    })
  test.each([
    ['DROP', 'ACCEPT', 'dropped'],
    ['ACCEPT', 'DROP', 'dropped'],
    ['ACCEPT', 'ACCEPT', 'delivered'],
  ])('iptables-nft %s, iptables-legacy %s: %s', (nft, legacy, outcome) => {
    expect(traced(both(nft, legacy), 'tcp 192.0.2.9:40000 > 192.0.2.1:22 in eth0').outcome).toBe(outcome)
  })
})

describe('S35: closed on IPv4, open on IPv6', () => {
  const hosts = state({
    h: {
      links: { eth0: ['192.0.2.1/24', '2001:db8::1/64'] },
      sysctl: {},
      sockets: ['tcp *:5432'],
      iptables: '*filter\n:INPUT DROP\n-A INPUT -i lo -j ACCEPT\n',
      ip6tables: '*filter\n:INPUT ACCEPT\n',
    },
  })
  test('IPv4', () => expect(traced(hosts, 'tcp 192.0.2.9:40000 > 192.0.2.1:5432 in eth0').outcome).toBe('dropped'))
  test('IPv6', () =>
    expect(traced(hosts, 'tcp [2001:db8::9]:40000 > [2001:db8::1]:5432 in eth0').outcome).toBe('delivered'))
})

describe('S39: connection tracking that no rule needs is not active', () => {
  const host = (rule: string) =>
    state({
      h: {
        links: { eth0: ['192.0.2.1/24'] },
        sysctl: {},
        sockets: ['tcp 0.0.0.0:22'],
        iptables: `*filter\n${rule}\n*nat\n:PREROUTING ACCEPT\n`,
      },
    })
  const kinds = (rule: string) =>
    traced(host(rule), 'tcp 192.0.2.9:40000 > 192.0.2.1:22 in eth0').steps.map(({ kind }) => kind)
  test('without a stateful rule', () => expect(kinds('-A INPUT -p tcp -j ACCEPT')).not.toContain('conntrack'))
  test('with one', () => expect(kinds('-A INPUT -m conntrack --ctstate NEW -j ACCEPT')).toContain('conntrack'))
})

describe('S41: a transparent proxy and its own traffic', () => {
  const hosts = (exempt: string) =>
    state({
      h: {
        links: { eth0: ['192.0.2.1/24'] },
        routes: ['default via 192.0.2.254 dev eth0'],
        sysctl: {},
        sockets: ['tcp 0.0.0.0:15001'],
        iptables: `*nat\n${exempt}\n-A OUTPUT -p tcp -j REDIRECT --to-ports 15001\n`,
      },
    })
  const exempt = '-A OUTPUT -m owner --uid-owner 1337 -j RETURN'
  test('without an exemption the proxy is sent back to itself', () => {
    expect(traced(hosts(''), 'tcp > 198.51.100.9:80 from h uid 1337')).toMatchObject({
      outcome: 'delivered',
      final: { dst: '127.0.0.1', dport: 15001 },
    })
  })
  test('with it the proxy gets out, others do not', () => {
    expect(traced(hosts(exempt), 'tcp > 198.51.100.9:80 from h uid 1337')).toMatchObject({
      outcome: 'sent',
      final: { dst: '198.51.100.9' },
    })
    expect(traced(hosts(exempt), 'tcp > 198.51.100.9:80 from h uid 1000')).toMatchObject({
      outcome: 'delivered',
      final: { dport: 15001 },
    })
  })
  test('whose packet it is decides, and nobody said: undecided', () => {
    expect(traced(hosts(exempt), 'tcp > 198.51.100.9:80 from h')).toMatchObject({ outcome: 'undecided' })
  })
})

describe('what is not modelled never turns into ACCEPT', () => {
  const NATIVE =
    'table inet guard {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 22 drop\n\t}\n}\n'
  const host = (iptables: string) =>
    state({ h: { links: { eth0: ['192.0.2.1/24'] }, sysctl: {}, sockets: ['tcp 0.0.0.0:22'], iptables, nft: NATIVE } })
  test('a native nft chain on the way: undecided', () => {
    const branch = traced(host('*filter\n:INPUT ACCEPT\n'), 'tcp 192.0.2.9:40000 > 192.0.2.1:22 in eth0')
    expect(branch.outcome).toBe('undecided')
    expect(branch.where.text).toContain('nft chain inet guard in')
  })
  test('where it decides nothing, the answer stands', () => {
    expect(traced(host('*raw\n-A PREROUTING -j DROP\n'), 'tcp 192.0.2.9:40000 > 192.0.2.1:22 in eth0').outcome).toBe(
      'dropped',
    )
  })
  test('a match that is not known decides only where it matters', () => {
    const rules = (target: string) =>
      state({
        h: {
          links: { eth0: ['192.0.2.1/24'] },
          sysctl: {},
          sockets: ['tcp 0.0.0.0:22'],
          iptables: `*filter\n-A INPUT -m frobnicate --foo 3 -j ${target}\n`,
        },
      })
    const question = 'tcp 192.0.2.9:40000 > 192.0.2.1:22 in eth0'
    expect(traced(rules('DROP'), question).outcome).toBe('undecided')
    expect(traced(rules('ACCEPT'), question).outcome).toBe('delivered')
    expect(traced(rules('LOG'), question).outcome).toBe('delivered')
  })
})
