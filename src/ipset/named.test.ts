import { describe, expect, test } from 'vitest'
import { ifName } from '../address/ifname.js'
import { parseIp } from '../address/ip.js'
import type { FieldValue } from '../packet/fields.js'
import type { Look, NamedLook, NamedUse } from '../rules/set-use.js'
import { restoreSets } from './apply.js'
import { SnapshotSets } from './named.js'

const LOOK: NamedLook = { keep: false, keepSubcounters: false, returnNomatch: false }
const use = (set: string, directions: string, family: 4 | 6 = 4): NamedUse => ({
  set,
  directions: directions.split(',') as NamedUse['directions'],
  family,
})

function setsOf(text: string): SnapshotSets {
  const restored = restoreSets(text, { now: 0 })
  if (!restored.ok) throw new Error(restored.problem.message)
  return new SnapshotSets(restored.sets)
}
const ip = (text: string): FieldValue => parseIp(text)!

describe('what of a packet a set is asked for', () => {
  const sets = setsOf(
    [
      'create a hash:ip counters',
      'create p hash:ip,port family inet6',
      'create i hash:net,iface',
      'create m hash:ip netmask 24',
      'create l list:set',
      'create b bitmap:ip,mac range 10.0.0.0/24',
      'add l a',
      'add l m',
    ].join('\n'),
  )
  const keyOf = (one: NamedUse) => {
    const bound = sets.bindUse(one)
    return bound.known ? bound.uses.map(({ set, list, key }) => ({ set, list, key })) : bound.why
  }

  test.each([
    ['the source', use('a', 'src'), [{ set: 'a', list: undefined, key: ['ip.saddr'] }]],
    ['the destination; a second direction is not looked at', use('a', 'dst,src'), [{ set: 'a', list: undefined, key: ['ip.daddr'] }]],
    ['IPv6: address, protocol, port', use('p', 'src,dst', 6), [{ set: 'p', list: undefined, key: ['ip6.saddr', 'ipset.protocol', 'ipset.dport'] }]],
    ['nothing, with fewer directions than the set has parts', use('p', 'src', 6), [{ set: 'p', list: undefined, key: [] }]],
    ['nothing, of the other family', use('p', 'src,dst', 4), [{ set: 'p', list: undefined, key: [] }]],
    ['what the netmask leaves', use('m', 'src'), [{ set: 'm', list: undefined, key: [{ from: 'masked', of: 'ip.saddr', mask: 0xffffff00 }] }]],
    ['each member of a list, as it is made', use('l', 'src'), [
      { set: 'a', list: 'l', key: ['ip.saddr'] },
      { set: 'm', list: 'l', key: [{ from: 'masked', of: 'ip.saddr', mask: 0xffffff00 }] },
    ]],
    ['a set that is not there says so', use('none', 'src'), 'set none is not in the snapshot'],
  ] as const)('%s', (_, one, expected) => expect(keyOf(one)).toEqual(expected)) // biome-ignore format: a table

  test('counters, and MAC addresses to be filled in, change a set that is asked', () => {
    const changes = (one: NamedUse, look = LOOK) => {
      const bound = sets.bind(one, look)
      return bound.is === 'member' ? bound.look?.changes : bound.is
    }
    expect(changes(use('a', 'src'))).toBe(true)
    expect(changes(use('a', 'src'), { ...LOOK, keep: true })).toBe(false)
    expect(changes(use('b', 'src,src'), { ...LOOK, keep: true })).toBe(true)
    expect(changes(use('i', 'src,src'))).toBe(false)
    expect(changes(use('none', 'src'))).toBe('unknown')
    expect(changes(use('l', 'src'))).toBe('any')
  })

  test('is listed with type and size, lists last', () =>
    expect(sets.listed.at(-1)).toEqual({ name: 'l', type: 'list:set', elements: 2 }))
})

describe('elements as intervals', () => {
  const rangesOf = (text: string, one: NamedUse) => {
    const sets = setsOf(text)
    const bound = sets.bindUse(one)
    if (!bound.known) throw new Error(bound.why)
    return [...sets.ranges(one.set, bound.uses[0]!.key)].map(({ key, nomatch }) => [...key, nomatch])
  }

  test('the longest networks first', () =>
    expect(
      rangesOf('create n hash:net\nadd n 10.0.0.0/8\nadd n 10.1.0.0/16 nomatch\nadd n 10.1.2.3', use('n', 'src')),
    ).toEqual([
      [[ip('10.1.2.3'), ip('10.1.2.3')], false],
      [[ip('10.1.0.0'), ip('10.1.255.255')], true],
      [[ip('10.0.0.0'), ip('10.255.255.255')], false],
    ]))

  test('a port of a bitmap is TCP’s and UDP’s; one of a hash is one protocol’s', () => {
    expect(rangesOf('create p hash:ip,port\nadd p 10.0.0.1,udp:53', use('p', 'dst,dst'))).toEqual([
      [[ip('10.0.0.1'), ip('10.0.0.1')], [17, 17], [53, 53], false],
    ])
    expect(rangesOf('create p bitmap:port range 1-100\nadd p 53', use('p', 'dst'))).toEqual([
      [[6, 6], [53, 53], false],
      [[17, 17], [53, 53], false],
    ])
  })

  test('behind the interfaces of a network nothing shorter is asked', () => {
    const anything = [1n, (1n << 128n) - 1n]
    expect(
      rangesOf('create i hash:net,iface\nadd i 10.0.0.0/24,eth0\nadd i 0.0.0.0/0,eth1', use('i', 'src,src')),
    ).toEqual([
      [[ip('10.0.0.0'), ip('10.0.0.255')], [ifName('eth0'), ifName('eth0')], false],
      [[ip('10.0.0.0'), ip('10.0.0.255')], anything, true],
      [[ip('0.0.0.0'), ip('255.255.255.255')], [ifName('eth1'), ifName('eth1')], false],
      [[ip('0.0.0.0'), ip('255.255.255.255')], anything, true],
    ])
  })

  test('bridge ports match nothing', () =>
    expect(rangesOf('create i hash:net,iface\nadd i 10.0.0.0/24,physdev:eth0', use('i', 'src,src')).length).toBe(1))
})

describe('a run’s own sets', () => {
  const look = (more: Partial<Look> = {}): Look => ({ keep: false, returnNomatch: false, changes: true, ...more })
  const at = (now: number, length = 100) => ({ now, length })

  test('counters go on in the run alone, and are compared after', () => {
    const sets = setsOf('create a hash:ip counters\nadd a 10.0.0.1 packets 1 bytes 60')
    const live = sets.open(1000)
    const asked = (more: Partial<Look>) => live.member('a', [ip('10.0.0.1')], look(more), at(1000)).outcome
    expect(asked({ packets: { op: 'eq', value: 2n } })).toBe('yes')
    expect(asked({ packets: { op: 'eq', value: 2n } })).toBe('no')
    expect(asked({ bytes: { op: 'gt', value: 300n } })).toBe('yes')
    expect(asked({ keep: true, changes: false, packets: { op: 'lt', value: 5n } })).toBe('yes')
    expect(live.print(1000)).toContain('add a 10.0.0.1 packets 4 bytes 360')
    expect(sets.open(1000).print(1000)).toContain('add a 10.0.0.1 packets 1 bytes 60')
  })

  test('time goes by from the beginning of the run', () => {
    const live = setsOf('create a hash:ip timeout 10\nadd a 10.0.0.1\nadd a 10.0.0.2 timeout 0').open(1000)
    const has = (text: string, now: number) => live.member('a', [ip(text)], look({ changes: false }), at(now)).outcome
    expect([has('10.0.0.1', 1009), has('10.0.0.1', 1011), has('10.0.0.2', 9999)]).toEqual(['yes', 'no', 'yes'])
    expect(live.print(1004)).toContain('add a 10.0.0.1 timeout 6')
  })

  test('nomatch, and --return-nomatch', () => {
    const live = setsOf('create n hash:net\nadd n 10.0.0.0/8\nadd n 10.1.0.0/16 nomatch').open(0)
    const asked = (text: string, returnNomatch: boolean) =>
      live.member('n', [ip(text)], look({ changes: false, returnNomatch }), at(0)).outcome
    expect([asked('10.2.0.1', false), asked('10.1.0.1', false)]).toEqual(['yes', 'no'])
    expect([asked('10.2.0.1', true), asked('10.1.0.1', true)]).toEqual(['no', 'yes'])
  })

  test('SET adds, renews, deletes, and a full set takes no more', () => {
    const live = setsOf('create a hash:ip maxelem 2 timeout 0 initval 0x1\nadd a 10.0.0.1 timeout 50').open(0)
    const key = (text: string) => [ip(text)]
    const a = { set: 'a', key: ['ip.saddr'] } as const
    const add = (text: string, exist = false, timeout?: number) =>
      live.add(a, key(text), { exist, ...(timeout === undefined ? {} : { timeout }) }, at(0))
    expect(add('10.0.0.1').done).toBe(false)
    expect(add('10.0.0.1', true, 90).done).toBe(true)
    expect(live.print(0)).toContain('10.0.0.1 timeout 90')
    expect(add('10.0.0.2').done).toBe(true)
    expect(add('10.0.0.3')).toEqual({
      done: false,
      unknown: true,
      text: '10.0.0.3: set a is full: ipset save does not tell whether it was made with forceadd',
    })
    expect(live.delete(a, key('10.0.0.2'), at(0)).done).toBe(true)
    expect(live.delete(a, key('10.0.0.2'), at(0)).text).toBe('10.0.0.2: not in set a')
  })

  test('a list’s element for a set has a time and counters of its own', () => {
    const live = setsOf(
      'create a hash:ip\nadd a 10.0.0.1\ncreate l list:set timeout 0 counters\nadd l a timeout 5',
    ).open(0)
    const asked = (now: number) =>
      live.member('a', [ip('10.0.0.1')], look({ list: { name: 'l', keep: false } }), at(now)).outcome
    expect([asked(1), asked(4), asked(6)]).toEqual(['yes', 'yes', 'no'])
    expect(live.print(4)).toContain('add l a timeout 1 packets 2 bytes 200')
  })

  test('an element gives its mark; a set without any gives none', () => {
    const live = setsOf(
      'create a hash:ip skbinfo\nadd a 10.0.0.1 skbmark 0x4/0xff skbprio 1:2 skbqueue 3\ncreate b hash:ip\nadd b 10.0.0.1',
    ).open(0)
    const carried = (set: string) => live.carried(set, [ip('10.0.0.1')], look(), at(0)).carries
    expect(carried('a')).toEqual({ mark: 4, markMask: 0xff, priority: 0x10002, queue: 3 })
    expect(carried('b')).toEqual({ mark: 0, markMask: 0, priority: 0, queue: 0 })
  })

  test('a MAC address that was not known is filled in', () => {
    const live = setsOf('create b bitmap:ip,mac range 10.0.0.0/24\nadd b 10.0.0.1').open(0)
    expect(live.member('b', [ip('10.0.0.1'), 0x020000000001], look(), at(0)).outcome).toBe('yes')
    expect(live.print(0)).toContain('add b 10.0.0.1,02:00:00:00:00:01')
    expect(live.member('b', [ip('10.0.0.1'), 0x020000000002], look(), at(0)).outcome).toBe('no')
  })

  test('what is missing, or asked in a way that never matches, says so', () => {
    const live = setsOf('create p hash:ip,port').open(0)
    expect(live.member('none', [1], look({ changes: false }), at(0)).outcome).toBe('unknown')
    expect(live.member('p', [], look({ changes: false }), at(0))).toMatchObject({ outcome: 'no' })
  })
})
