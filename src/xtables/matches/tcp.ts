import { THERE } from '../../packet/probe.js'
import { all, type Condition, dropIf, equals, invertedIf, masked, probed, readable } from '../../rules/condition.js'
import { type Codec, integer, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { listedPorts } from '../list-words.js'
import { defineMatch } from '../match.js'
import { type FlagTest, native, PORT_OPTIONS, portConditions, printPorts } from '../port-options.js'

const FLAGS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const
const ALL = 63

function flagBits(word: string): number {
  if (word.toUpperCase() === 'ALL') return ALL
  if (word.toUpperCase() === 'NONE') return 0
  return word.split(',').reduce((bits, name) => {
    const bit = FLAGS[name.toUpperCase() as keyof typeof FLAGS]
    if (bit === undefined) throw new WordError(`unknown TCP flag "${name}"`)
    return bits | bit
  }, 0)
}

const printFlags = (bits: number): string =>
  bits === 0
    ? 'NONE'
    : Object.entries(FLAGS)
        .filter(([, bit]) => bits & bit)
        .map(([name]) => name)
        .join(',')

const tcpFlags: Codec<FlagTest> = {
  words: 2,
  metavar: 'mask comp',
  parse(text) {
    const [mask = '', set = ''] = text.split(' ')
    return { mask: flagBits(mask), set: flagBits(set) }
  },
  print: ({ mask, set }) => `${printFlags(mask)} ${printFlags(set)}`,
}

const syn: Codec<FlagTest> = { words: 0, metavar: '', parse: () => ({ mask: 0x17, set: 2 }), print: () => '' }

const byte = (bits: number): string => `0x${bits.toString(16).toUpperCase().padStart(2, '0')}`

function listedFlags(given: Given<FlagTest> | undefined, numeric: boolean): string {
  if (!given) return ''
  const { value, inverted } = given
  const { mask, set } = value
  if (mask === 0 && !inverted) return ''
  const show = numeric ? byte : listedNames
  return ` flags:${inverted ? '!' : ''}${show(mask)}/${show(set)}`
}

const listedNames = (bits: number): string =>
  Object.entries(FLAGS)
    .filter(([, bit]) => bits & bit)
    .map(([name]) => name)
    .join(',') || 'NONE'

export const tcp = defineMatch({
  name: 'tcp',
  families: [4, 6],
  protocols: [6],
  impliedBy: [6],
  plainWords: true,
  options: {
    ...PORT_OPTIONS,
    option: {
      flag: '--tcp-option',
      invertible: true,
      value: integer(255, 'TCP option', 1),
      doc: 'this TCP option is there',
    },
    flags: { flag: '--tcp-flags', invertible: true, value: tcpFlags, doc: 'of these flags exactly those are set' },
    syn: {
      flag: '--syn',
      invertible: true,
      value: syn,
      doc: 'a connection is asked for: --tcp-flags SYN,RST,ACK,FIN SYN',
    },
  },
  listed: [
    [
      /tcp(?: spts?:(!?)(\S+))?(?: dpts?:(!?)(\S+))?(?: option=(!?)(\d+))?(?: flags:(!?)(0x[\dA-F]+)\/(0x[\dA-F]+))?(?= |$)/iy,
      (_, notSport, sport, notDport, dport, notOption, option, notFlags, mask, set) => {
        const one = (not: string | undefined, flag: string, value: string | undefined) =>
          value ? ` ${not ? '! ' : ''}${flag} ${value}` : ''
        const flags = mask && set ? tcpFlags.print({ mask: Number(mask), set: Number(set) }) : undefined
        return `${one(notSport, '--sport', sport)}${one(notDport, '--dport', dport)}${one(notOption, '--tcp-option', option)}${one(notFlags, '--tcp-flags', flags)}`
      },
    ],
  ],
  doc: {
    summary: 'Matches TCP ports, flags and options.',
    notes: [
      'Later fragments never match; one that begins 8 bytes in is dropped on the spot.',
      'So is a packet whose TCP header is cut off.',
    ],
    kernel: 'net/netfilter/xt_tcpudp.c: tcp_mt',
  },
  check: ({ flags, syn }) => (flags && syn ? '--tcp-flags and --syn exclude each other' : undefined),
  print({ sport, dport, option, flags, syn }) {
    const words = printPorts(sport, dport)
    if (option) words.push(`${option.inverted ? '! ' : ''}--tcp-option ${option.value}`)
    const test = flags ?? syn
    // what asks for no flag gets lost, although a value without a mask never matches
    if (test && (test.value.mask !== 0 || test.inverted))
      words.push(`${test.inverted ? '! ' : ''}--tcp-flags ${tcpFlags.print(test.value)}`)
    return words.join(' ')
  },
  list({ sport, dport, option, flags, syn }, { numeric }) {
    const ports = listedPorts('spt', sport, 'tcp', numeric) + listedPorts('dpt', dport, 'tcp', numeric)
    const kind = option ? ` option=${option.inverted ? '!' : ''}${option.value}` : ''
    return ` tcp${ports}${kind}${listedFlags(flags ?? syn, numeric)}`
  },
  lower({ sport, dport, option, flags, syn }, { family, backend }) {
    const test = flags ?? syn
    const parts: Condition[] = [...portConditions(sport, dport)]
    if (test) parts.push(invertedIf(test.inverted, equals(masked('tcp.flags', test.value.mask), test.value.set)))
    if (backend === 'nft' && !option && parts.length > 0) return native(sport, dport, test, family)
    if (option) {
      const there = equals(probed({ find: 'tcp-option', kind: option.value }), THERE)
      parts.push(readable('tcp.header'), invertedIf(option.inverted, there))
    }
    // the offset is in units of 8 bytes for IPv4 only: ip6_packet_match hands over bytes, which are never 1
    const evil = family === 4 ? [dropIf(equals('frag.offset', 1))] : []
    return all(...evil, equals('frag.offset', 0), readable('tcp.urgent'), ...parts)
  },
})
