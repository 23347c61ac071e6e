import { all, any, type Condition, equals, inRanges, invertedIf, not } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** PACKET_* of <linux/if_packet.h>. */
const TYPES: Readonly<Record<string, number>> = { unicast: 0, broadcast: 1, multicast: 2, otherhost: 3 }
const ALIASES: Readonly<Record<string, number>> = { host: 0, bcast: 1, mcast: 2 }
const LOOPBACK = 5

const kind: Codec<number> = {
  words: 1,
  metavar: 'unicast|broadcast|multicast',
  parse(word) {
    const lower = word.toLowerCase()
    const value = TYPES[lower] ?? ALIASES[lower]
    if (value === undefined) throw new WordError(`unknown packet type "${word}"`)
    return value
  },
  print: (value) => Object.keys(TYPES).find((name) => TYPES[name] === value)!,
}

export const pkttype = defineMatch({
  name: 'pkttype',
  families: [4, 6],
  required: ['type'],
  options: { type: { flag: '--pkt-type', invertible: true, value: kind, doc: 'how the link layer brought it' } },
  listed: [[/PKTTYPE (!?)= (\S+)/y, (_, not, type) => `${not ? '! ' : ''}--pkt-type ${type}`]],
  doc: {
    summary: 'Matches what the link layer says: for this host, for all, for a group.',
    notes: ['What the host sends to itself as multicast or broadcast counts by its destination address.'],
    kernel: 'net/netfilter/xt_pkttype.c: pkttype_mt',
  },
  list: ({ type }) => ` PKTTYPE ${type!.inverted ? '!=' : '='} ${kind.print(type!.value)}`,
  lower({ type }, { family }) {
    const group: Condition =
      family === 4
        ? inRanges('ip.daddr', [[0xe0000000, 0xefffffff]])
        : inRanges('ip6.daddr', [[0xffn << 120n, (1n << 128n) - 1n]])
    const looped: readonly Condition[] =
      type!.value === 2
        ? [all(equals('meta.pkttype', LOOPBACK), group)]
        : type!.value === 1
          ? [all(equals('meta.pkttype', LOOPBACK), not(group))]
          : []
    return invertedIf(type!.inverted, any(equals('meta.pkttype', type!.value), ...looped))
  },
})
