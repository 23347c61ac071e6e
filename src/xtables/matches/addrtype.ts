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

const ranges = (names: readonly string[]): Ranges =>
  names.map((name) => ADDRESS_TYPE[name as keyof typeof ADDRESS_TYPE]).map((value) => [value, value] as const)

export const addrtype = defineMatch({
  name: 'addrtype',
  families: [4, 6],
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
  doc: {
    summary: 'Matches what the routing tables say an address is: LOCAL, BROADCAST, UNICAST, …',
    notes: ['LOCAL means: an address of this namespace, whichever interface has it.'],
    kernel: 'net/netfilter/xt_addrtype.c: addrtype_mt_v1',
  },
  check({ src, dst, limitIn, limitOut }) {
    if (!src && !dst) return '"addrtype" needs one of --src-type, --dst-type'
    return limitIn && limitOut ? '--limit-iface-in and --limit-iface-out exclude each other' : undefined
  },
  lower({ src, dst, limitIn, limitOut }) {
    const over = limitIn ? 'iif' : limitOut ? 'oif' : 'any'
    const type = (of: 'saddr' | 'daddr'): Value => ({ from: 'fib', what: 'type', of, over })
    const part = (given: Given<readonly string[]>, of: 'saddr' | 'daddr'): Condition =>
      invertedIf(given.inverted, inRanges(type(of), ranges(given.value)))
    return all(...(src ? [part(src, 'saddr')] : []), ...(dst ? [part(dst, 'daddr')] : []))
  },
})
