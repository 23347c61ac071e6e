import { describe, expect, test } from 'vitest'
import { connected1, type HostSpec, state, traced } from './state.js'

/** The rules that Docker writes for one published port, shortened to what decides. */
const PUBLISHED = `
*filter
:INPUT DROP
:FORWARD DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 5432 -j DROP
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 5432 -j ACCEPT
*nat
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 5432 -j DNAT --to-destination 172.17.0.2:5432
`

const dockerHost = (iptables: string, more: Partial<HostSpec> = {}): HostSpec => ({
  links: {
    eth0: ['203.0.113.7/24'],
    docker0: { addresses: ['172.17.0.1/16'], kind: 'bridge' },
    veth1: { kind: 'veth', master: 'docker0', peer: 'web/eth0' },
  },
  routes: ['default via 203.0.113.1 dev eth0'],
  sysctl: {},
  sockets: ['tcp 0.0.0.0:22'],
  iptables,
  ...more,
  netns: {
    web: {
      links: { eth0: { addresses: ['172.17.0.2/16'], peer: '-/veth1' } },
      routes: ['default via 172.17.0.1 dev eth0'],
      sysctl: {},
      sockets: ['tcp 0.0.0.0:5432', 'tcp 0.0.0.0:80'],
    },
    ...more.netns,
  },
})

describe('S01: a published port ignores INPUT', () => {
  const hosts = state({ vps: dockerHost(PUBLISHED) })
  test('it connects from outside', () => {
    expect(connected1(hosts, 'tcp 198.51.100.9:40000 > 203.0.113.7:5432 in eth0')).toMatchObject({
      works: true,
      symptom: 'connected',
      receiver: { host: 'vps', namespace: 'web', src: '198.51.100.9', dst: '172.17.0.2', dport: 5432 },
    })
  })
  test('INPUT is never run', () => {
    const { steps } = traced(hosts, 'tcp 198.51.100.9:40000 > 203.0.113.7:5432 in eth0')
    const hooks = steps.flatMap((step) => (step.kind === 'hook' && step.namespace === '' ? [step.hook] : []))
    expect([...new Set(hooks)]).toEqual(['prerouting', 'forward'])
  })
})

describe('S02: DOCKER-USER sees the port after DNAT', () => {
  const base = PUBLISHED.replace('--dport 5432 -j DNAT', '--dport 8080 -j DNAT').replace(
    '-A FORWARD -o docker0 -m',
    '-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -m',
  )
  const rule = (match: string) =>
    base.replace('*nat', `-A DOCKER-USER -i eth0 -p tcp ${match} -j DROP\n-A DOCKER-USER -j RETURN\n*nat`)
  test('a rule on the published port does not match, and says why', () => {
    const branch = traced(
      state({ vps: dockerHost(rule('-m tcp --dport 8080')) }),
      'tcp 198.51.100.9:40000 > 203.0.113.7:8080 in eth0',
    )
    expect(branch.outcome).toBe('delivered')
    const visits = branch.steps.flatMap((step) =>
      step.kind === 'hook' ? step.chains.flatMap(({ visits }) => visits) : [],
    )
    const user = visits.find(({ chain, number }) => chain === 'DOCKER-USER' && number === 1)
    expect(user).toMatchObject({ outcome: 'no', because: { value: 'th.dport', seen: 5432, wanted: [[8080, 8080]] } })
  })
  test('a rule on the original port does', () => {
    const hosts = state({ vps: dockerHost(rule('-m conntrack --ctorigdstport 8080 --ctdir ORIGINAL')) })
    expect(traced(hosts, 'tcp 198.51.100.9:40000 > 203.0.113.7:8080 in eth0')).toMatchObject({
      outcome: 'dropped',
      symptom: 'timeout',
      where: { chain: 'DOCKER-USER', rule: 1, reason: 'rule-drop' },
    })
  })
})

describe('S03: direct access to the container address is dropped in raw', () => {
  const rules = `
*raw
-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
${PUBLISHED.replace('-A FORWARD -o docker0 -m', '-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -m').replace('*nat', '-A DOCKER-USER -i eth0 -o docker0 -j ACCEPT\n*nat')}`
  const hosts = state({ vps: dockerHost(rules) })
  test('before routing; DOCKER-USER comes later', () => {
    const branch = traced(hosts, 'tcp 198.51.100.9:40000 > 172.17.0.2:5432 in eth0')
    expect(branch).toMatchObject({
      outcome: 'dropped',
      where: { hook: 'prerouting', table: 'raw', chain: 'PREROUTING', rule: 1 },
    })
    expect(branch.steps.some(({ kind }) => kind === 'route')).toBe(false)
  })
  test('the published port still works', () => {
    expect(connected1(hosts, 'tcp 198.51.100.9:40000 > 203.0.113.7:5432 in eth0').works).toBe(true)
  })
})

test('S06: the accept behind the libvirt jumps is never reached', () => {
  const hosts = state({
    hv: {
      links: { eth0: ['203.0.113.7/24'], virbr0: { addresses: ['192.168.122.1/24'], kind: 'bridge' } },
      sysctl: {},
      iptables: `
*filter
-A FORWARD -j LIBVIRT_FWX
-A FORWARD -j LIBVIRT_FWI
-A FORWARD -j LIBVIRT_FWO
-A FORWARD -d 192.168.122.5/32 -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT
-A LIBVIRT_FWI -d 192.168.122.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A LIBVIRT_FWI -o virbr0 -j REJECT --reject-with icmp-port-unreachable
:LIBVIRT_FWX -
:LIBVIRT_FWO -
*nat
-A PREROUTING -i eth0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 192.168.122.5:22
`,
    },
  })
  expect(traced(hosts, 'tcp 203.0.113.50:40000 > 203.0.113.7:2222 in eth0')).toMatchObject({
    outcome: 'rejected',
    symptom: 'connection refused',
    where: { table: 'filter', chain: 'LIBVIRT_FWI', rule: 2, reason: 'rule-reject' },
  })
})

describe('S07: DNAT from outside, from the host, from localhost', () => {
  const rules = (output: string, postrouting = '') => `
*nat
-A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:5432
${output}
${postrouting}
`
  const OUTPUT =
    '-A OUTPUT -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:5432'
  const MASQUERADE = '-A POSTROUTING -o docker0 -m addrtype --src-type LOCAL -j MASQUERADE'
  const localnet = { 'net.ipv4.conf.docker0.route_localnet': 1, 'net.ipv4.conf.all.route_localnet': 1 }
  const host = (output: string, postrouting = '', sysctl = {}) =>
    state({ vps: dockerHost(rules(output, postrouting), { sysctl }) })

  test('outside → host: works', () => {
    expect(connected1(host(''), 'tcp 198.51.100.9:40000 > 203.0.113.7:8080 in eth0').works).toBe(true)
  })
  test('host → its own address: refused, PREROUTING is not consulted', () => {
    const branch = traced(host(''), 'tcp > 203.0.113.7:8080 from vps')
    expect(branch).toMatchObject({ outcome: 'rejected', symptom: 'connection refused', where: { reason: 'no-socket' } })
    const skipped = branch.steps.flatMap((step) =>
      step.kind === 'hook' && step.hook === 'prerouting' ? step.chains : [],
    )
    expect(skipped.find(({ table }) => table === 'nat')).toMatchObject({
      visits: [],
      skipped: expect.stringContaining('already'),
    })
  })
  test('with the rule in OUTPUT: works', () => {
    expect(connected1(host(OUTPUT), 'tcp > 203.0.113.7:8080 from vps')).toMatchObject({
      works: true,
      receiver: { namespace: 'web' },
    })
  })
  test('127.0.0.1 without route_localnet: the reroute is refused', () => {
    expect(traced(host(OUTPUT), 'tcp > 127.0.0.1:8080 from vps')).toMatchObject({
      outcome: 'dropped',
      where: { hook: 'output' },
    })
  })
  test('with route_localnet, without masquerade: a martian in the container', () => {
    expect(traced(host(OUTPUT, '', localnet), 'tcp > 127.0.0.1:8080 from vps')).toMatchObject({
      outcome: 'dropped',
      where: { host: 'vps', namespace: 'web', reason: 'martian-source' },
      symptom: 'timeout',
    })
  })
  test('with route_localnet and masquerade: works, the peer is 172.17.0.1', () => {
    expect(connected1(host(OUTPUT, MASQUERADE, localnet), 'tcp > 127.0.0.1:8080 from vps')).toMatchObject({
      works: true,
      receiver: { namespace: 'web', src: '172.17.0.1' },
    })
  })
})

describe('S08: hairpin', () => {
  const lan = (snat: string) =>
    state({
      router: {
        links: { wan0: ['203.0.113.7/24'], lan0: ['192.168.1.1/24'] },
        routes: ['default via 203.0.113.1 dev wan0'],
        sysctl: {},
        iptables: `
*nat
-A PREROUTING -d 203.0.113.7/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 192.168.1.10
${snat}
`,
      },
    })
  test('a LAN client by the public address: the reply does not come back this way', () => {
    expect(connected1(lan(''), 'tcp 192.168.1.100:40000 > 203.0.113.7:443 in lan0')).toMatchObject({
      works: false,
      why: expect.stringContaining('does not come back this way'),
    })
  })
  test('with SNAT it works', () => {
    const hosts = lan('-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.10/32 -j SNAT --to-source 192.168.1.1')
    expect(connected1(hosts, 'tcp 192.168.1.100:40000 > 203.0.113.7:443 in lan0').works).toBe(true)
  })

  const self = (hairpin: boolean, masquerade: boolean) => {
    const spec = dockerHost(
      `
*nat
-A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
${masquerade ? '-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -j MASQUERADE' : ''}
`,
      { sysctl: { 'net.bridge.bridge-nf-call-iptables': 1 } },
    )
    return state({
      vps: { ...spec, links: { ...spec.links, veth1: { kind: 'veth', master: 'docker0', peer: 'web/eth0', hairpin } } },
    })
  }
  test.each([
    [false, false, false],
    [false, true, false],
    [true, false, false],
    [true, true, true],
  ])(
    'a container by its own published port: hairpin mode %s, masquerade %s: works %s',
    (hairpin, masquerade, works) => {
      expect(connected1(self(hairpin, masquerade), 'tcp > 203.0.113.7:8080 from vps/web').works).toBe(works)
    },
  )
})

test('S09: containers of two networks by the published port meet the isolation chains', () => {
  const hosts = state({
    vps: {
      links: {
        eth0: ['203.0.113.7/24'],
        'br-a': { addresses: ['172.22.0.1/16'], kind: 'bridge' },
        'br-b': { addresses: ['172.23.0.1/16'], kind: 'bridge' },
      },
      sysctl: {},
      iptables: `
*filter
:FORWARD DROP
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o br-b -j DOCKER
-A DOCKER -d 172.23.0.2/32 ! -i br-b -o br-b -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i br-a ! -o br-a -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -i br-b ! -o br-b -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o br-a -j DROP
-A DOCKER-ISOLATION-STAGE-2 -o br-b -j DROP
*nat
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i br-b -j RETURN
-A DOCKER ! -i br-b -p tcp -m tcp --dport 1242 -j DNAT --to-destination 172.23.0.2:80
`,
    },
  })
  expect(traced(hosts, 'tcp 172.22.0.2:40000 > 172.22.0.1:1242 in br-a')).toMatchObject({
    outcome: 'dropped',
    where: { chain: 'DOCKER-ISOLATION-STAGE-2', rule: 2 },
    final: { dst: '172.23.0.2', dport: 80 },
  })
})

test('S10: a bare MASQUERADE hides the real client', () => {
  const hosts = state({ vps: dockerHost(`${PUBLISHED}-A POSTROUTING -j MASQUERADE\n`) })
  expect(connected1(hosts, 'tcp 198.51.100.9:40000 > 203.0.113.7:5432 in eth0')).toMatchObject({
    works: true,
    sender: { src: '198.51.100.9' },
    receiver: { src: '172.17.0.1', dst: '172.17.0.2' },
  })
})

describe('S16: fail2ban in the wrong chain', () => {
  const banned = (rules: string) =>
    state({
      vps: dockerHost(
        PUBLISHED.replace(
          '*nat',
          `${rules}\n-A f2b -s 203.0.113.66/32 -j REJECT --reject-with icmp-port-unreachable\n*nat`,
        ),
      ),
    })
  test('hooked to INPUT, the container is still reached', () => {
    expect(connected1(banned('-A INPUT -j f2b'), 'tcp 203.0.113.66:40000 > 203.0.113.7:5432 in eth0').works).toBe(true)
  })
  test('hooked to FORWARD before the accept, it is not', () => {
    const rules = PUBLISHED.replace('-A FORWARD -o docker0 -m', '-A FORWARD -j f2b\n-A FORWARD -o docker0 -m').replace(
      '*nat',
      '-A f2b -s 203.0.113.66/32 -j REJECT --reject-with icmp-port-unreachable\n*nat',
    )
    expect(
      traced(state({ vps: dockerHost(rules) }), 'tcp 203.0.113.66:40000 > 203.0.113.7:5432 in eth0'),
    ).toMatchObject({
      outcome: 'rejected',
      where: { chain: 'f2b', rule: 1 },
      symptom: 'connection refused',
    })
  })
})
