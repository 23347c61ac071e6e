import { type Family, familyOf } from '../../address/ip.js'
import { CT_STATE, CT_STATUS } from '../../packet/fields.js'
import { all, any, anyBit, type Condition, equals, inRanges, invertedIf, not } from '../../rules/condition.js'
import type { Value } from '../../rules/value.js'
import { addressIn } from '../address-condition.js'
import { type Codec, keyword, nameSet, numberRange, portRange, rangesOf, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { type HostMask, hostMask } from '../host-mask.js'
import { defineMatch } from '../match.js'
import { parseProtocol } from '../protocol.js'

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

const protocol: Codec<number> = {
  words: 1,
  metavar: 'protocol',
  parse(word) {
    const value = parseProtocol(word)
    if (value === undefined) throw new WordError(`unknown protocol "${word}"`)
    return value
  },
  print: String,
}

const names = nameSet('connection status', STATUS)
/** NONE stands for no bit at all: it is seen only where it stands alone. */
const status: Codec<number> = {
  ...names,
  parse(word) {
    const bits = names.parse(word)
    return bits & ~STATUS.NONE || STATUS.NONE
  },
}

/** xt_conntrack.c: conntrack_mt: one state bit for the packet; DNAT and SNAT count beside it. */
function stateCondition(bits: number): Condition {
  const real = bits & REAL
  const parts: Condition[] = real ? [anyBit('ct.state', real)] : []
  if (bits & STATES.SNAT) parts.push(anyBit('ct.status', CT_STATUS.SRC_NAT))
  if (bits & STATES.DNAT) parts.push(anyBit('ct.status', CT_STATUS.DST_NAT))
  return { is: 'any', of: parts }
}

type AddressGiven = Given<HostMask>

const addressOf = (family: Family, end: 'original' | 'reply', side: 'saddr' | 'daddr'): Value =>
  (family === 4 ? `ct.${end}.${side}` : `ct.${end}.${side}6`) as Value

export const conntrack = defineMatch({
  name: 'conntrack',
  families: [4, 6],
  tracks: true,
  needsOption: true,
  options: {
    state: {
      flag: '--ctstate',
      invertible: true,
      value: nameSet('connection state', STATES),
      doc: 'the connection is in one of these states',
    },
    protocol: { flag: '--ctproto', invertible: true, value: protocol, doc: 'the protocol of the connection' },
    origsrc: {
      flag: '--ctorigsrc',
      invertible: true,
      value: hostMask,
      doc: 'source address of the original direction',
    },
    origdst: {
      flag: '--ctorigdst',
      invertible: true,
      value: hostMask,
      doc: 'destination address of the original direction: before DNAT',
    },
    replsrc: { flag: '--ctreplsrc', invertible: true, value: hostMask, doc: 'source address of replies' },
    repldst: { flag: '--ctrepldst', invertible: true, value: hostMask, doc: 'destination address of replies' },
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
      value: status,
      doc: 'the connection has one of these status bits',
    },
    expire: { flag: '--ctexpire', invertible: true, value: numberRange(0xffffffff), doc: 'seconds until it expires' },
    direction: {
      flag: '--ctdir',
      value: keyword('direction', ['ORIGINAL', 'REPLY'], true),
      doc: 'the direction of this packet',
    },
  },
  listed: [
    [
      /(?:(?:! )?ct(?:state|proto|(?:orig|repl)(?:src|dst)(?:port)?|status|expire|dir) \S+(?: |$))+/y,
      (all = '') => all.replaceAll('ct', '--ct').replaceAll('--ctrep--ctl', '--ctrepl'),
    ],
  ],
  doc: {
    summary: 'Matches what connection tracking knows of the packet.',
    notes: [
      'A packet without a connection (INVALID, UNTRACKED) matches only by --ctstate.',
      'SNAT and DNAT as states mean that the connection is translated.',
    ],
    kernel: 'net/netfilter/xt_conntrack.c: conntrack_mt',
  },
  check: ({ origsrc, origdst, replsrc, repldst }, { family }) =>
    [origsrc, origdst, replsrc, repldst].some((given) => given && familyOf(given.value.ip) !== family)
      ? 'an address is of the other family'
      : undefined,
  list: (_, { saved }) => ` ${saved().replaceAll('--ct', 'ct')}`,
  lower(given, { family }) {
    const { state } = given
    const connection = inRanges('ct.direction', [[0, 1]])
    const rest = ofConnection(given, family)
    if (!state) return all(connection, ...rest)
    const inState = invertedIf(state.inverted, stateCondition(state.value))
    // without a connection the state alone decides, whatever else is asked
    return rest.length === 0 ? inState : all(inState, any(not(connection), all(...rest)))
  },
})

type Options = Parameters<NonNullable<typeof conntrack.check>>[0]

/** What is asked of the connection itself, in the kernel's order. */
function ofConnection(given: Options, family: Family): readonly Condition[] {
  const parts: Condition[] = []
  const { direction, protocol, status, expire } = given
  const address = (side: AddressGiven | undefined, end: 'original' | 'reply', which: 'saddr' | 'daddr') =>
    side && parts.push(invertedIf(side.inverted, addressIn(addressOf(family, end, which), side.value.where)))
  const ports = (side: Given<readonly [number, number]> | undefined, value: Value) =>
    side && parts.push(invertedIf(side.inverted, inRanges(value, [side.value])))
  if (direction) parts.push(equals('ct.direction', direction.value === 'ORIGINAL' ? 0 : 1))
  address(given.origsrc, 'original', 'saddr')
  address(given.origdst, 'original', 'daddr')
  address(given.replsrc, 'reply', 'saddr')
  address(given.repldst, 'reply', 'daddr')
  if (protocol) parts.push(invertedIf(protocol.inverted, equals('ct.protocol', protocol.value)))
  ports(given.origsrcport, 'ct.original.sport')
  ports(given.origdstport, 'ct.original.dport')
  ports(given.replsrcport, 'ct.reply.sport')
  ports(given.repldstport, 'ct.reply.dport')
  // --ctstatus NONE is a mask without bits: no connection has one of them
  if (status) parts.push(invertedIf(status.inverted, anyBit('ct.status', status.value & ~STATUS.NONE)))
  if (expire) parts.push(invertedIf(expire.inverted, inRanges('ct.expires', rangesOf(expire.value))))
  return parts
}
