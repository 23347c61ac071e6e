import { type Codec, number } from '../codec.js'
import { defineTarget } from '../target.js'
import { type TosMask, tosMask, tosName } from '../tos-value.js'

const bits: Codec<number> = { words: 1, metavar: 'bits', parse: (word) => number(word, 0xff, 'TOS'), print: String }

interface Given<T> {
  readonly value: T
}

/** tos = (tos & ~mask) ^ value: every spelling comes down to it (xt_DSCP.c: tos_tg). */
function tosSet(given: {
  readonly set?: Given<TosMask>
  readonly and?: Given<number>
  readonly or?: Given<number>
  readonly xor?: Given<number>
}): TosMask {
  if (given.set) return given.set.value
  if (given.and) return { value: 0, mask: ~given.and.value & 0xff }
  if (given.or) return { value: given.or.value, mask: given.or.value }
  return { value: given.xor!.value, mask: 0 }
}

export const tos = defineTarget({
  name: 'TOS',
  families: [4, 6],
  tables: ['mangle'],
  exactlyOne: ['set', 'and', 'or', 'xor'],
  options: {
    set: { flag: '--set-tos', value: tosMask, doc: 'zeroes the bits of the mask and xors the value in' },
    and: { flag: '--and-tos', value: bits, doc: 'keeps only these bits' },
    or: { flag: '--or-tos', value: bits, doc: 'sets these bits' },
    xor: { flag: '--xor-tos', value: bits, doc: 'turns these bits over' },
  },
  doc: {
    summary: 'Sets the TOS field of IPv4, the traffic class of IPv6.',
    kernel: 'net/netfilter/xt_DSCP.c: tos_tg, tos_tg6',
  },
  print: (given) => `--set-tos ${tosMask.print(tosSet(given))}`,
  list(given, { numeric }) {
    const set = tosSet(given)
    if (numeric) return ` TOS set ${tosMask.print(set)}`
    const name = tosName(set)
    if (name !== undefined) return `  TOS set${name}`
    const hex = (value: number) => `0x${value.toString(16).padStart(2, '0')}`
    if (set.value === 0) return ` TOS and ${hex(~set.mask & 0xff)}`
    if (set.value === set.mask) return ` TOS or ${hex(set.value)}`
    return set.mask === 0 ? ` TOS xor ${hex(set.value)}` : ` TOS set ${tosMask.print(set)}`
  },
  lower(given) {
    const { value, mask } = tosSet(given)
    return [{ do: 'set', field: 'ip.tos', keep: ~mask & 0xff, xor: { from: 'constant', value } }]
  },
})
