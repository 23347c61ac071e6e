import { describe, expect, test } from 'vitest'
import { parsePacketLine } from '../packet/language.js'
import { type Planted, plantedHost } from '../testing/planted.js'
import { connect } from './connect.js'
import { trace } from './trace.js'

const answers = (given: Planted, line: string) => {
  const parsed = parsePacketLine(line)
  if (!parsed.ok) throw new Error(parsed.problem.message)
  const { branches, assumptions } = trace(plantedHost(given), parsed.packet, { now: 0 })
  return {
    told: branches.map(({ supposing, outcome, where }) => `${supposing}: ${outcome} ${where.reason}`),
    branches,
    assumptions,
  }
}

describe('rules alone', () => {
  const rules = [
    'INPUT DROP',
    'FORWARD DROP',
    '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
    '-A FORWARD -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
    '-A FORWARD -o br+ -j REJECT',
  ]

  test.each<[line: string, told: string[]]>([
    [
      'tcp 198.51.100.9 > 192.0.2.1:22 in eth0',
      [
        '192.0.2.1 is an address of host: delivered socket',
        'host forwards it by an interface that no rule names, docker0: dropped policy-drop',
        'host forwards it by br0: rejected rule-reject',
      ],
    ],
    [
      'tcp 198.51.100.9 > 192.0.2.1:80 in eth0',
      [
        '192.0.2.1 is an address of host: dropped policy-drop',
        'host forwards it by an interface that no rule names: dropped policy-drop',
        'host forwards it by docker0: sent sent',
        'host forwards it by br0: rejected rule-reject',
      ],
    ],
  ])('%s', (line, told) => {
    expect(answers({ iptables: rules }, line).told).toEqual(told)
  })

  test('what is decided before routing is decided', () => {
    const first = ['raw: -A PREROUTING -s 198.51.100.0/24 -j DROP', ...rules]
    const { told } = answers({ iptables: first }, 'tcp 198.51.100.9 > 192.0.2.1:22 in eth0')
    expect(told).toEqual(['192.0.2.1 is an address of host: dropped rule-drop', 'host forwards it: dropped rule-drop'])
  })

  test('a published port: the destination is the host, what it becomes is not', () => {
    const nat = [
      'nat: -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
    ]
    const { told, branches } = answers({ iptables: [...rules, ...nat] }, 'tcp 198.51.100.9 > 192.0.2.1:8080 in eth0')
    expect(told).toContain('192.0.2.1 is an address of host, which forwards by docker0: sent sent')
    expect(branches.find(({ outcome }) => outcome === 'sent')?.final.dst).toBe('172.17.0.2')
  })

  test('an address that was made up for MASQUERADE is named', () => {
    const nat = ['nat: -A POSTROUTING -o wan -j MASQUERADE']
    const { assumptions, branches } = answers({ iptables: nat }, 'udp 10.0.0.2 > 192.0.2.1:53 in lan')
    expect(branches.map(({ final }) => final.src)).toEqual(['10.0.0.2', '10.0.0.2', '192.0.2.254'])
    expect(assumptions).toContain('192.0.2.254 is made up: the addresses of host are not known')
  })

  test('what the host sends', () => {
    const { told } = answers({ iptables: ['-A OUTPUT -o wan -j DROP'] }, 'udp 10.0.0.2 > 192.0.2.1:53 from host')
    expect(told).toEqual([
      '192.0.2.1 is an address of host: delivered socket',
      'host sends it out by an interface that no rule names: sent sent',
      'host sends it out by wan: dropped rule-drop',
    ])
  })

  test('without a source address nothing is walked', () => {
    expect(() => answers({ iptables: rules }, 'tcp > 192.0.2.1:22 from host')).toThrow(/say who sends/)
  })

  test('a conversation', () => {
    const line = parsePacketLine('tcp 198.51.100.9 > 192.0.2.1:22 in eth0')
    if (!line.ok) throw new Error(line.problem.message)
    const answer = connect(plantedHost({ iptables: ['-A OUTPUT -p tcp --sport 22 -j DROP'] }), line.packet, { now: 0 })
    expect(answer.branches.map(({ supposing, works }) => [supposing, works])).toEqual([
      ['192.0.2.1 is an address of host', false],
      ['host forwards it', true],
    ])
  })

  test('IPv6', () => {
    const { told } = answers({ ip6tables: ['-A INPUT -j DROP'] }, 'tcp [2001:db8::9] > [2001:db8::1]:22 in eth0')
    expect(told).toEqual(['2001:db8::1 is an address of host: dropped rule-drop', 'host forwards it: sent sent'])
  })
})
