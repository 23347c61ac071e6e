import { type Ip, parseIp } from '../../address/ip.js'
import { THERE } from '../../packet/probe.js'
import { all, type Condition, equals, inRanges, invertedIf, probed } from '../../rules/condition.js'
import type { Value } from '../../rules/value.js'
import { addressIn } from '../address-condition.js'
import { type AddressMask, parseAddressMask, showIp } from '../address-mask.js'
import { type Codec, integer, WordError } from '../codec.js'
import type { Given, OptionsOf, OptionTable } from '../extension.js'
import { headerField, headerIsThere } from '../header-options.js'
import { defineMatch } from '../match.js'

const ROUTING = 43
const SEGMENT_ROUTING = 4
const byte = integer(255)

/** The address is printed as it was said, host bits and all, a mask with holes as if it had none. */
interface Sid {
  readonly ip: Ip
  readonly where: AddressMask
}

const sid: Codec<Sid> = {
  words: 1,
  metavar: 'address[/mask]',
  parse(word) {
    const where = parseAddressMask(word)
    const ip = parseIp(word.replace(/\/.*/, ''))
    if (typeof where?.ip !== 'bigint' || ip === undefined) throw new WordError(`bad address "${word}"`)
    return { ip, where }
  },
  print: ({ ip, where }) => `${showIp(ip)}/${where.length < 0 ? 128 : where.length}`,
}

const compared = (name: string, what: string) =>
  ({
    eq: { flag: `--srh-${name}-eq`, invertible: true, value: byte, doc: `${what} is this` },
    gt: { flag: `--srh-${name}-gt`, invertible: true, value: byte, doc: `${what} is greater` },
    lt: { flag: `--srh-${name}-lt`, invertible: true, value: byte, doc: `${what} is less` },
  }) as const
const length = compared('hdr-len', 'the length field')
const left = compared('segs-left', 'segments left')
const entry = compared('last-entry', 'the last entry')

/** `eq`, `gt` and `lt` of one field share their number: the one that was said last. */
const GROUPS = [
  ['lenEq', 'lenGt', 'lenLt', 1],
  ['leftEq', 'leftGt', 'leftLt', 3],
  ['lastEq', 'lastGt', 'lastLt', 4],
] as const

type Key = (typeof GROUPS)[number][0 | 1 | 2]

function lastSaid(options: OptionsOf<OptionTable>, keys: readonly Key[]): number | undefined {
  const said = Object.keys(options).filter((key) => (keys as readonly string[]).includes(key))
  const given = said.at(-1)
  return given === undefined ? undefined : (options[given]!.value as number)
}

/** The kernel compares the tag's bytes with a number in the machine's own order, and here that is little-endian. */
const swapped = (tag: number): number => ((tag & 255) << 8) | (tag >> 8)

const TABLE = {
  next: { flag: '--srh-next-hdr', invertible: true, value: byte, doc: 'the header behind it' },
  lenEq: length.eq,
  lenGt: length.gt,
  lenLt: length.lt,
  leftEq: left.eq,
  leftGt: left.gt,
  leftLt: left.lt,
  lastEq: entry.eq,
  lastGt: entry.gt,
  lastLt: entry.lt,
  tag: { flag: '--srh-tag', invertible: true, value: integer(0xffff, 'tag'), doc: 'the tag, its bytes swapped' },
  psid: { flag: '--srh-psid', invertible: true, value: sid, doc: 'the segment before the active one' },
  nsid: { flag: '--srh-nsid', invertible: true, value: sid, doc: 'the segment behind the active one' },
  lsid: { flag: '--srh-lsid', invertible: true, value: sid, doc: 'the last segment' },
} as const

export const srh = defineMatch({
  name: 'srh',
  families: [6],
  options: TABLE,
  listed: [
    [
      /srh((?: (?:next-hdr|hdr-len-(?:eq|gt|lt)|segs-left-(?:eq|gt|lt)|last-entry-(?:eq|gt|lt)|tag):!?\d+| [pnl]sid !? ?[\da-f:.]+\/\d+)*)/y,
      (_, words = '') =>
        words
          .replace(/ ([a-z-]+):(!?)(\d+)/g, (_, name, not, value) => `${not ? ' !' : ''} --srh-${name} ${value}`)
          .replace(/ ([pnl]sid) (!?) ?(\S+)/g, (_, name, not, value) => `${not ? ' !' : ''} --srh-${name} ${value}`),
    ],
  ],
  doc: {
    summary: 'Matches the segment routing header of IPv6 (RFC 8754).',
    notes: [
      'A packet without one never matches.',
      '-eq, -gt and -lt of one field share one number: the last that was given.',
      'The tag is compared as a little-endian machine does it: with its two bytes swapped.',
    ],
    kernel: 'net/ipv6/netfilter/ip6t_srh.c: srh1_mt6',
  },
  print(options) {
    const words: string[] = []
    const add = (given: Given<unknown> | undefined, flag: string, value: string) => {
      if (given) words.push(`${given.inverted ? '! ' : ''}${flag} ${value}`)
    }
    add(options.next, '--srh-next-hdr', `${options.next?.value}`)
    for (const [eq, gt, lt] of GROUPS)
      for (const key of [eq, gt, lt]) add(options[key], TABLE[key].flag, `${lastSaid(options, [eq, gt, lt])}`)
    add(options.tag, '--srh-tag', `${options.tag?.value}`)
    for (const key of ['psid', 'nsid', 'lsid'] as const)
      if (options[key]) add(options[key], TABLE[key].flag, sid.print(options[key].value))
    return words.join(' ')
  },
  /** The words of iptables-save with colons, `!` behind them. */
  list: (_, { saved }) =>
    ` srh${` ${saved()}`
      .replace(/( !)? --srh-([pnl]sid) (\S+)/g, (_, not, name, value) => ` ${name} ${not ? '!' : ''} ${value}`)
      .replace(/( !)? --srh-([a-z-]+) (\S+)/g, (_, not, name, value) => ` ${name}:${not ? '!' : ''}${value}`)
      .trimEnd()}`,
  lower(options) {
    const { next, tag, psid, nsid, lsid } = options
    const parts: Condition[] = [...isThere()]
    const ask = (given: Given<unknown> | undefined, condition: () => Condition) => {
      if (given) parts.push(invertedIf(given.inverted, condition()))
    }
    ask(next, () => equals(headerField(ROUTING, 0), next!.value))
    for (const [eq, gt, lt, at] of GROUPS) {
      const number = lastSaid(options, [eq, gt, lt]) ?? 0
      const field = headerField(ROUTING, at)
      ask(options[eq], () => equals(field, number))
      ask(options[gt], () => within(field, number + 1, 255))
      ask(options[lt], () => within(field, 0, number - 1))
    }
    ask(tag, () => equals(headerField(ROUTING, 6, 2), swapped(tag!.value)))
    for (const [given, which] of [
      [psid, 'previous'],
      [nsid, 'next'],
      [lsid, 'last'],
    ] as const) {
      // biome-ignore format: a table
      if (!given) continue
      const address = probed({ find: 'segment', which })
      parts.push(inRanges(address, [[0n, (1n << 128n) - 1n]])) // without such a segment nothing matches
      parts.push(invertedIf(given.inverted, addressIn(address, given.value.where)))
    }
    return all(...parts)
  },
})

const within = (field: Value, from: number, to: number): Condition => ({
  is: 'in',
  value: field,
  ranges: from <= to ? [[from, to]] : [],
})

/** A whole header of type 4 that has no more segments left than it has; nothing is dropped on the way to it. */
function isThere(): readonly Condition[] {
  const [, there] = headerIsThere(ROUTING, 8, true)
  const more = probed({ find: 'segments-sound' })
  return [there!, equals(headerField(ROUTING, 2), SEGMENT_ROUTING), equals(more, THERE)]
}
