import { ADDRESS_TYPE } from '../../packet/fields.js'
import { all, type Condition, inRanges, invertedIf } from '../../rules/condition.js'
import type { Ranges, Value } from '../../rules/value.js'
import { type Codec, flag, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { defineMatch } from '../match.js'

const types: Codec<readonly string[]> = {
  words: 1,
  metavar: 'type[,type...]',
  parse(word) {
    const names = word.split(',').map((name) => name.toUpperCase())
    const wrong = names.find((name) => !(name in ADDRESS_TYPE))
    if (wrong !== undefined)
      throw new WordError(`bad address type "${wrong}": one of ${Object.keys(ADDRESS_TYPE).join(', ')}`)
    return names
  },
  print: (names) =>
    Object.keys(ADDRESS_TYPE)
      .filter((name) => names.includes(name))
      .join(','),
}

/** addrtype_mt_checkentry_v1 refuses them. */
const NOT_IPV6: ReadonlySet<string> = new Set(['BROADCAST', 'BLACKHOLE', 'PROHIBIT', 'THROW', 'NAT', 'XRESOLVE'])

const ranges = (names: readonly string[]): Ranges =>
  names.map((name) => ADDRESS_TYPE[name as keyof typeof ADDRESS_TYPE]).map((value) => [value, value] as const)

export const addrtype = defineMatch({
  name: 'addrtype',
  families: [4, 6],
  chains: ({ limitIn, limitOut }) =>
    limitIn ? ['PREROUTING', 'INPUT', 'FORWARD'] : limitOut ? ['FORWARD', 'OUTPUT', 'POSTROUTING'] : undefined,
  options: {
    src: { flag: '--src-type', invertible: true, value: types, doc: 'the source address is of one of these types' },
    dst: {
      flag: '--dst-type',
      invertible: true,
      value: types,
      doc: 'the destination address is of one of these types',
    },
    limitIn: { flag: '--limit-iface-in', value: flag, doc: 'only the interface it came in through counts' },
    limitOut: { flag: '--limit-iface-out', value: flag, doc: 'only the interface it leaves through counts' },
  },
  listed: [
    [
      /ADDRTYPE match(?: src-type (!?)(\S+))?(?: dst-type (!?)(\S+))?(?: limit-(in|out))?/y,
      (_, notSrc, src, notDst, dst, limit) =>
        `${src ? ` ${notSrc ? '! ' : ''}--src-type ${src}` : ''}${dst ? ` ${notDst ? '! ' : ''}--dst-type ${dst}` : ''}${limit ? ` --limit-iface-${limit}` : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches what the routing tables say an address is: LOCAL, BROADCAST, UNICAST, …',
    notes: ['LOCAL means: an address of this namespace, whichever interface has it.'],
    kernel: 'net/netfilter/xt_addrtype.c: addrtype_mt_v1',
  },
  check({ src, dst, limitIn, limitOut }, { family }) {
    const wrong = family === 6 && [src, dst].flatMap((given) => given?.value ?? []).find((type) => NOT_IPV6.has(type))
    if (wrong) return `address type ${wrong} is not there for IPv6`
    if (!src && !dst) return '"addrtype" needs one of --src-type, --dst-type'
    return limitIn && limitOut ? '--limit-iface-in and --limit-iface-out exclude each other' : undefined
  },
  list({ src, dst, limitIn, limitOut }) {
    const part = (given: Given<readonly string[]> | undefined, name: string) =>
      given ? ` ${name} ${given.inverted ? '!' : ''}${types.print(given.value)}` : ''
    return ` ADDRTYPE match${part(src, 'src-type')}${part(dst, 'dst-type')}${limitIn ? ' limit-in' : ''}${limitOut ? ' limit-out' : ''}`
  },
  lower({ src, dst, limitIn, limitOut }, { family }) {
    const over = limitIn ? 'iif' : limitOut ? 'oif' : 'any'
    const part = (given: Given<readonly string[]>, of: 'saddr' | 'daddr'): Condition => {
      const type: Value = { from: 'fib', what: 'type', of, over }
      return invertedIf(
        given.inverted,
        family === 4 ? inRanges(type, ranges(given.value)) : ipv6Types(given.value, of, type),
      )
    }
    return all(...(src ? [part(src, 'saddr')] : []), ...(dst ? [part(dst, 'daddr')] : []))
  },
})

const LOOKED_UP: ReadonlySet<string> = new Set(['LOCAL', 'ANYCAST', 'UNREACHABLE'])
const LAST = (1n << 128n) - 1n
const MULTICAST = 0xffn << 120n
/** What __ipv6_addr_type does not call unicast: ::, ::ffff:0:0/96, ff00::/8. */
const UNICAST: Ranges = [
  [1n, 0xffff_0000_0000n - 1n],
  [0x1_0000_0000_0000n, MULTICAST - 1n],
]

/** IPv6 reads several types as "all of these" where they are no matter of routes (xt_addrtype.c: match_type6). */
function ipv6Types(names: readonly string[], of: 'saddr' | 'daddr', type: Value): Condition {
  const field = `ip6.${of}` as const
  const parts: Condition[] = []
  if (names.includes('MULTICAST')) parts.push(inRanges(field, [[MULTICAST, LAST]]))
  if (names.includes('UNICAST')) parts.push(inRanges(field, UNICAST))
  if (names.includes('UNSPEC')) parts.push(inRanges(field, [[0n, 0n]]))
  const looked = names.filter((name) => LOOKED_UP.has(name))
  if (looked.length > 0) parts.push(inRanges(type, ranges(looked)))
  return all(...parts)
}
