import { describe, expect, test } from 'vitest'
import { parseIpv4, printIp } from '../address/ip.js'
import { parsePrefix } from '../address/prefix.js'
import type { Values } from '../sets/blocks.js'
import { Names } from '../sets/names.js'
import { plantedHost } from '../testing/planted.js'
import { Scope } from './scope.js'
import { type Carried, serviceMatrix, spoofed } from './service-matrix.js'

const SSH = { protocol: 6, dport: 22 }

function chainOf(rules: readonly string[], hook: 'forward' | 'input' | 'prerouting' = 'forward', table = 'filter') {
  const hosts = plantedHost({ iptables: rules })
  const [namespace] = hosts.namespaces
  const scope = new Scope(hosts, namespace!, 4, { names: Names.of(namespace!.tables, ['lan', 'wan', 'lo']) })
  return { scope, entry: scope.entries(hook).find((entry) => entry.table.name === table)! }
}

const shown = (values: Values): string =>
  values.map(([from, to]) => (from === to ? printIp(from) : `${printIp(from)}-${printIp(to)}`)).join(' ')

function matrix(rules: readonly string[], carried?: Carried, service = SSH): readonly string[] {
  const { scope, entry } = chainOf(rules)
  const classes = serviceMatrix(scope, entry, service, carried)!
  return classes.map(({ addresses, reaches }) => `${shown(addresses)} > ${reaches.join(',')}`)
}

describe('who may open connections to whom', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['everybody to everybody', ['-A FORWARD -j ACCEPT'], ['0.0.0.0-255.255.255.255 > 0']],
    ['nobody', ['FORWARD DROP'], ['0.0.0.0-255.255.255.255 > ']],
    [
      'two networks to one host',
      ['FORWARD DROP', '-A FORWARD -s 10.0.0.0/8 -d 192.0.2.1/32 -j ACCEPT', '-A FORWARD -s 12.0.0.0/8 -d 192.0.2.1/32 -j ACCEPT'],
      ['0.0.0.0-9.255.255.255 11.0.0.0-11.255.255.255 13.0.0.0-192.0.2.0 192.0.2.2-255.255.255.255 > ', '10.0.0.0-10.255.255.255 12.0.0.0-12.255.255.255 > 2', '192.0.2.1 > '],
    ],
    [
      'one rule takes a part of the next',
      ['FORWARD DROP', '-A FORWARD -d 10.0.0.1/32 -j DROP', '-A FORWARD -d 10.0.0.0/30 -p tcp -m tcp --dport 20:30 -j ACCEPT'],
      ['0.0.0.0-9.255.255.255 10.0.0.1 10.0.0.4-255.255.255.255 > 1', '10.0.0.0 10.0.0.2-10.0.0.3 > 1'],
    ],
    ['another port', ['FORWARD DROP', '-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT'], ['0.0.0.0-255.255.255.255 > ']],
    ['answers only', ['FORWARD DROP', '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'], ['0.0.0.0-255.255.255.255 > ']],
    ['what a limit lets through', ['FORWARD DROP', '-A FORWARD -m limit --limit 1/s -j ACCEPT'], ['0.0.0.0-255.255.255.255 > 0']],
  ])('%s', (_, rules, classes) => {
    expect(matrix(rules)).toEqual(classes)
  }) // biome-ignore format: a table

  test('an interface stands for the addresses that it carries', () => {
    const rules = ['FORWARD DROP', '-A FORWARD -i lan -j ACCEPT']
    const carried = new Map([
      ['lan', [parsePrefix('10.0.0.0/8')!]],
      ['wan', [parsePrefix('0.0.0.0/0')!]],
    ])
    expect(matrix(rules)).toEqual(['0.0.0.0-255.255.255.255 > 0'])
    expect(matrix(rules, carried)).toEqual([
      '0.0.0.0-9.255.255.255 11.0.0.0-255.255.255.255 > ',
      '10.0.0.0-10.255.255.255 > 0,1',
    ])
  })

  test('each pair of addresses is told as the chain decides it', () => {
    const hosts = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '10.1.0.1', '192.0.2.9']
    const nets = ['10.0.0.0/8', '10.0.0.0/24', '10.0.0.0/16', '10.0.0.1/32', '192.0.2.0/24', '0.0.0.0/0']
    for (let seed = 0; seed < 40; seed++) {
      const pick = (n: number) => nets[(seed * 7 + n * 13 + ((seed * n) % 5)) % nets.length]!
      const rules = [1, 2, 3, 4].map(
        (n) => `-A FORWARD -s ${pick(n)} -d ${pick(n + 4)} -j ${(seed + n) % 2 ? 'ACCEPT' : 'DROP'}`,
      )
      const { scope, entry } = chainOf([`FORWARD ${seed % 3 ? 'DROP' : 'ACCEPT'}`, ...rules])
      const classes = serviceMatrix(scope, entry, SSH)!
      const { space } = scope
      const classOf = (ip: number) =>
        classes.findIndex(({ addresses }) => addresses.some(([low, high]) => ip >= Number(low) && ip <= Number(high)))
      for (const from of hosts)
        for (const to of hosts) {
          const [source, target] = [parseIpv4(from)!, parseIpv4(to)!]
          const pair = space.bdd.and(space.equals('ip.saddr', source), space.equals('ip.daddr', target))
          const passes = space.bdd.meets(scope.flow(entry).accepted, pair)
          expect([seed, from, to, classes[classOf(source)]!.reaches.includes(classOf(target))]).toEqual([
            seed,
            from,
            to,
            passes,
          ])
        }
    }
  })
})

test('which sources an interface lets through that are not its own', () => {
  const { scope, entry } = chainOf(['raw: -A PREROUTING ! -s 10.0.0.0/8 -i lan -j DROP'], 'prerouting', 'raw')
  const own = [parsePrefix('10.0.0.0/8')!]
  expect(shown(spoofed(scope, entry, 'lan', own))).toBe('')
  expect(shown(spoofed(scope, entry, 'wan', own))).toBe('0.0.0.0-9.255.255.255 11.0.0.0-255.255.255.255')
  expect(shown(spoofed(scope, entry, 'lan', [parsePrefix('10.0.0.0/9')!]))).toBe('10.128.0.0-10.255.255.255')
})
