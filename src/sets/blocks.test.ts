import { expect, describe as group, test } from 'vitest'
import { ifName, ifNamesFrom } from '../address/ifname.js'
import { parseIp } from '../address/ip.js'
import { CT_STATE, type Field } from '../packet/fields.js'
import { parsePacketLine } from '../packet/language.js'
import { seededRandom } from '../path/choices.js'
import type { Ranges } from '../rules/value.js'
import { EMPTY, FULL, type Node } from './bdd.js'
import { blocksOf, shownFields } from './blocks.js'
import { describe } from './describe.js'
import { Names } from './names.js'
import { sampleOf, sampleText } from './sample.js'
import { Space } from './space.js'

const names = () => new Names([[ifNamesFrom('eth')], [[ifName('wan'), ifName('wan')]]], ['eth0', 'lo', 'wan'])
const ip = (text: string) => parseIp(text)!
const prefix = (from: string, to: string): Ranges => [[ip(from), ip(to)]]

group('a set as blocks', () => {
  const space = new Space({ family: 4, names: names() })
  const { bdd } = space
  const and = (...sets: Node[]) => sets.reduce((all, one) => bdd.and(all, one))
  const tcp = space.equals('meta.l4proto', 6)
  const cases: readonly (readonly [Node, readonly string[]])[] = [
    [EMPTY, []],
    [FULL, ['any protocol any → any']],
    [
      and(tcp, space.in('ip.saddr', prefix('10.0.0.0', '10.255.255.255')), space.equals('ip.daddr', ip('10.2.0.2')), space.in('th.dport', [[80, 80], [443, 443]])),
      ['tcp 10.0.0.0/8 → 10.2.0.2:80,443'],
    ],
    [and(tcp, bdd.not(space.equals('th.dport', 22)), space.equals('meta.iifname', ifName('eth0'))), ['tcp any → any:all but 22 in eth0']],
    [
      bdd.or(and(tcp, space.equals('th.dport', 80)), and(space.equals('meta.l4proto', 17), space.equals('th.dport', 80))),
      ['tcp,udp any → any:80'],
    ],
    [and(space.equals('meta.l4proto', 1), space.equals('icmp.type', 8)), ['icmp any → any type 8']],
    [and(tcp, space.in('ip.saddr', [[ip('10.0.0.5'), ip('10.0.0.9')]])), ['tcp 10.0.0.5-10.0.0.9 → any']],
    [and(tcp, bdd.not(space.in('ip.saddr', prefix('10.0.0.0', '10.255.255.255')))), ['tcp all but 10.0.0.0/8 → any']],
    [and(tcp, space.in('meta.iifname', [ifNamesFrom('eth')])), ['tcp any → any in eth0,others']],
    [and(tcp, space.in('ct.state', [[CT_STATE.NEW, CT_STATE.NEW]])), ['tcp any → any NEW']],
    [and(tcp, space.equals('meta.mark', 0x4000)), ['tcp any → any mark 0x4000']],
  ] // biome-ignore format: a table
  test.each(cases.map(([set, lines]) => [lines.join(' | ') || 'nothing', set, lines] as const))(
    '%s',
    (_, set, lines) => {
      expect(describe(space, set).lines).toEqual(lines)
    },
  )

  test('values scattered all over are not listed', () => {
    const odd = bdd.literal(space.levelsOf('ip.daddr').at(-1)!, true)
    expect(blocksOf(space, odd)).toEqual({ blocks: [], more: true })
  })
})

test('blocks are disjoint and make up the set; a sample is in it', () => {
  const random = seededRandom(3)
  const pick = (last: number) => Math.floor(random() * (last + 1))
  for (let n = 0; n < 60; n++) {
    const space = new Space({ family: 4, names: names() })
    const { bdd } = space
    const fields: readonly Field[] = ['meta.l4proto', 'ip.daddr', 'th.dport', 'ip.saddr', 'th.sport', 'ct.state']
    const range = (field: Field): Node => {
      const from = pick(field.startsWith('ip.') ? 0xfffffff0 : field === 'meta.l4proto' ? 200 : 65000)
      return space.bitsIn(
        space.bitsOf(field),
        field === 'ct.state'
          ? [
              [2, 2],
              [8, 8],
            ]
          : [[from, from + pick(60)]],
      )
    }
    let set: Node = EMPTY
    for (let i = 0; i < 5; i++) {
      const term = fields
        .filter(() => random() < 0.5)
        .map(range)
        .reduce((all, one) => bdd.and(all, one), space.valid)
      set = random() < 0.7 ? bdd.or(set, term) : bdd.minus(set, term)
    }
    const { blocks, more } = blocksOf(space, set)
    expect(more).toBe(false)
    const whole = space.project(bdd.and(set, bdd.and(space.valid, space.whole)), shownFields(4))
    let sum: Node = EMPTY
    for (const block of blocks) {
      const node = [...block].reduce(
        (all, [field, values]) => bdd.and(all, space.bitsIn(space.bitsOf(field), values)),
        FULL,
      )
      expect(bdd.meets(sum, node)).toBe(false)
      sum = bdd.or(sum, node)
    }
    expect(bdd.and(sum, whole)).toBe(whole)
    expect(bdd.and(sum, space.project(space.valid, shownFields(4)))).toBe(whole)
    const sample = sampleOf(space, set)
    expect(sample === undefined).toBe(set === EMPTY)
    if (sample && set !== EMPTY) {
      const own = [
        space.equals('meta.l4proto', sample.protocol),
        space.equals('ip.saddr', sample.src),
        space.equals('ip.daddr', sample.dst),
        ...(sample.sport === undefined
          ? []
          : [space.equals('th.sport', sample.sport), space.equals('th.dport', sample.dport!)]),
      ].reduce((all, one) => bdd.and(all, one))
      expect(bdd.meets(set, own)).toBe(true)
    }
  }
})

test('a sample is an ordinary packet where it can be one, and the packet language reads it', () => {
  const space = new Space({ family: 4, names: names() })
  expect(sampleText(sampleOf(space, space.equals('meta.iifname', ifName('eth0')))!)).toBe(
    'tcp 198.51.100.9:40000 > 198.51.100.9:80 syn in eth0',
  )
  const icmp = space.bdd.and(
    space.equals('meta.l4proto', 1),
    space.bdd.and(space.equals('icmp.type', 3), space.equals('ip.saddr', ip('10.0.0.1'))),
  )
  expect(sampleText(sampleOf(space, icmp)!)).toBe('icmp 10.0.0.1 > 198.51.100.9 type 3 code 0')
  const six = new Space({ family: 6, names: names() })
  const udp = sampleText(sampleOf(six, six.equals('meta.l4proto', 17))!)
  expect(udp).toBe('udp [2001:db8:ffff::9]:40000 > [2001:db8:ffff::9]:80')
  for (const text of [udp, 'icmp 10.0.0.1 > 198.51.100.9 type 3 code 0']) expect(parsePacketLine(text).ok).toBe(true)
})
