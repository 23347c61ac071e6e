import { ethertypeName, ethertypeNumber } from '../../address/ethertypes.js'
import { parseIp } from '../../address/ip.js'
import { always, anyBit, type Condition, equals, inRanges, masked } from '../../rules/condition.js'
import { port, unsigned, WordError } from '../codec.js'
import { interfaceName, interfaceRanges } from '../interface.js'
import { ICMP4, ICMP6, type IcmpNames } from '../matches/icmp-types.js'
import { parseProtocol, printProtocol } from '../protocol.js'
import { lower8023, lowerAmong, lowerArp, lowerIp, lowerIp6, lowerStp, lowerVlan, type Own } from './lower-match.js'
import {
  type AnyLinkOption,
  addressOption,
  bareOption,
  type FrameKind,
  type LinkOption,
  macOption,
  NEVER,
  namedOption,
  numberOption,
  rangeOption,
  textOption,
} from './option.js'

const hex =
  (digits: number) =>
  (value: number): string =>
    `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`
const small =
  (digits: number) =>
  (value: number): string =>
    hex(digits)(value).toLowerCase()
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
    if (kind === 'tagged') return equals('vlan.tpid', value)
    if (kind === 'other') return value === LENGTH ? inRanges('ether.type', [[0, 0x5ff]]) : equals('ether.type', value)
    return value === (kind === 4 ? 0x0800 : 0x86dd) ? always : NEVER
  },
}

const device = (
  flag: string,
  aliases: readonly string[],
  field: 'meta.physiifname' | 'meta.physoifname' | 'meta.iifname' | 'meta.oifname',
): LinkOption<string> => ({
  flag,
  aliases,
  invertible: true,
  parse: interfaceName.parse,
  print: interfaceName.print,
  lower: (name) => inRanges(field, interfaceRanges(name)),
})

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
function icmpOption(flag: string, names: IcmpNames): LinkOption<IcmpRange> {
  const span = (text: string): readonly [number, number] => {
    const [from, to = from, ...more] = text.split(':').map((part) => unsigned(part))
    if (from === undefined || to === undefined || more.length > 0 || to > 255 || from > to)
      throw new WordError(`bad ICMP type "${text}"`)
    return [from, to]
  }
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
      const named = names.find(
        ([, type, low, high]) => type === types[0] && type === types[1] && low === codes[0] && high === codes[1],
      )
      if (named) return named[0]
      return `${show(types)}/${show(codes)}`
    },
  }
}

const ipProtocol = (flag: string, aliases: readonly string[]): LinkOption<number> => ({
  flag,
  aliases,
  invertible: true,
  parse(word) {
    const value = parseProtocol(word) ?? unsigned(word)
    if (value === undefined || value > 255) throw new WordError(`Unknown specified IP protocol - "${word}"`)
    return value
  },
  print: printProtocol,
})

const ports = (flag: string, aliases: readonly string[]) => rangeOption({ flag, aliases }, 0xffff, servicePort)

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
  print: ({ value, mask, any }) =>
    `${any ? '' : `0x${value.toString(16)}`}${mask === undefined ? '' : `/0x${mask.toString(16)}`}`,
  lower: ({ value, mask, any }) =>
    any ? anyBit('meta.mark', mask ?? 0) : equals(mask === undefined ? 'meta.mark' : masked('meta.mark', mask), value),
}

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
})

const SECONDS: Readonly<Record<string, number>> = { sec: 1, min: 60, hour: 3600, day: 86400 }

/** net/bridge/netfilter/ebt_limit.c, nft's limit: a bucket as iptables has it. */
function lowerLimit(own: Own): Condition {
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
  /** What all its options together ask; left out: each for itself. */
  readonly lower?: (own: Own, kind: FrameKind) => Condition
  /** Which of the options given the kernel keeps. */
  readonly keep?: (own: Own) => readonly string[]
  /** Options with this word are not printed. */
  readonly usual?: Readonly<Record<string, string>>
  /** Its options may be said again: the last word counts, and any `!`. */
  readonly again?: boolean
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

/** ebt_vlan.c: ebt_vlan_mt_check: with an id the priority is forgotten. */
const keepVlan = (own: Own): readonly string[] => {
  const id = own.get('--vlan-id')
  return [...own.keys()].filter((flag) => flag !== '--vlan-prio' || !id || id.value === 0)
}

/** TCP, UDP, UDP-Lite, SCTP, DCCP. */
const WITH_PORTS: readonly number[] = [6, 17, 136, 132, 33]

/** A protocol of Ethernet: by name, or as a number. */
const etherOption = (
  flag: string,
  number: (word: string) => number | undefined,
  print: (value: number) => string,
): LinkOption<number> => ({
  flag,
  invertible: true,
  print,
  parse(word) {
    const value = ethertypeNumber(word) ?? number(word)
    if (value === undefined || value > 0xffff) throw new WordError(`Problem with the specified protocol "${word}"`)
    return value
  },
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
  { name: '802_3', again: true, lower: lower8023, protocols: [LENGTH], options: [numberOption({ flag: '--802_3-sap' }, 0xff, small(2)), numberOption({ flag: '--802_3-type' }, 0xffff, small(4))] },
  { name: 'among', lower: lowerAmong, options: [among('--among-src'), among('--among-dst')] },
  {
    name: 'arp', lower: lowerArp, protocols: [0x0806, 0x8035],
    options: [
      namedOption({ flag: '--arp-op', aliases: ['--arp-opcode'] }, OPCODES, String), { ...namedOption({ flag: '--arp-htype' }, { Ethernet: 1 }, String), print: String },
      etherOption('--arp-ptype', unsigned, (value) => `0x${value.toString(16)}`), addressOption({ flag: '--arp-ip-src' }, 4, undefined), addressOption({ flag: '--arp-ip-dst' }, 4, undefined),
      macOption({ flag: '--arp-mac-src' }, false, undefined), macOption({ flag: '--arp-mac-dst' }, false, undefined), bareOption({ flag: '--arp-gratuitous', invertible: true }),
    ],
  },
  {
    name: 'ip', again: true, lower: lowerIp, protocols: [0x0800],
    wants: [{ flags: ['--ip-sport', '--ip-dport'], option: '--ip-proto', protocols: WITH_PORTS }, { flags: ['--ip-icmp-type'], option: '--ip-proto', protocols: [1] }, { flags: ['--ip-igmp-type'], option: '--ip-proto', protocols: [2] }],
    options: [
      addressOption({ flag: '--ip-src', aliases: ['--ip-source'] }, 4, undefined), addressOption({ flag: '--ip-dst', aliases: ['--ip-destination'] }, 4, undefined),
      numberOption({ flag: '--ip-tos' }, 0xff, hex(2)), ipProtocol('--ip-proto', ['--ip-protocol']),
      ports('--ip-sport', ['--ip-source-port']), ports('--ip-dport', ['--ip-destination-port']), icmpOption('--ip-icmp-type', ICMP4), namedOption({ flag: '--ip-igmp-type' }, IGMP, String),
    ],
  },
  {
    name: 'ip6', again: true, lower: lowerIp6, protocols: [0x86dd],
    wants: [{ flags: ['--ip6-sport', '--ip6-dport'], option: '--ip6-proto', protocols: WITH_PORTS }, { flags: ['--ip6-icmp-type'], option: '--ip6-proto', protocols: [58] }],
    options: [
      addressOption({ flag: '--ip6-src', aliases: ['--ip6-source'] }, 6, undefined), addressOption({ flag: '--ip6-dst', aliases: ['--ip6-destination'] }, 6, undefined),
      numberOption({ flag: '--ip6-tclass' }, 0xff, hex(2)), ipProtocol('--ip6-proto', ['--ip6-protocol']),
      ports('--ip6-sport', ['--ip6-source-port']), ports('--ip6-dport', ['--ip6-destination-port']), icmpOption('--ip6-icmp-type', ICMP6),
    ],
  },
  { name: 'limit', lower: lowerLimit, options: [limit, numberOption({ flag: '--limit-burst', invertible: false }, 10000, String)], always: [['--limit-burst', '5']] },
  { name: 'mark', again: true, options: [mark] },
  { name: 'pkttype', again: true, options: [namedOption({ flag: '--pkttype-type' }, PACKET_TYPES, String, (value) => equals('meta.pkttype', value))] },
  {
    name: 'stp', lower: lowerStp,
    options: [
      namedOption({ flag: '--stp-type' }, { config: 0, tcn: 0x80 }, String), namedOption({ flag: '--stp-flags' }, { 'topology-change': 1, 'topology-change-ack': 0x80 }, String),
      stp('root-prio', 0xffff), macOption({ flag: '--stp-root-addr' }, false, undefined), stp('root-cost', 0xffffffff), stp('sender-prio', 0xffff),
      macOption({ flag: '--stp-sender-addr' }, false, undefined), stp('port', 0xffff), stp('msg-age', 0xffff), stp('max-age', 0xffff), stp('hello-time', 0xffff), stp('forward-delay', 0xffff),
    ],
  },
  {
    name: 'vlan', lower: lowerVlan, protocols: [0x8100], keep: keepVlan,
    options: [
      numberOption({ flag: '--vlan-id' }, 4094, String), numberOption({ flag: '--vlan-prio' }, 7, String),
      etherOption('--vlan-encap', (word) => (/^(0x)?[\da-f]{1,4}$/i.test(word) ? Number.parseInt(word.replace(/^0x/i, ''), 16) : undefined), (value) => hex(4)(value).slice(2)),
    ],
  },
  {
    name: 'log', watcher: true, again: true,
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
