import type { Family } from '../../address/ip.js'
import { firstOf, lastOf, type Prefix } from '../../address/prefix.js'
import { CT_STATE, CT_STATUS } from '../../packet/fields.js'
import { protocolNumber } from '../../packet/protocol-names.js'
import { all, anyBit, type Condition, equals, inRanges, invertedIf } from '../../rules/condition.js'
import type { Value } from '../../rules/value.js'
import { parseAddressMask, printAddressMask } from '../address-mask.js'
import { type Codec, keyword, nameSet, numberRange, portRange, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

/** What --ctstate knows, in the order in which it is printed; SNAT and DNAT are status bits in disguise (XT_CONNTRACK_STATE_SNAT, _DNAT). */
const STATES = {
  INVALID: CT_STATE.INVALID,
  NEW: CT_STATE.NEW,
  RELATED: CT_STATE.RELATED,
  ESTABLISHED: CT_STATE.ESTABLISHED,
  UNTRACKED: CT_STATE.UNTRACKED,
  SNAT: 128,
  DNAT: 256,
} as const
const STATUS = {
  NONE: 1 << 30,
  EXPECTED: CT_STATUS.EXPECTED,
  SEEN_REPLY: CT_STATUS.SEEN_REPLY,
  ASSURED: CT_STATUS.ASSURED,
  CONFIRMED: CT_STATUS.CONFIRMED,
} as const
const REAL = CT_STATE.INVALID | CT_STATE.NEW | CT_STATE.RELATED | CT_STATE.ESTABLISHED | CT_STATE.UNTRACKED

const prefix: Codec<Prefix & { readonly mask: Prefix['ip'] }> = {
  words: 1,
  metavar: 'address[/mask]',
  parse(word) {
    const parsed = parseAddressMask(word)
    if (!parsed) throw new WordError(`bad address "${word}"`)
    return parsed
  },
  print: printAddressMask,
}

const protocol: Codec<number> = {
  words: 1,
  metavar: 'protocol',
  parse(word) {
    const value = protocolNumber(word)
    if (value === undefined) throw new WordError(`unknown protocol "${word}"`)
    return value
  },
  print: String,
}

/** xt_conntrack.c: conntrack_mt: one state bit for the packet; DNAT and SNAT count beside it. */
function stateCondition(bits: number): Condition {
  const real = bits & REAL
  const parts: Condition[] = real ? [anyBit('ct.state', real)] : []
  if (bits & STATES.SNAT) parts.push(anyBit('ct.status', CT_STATUS.SRC_NAT))
  if (bits & STATES.DNAT) parts.push(anyBit('ct.status', CT_STATUS.DST_NAT))
  return { is: 'any', of: parts }
}

const between = (value: Value, { ip, length }: Prefix): Condition =>
  inRanges(value, [[firstOf({ ip, length }), lastOf({ ip, length })]])

type AddressGiven = Given<Prefix & { readonly mask: Prefix['ip'] }>

const addressOf = (family: Family, end: 'original' | 'reply', side: 'saddr' | 'daddr'): Value =>
  (family === 4 ? `ct.${end}.${side}` : `ct.${end}.${side}6`) as Value

export const conntrack = defineMatch({
  name: 'conntrack',
  families: [4, 6],
  tracks: true,
  options: {
    state: {
      flag: '--ctstate',
      invertible: true,
      value: nameSet('connection state', STATES),
      doc: 'the connection is in one of these states',
    },
    protocol: { flag: '--ctproto', invertible: true, value: protocol, doc: 'the protocol of the connection' },
    origsrc: { flag: '--ctorigsrc', invertible: true, value: prefix, doc: 'source address of the original direction' },
    origdst: {
      flag: '--ctorigdst',
      invertible: true,
      value: prefix,
      doc: 'destination address of the original direction: before DNAT',
    },
    replsrc: { flag: '--ctreplsrc', invertible: true, value: prefix, doc: 'source address of replies' },
    repldst: { flag: '--ctrepldst', invertible: true, value: prefix, doc: 'destination address of replies' },
    origsrcport: {
      flag: '--ctorigsrcport',
      invertible: true,
      value: portRange,
      doc: 'source port of the original direction',
    },
    origdstport: {
      flag: '--ctorigdstport',
      invertible: true,
      value: portRange,
      doc: 'destination port of the original direction: before DNAT',
    },
    replsrcport: { flag: '--ctreplsrcport', invertible: true, value: portRange, doc: 'source port of replies' },
    repldstport: { flag: '--ctrepldstport', invertible: true, value: portRange, doc: 'destination port of replies' },
    status: {
      flag: '--ctstatus',
      invertible: true,
      value: nameSet('connection status', STATUS),
      doc: 'the connection has one of these status bits',
    },
    expire: { flag: '--ctexpire', invertible: true, value: numberRange(0xffffffff), doc: 'seconds until it expires' },
    direction: {
      flag: '--ctdir',
      value: keyword('direction', ['ORIGINAL', 'REPLY']),
      doc: 'the direction of this packet',
    },
  },
  doc: {
    summary: 'Matches what connection tracking knows of the packet.',
    notes: [
      'A packet without a connection (INVALID, UNTRACKED) matches only by --ctstate.',
      'SNAT and DNAT as states mean that the connection is translated.',
    ],
    kernel: 'net/netfilter/xt_conntrack.c: conntrack_mt',
  },
  lower(given, { family }) {
    const parts: Condition[] = []
    const {
      state,
      protocol,
      origsrc,
      origdst,
      replsrc,
      repldst,
      origsrcport,
      origdstport,
      replsrcport,
      repldstport,
      status,
      expire,
      direction,
    } = given
    if (state) parts.push(invertedIf(state.inverted, stateCondition(state.value)))
    const needsConnection = Object.keys(given).some((key) => key !== 'state')
    if (needsConnection) parts.push(inRanges('ct.direction', [[0, 1]]))
    if (direction) parts.push(equals('ct.direction', direction.value === 'ORIGINAL' ? 0 : 1))
    const address = (side: AddressGiven | undefined, end: 'original' | 'reply', which: 'saddr' | 'daddr') =>
      side && parts.push(invertedIf(side.inverted, between(addressOf(family, end, which), side.value)))
    address(origsrc, 'original', 'saddr')
    address(origdst, 'original', 'daddr')
    address(replsrc, 'reply', 'saddr')
    address(repldst, 'reply', 'daddr')
    if (protocol) parts.push(invertedIf(protocol.inverted, equals('ct.protocol', protocol.value)))
    const ports = (side: Given<readonly [number, number]> | undefined, value: Value) =>
      side && parts.push(invertedIf(side.inverted, inRanges(value, [side.value])))
    ports(origsrcport, 'ct.original.sport')
    ports(origdstport, 'ct.original.dport')
    ports(replsrcport, 'ct.reply.sport')
    ports(repldstport, 'ct.reply.dport')
    if (status) {
      const { value, inverted } = status
      parts.push(invertedIf(inverted, value & STATUS.NONE ? equals('ct.status', 0) : anyBit('ct.status', value)))
    }
    if (expire) parts.push(invertedIf(expire.inverted, inRanges('ct.expires', [expire.value])))
    return all(...parts)
  },
})
