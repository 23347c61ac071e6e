import { describe, expect, test } from 'vitest'
import { type Planted, plantedHost } from '../../testing/planted.js'
import { CASES } from '../../testing/planted-lint.js'
import { lint } from './lint.js'

const found = (id: string, given: Planted) => lint(plantedHost(given)).findings.filter((finding) => finding.id === id)

describe.each(CASES.map((one) => [one.id, one] as const))('%s', (id, { planted, clean, finds }) => {
  test('is found where it was planted', () => {
    expect(
      found(id, planted).map(
        ({ at: { chain, number } }) => `${chain ?? ''}${number === undefined ? '' : ` ${number}`}`,
      ),
    ).toEqual(finds)
  })

  test('is not found in the clean twin', () => {
    expect(found(id, clean)).toEqual([])
  })
})

describe('findings are ignored by a comment of their rule', () => {
  const shadowed = (comment: string): Planted => ({
    iptables: ['-A INPUT -s 10.0.0.0/8 -j DROP', `-A INPUT -s 10.1.0.0/16 -m comment --comment "${comment}" -j DROP`],
  })
  test.each([
    ['packetwalk: ignore', 0, 1],
    ['kept for the auditors; packetwalk: ignore rule-shadowed', 0, 1],
    ['packetwalk: ignore log-without-limit', 1, 0],
    ['nothing', 1, 0],
  ])('%s', (comment, findings, ignored) => {
    const result = lint(plantedHost(shadowed(comment)))
    expect([result.findings.filter(({ id }) => id === 'rule-shadowed').length, result.ignored]).toEqual([
      findings,
      ignored,
    ])
  })
})

describe('what is said of a chain is ignored by a comment of any of its rules that names it', () => {
  test.each([
    ['packetwalk: ignore chain-unused', 0, 1],
    ['packetwalk: ignore', 1, 0],
    ['packetwalk: ignore rule-shadowed', 1, 0],
  ])('%s', (comment, findings, ignored) => {
    const iptables = ['-A old -s 10.0.0.0/8 -j DROP', `-A old -m comment --comment "${comment}" -j ACCEPT`]
    const result = lint(plantedHost({ iptables }))
    expect([result.findings.filter(({ id }) => id === 'chain-unused').length, result.ignored]).toEqual([
      findings,
      ignored,
    ])
  })
})

test('a chain that needs more diagram nodes than allowed is named, and the others are looked at', () => {
  // one bit of the source and the same bit of the destination: every destination leaves another set of sources
  const rules = Array.from({ length: 32 }, (_, i) => {
    const bit = [0, 1, 2, 3].map((byte) => (Math.floor(i / 8) === byte ? 1 << (i % 8) : 0)).join('.')
    return `-A INPUT -s ${bit}/${bit} -d ${bit}/${bit} -j DROP`
  })
  const shadowed = ['-A FORWARD -s 10.0.0.0/8 -j ACCEPT', '-A FORWARD -s 10.1.0.0/16 -j ACCEPT']
  const calls = ['-A INPUT -j one', '-A one -s 10.0.0.0/8 -j RETURN', '-A one -s 10.1.0.0/16 -j RETURN']
  const { findings, incomplete } = lint(plantedHost({ iptables: [...rules, ...shadowed, ...calls] }), { limit: 20_000 })
  expect(incomplete[0]).toBe(
    'host, IPv4, filter/INPUT: the sets of packets need more than 20,000 diagram nodes, so its rules were not looked at',
  )
  // nothing is said of what only that chain calls
  expect(
    findings.filter(({ id }) => id !== 'flush-locks-out').map(({ id, at }) => `${id} ${at.chain} ${at.number}`),
  ).toEqual(['rule-redundant filter/FORWARD 1', 'rule-shadowed filter/FORWARD 2'])
})

/** Found in rulesets of real hosts, where they are no fault. */
describe('is no fault', () => {
  test.each<readonly [what: string, id: string, rules: readonly string[]]>([
    [
      'a rule for addresses of the host, whose addresses are not known',
      'rule-matches-nothing',
      ['nat: -A PREROUTING -m addrtype --dst-type LOCAL -j docker', 'nat: -A docker -j RETURN'],
    ],
    [
      'an exception, the refusal of all others, and the rule that both of them make useless',
      'rule-contradicted',
      ['-A FORWARD -s 10.0.0.0/28 -i a -j ACCEPT', '-A FORWARD -i a -j REJECT', '-A FORWARD -i a -o b -j ACCEPT'],
    ],
    [
      'a drop of INVALID packets, a chain that accepts the others, and the rule that both make useless',
      'rule-contradicted',
      [
        '-A OUTPUT -m state --state INVALID -j DROP',
        '-A OUTPUT -p udp -j udp',
        '-A OUTPUT -d 10.0.0.255/32 -p udp -j ACCEPT',
        '-A udp -j ACCEPT',
      ],
    ],
    [
      'a REJECT in front of another that answers differently',
      'rule-redundant',
      ['-A INPUT -p tcp -j REJECT --reject-with tcp-reset', '-A INPUT -j REJECT --reject-with icmp-proto-unreachable'],
    ],
    [
      'a program that is handed packets, which keeps what it likes',
      'log-without-limit',
      ['mangle: -A POSTROUTING -m policy --dir out --pol ipsec -j NFLOG --nflog-group 5'],
    ],
    ['a lamp that blinks', 'log-without-limit', ['-A INPUT -j LED --led-trigger-id in']],
    [
      'a redirection of loopback addresses that stand for names',
      'redirect-loop',
      ['nat: -A OUTPUT -d 127.192.0.0/10 -p tcp -j REDIRECT --to-ports 9040'],
    ],
  ])('%s (%s)', (_, id, iptables) => {
    expect(found(id, { iptables })).toEqual([])
  })
})

test('a chain that drops contradicts as its rules would', () => {
  const iptables = ['-A INPUT -s 10.0.0.0/8 -j gone', '-A INPUT -s 10.1.2.3/32 -j ACCEPT', '-A gone -j LOG', '-A gone -j DROP']
  expect(found('rule-contradicted', { iptables }).map(({ message }) => message)).toEqual([
    'this ACCEPT never happens: rule 1 drops the packets before it',
  ])
}) // biome-ignore format: a table

describe('what stands before a rule is named only as far as it is needed', () => {
  test.each<readonly [id: string, named: readonly number[], rules: readonly string[]]>([
    ['rule-shadowed', [3], ['-A INPUT -p udp -j ACCEPT', '-A INPUT -p icmp -j ACCEPT', '-A INPUT -i a -j ACCEPT', '-A INPUT -i a -j ACCEPT']],
    // a chain that only returns: packets that are too short to have ports are dropped on the way there
    ['rule-shadowed', [2], ['-A INPUT -p tcp -m multiport --dports 80,443 -j bans', '-A INPUT -i a -j ACCEPT', '-A INPUT -i a -j ACCEPT', '-A bans -j RETURN']],
    ['rule-shadowed', [1, 2], ['-A INPUT -s 10.0.0.0/9 -j DROP', '-A INPUT -s 10.128.0.0/9 -j DROP', '-A INPUT -s 10.0.0.0/8 -j DROP']],
    ['rule-contradicted', [2], ['-A OUTPUT -m state --state INVALID -j DROP', '-A OUTPUT -p udp -j DROP', '-A OUTPUT -d 10.0.0.255/32 -p udp -j ACCEPT']],
  ])('%s by %j: %j', (id, named, iptables) => {
    const [finding] = found(id, { iptables })
    expect(finding?.related?.map(({ number }) => number)).toEqual(named)
  })
}) // biome-ignore format: a table

test('where OUTPUT drops what the host sends to itself, the fix names it, too', () => {
  const input = ['INPUT DROP', '-A INPUT -i eth0 -j ACCEPT']
  const fixes = (more: readonly string[]) =>
    found('loopback-dropped', { iptables: [...input, ...more] }).map(({ fix }) => fix)
  expect(fixes([])).toEqual(['-I INPUT -i lo -j ACCEPT'])
  expect(fixes(['OUTPUT DROP', '-A OUTPUT -o eth0 -j ACCEPT'])).toEqual([
    '-I INPUT -i lo -j ACCEPT, and -I OUTPUT -o lo -j ACCEPT: OUTPUT drops it as well',
  ])
})

test('a limit behind ESTABLISHED names the rule that asks for the state', () => {
  const iptables = [
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A INPUT -p icmp -m limit --limit 2/sec -j ACCEPT',
  ]
  const [finding] = found('limit-after-established', { iptables })
  expect(finding?.related?.map(({ number }) => number)).toEqual([2])
})
