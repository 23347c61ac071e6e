import type { Value } from '../../rules/value.js'
import { type Codec, type MarkMask, markMask, markWithMask } from '../codec.js'
import { listedXmark } from '../list-words.js'
import { defineTarget } from '../target.js'

const bits: Codec<MarkMask> = { ...markWithMask, metavar: 'bits', parse: (word) => ({ ...markMask(word) }) }
const ALL = 0xffffffff

/** mark = (mark & ~mask) ^ value: every spelling comes down to it (xt_MARK.c: mark_tg). */
function xmark(given: Readonly<Record<string, { value: MarkMask } | undefined>>): MarkMask {
  const { xset, set, and, or, xor } = given
  if (xset) return xset.value
  if (set) return { value: set.value.value, mask: (set.value.value | set.value.mask) >>> 0 }
  if (and) return { value: 0, mask: ~and.value.value >>> 0 }
  if (or) return { value: or.value.value, mask: or.value.value }
  return { value: xor!.value.value, mask: 0 }
}

const constant = (value: number): Value => ({ from: 'constant', value })

export const mark = defineTarget({
  name: 'MARK',
  families: [4, 6],
  exactlyOne: ['xset', 'set', 'and', 'or', 'xor'],
  options: {
    xset: { flag: '--set-xmark', value: markWithMask, doc: 'zeroes the bits of the mask and xors the value in' },
    set: { flag: '--set-mark', value: markWithMask, doc: 'zeroes the bits of the mask and ors the value in' },
    and: { flag: '--and-mark', value: bits, doc: 'keeps only these bits' },
    or: { flag: '--or-mark', value: bits, doc: 'sets these bits' },
    xor: { flag: '--xor-mark', value: bits, doc: 'turns these bits over' },
  },
  listed: [
    [
      /MARK (set|xset|and|or|xor) (\S+)/y,
      (_, how, value) =>
        how === 'xset' ? `--set-xmark ${value}` : how === 'set' ? `--set-xmark ${value}` : `--${how}-mark ${value}`,
    ],
  ],
  doc: {
    summary: 'Sets the mark of the packet.',
    notes: ['Policy routing can ask for it (ip rule fwmark); in OUTPUT of mangle the packet is routed again.'],
    kernel: 'net/netfilter/xt_mark.c: mark_tg',
  },
  print: (given) => `--set-xmark ${markWithMask.print(xmark(given))}`,
  list: (given) => ` MARK ${listedXmark(xmark(given))}`,
  lower(given) {
    const { value, mask } = xmark(given)
    return [{ do: 'set', field: 'meta.mark', keep: (~mask & ALL) >>> 0, xor: constant(value) }]
  },
})
