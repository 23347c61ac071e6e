import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import type { FieldValue } from '../packet/fields.js'
import type { Look } from '../rules/set-use.js'
import { applyIpset, restoreSets } from './apply.js'
import { SnapshotSets } from './named.js'
import { Sets } from './sets.js'

/** Types that the kernel at hand was built without: by ipset(8) and the kernel's ip_set_hash_*.c. */

const ip = (text: string): FieldValue => parseIp(text)!
const MAC = 0x0050569bb7c1
const LOOK: Look = { keep: true, returnNomatch: false, changes: false }

const run = (commands: readonly string[]) => {
  let sets = new Sets()
  let last = { out: '', err: '', status: 0 }
  for (const command of commands) {
    const applied = applyIpset(command, sets, { now: 0 })
    sets = applied.sets
    last = applied
  }
  return { ...last, sets }
}

describe('ipset', () => {
  test.each<[type: string, element: string, saved: string, absent: string]>([
    ['hash:mac', '00:50:56:9b:b7:c1', '00:50:56:9B:B7:C1', '00:50:56:9b:b7:c2'],
    ['hash:ip,mac', '192.0.2.1,00:50:56:9b:b7:c1', '192.0.2.1,00:50:56:9B:B7:C1', '192.0.2.2,00:50:56:9b:b7:c1'],
    ['hash:ip,mark', '192.0.2.1,555', '192.0.2.1,0x0000022b', '192.0.2.1,556'],
    ['hash:net,net', '192.0.2.0/24,198.51.100.0/25', '192.0.2.0/24,198.51.100.0/25', '192.0.2.1,198.51.100.200'],
    [
      'hash:net,port,net',
      '192.0.2.0/24,tcp:80,198.51.100.0/24',
      '192.0.2.0/24,tcp:80,198.51.100.0/24',
      '192.0.2.1,udp:80,198.51.100.1',
    ],
  ])('%s: %s is saved, found and deleted', (type, element, saved, absent) => {
    const made = [`create a ${type}`, `add a ${element}`]
    expect(run([...made, 'save a']).out.split('\n')[1]).toBe(`add a ${saved}`)
    expect(run([...made, `test a ${element}`]).status).toBe(0)
    expect(run([...made, `test a ${absent}`]).status).toBe(1)
    expect(run([...made, `add a ${element}`]).err).toContain("it's already added")
    expect(run([...made, `del a ${element}`, 'save a']).out.split('\n')[1]).toBe('')
  })

  test('a range of addresses is that many elements of hash:ip,mark, and as few networks as hold it of hash:net,net', () => {
    const lines = (commands: readonly string[]) =>
      run([...commands, 'save a'])
        .out.trim()
        .split('\n')
        .slice(1)
        .sort()
    expect(lines(['create a hash:ip,mark', 'add a 192.0.2.0/30,1']).length).toBe(4)
    expect(lines(['create a hash:net,net', 'add a 192.0.2.0-192.0.2.2,198.51.100.0/24'])).toEqual([
      'add a 192.0.2.0/31,198.51.100.0/24',
      'add a 192.0.2.2,198.51.100.0/24',
    ])
  })

  test('markmask: only these bits of a mark are kept', () =>
    expect(
      run(['create a hash:ip,mark markmask 0xff00', 'add a 192.0.2.1,0x1234', 'test a 192.0.2.1,0x12ff']).status,
    ).toBe(0))

  test('hash:mac takes no family; an address of zeros cannot be stored', () => {
    expect(run(['create a hash:mac family inet']).status).toBe(2)
    expect(run(['create a hash:mac', 'add a 00:00:00:00:00:00']).status).toBe(1)
  })
})

describe('a packet', () => {
  const asked = (text: string, directions: readonly ('src' | 'dst')[], key: readonly FieldValue[]) => {
    const restored = restoreSets(text, { now: 0 })
    if (!restored.ok) throw new Error(restored.problem.message)
    const sets = new SnapshotSets(restored.sets)
    const bound = sets.bindUse({ set: 'a', directions, family: 4 })
    if (!bound.known) throw new Error(bound.why)
    return { fields: bound.uses[0]!.key, outcome: sets.open(0).member('a', key, LOOK, { now: 0, length: 60 }).outcome }
  }

  test.each<[text: string, directions: readonly ('src' | 'dst')[], fields: readonly unknown[], key: readonly FieldValue[], outcome: string]>([
    ['create a hash:mac\nadd a 00:50:56:9b:b7:c1', ['src'], ['ether.saddr'], [MAC], 'yes'],
    ['create a hash:ip,mac\nadd a 192.0.2.1,00:50:56:9b:b7:c1', ['src', 'src'], ['ip.saddr', 'ether.saddr'], [ip('192.0.2.1'), MAC], 'yes'],
    ['create a hash:ip,mac\nadd a 192.0.2.1,00:50:56:9b:b7:c1', ['src', 'src'], ['ip.saddr', 'ether.saddr'], [ip('192.0.2.1'), MAC + 1], 'no'],
    ['create a hash:ip,mark\nadd a 192.0.2.1,5', ['dst', 'dst'], ['ip.daddr', 'meta.mark'], [ip('192.0.2.1'), 5], 'yes'],
    ['create a hash:ip,mark\nadd a 192.0.2.1,5', ['dst', 'dst'], ['ip.daddr', 'meta.mark'], [ip('192.0.2.1'), 6], 'no'],
    ['create a hash:net,net\nadd a 192.0.2.0/24,198.51.100.0/24', ['src', 'dst'], ['ip.saddr', 'ip.daddr'], [ip('192.0.2.9'), ip('198.51.100.9')], 'yes'],
    ['create a hash:net,net\nadd a 192.0.2.0/24,198.51.100.0/24\nadd a 192.0.2.0/24,198.51.100.8/29 nomatch', ['src', 'dst'], ['ip.saddr', 'ip.daddr'], [ip('192.0.2.9'), ip('198.51.100.9')], 'no'],
    ['create a hash:net,port,net\nadd a 192.0.2.0/24,tcp:80,198.51.100.0/24', ['src', 'dst', 'dst'], ['ip.saddr', 'ipset.protocol', 'ipset.dport', 'ip.daddr'], [ip('192.0.2.9'), 6, 80, ip('198.51.100.9')], 'yes'],
    ['create a hash:net,port,net\nadd a 192.0.2.0/24,tcp:80,198.51.100.0/24', ['src', 'dst', 'dst'], ['ip.saddr', 'ipset.protocol', 'ipset.dport', 'ip.daddr'], [ip('192.0.2.9'), 17, 80, ip('198.51.100.9')], 'no'],
  ])('%j asked by %j', (text, directions, fields, key, outcome) =>
    expect(asked(text, directions, key)).toEqual({ fields, outcome }))
}) // biome-ignore format: a table

// as Linux 6.18 and ipset 7.17 do it, which go through all of them
describe('deleting a long range with -exist', () => {
  const left = (type: string, elements: readonly string[], range: string) =>
    run([`create a ${type}`, ...elements.map((one) => `add a ${one}`), `-exist del a ${range}`, 'save a'])
      .out.trim()
      .split('\n')
      .slice(1)
      .map((line) => line.replace('add a ', ''))
      .sort()

  test.each([
    ['hash:ip', ['10.0.0.1', '10.200.3.4', '11.0.0.1'], '10.0.0.0/8', ['11.0.0.1']],
    ['hash:ip', ['10.0.0.1', '10.200.3.4', '11.0.0.1'], '10.0.0.2-10.255.255.255', ['10.0.0.1', '11.0.0.1']],
    ['hash:ip', ['9.0.0.1'], '10.0.0.0/8', ['9.0.0.1']],
    [
      'hash:ip,port',
      ['10.0.0.1,tcp:80', '10.9.0.1,udp:80', '10.9.0.1,tcp:443'],
      '10.0.0.0/8,tcp:1-100',
      ['10.9.0.1,tcp:443', '10.9.0.1,udp:80'],
    ],
    [
      'hash:ip,port,ip',
      ['10.0.0.1,tcp:80,1.1.1.1', '10.0.0.1,tcp:80,1.1.1.2'],
      '10.0.0.0/8,tcp:80,1.1.1.1',
      ['10.0.0.1,tcp:80,1.1.1.2'],
    ],
    [
      'hash:ip,port,net',
      ['10.0.0.1,tcp:80,1.1.1.0/24', '10.0.0.1,tcp:80,1.1.2.0/24'],
      '10.0.0.0/8,tcp:80,1.1.2.0/24',
      ['10.0.0.1,tcp:80,1.1.1.0/24'],
    ],
    ['hash:ip,mark', ['10.0.0.1,5', '10.0.0.1,6'], '10.0.0.0/8,6', ['10.0.0.1,0x00000005']],
  ])('%s %j less %s', (type, elements, range, expected) => expect(left(type, elements, range)).toEqual(expected))

  test('without -exist the first that is not there ends it', () =>
    expect(run(['create a hash:ip', 'add a 10.0.0.1', 'del a 10.0.0.0/8']).err).toContain("it's not added"))
})
