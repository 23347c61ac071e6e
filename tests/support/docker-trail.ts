import { parseIpv4 } from '../../src/address/ip.js'
import type { ChainVisit, Headers, RuleVisit, Step, Trail } from '../../src/path/trail.js'
import { always, equals, inRanges } from '../../src/rules/condition.js'
import type { Rule } from '../../src/rules/program.js'

/** A published Docker port seen from outside, built by hand: the shape of a trail without the walker. */
const file = 'docker-host/iptables-save'
const rule = (line: number, text: string): Rule => ({
  steps: [{ if: always }],
  text,
  comment: undefined,
  source: { file, line },
  counters: undefined,
})

const before: Headers = {
  src: '198.51.100.9', dst: '203.0.113.7', protocol: 'tcp', sport: 40000, dport: 8080, icmp: undefined, flags: 'syn', ttl: 64, length: 60, mark: 0,
} // biome-ignore format: a packet
const after: Headers = { ...before, dst: '172.17.0.2', dport: 5432 }
const host = { host: 'docker-host', namespace: '' }

const visit = (chain: string, number: number, what: Rule, did: readonly string[], depth: number): RuleVisit => ({
  chain,
  number,
  rule: what,
  outcome: 'yes',
  because: undefined,
  did,
  depth,
})

const dnat = visit(
  'DOCKER',
  1,
  rule(20, '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:5432'),
  ['DNAT to 172.17.0.2:5432'],
  1,
)
const nat: ChainVisit = {
  table: 'nat', backend: 'nft', family: 4, chain: 'PREROUTING', priority: -100, type: 'nat', verdict: 'accept', skipped: undefined,
  visits: [visit('PREROUTING', 1, rule(12, '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER'), ['jump DOCKER'], 0), dnat],
  decidedBy: { chain: 'DOCKER', number: 1, rule: dnat.rule },
} // biome-ignore format: a chain

const user: RuleVisit = {
  ...visit('DOCKER-USER', 1, rule(40, '-A DOCKER-USER -i eth0 -p tcp -m tcp --dport 8080 -j DROP'), [], 1),
  outcome: 'no',
  because: {
    value: 'th.dport', seen: 5432, wanted: [[8080, 8080]], inverted: false, text: undefined,
  }, // biome-ignore format: a reason
}
const accept = visit(
  'FORWARD',
  3,
  rule(
    43,
    '-A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m comment --comment "published \u202eport \u001b[31m8080" -m tcp --dport 5432 -j ACCEPT',
  ),
  ['ACCEPT'],
  0,
)
const filter: ChainVisit = {
  table: 'filter', backend: 'nft', family: 4, chain: 'FORWARD', priority: 0, type: 'filter', verdict: 'accept', skipped: undefined,
  visits: [visit('FORWARD', 1, rule(41, '-A FORWARD -j DOCKER-USER'), ['jump DOCKER-USER'], 0), user, accept],
  decidedBy: { chain: 'FORWARD', number: 3, rule: accept.rule },
} // biome-ignore format: a chain

const postrouting: ChainVisit = {
  ...nat,
  chain: 'POSTROUTING',
  priority: 100,
  visits: [],
  decidedBy: { chain: 'POSTROUTING', number: undefined, rule: undefined },
}

const steps: readonly Step[] = [
  { ...host, packet: before, kind: 'receive', interface: 'eth0', from: undefined },
  { ...host, packet: before, kind: 'conntrack', hook: 'prerouting', state: 'NEW', direction: 'original', original: undefined, reply: undefined, text: 'a new connection' },
  { ...host, packet: after, kind: 'hook', hook: 'prerouting', iif: 'eth0', oif: undefined, chains: [nat] },
  { ...host, packet: after, kind: 'nat', hook: 'prerouting', manip: 'dst', before: '203.0.113.7:8080', after: '172.17.0.2:5432', rule: dnat, text: 'DNAT', ports: undefined },
  {
    ...host, packet: after, kind: 'route', result: 'forward', text: 'to 172.17.0.2 through docker0',
    lookup: {
      rules: [{ text: '32766:\tfrom all lookup main', matched: true, why: '', table: 'main', route: '172.17.0.0/16 dev docker0' }],
      destination: '172.17.0.2', source: '198.51.100.9', mark: 0, iif: 'eth0', rule: '32766:\tfrom all lookup main', route: '172.17.0.0/16 dev docker0',
      table: 'main', type: 'unicast', dev: 'docker0', gateway: undefined, sourceChosen: undefined,
    },
  },
  { ...host, packet: after, kind: 'hook', hook: 'forward', iif: 'eth0', oif: 'docker0', chains: [filter] },
  { ...host, packet: after, kind: 'hook', hook: 'postrouting', iif: undefined, oif: 'docker0', chains: [postrouting] },
  { ...host, packet: after, kind: 'send', interface: 'docker0', to: undefined, text: 'leaves through docker0' },
] // biome-ignore format: a table

export const dockerTrail: Trail = {
  packet: { ...before, from: 'docker-host', in: 'eth0' },
  assumptions: ['no sysctl file: rp_filter taken as 0'],
  branches: [
    {
      probability: 1, outcome: 'sent', symptom: 'connected', steps, way: [],
      where: { ...host, hook: 'postrouting', table: undefined, chain: undefined, rule: undefined, reason: 'sent', text: 'left through docker0' },
      final: { interface: 'docker0', src: after.src, dst: after.dst, protocol: 'tcp', sport: 40000, dport: 5432, mark: 0 },
    },
  ],
} // biome-ignore format: a table

export const conditions = {
  dport: equals('th.dport', 8080),
  net: inRanges('ip.daddr', [[parseIpv4('10.0.0.0')!, parseIpv4('10.255.255.255')!]]),
}
