import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { saveText } from '../src/testing/planted.js'
import { packetwalk, withFiles } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const DOCKER = join(root, 'samples/docker-host')
const UFW = join(root, 'samples/docker-ufw-host')

interface Became {
  readonly fares: string
  readonly text: string
  readonly rules: readonly { readonly rule: number | null; readonly text: string }[]
}

interface Difference {
  readonly chain: string
  readonly before: Became
  readonly after: Became
  readonly packets: readonly string[]
  readonly example: string
}

const compare = (old: readonly string[], now: readonly string[]) =>
  withFiles({ 'old.v4': saveText(old), 'new.v4': saveText(now) }, async (folder) => {
    const { status, out } = await packetwalk(['diff', join(folder, 'old.v4'), join(folder, 'new.v4'), '--json'])
    const { differences, ...rest } = JSON.parse(out)
    return { ...rest, status, differences } as {
      readonly status: number
      readonly differences: readonly Difference[]
      readonly incomplete: readonly string[]
    }
  })

const told = ({ chain, before, after, packets }: Difference) =>
  `${chain}: ${before.text} → ${after.text}: ${packets.join(' | ')}`

describe('which packets fare differently', () => {
  test.each<[string, string[], string[], string[]]>([
    ['the same rules', ['-A INPUT -p tcp -j DROP'], ['-A INPUT -p tcp -j DROP'], []],
    [
      'other words for the same packets',
      ['-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'],
      ['-A INPUT -s 10.0.0.0/9 -j DROP', '-A INPUT -s 10.128.0.0/9 -j guests', '-A guests -j DROP'],
      [],
    ],
    [
      'a port more',
      ['INPUT DROP', '-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT'],
      ['INPUT DROP', '-A INPUT -p tcp -m multiport --dports 22,80,443 -j ACCEPT'],
      ['INPUT: dropped → accepted: tcp any → any:443'],
    ],
    [
      'rules the other way round',
      ['-A FORWARD -s 10.1.0.0/16 -j ACCEPT', '-A FORWARD -s 10.0.0.0/8 -p tcp -j DROP'],
      ['-A FORWARD -s 10.0.0.0/8 -p tcp -j DROP', '-A FORWARD -s 10.1.0.0/16 -j ACCEPT'],
      ['FORWARD: accepted → dropped: tcp 10.1.0.0/16 → any'],
    ],
    [
      'a mark that a later rule asks for: the packets are told as they come',
      ['-A INPUT -s 10.0.0.0/8 -j MARK --set-mark 0x1', '-A INPUT -m mark --mark 0x1 -j DROP'],
      ['-A INPUT -s 10.0.0.0/9 -j MARK --set-mark 0x1', '-A INPUT -m mark --mark 0x1 -j DROP'],
      ['INPUT: dropped → accepted: any protocol 10.128.0.0/9 → any mark all but 0x1'],
    ],
    [
      'a limit makes it uncertain',
      ['INPUT DROP', '-A INPUT -p icmp -j ACCEPT'],
      ['INPUT DROP', '-A INPUT -p icmp -m limit --limit 5/sec -j ACCEPT'],
      ['INPUT: accepted → accepted or dropped: icmp any → any'],
    ],
    ['a policy', ['FORWARD ACCEPT'], ['FORWARD DROP'], ['FORWARD: accepted → dropped: any protocol any → any']],
  ])('%s', async (_, old, now, expected) => {
    const { status, differences } = await compare(old, now)
    expect(differences.map(told)).toEqual(expected)
    expect(status).toBe(expected.length === 0 ? 0 : 1)
  })
})

test('the rules responsible, on both sides', async () => {
  const { differences } = await compare(
    ['INPUT DROP', '-A INPUT -p tcp -j web', '-A web -p tcp -m tcp --dport 80 -j ACCEPT'],
    ['INPUT DROP', '-A INPUT -p tcp -j web', '-A web -p tcp -m tcp --dport 81 -j ACCEPT'],
  )
  expect(
    differences.map(({ example, before, after }) => [example, before.rules[0]!.text, after.rules[0]!.text]),
  ).toEqual([
    [expect.stringContaining(':80 syn'), '-A web -p tcp -m tcp --dport 80 -j ACCEPT', 'policy DROP of INPUT'],
    [expect.stringContaining(':81 syn'), 'policy DROP of INPUT', '-A web -p tcp -m tcp --dport 81 -j ACCEPT'],
  ])
})

test('what chains of type nat translate', async () => {
  const { status, incomplete, differences } = await compare(
    [
      'nat: -A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
      'nat: -A POSTROUTING -o eth0 -j MASQUERADE',
    ],
    [
      'nat: -A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80',
      'nat: -A POSTROUTING -o eth1 -j MASQUERADE',
    ],
  )
  const masquerade = 'accepted, from the address of the interface (MASQUERADE)'
  expect([status, incomplete]).toEqual([1, []])
  expect(differences.map(told)).toEqual([
    'PREROUTING: accepted, to 172.17.0.2:80 → accepted, to 172.17.0.3:80: tcp any → any:8080',
    `POSTROUTING: ${masquerade} → accepted: any protocol any → any out eth0`,
    `POSTROUTING: accepted → ${masquerade}: any protocol any → any out eth1`,
  ])
})

test('a snapshot against itself with a change: what the change closes was open, as trace says', async () => {
  const change = 'docker-ufw-host: iptables -I INPUT -p tcp --dport 22 -j DROP'
  const { status, out } = await packetwalk(['diff', UFW, '--with', change, '--json'])
  expect(status).toBe(1)
  const document = JSON.parse(out)
  const schema = JSON.parse(readFileSync(join(root, 'schema/diff.schema.json'), 'utf8'))
  const validate = new Ajv2020({ allErrors: true }).compile(schema)
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
  const [found] = document.differences
  expect([found.before.fares, found.after.fares, found.after.rules[0].text]).toEqual([
    'accepted',
    'dropped',
    '-A INPUT -p tcp -m tcp --dport 22 -j DROP',
  ])
  const walk = async (...args: string[]) =>
    JSON.parse((await packetwalk(['trace', UFW, found.example, '--json', ...args])).out).branches[0]
  expect((await walk()).where.reason).not.toBe('rule-drop')
  expect((await walk('--with', change)).where).toMatchObject({ reason: 'rule-drop', chain: 'INPUT', rule: 1 })
})

/** The ways that differ, as one text each. */
const waysOf = async (...args: string[]) => {
  const { status, out } = await packetwalk(['diff', ...args, '--json'])
  const { differences, ...rest } = JSON.parse(out)
  return {
    ...rest,
    status,
    told: (differences as (Difference & { kind: string; where: string })[]).map(
      ({ kind, where, before, after, packets, example }) => ({
        kind,
        where,
        becomes: `${before.text} → ${after.text}`,
        packets,
        example,
        rules: [before.rules.map(({ text }) => text), after.rules.map(({ text }) => text)],
      }),
    ),
  }
}

test('where a route leads somewhere else, packets are told from end to end', async () => {
  const found = await waysOf(DOCKER, '--with', 'docker-host: ip route add blackhole 198.51.100.0/24')
  expect(found.told).toMatchObject([
    {
      kind: 'way',
      becomes: 'leaves docker-host by eth0 → dropped',
      packets: ['', '/dns', '/web'].map((name) => `any protocol any → 198.51.100.0/24 from docker-host${name}`),
      rules: [expect.anything(), ['blackhole 198.51.100.0/24: blackhole']],
    },
  ])
  expect(found.status).toBe(1)
})

test('another DNAT target: what is not let in there, and what this host itself reaches', async () => {
  const change = 'docker-host: iptables -t nat -R DOCKER 2 ! -i docker0 -p tcp --dport 8080 -j DNAT --to 172.17.0.3:80'
  const { told: ways } = await waysOf(DOCKER, '--with', change)
  expect(ways.map(({ becomes }: { becomes: string }) => becomes)).toEqual([
    'delivered to docker-host/web → dropped',
    'delivered to docker-host/web → delivered to docker-host/dns',
  ])
})

test.each([
  [
    'comments',
    'docker-host: iptables -R DOCKER 1 -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -m comment --comment web -j ACCEPT',
  ],
  ['a rule that no packet reaches', 'docker-host: iptables -A DOCKER-USER -j DROP'],
  ['a rule that does what the policy does', 'docker-host: iptables -A FORWARD -s 10.0.0.0/8 -j DROP'],
  ['what never comes in there', 'docker-host: iptables -I DOCKER-USER -i eth7 -j DROP'],
])('%s make no difference', async (_, change) => {
  const found = await waysOf(DOCKER, '--with', change)
  expect([found.told, found.undecided, found.incomplete, found.status]).toEqual([[], [], [], 0])
})

test('packets of connections that exist are told by chain', async () => {
  const change = 'docker-host: iptables -D FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
  const { told: ways } = await waysOf(DOCKER, '--with', change)
  expect(ways).toMatchObject([
    {
      kind: 'chain',
      where: 'filter/FORWARD',
      becomes: 'accepted → dropped',
      packets: expect.arrayContaining([expect.stringContaining('ESTABLISHED,RELATED')]),
      example: expect.stringContaining('ctstate ESTABLISHED'),
    },
  ])
})

test('nothing to compare with is bad usage', async () => {
  expect((await packetwalk(['diff', UFW])).status).toBe(2)
})

test('other members of a named set', async () => {
  const rules = ['-A INPUT -m set --match-set bad src -j DROP']
  const create = 'create bad hash:net\nadd bad 203.0.113.0/24\n'
  const files = {
    'old/iptables-save': saveText(rules),
    'new/iptables-save': saveText(rules),
    'old/ipset-save': create,
    'new/ipset-save': `${create}add bad 203.0.113.8/29 nomatch\nadd bad 192.0.2.1\n`,
  }
  await withFiles(files, async (folder) => {
    const { status, out } = await packetwalk(['diff', join(folder, 'old'), join(folder, 'new'), '--json'])
    expect(status).toBe(1)
    expect((JSON.parse(out).differences as Difference[]).map(told)).toEqual([
      'INPUT: accepted → dropped: any protocol 192.0.2.1 → any',
      'INPUT: dropped → accepted: any protocol 203.0.113.8/29 → any',
    ])
  })
})

test('the output in docs/diff.md is the output given', async () => {
  const text = readFileSync(join(root, 'docs/diff.md'), 'utf8')
  const [, command, shown] = /```console\n\$ packetwalk (.*)\n([\s\S]*?)```/.exec(text)!
  const words = [...command!.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
  const { out } = await packetwalk(words)
  expect(out).toBe(shown)
})

test('two changes of one snapshot against each other', async () => {
  const [first, last] = ['-I INPUT -p tcp --dport 22 -j DROP', '-A INPUT -p tcp --dport 22 -j DROP'].map(
    (rule) => `docker-host: iptables ${rule}`,
  )
  const same = await waysOf(DOCKER, '--with-old', first!, '--with', last!)
  expect([same.told, same.status]).toEqual([[], 0])
  const { told: ways, status } = await waysOf(
    DOCKER,
    '--with-old',
    first!,
    '--with',
    'docker-host: iptables -A INPUT -p tcp --dport 23 -j DROP',
  )
  expect(status).toBe(1)
  expect(
    ways.filter(({ kind }: { kind: string }) => kind === 'way').map(({ becomes }: { becomes: string }) => becomes),
  ).toEqual(['dropped → delivered to docker-host', 'delivered to docker-host → dropped'])
})

test('three snapshots are too many', async () => {
  expect((await packetwalk(['diff', UFW, UFW, UFW])).status).toBe(2)
})

test('every difference of ordinary changes of a sample has an example, as the schema says', async () => {
  const schema = JSON.parse(readFileSync(join(root, 'schema/diff.schema.json'), 'utf8'))
  const validate = new Ajv2020({ allErrors: true }).compile(schema)
  const changes = [
    'iptables -D ufw-user-input -p tcp --dport 22 -j ACCEPT',
    'iptables -P FORWARD ACCEPT',
    'iptables -t nat -D POSTROUTING 1',
    'iptables -t mangle -A PREROUTING -s 198.51.100.0/24 -j MARK --set-mark 1',
    'iptables -I FORWARD -p tcp -j REJECT --reject-with tcp-reset',
    'ip rule add from 172.17.0.2 blackhole',
    'sysctl -w net.ipv4.ip_forward=0',
    'ip route del default',
  ]
  for (const change of changes) {
    const { out, status } = await packetwalk(['diff', UFW, '--with', `docker-ufw-host: ${change}`, '--json'])
    const document = JSON.parse(out)
    expect(validate(document), `${change}: ${JSON.stringify(validate.errors)}`).toBe(true)
    expect(status, change).toBe(1)
    const known = document.differences.filter(
      ({ before, after }: Difference) => !/not known/.test(before.text + after.text),
    )
    expect(known.length, change).toBeGreaterThan(0)
    for (const { example, before, after } of known)
      expect(example, `${change}: ${before.text} → ${after.text}`).not.toBeNull()
  }
})
