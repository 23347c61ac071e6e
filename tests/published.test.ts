import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Ip, parseIp, printIp } from '../src/address/ip.js'
import { firstOf, lastOf, type Prefix, parsePrefix } from '../src/address/prefix.js'
import { Scope } from '../src/analysis/scope.js'
import { type AddressClass, type Carried, serviceMatrix, spoofed } from '../src/analysis/service-matrix.js'
import type { Hook } from '../src/rules/program.js'
import { Names } from '../src/sets/names.js'
import { readSnapshot } from '../src/snapshot/index.js'

/**
 * What fffuu answered about three real firewalls, as its authors keep it with its sources (docs/published-results.md). The rulesets are theirs: a
 * checkout of github.com/diekmann/Iptables_Semantics is read where IPTABLES_SEMANTICS names one.
 */
const THEIRS = process.env['IPTABLES_SEMANTICS']
const there = THEIRS !== undefined && existsSync(join(THEIRS, 'haskell_tool'))

const EXAMPLES = 'thy/Iptables_Semantics/Examples'
const GOLDEN = 'haskell_tool/test/Suites/GoldenFiles'

const read = (path: string) => readFileSync(join(THEIRS!, path), 'utf8')

type Interval = readonly [number, number]

/** `eth0 = [10.0.0.0/8, …]`, `lup = all_but_those_ips [ … ]`. */
function interfacesOf(path: string): Carried {
  const found = new Map<string, Prefix[]>()
  for (const [, name, others, list] of read(path)
    .replace(/\s+/g, ' ')
    .matchAll(/(\S+) = (all_but_those_ips )?\[([^\]]*)\]/g)) {
    const ranges = list!.split(',').flatMap((item): Interval[] => {
      const [from, to] = item.trim().split('-')
      if (from === '') return []
      if (to !== undefined) return [[Number(parseIp(from!)), Number(parseIp(to))]]
      const prefix = parsePrefix(from!)!
      return [[Number(firstOf(prefix)), Number(lastOf(prefix))]]
    })
    const wanted = others ? outside(ranges) : ranges
    found.set(
      name!,
      wanted.flatMap(([from, to]) => [...prefixesOf(from, to)]),
    )
  }
  return found
}

/** The fewest prefixes that make up an interval. */
function* prefixesOf(from: number, to: number): Generator<Prefix> {
  for (let ip = from; ip <= to; ) {
    let length = 32
    while (length > 0 && ip % 2 ** (33 - length) === 0 && ip + 2 ** (33 - length) - 1 <= to) length--
    yield { ip, length }
    ip += 2 ** (32 - length)
  }
}

function outside(ranges: readonly Interval[]): readonly Interval[] {
  const left: Interval[] = []
  let at = 0
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (from > at) left.push([at, from - 1])
    at = Math.max(at, to + 1)
  }
  return at > 0xffffffff ? left : [...left, [at, 0xffffffff]]
}

/** `a |-> {0.0.0.0 .. 9.255.255.255} u 10.0.0.1` and `(a,b)`: classes of addresses, and which opens connections to which. */
function goldenMatrix(text: string, port: number) {
  const part = text.split(`=========== TCP port 10000->${port} =========`)[1]!.split('===========')[0]!
  const classes = new Map<string, readonly Interval[]>()
  for (const [, name, list] of part.matchAll(/^(\w+) \|-> (.*)$/gm))
    classes.set(
      name!,
      list!.split(' u ').map((item) => {
        const [from, to] = item.replace(/[{}]/g, '').split(' .. ')
        return [Number(parseIp(from!)), Number(parseIp(to ?? from!))]
      }),
    )
  return { classes, pairs: new Set([...part.matchAll(/^\((\w+),(\w+)\)$/gm)].map(([, from, to]) => `${from},${to}`)) }
}

/** One address for each pair of classes, theirs and ours, and who reaches whom by each of them. */
function compare(ours: readonly AddressClass[], theirs: ReturnType<typeof goldenMatrix>) {
  const inTheirs = (ip: number) =>
    [...theirs.classes].find(([, all]) => all.some(([from, to]) => from <= ip && ip <= to))?.[0]
  const inOurs = (ip: number) =>
    ours.findIndex(({ addresses }) => addresses.some(([from, to]) => Number(from) <= ip && ip <= Number(to)))
  const starts = [
    ...[...theirs.classes.values()].flatMap((all) => all.map(([from]) => from)),
    ...ours.flatMap(({ addresses }) => addresses.map(([from]) => Number(from))),
  ]
  const chosen = [...new Map(starts.sort((a, b) => a - b).map((ip) => [`${inTheirs(ip)} ${inOurs(ip)}`, ip])).values()]
  const [oursOnly, theirsOnly]: [string[], string[]] = [[], []]
  for (const from of chosen)
    for (const to of chosen) {
      const weSay = ours[inOurs(from)]!.reaches.includes(inOurs(to))
      const theySay = theirs.pairs.has(`${inTheirs(from)},${inTheirs(to)}`)
      if (weSay !== theySay) (weSay ? oursOnly : theirsOnly).push(`${printIp(from as Ip)} > ${printIp(to as Ip)}`)
    }
  return { pairs: chosen.length ** 2, oursOnly, theirsOnly }
}

interface Firewall {
  readonly name: string
  readonly rules: string
  readonly golden: string
  readonly carried: string | undefined
  readonly at: readonly [hook: Hook, table: string]
  /** By port: how many classes each finds, how many pairs were compared, and the pairs that only fffuu lets through. */
  readonly matrices: Readonly<Record<number, readonly [theirs: number, ours: number, pairs: number, only: string[]]>>
}

/** What only fffuu lets through was asked of a kernel with this ruleset, by every interface: it forwards none of it (docs/published-results.md). */
const FIREWALLS: readonly Firewall[] = [
  {
    name: 'Synology DS414',
    rules: `${EXAMPLES}/Synology_Diskstation_DS414/iptables-save_jun_2015_cleanup`,
    golden: `${GOLDEN}/synology_iptables-save_jun_2015_cleanup`,
    carried: undefined,
    at: ['input', 'filter'],
    matrices: { 22: [1, 1, 1, []], 8080: [2, 2, 4, []], 80: [2, 2, 4, []] },
  },
  {
    name: 'SQRL shorewall, raw table',
    rules: `${EXAMPLES}/SQRL_Shorewall/2015_aug_iptables-save-spoofing-protection`,
    golden: `${GOLDEN}/sqrl_2015_aug_iptables-save-spoofing-protection`,
    carried: 'haskell_tool/ipassmt_sqrl',
    at: ['prerouting', 'raw'],
    matrices: {},
  },
  {
    name: 'TUM i8, 4,813 rules',
    rules: `${EXAMPLES}/TUM_Net_Firewall/iptables-save-2015-05-15_15-23-41_cheating`,
    golden: `${GOLDEN}/i8_iptables-save-2015-05-15_15-23-41_cheating`,
    carried: 'haskell_tool/ipassmt_tumi8',
    at: ['forward', 'filter'],
    matrices: {
      22: [9, 11, 144, ['138.246.253.5 > 131.159.20.19', '192.168.212.0 > 131.159.15.247']],
      80: [12, 12, 169, ['138.246.253.5 > 131.159.20.19']],
    },
  },
]

describe.each(there ? FIREWALLS.map((one) => [one.name, one] as const) : [])('%s', (_, firewall) => {
  const [hook, table] = firewall.at
  const carried: Carried = firewall.carried
    ? interfacesOf(firewall.carried)
    : new Map([['lo', [parsePrefix('127.0.0.0/8')!]]])
  const scope = scopeOf(firewall, [...carried.keys(), 'other'])
  const entry = scope.entries(hook).find((one) => one.table.name === table)!
  const golden = read(firewall.golden)

  test('protection from spoofing', () => {
    const theirs = [...golden.matchAll(/^\("([^"]+)","(True|Probably not)/gm)].map(([, name, say]) => [name, say === 'True'])
    expect(theirs.length).toBeGreaterThan(0)
    expect([...carried].map(([name, prefixes]) => [name, spoofed(scope, entry, name, prefixes).length === 0])).toEqual(theirs)
  }) // biome-ignore format: a table

  test.each(Object.entries(firewall.matrices))('service matrix of port %s', (port, [classes, own, pairs, only]) => {
    const theirs = goldenMatrix(golden, Number(port))
    const ours = serviceMatrix(scope, entry, { protocol: 6, dport: Number(port), sport: 10000 }, carried)!
    expect([theirs.classes.size, ours.length]).toEqual([classes, own])
    expect(compare(ours, theirs)).toEqual({ pairs, oursOnly: [], theirsOnly: only })
  })
})

// a file of tests has one at least
test.skipIf(!there)(
  'IPTABLES_SEMANTICS names a checkout of Iptables_Semantics; without one all of this is left out',
  () => {
    expect(there).toBe(true)
  },
)

function scopeOf({ rules }: Firewall, interfaces: readonly string[]): Scope {
  const snapshot = readSnapshot([{ path: 'host/iptables-save', text: read(rules) }], { now: 0 })
  if (!snapshot.ok) throw new Error(snapshot.problems[0]?.message)
  const [namespace] = snapshot.hosts.namespaces
  return new Scope(snapshot.hosts, namespace!, 4, { names: Names.of(namespace!.tables, interfaces) })
}
