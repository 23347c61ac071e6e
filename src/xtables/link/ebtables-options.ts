import { ethertypeName, ethertypeNumber } from '../../address/ethertypes.js'
import { parseIp } from '../../address/ip.js'
import type { ArpField } from '../../packet/arp.js'
import { all, always, any, anyBit, type Condition, equals, inRanges, masked, probed } from '../../rules/condition.js'
import type { FrameChange } from '../../rules/effect.js'
import type { Step } from '../../rules/program.js'
import { addressIn } from '../address-condition.js'
import type { AddressMask } from '../address-mask.js'
import { port, unsigned, WordError } from '../codec.js'
import { interfaceName, interfaceRanges } from '../interface.js'
import { ICMP4, ICMP6, type IcmpNames } from '../matches/icmp-types.js'
import { parseProtocol, printProtocol } from '../protocol.js'
import {
  type AnyLinkOption, addressOption, bareOption, type FrameKind, inField, type LinkOption, lowerMac, type MacMask, macOption, NEVER, namedOption, numberOption, rangeOption, textOption, wordOption,
} from './option.js' // biome-ignore format: one line

const hex = (digits: number) => (value: number): string => `0x${value.toString(16).toUpperCase().padStart(digits, '0')}` // biome-ignore format: one line
const small = (digits: number) => (value: number): string => hex(digits)(value).toLowerCase() // biome-ignore format: one line
const servicePort = (word: string): number | undefined => {
  try {
    return port(word)
  } catch {
    return undefined
  }
}

/** 802.3 frames, whose ether type is a length. */
const LENGTH = -1

const protocol: LinkOption<number> = {
  flag: '-p',
  aliases: ['--protocol', '--proto'],
  invertible: true,
  parse(word) {
    if (word.toUpperCase() === 'LENGTH') return LENGTH
    // a number is in hex, with 0x or without (xtables-eb.c: do_commandeb)
    const hexed = /^(0x)?[\da-f]+$/i.test(word) ? Number.parseInt(word, 16) : undefined
    if (hexed !== undefined && hexed > 0xffff) throw new WordError('Problem with the specified protocol')
    const value = hexed ?? ethertypeNumber(word)
    if (value === undefined)
      throw new WordError(`Problem with the specified Ethernet protocol '${word}', perhaps /etc/ethertypes is missing`)
    if (value < 0x600) throw new WordError('Sorry, protocols have values above or equal to 0x0600')
    return value
  },
  print: (value) => (value === LENGTH ? 'Length' : (ethertypeName(value) ?? `0x${value.toString(16)}`)),
  lower(value, kind) {
    if (kind === 'tagged') return value === 0x8100 ? always : NEVER
    if (kind === 'other') return value === LENGTH ? inRanges('ether.type', [[0, 0x5ff]]) : equals('ether.type', value)
    return value === (kind === 4 ? 0x0800 : 0x86dd) ? always : NEVER
  },
}

const device = (flag: string, aliases: readonly string[], field: 'meta.physiifname' | 'meta.physoifname' | 'meta.iifname' | 'meta.oifname'): LinkOption<string> => ({
  flag, aliases, invertible: true, parse: interfaceName.parse, print: interfaceName.print, lower: (name) => inRanges(field, interfaceRanges(name)),
}) // biome-ignore format: long lines

/** What every rule may ask, in the order in which it is printed. */
export const BASE: readonly AnyLinkOption[] = [
  protocol,
  macOption({ flag: '-s', aliases: ['--source', '--src'] }, true, 'ether.saddr'),
  macOption({ flag: '-d', aliases: ['--destination', '--dst'] }, true, 'ether.daddr'),
  device('-i', ['--in-interface', '--in-if'], 'meta.physiifname'),
  device('-o', ['--out-interface', '--out-if'], 'meta.physoifname'),
  device('--logical-in', [], 'meta.iifname'),
  device('--logical-out', [], 'meta.oifname'),
]

interface IcmpRange {
  readonly types: readonly [number, number]
  readonly codes: readonly [number, number]
}

/** `NAME`, or `TYPE[:TYPE][/CODE[:CODE]]`. */
function icmpOption(flag: string, names: IcmpNames, family: 4 | 6): LinkOption<IcmpRange> {
  const span = (text: string): readonly [number, number] => {
    const [from, to = from, ...more] = text.split(':').map((part) => unsigned(part))
    if (from === undefined || to === undefined || more.length > 0 || to > 255 || from > to) throw new WordError(`bad ICMP type "${text}"`)
    return [from, to]
  } // biome-ignore format: long lines
  return {
    flag,
    invertible: true,
    parse(word) {
      const named = names.find(([name]) => name.toLowerCase() === word.toLowerCase())
      if (named) return { types: [named[1], named[1]], codes: [named[2], named[3]] }
      const [types = '', codes] = word.split('/')
      return { types: span(types), codes: codes === undefined ? [0, 255] : span(codes) }
    },
    print({ types, codes }) {
      const show = ([from, to]: readonly [number, number]) => (from === to ? `${from}` : `${from}:${to}`)
      const named = names.find(([, type, low, high]) => type === types[0] && type === types[1] && low === codes[0] && high === codes[1])
      if (named) return named[0]
      return `${show(types)}/${show(codes)}`
    }, // biome-ignore format: long lines
    lower: ({ types, codes }, of) =>
      of !== family
        ? NEVER
        : all(equals('meta.l4proto', family === 4 ? 1 : 58), equals('frag.offset', 0), inField('icmp.type', types), inField('icmp.code', codes)), // biome-ignore format: one line
  }
}

const ipProtocol = (flag: string, aliases: readonly string[], family: 4 | 6): LinkOption<number> => ({
  flag, aliases, invertible: true,
  parse(word) {
    const value = parseProtocol(word) ?? unsigned(word)
    if (value === undefined || value > 255) throw new WordError(`Unknown specified IP protocol - "${word}"`)
    return value
  },
  print: printProtocol,
  lower: (value, of) => (of === family ? equals('meta.l4proto', value) : NEVER),
}) // biome-ignore format: one block

const ports = (flag: string, aliases: readonly string[], field: 'th.sport' | 'th.dport', family: 4 | 6) =>
  rangeOption({ flag, aliases }, 0xffff, servicePort, (range, of) => (of === family ? all(equals('frag.offset', 0), inField(field, range)) : NEVER)) // biome-ignore format: one line

const OPCODES = { Request: 1, Reply: 2, Request_Reverse: 3, Reply_Reverse: 4, DRARP_Request: 5, DRARP_Reply: 6, DRARP_Error: 7, InARP_Request: 8, ARP_NAK: 9 } // biome-ignore format: a table
const PACKET_TYPES = { host: 0, broadcast: 1, multicast: 2, otherhost: 3, outgoing: 4, loopback: 5, fastroute: 6 }
const IGMP = { 'membership-query': 0x11, 'membership-report-v1': 0x12, 'membership-report-v2': 0x16, 'leave-group': 0x17, 'membership-report-v3': 0x22 } // biome-ignore format: a table
const LEVELS = { emerg: 0, alert: 1, crit: 2, error: 3, warning: 4, notice: 5, info: 6, debug: 7 }

interface MarkValue {
  readonly value: number
  readonly mask: number | undefined
  /** `/MASK`: any of these bits. */
  readonly any: boolean
}

const mark: LinkOption<MarkValue> = {
  flag: '--mark',
  invertible: true,
  parse(word) {
    const [value = '', mask] = word.split('/')
    const [a, b] = [value === '' ? 0 : unsigned(value), mask === undefined ? undefined : unsigned(mask)]
    if (a === undefined || (mask !== undefined && b === undefined)) throw new WordError(`Bad mark value '${word}'`)
    return { value: a, mask: b, any: value === '' }
  },
  print: ({ value, mask, any }) => `${any ? '' : `0x${value.toString(16)}`}${mask === undefined ? '' : `/0x${mask.toString(16)}`}`,
  lower: ({ value, mask, any }) => (any ? anyBit('meta.mark', mask ?? 0) : equals(mask === undefined ? 'meta.mark' : masked('meta.mark', mask), value)),
} // biome-ignore format: long lines

/** Rates as iptables has them; whether one is exceeded is not followed on a bridge. */
const limit: LinkOption<string> = {
  flag: '--limit',
  parse(word) {
    if (!/^\d+(\/(s|sec|second|m|min|minute|h|hour|d|day))?$/.test(word)) throw new WordError(`bad rate '${word}'`)
    const [count, unit = 's'] = word.split('/')
    return `${count}/${{ s: 'sec', m: 'min', h: 'hour', d: 'day' }[unit[0] as 's']}`
  },
  print: (word) => word,
}

/** net/bridge/netfilter/ebt_among.c: an address behind `=` is that of IP; `0` octets as the word has them. */
function lowerAmong(word: string, end: 's' | 'd', kind: FrameKind): Condition | undefined {
  const pairs = word.split(',').map((pair) => pair.split('='))
  if (pairs.some(([, ip]) => ip !== undefined) && kind !== 4) return undefined
  return any(
    ...pairs.map(([mac = '', ip]) => {
      const octets = mac.split(':').map((octet) => Number.parseInt(octet, 16))
      const own = equals(`ether.${end}addr`, octets.reduce((value, octet) => value * 256 + octet, 0))
      return ip === undefined ? own : all(own, equals(`ip.${end}addr`, parseIp(ip) as number))
    }),
  )
} // biome-ignore format: long lines

const among = (flag: string): LinkOption<string> => ({
  flag,
  invertible: true,
  parse(word) {
    const pairs = word.split(',').filter((pair) => pair !== '')
    if (pairs.some((pair) => !/^[\da-f]{1,2}(:[\da-f]{1,2}){5}(=\d+(\.\d+){3})?$/i.test(pair)))
      throw new WordError(`bad list of MAC addresses "${word}"`)
    const address = pairs.map((pair) => pair.split('=')[1]).find((ip) => ip !== undefined && parseIp(ip) === undefined)
    if (address !== undefined) throw new WordError(`Invalid IP address '${address}'`)
    // octets lose their zeros, and the pairs are sorted by their bytes (nft-bridge.h: nft_among_insert_pair)
    const key = (pair: string) => {
      const [mac = '', ip = '0.0.0.0'] = pair.split('=')
      return [
        ...mac.split(':').map((octet) => octet.padStart(2, '0')),
        ...ip.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0')),
      ].join('')
    }
    const plain = pairs.map((pair) => pair.toLowerCase().replace(/\b0(?=[\da-f](:|=|$))/g, ''))
    return plain.sort((a, b) => (key(a) < key(b) ? -1 : 1)).join(',')
  },
  print: (word) => word,
  lower: (word, kind) => lowerAmong(word, flag === '--among-src' ? 's' : 'd', kind),
})

interface LinkGivenValue {
  readonly value: unknown
  readonly inverted: boolean
}

const SECONDS: Readonly<Record<string, number>> = { sec: 1, min: 60, hour: 3600, day: 86400 }

/** net/bridge/netfilter/ebt_limit.c, nft's limit: a bucket as iptables has it. */
function lowerLimit(own: ReadonlyMap<string, LinkGivenValue>): Condition {
  const known = BUCKETS.get(own)
  if (known) return known
  const [count, unit] = `${own.get('--limit')?.value ?? '3/hour'}`.split('/')
  const burst = Number(own.get('--limit-burst')?.value ?? 5)
  const perPacketMs = (1000 * SECONDS[unit!]!) / Number(count)
  const text = `${count}/${unit} burst ${burst}`
  const bucket: Condition = { is: 'stateful', machine: { kind: 'bucket', perPacketMs, burst, text } }
  BUCKETS.set(own, bucket)
  return bucket
}

/** A rule has one bucket, whichever kind of frames it is lowered for. */
const BUCKETS = new WeakMap<object, Condition>()

/** A match: its options in the order in which they are printed. */
export interface LinkMatch {
  readonly name: string
  readonly options: readonly AnyLinkOption[]
  /** Something that is printed although it was not said. */
  readonly always?: readonly (readonly [flag: string, word: string])[]
  /** What all its options together ask; undefined: each for itself. */
  readonly lower?: (own: ReadonlyMap<string, LinkGivenValue>, kind: FrameKind) => Condition | undefined
  /** Options with this word are not printed. */
  readonly usual?: Readonly<Record<string, string>>
  /** It asks nothing. */
  readonly watcher?: boolean
  /** It goes with `-p` and one of these only (ebt_ip_mt_check and its like). */
  readonly protocols?: readonly number[]
  /** Options that want a protocol of IP: its option, and which. */
  readonly wants?: readonly {
    readonly flags: readonly string[]
    readonly option: string
    readonly protocols: readonly number[]
  }[]
}

/** TCP, UDP, UDP-Lite, SCTP, DCCP. */
const WITH_PORTS: readonly number[] = [6, 17, 136, 132, 33]

/** A protocol of Ethernet: by name, or as a number. */
const etherOption = (flag: string, number: (word: string) => number | undefined, print: (value: number) => string): LinkOption<number> => ({
  flag, invertible: true, print, lower: () => NEVER,
  parse(word) {
    const value = ethertypeNumber(word) ?? number(word)
    if (value === undefined || value > 0xffff) throw new WordError(`Problem with the specified protocol "${word}"`)
    return value
  },
}) // biome-ignore format: one block

/** What an ARP message says; no other frame says anything. */
const inArp = (field: ArpField) => (value: number, kind: FrameKind): Condition =>
  kind === 'other' ? equals(probed({ find: 'arp', field }), value) : NEVER // biome-ignore format: one line
const arpAddress = (flag: string, field: ArpField): LinkOption<AddressMask> => ({
  ...addressOption({ flag }, 4, undefined),
  lower: (value, kind) => (kind === 'other' ? addressIn(probed({ find: 'arp', field }), value) : NEVER),
})
const arpMac = (flag: string, field: ArpField): LinkOption<MacMask> => ({
  ...macOption({ flag }, false, undefined),
  lower: (value, kind) => (kind === 'other' ? lowerMac(probed({ find: 'arp', field }))(value) : NEVER),
})

const stp = (name: string, most: number) => rangeOption({ flag: `--stp-${name}` }, most, unsigned)
/** By name, or as a number in hex (libebt_log.c: brlog_parse). */
function logLevel(word: string): number {
  const value =
    LEVELS[word.toLowerCase() as keyof typeof LEVELS] ?? (/^(0x)?[\da-f]+$/i.test(word) ? Number.parseInt(word, 16) : 8)
  if (value > 7) throw new WordError('Problem with the log-level')
  return value
}

const LOG_BARE = ['--log-ip', '--log-arp', '--log-ip6'] as const

export const MATCHES: readonly LinkMatch[] = [
  { name: '802_3', protocols: [LENGTH], options: [numberOption({ flag: '--802_3-sap' }, 0xff, small(2), () => NEVER), numberOption({ flag: '--802_3-type' }, 0xffff, small(4), () => NEVER)] },
  { name: 'among', options: [among('--among-src'), among('--among-dst'), wordOption({ flag: '--among-dst-file' }), wordOption({ flag: '--among-src-file' })] },
  {
    name: 'arp', protocols: [0x0806, 0x8035],
    options: [
      namedOption({ flag: '--arp-op', aliases: ['--arp-opcode'] }, OPCODES, String, inArp('opcode')), { ...namedOption({ flag: '--arp-htype' }, { Ethernet: 1 }, String, inArp('htype')), print: String },
      { ...etherOption('--arp-ptype', unsigned, (value) => `0x${value.toString(16)}`), lower: inArp('ptype') },
      arpAddress('--arp-ip-src', 'spa'), arpAddress('--arp-ip-dst', 'tpa'),
      arpMac('--arp-mac-src', 'sha'), arpMac('--arp-mac-dst', 'tha'),
      { ...bareOption({ flag: '--arp-gratuitous', invertible: true }), lower: (_, kind) => (kind === 'other' ? undefined : NEVER) },
    ],
  },
  {
    name: 'ip', protocols: [0x0800],
    wants: [{ flags: ['--ip-sport', '--ip-dport'], option: '--ip-proto', protocols: WITH_PORTS }, { flags: ['--ip-icmp-type'], option: '--ip-proto', protocols: [1] }, { flags: ['--ip-igmp-type'], option: '--ip-proto', protocols: [2] }],
    options: [
      addressOption({ flag: '--ip-src', aliases: ['--ip-source'] }, 4, 'ip.saddr'), addressOption({ flag: '--ip-dst', aliases: ['--ip-destination'] }, 4, 'ip.daddr'),
      numberOption({ flag: '--ip-tos' }, 0xff, hex(2), (value, family) => (family === 4 ? equals('ip.tos', value) : NEVER)), ipProtocol('--ip-proto', ['--ip-protocol'], 4),
      ports('--ip-sport', ['--ip-source-port'], 'th.sport', 4), ports('--ip-dport', ['--ip-destination-port'], 'th.dport', 4), icmpOption('--ip-icmp-type', ICMP4, 4),
      namedOption({ flag: '--ip-igmp-type' }, IGMP, String),
    ],
  },
  {
    name: 'ip6', protocols: [0x86dd],
    wants: [{ flags: ['--ip6-sport', '--ip6-dport'], option: '--ip6-proto', protocols: WITH_PORTS }, { flags: ['--ip6-icmp-type'], option: '--ip6-proto', protocols: [58] }],
    options: [
      addressOption({ flag: '--ip6-src', aliases: ['--ip6-source'] }, 6, 'ip6.saddr'), addressOption({ flag: '--ip6-dst', aliases: ['--ip6-destination'] }, 6, 'ip6.daddr'),
      numberOption({ flag: '--ip6-tclass' }, 0xff, hex(2), (value, family) => (family === 6 ? equals('ip.tos', value) : NEVER)), ipProtocol('--ip6-proto', ['--ip6-protocol'], 6),
      ports('--ip6-sport', ['--ip6-source-port'], 'th.sport', 6), ports('--ip6-dport', ['--ip6-destination-port'], 'th.dport', 6), icmpOption('--ip6-icmp-type', ICMP6, 6),
    ],
  },
  { name: 'limit', lower: lowerLimit, options: [limit, numberOption({ flag: '--limit-burst', invertible: false }, 10000, String)], always: [['--limit-burst', '5']] },
  { name: 'mark', options: [mark] },
  { name: 'pkttype', options: [namedOption({ flag: '--pkttype-type' }, PACKET_TYPES, String, (value) => equals('meta.pkttype', value))] },
  {
    name: 'stp', lower: (_, kind) => (kind === 4 || kind === 6 ? NEVER : undefined),
    options: [
      namedOption({ flag: '--stp-type' }, { config: 0, tcn: 0x80 }, String), namedOption({ flag: '--stp-flags' }, { 'topology-change': 1, 'topology-change-ack': 0x80 }, String),
      stp('root-prio', 0xffff), macOption({ flag: '--stp-root-addr' }, false, undefined), stp('root-cost', 0xffffffff), stp('sender-prio', 0xffff),
      macOption({ flag: '--stp-sender-addr' }, false, undefined), stp('port', 0xffff), stp('msg-age', 0xffff), stp('max-age', 0xffff), stp('hello-time', 0xffff), stp('forward-delay', 0xffff),
    ],
  },
  {
    name: 'vlan', protocols: [0x8100],
    options: [
      numberOption({ flag: '--vlan-id' }, 4094, String, () => NEVER), numberOption({ flag: '--vlan-prio' }, 7, String, () => NEVER),
      etherOption('--vlan-encap', (word) => (/^(0x)?[\da-f]{1,4}$/i.test(word) ? Number.parseInt(word.replace(/^0x/i, ''), 16) : undefined), (value) => hex(4)(value).slice(2)),
    ],
  },
  {
    name: 'log', watcher: true,
    options: [bareOption({ flag: '--log' }), { ...namedOption({ flag: '--log-level', invertible: false }, LEVELS, String), parse: logLevel }, textOption({ flag: '--log-prefix' }, 29), ...LOG_BARE.map((flag) => bareOption({ flag }))],
    always: [['--log-level', 'notice']],
  },
  {
    name: 'nflog', watcher: true,
    options: [
      bareOption({ flag: '--nflog' }), textOption({ flag: '--nflog-prefix' }, 63), numberOption({ flag: '--nflog-group', invertible: false }, 0xffff, String),
      numberOption({ flag: '--nflog-range', invertible: false }, 0xffffffff, String), numberOption({ flag: '--nflog-threshold', invertible: false }, 0xffff, String),
    ],
    always: [['--nflog-group', '1']], usual: { '--nflog-threshold': '1' },
  },
] // biome-ignore format: a table

const VERDICTS = ['ACCEPT', 'DROP', 'CONTINUE', 'RETURN']
const then = (flag: string, allowed = VERDICTS): LinkOption<string> => ({
  flag,
  parse(word) {
    if (!allowed.includes(word)) throw new WordError(`"${word}": one of ${allowed.join(', ')}`)
    return word
  },
  print: (word) => word,
})
const markSet = (flag: string, aliases: readonly string[] = []): LinkOption<number> =>
  numberOption({ flag, aliases, invertible: false }, 0xffffffff, (value) => `0x${value.toString(16)}`)
const toMac = (flag: string, aliases: readonly string[]) =>
  macOption({ flag, aliases, invertible: false }, false, undefined)

/** A target: what ends it, and what is printed although it was not said. */
export interface LinkTarget {
  readonly name: string
  readonly options: readonly AnyLinkOption[]
  readonly verdict: string
  /** Where it is ACCEPT, say, and not said. */
  readonly usual: string
  /** It is printed even then. */
  readonly shown: boolean
  /** What is wrong with its options, or with the protocol that the rule asks for. */
  problem?(own: ReadonlyMap<string, LinkGivenValue>, base: ReadonlyMap<string, LinkGivenValue>): string | undefined
  /** Something that is printed although it was not said. */
  readonly always?: readonly (readonly [flag: string, word: string])[]
  /** What it does before its verdict. */
  lower(options: ReadonlyMap<string, unknown>): readonly Step[]
}

/** ebt_mark.c: ebt_mark_tg. */
function lowerMark(options: ReadonlyMap<string, unknown>): readonly Step[] {
  const set = (keep: number, xor: number): readonly Step[] => [{ do: { do: 'set', field: 'meta.mark', keep: keep >>> 0, xor: { from: 'constant', value: xor >>> 0 } } }] // biome-ignore format: one line
  const [to, or, and, xor] = ['set', 'or', 'and', 'xor'].map((how) => options.get(`--mark-${how}`) as number | undefined)
  if (to !== undefined) return set(0, to)
  if (or !== undefined) return set(~or, or)
  if (and !== undefined) return set(and, 0)
  return xor === undefined ? [] : set(0xffffffff, xor)
} // biome-ignore format: long lines

const frame = (change: FrameChange): readonly Step[] => [{ do: { do: 'frame', frame: change } }]
const macOf = (value: unknown): number => (value as MacMask | undefined)?.mac ?? 0

/** What is no request for an IPv4 address goes on, whatever the verdict (ebt_arpreply.c: ebt_arpreply_tg). */
const lowerReply = (options: ReadonlyMap<string, unknown>): readonly Step[] => [
  { if: all(inArp('opcode')(1, 'other'), inArp('hlen')(6, 'other'), inArp('ptype')(0x800, 'other'), inArp('plen')(4, 'other')) },
  ...frame({ change: 'answer-arp', mac: macOf(options.get('--arpreply-mac')) }),
] // biome-ignore format: long lines

/** libebt_snat.c, libebt_dnat.c: their final check. */
const needs = (flag: string) => (own: ReadonlyMap<string, LinkGivenValue>) =>
  own.has(flag) ? undefined : 'You must specify proper arguments'

const MARK_FLAGS = ['--mark-set', '--mark-or', '--mark-and', '--mark-xor']
/** libebt_mark.c: one of them. */
function markProblem(own: ReadonlyMap<string, LinkGivenValue>): string | undefined {
  const said = MARK_FLAGS.filter((flag) => own.has(flag))
  if (said.length === 0) return 'You must specify some option'
  return said.length > 1 ? `${said.at(-1)} cannot be used together with specific --mark option` : undefined
}

/** ebt_arpreply.c: ebt_arpreply_tg_check. */
function replyProblem(_: unknown, base: ReadonlyMap<string, LinkGivenValue>): string | undefined {
  const asked = base.get('-p')
  return asked && !asked.inverted && asked.value === 0x0806 ? undefined : 'arpreply needs -p ARP'
}

export const TARGETS: readonly LinkTarget[] = [
  { name: 'mark', options: [markSet('--mark-set', ['--set-mark']), markSet('--mark-or', ['--or-mark']), markSet('--mark-and', ['--and-mark']), markSet('--mark-xor', ['--xor-mark']), then('--mark-target')], verdict: '--mark-target', usual: 'ACCEPT', shown: true, lower: lowerMark, problem: markProblem },
  { name: 'dnat', options: [toMac('--to-dst', ['--to-destination']), then('--dnat-target')], verdict: '--dnat-target', usual: 'ACCEPT', shown: true, problem: needs('--to-dst'), lower: (options) => frame({ change: 'destination', to: macOf(options.get('--to-dst')) }) },
  { name: 'snat', options: [toMac('--to-src', ['--to-source']), bareOption({ flag: '--snat-arp' }), then('--snat-target')], verdict: '--snat-target', usual: 'ACCEPT', shown: true, problem: needs('--to-src'), lower: (options) => frame({ change: 'source', to: macOf(options.get('--to-src')), arp: options.has('--snat-arp') }) },
  { name: 'redirect', options: [then('--redirect-target')], verdict: '--redirect-target', usual: 'ACCEPT', shown: false, lower: () => frame({ change: 'to-bridge' }) },
  { name: 'arpreply', options: [toMac('--arpreply-mac', []), then('--arpreply-target')], verdict: '--arpreply-target', usual: 'DROP', shown: false, lower: lowerReply, problem: replyProblem, always: [['--arpreply-mac', '00:00:00:00:00:00']] },
] // biome-ignore format: a table
