import { HEADER_BITS, HEADER_PROTOCOL } from '../../packet/probe.js'
import { all, equals, inRanges, invertedIf, masked, probed } from '../../rules/condition.js'
import { type Codec, flag, WordError } from '../codec.js'
import { defineMatch } from '../match.js'
import { parseProtocol } from '../protocol.js'

/** Names that libip6t_ipv6header.c has beside those of /etc/protocols; 255: what follows the headers. */
const NAMES: Readonly<Record<string, number>> = {
  'hop-by-hop': 0, protocol: 255, hop: 0, dst: 60, route: 43, frag: 44, auth: 51, esp: 50, none: 59, prot: 255,
} // biome-ignore format: a table

/** In the order in which they are printed, with the names that they then have. */
const PRINTED: readonly (readonly [bit: number, name: string])[] = [
  [HEADER_BITS[0], 'hop-by-hop'], [HEADER_BITS[60], 'ipv6-opts'], [HEADER_BITS[43], 'ipv6-route'], [HEADER_BITS[44], 'ipv6-frag'],
  [HEADER_BITS[51], 'ah'], [HEADER_BITS[50], 'esp'], [HEADER_BITS[59], 'ipv6-nonxt'], [HEADER_PROTOCOL, 'protocol'],
] // biome-ignore format: a table

const SMALL = /^[^A-Z]*$/
const SINGLE: ReadonlySet<number> = new Set([0, 43, 44, 50, 51, 59, 60, 255])

function bitOf(name: string): number {
  const numbered = /^\d+$/.test(name) ? Number(name) : undefined
  const number = numbered ?? NAMES[name] ?? (SMALL.test(name) ? parseProtocol(name) : undefined)
  const known = number !== undefined && SINGLE.has(number) && name !== 'all'
  if (!known) throw new WordError(`unknown header "${name}"`)
  return number === 255 ? HEADER_PROTOCOL : HEADER_BITS[number as keyof typeof HEADER_BITS]
}

const headers: Codec<number> = {
  words: 1,
  metavar: 'header,...',
  parse(word) {
    const names = word.split(',').filter((name) => name !== '')
    if (names.length === 0) throw new WordError('no header is named')
    return names.reduce((bits, name) => bits | bitOf(name), 0)
  },
  print: (bits) =>
    PRINTED.filter(([bit]) => bits & bit)
      .map(([, name]) => name)
      .join(','),
}

export const ipv6header = defineMatch({
  name: 'ipv6header',
  families: [6],
  required: ['header'],
  options: {
    header: { flag: '--header', invertible: true, value: headers, doc: 'these headers and no others' },
    soft: { flag: '--soft', value: flag, doc: 'others may be there as well' },
  },
  listed: [
    [
      /ipv6header flags:(!?)(\S+)( soft)?/y,
      (_, not, bits, soft) => `${not ? '! ' : ''}--header ${named(bits!)}${soft ? ' --soft' : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches by which IPv6 extension headers a packet has.',
    notes: [
      'A packet that ends within its headers does not match, inverted or not.',
      'With --soft, ! asks for none of the headers.',
    ],
    kernel: 'net/ipv6/netfilter/ip6t_ipv6header.c: ipv6header_mt6',
  },
  list({ header, soft }, { numeric }) {
    const { value, inverted } = header!
    const bits = numeric ? `0x${value.toString(16).toUpperCase().padStart(2, '0')}` : headers.print(value)
    return ` ipv6header flags:${inverted ? '!' : ''}${bits}${soft ? ' soft' : ''}`
  },
  lower({ header, soft }) {
    const found = probed({ find: 'headers' })
    const { value, inverted } = header!
    if (soft) return equals(masked(found, value), inverted ? 0 : value)
    return all(inRanges(found, [[0, 255]]), invertedIf(inverted, equals(found, value)))
  },
})

/** `iptables -L -n` shows the bits. */
const named = (bits: string): string => (bits.startsWith('0x') ? headers.print(Number(bits)) : bits)
