import { masked } from '../../rules/condition.js'
import type { Effect } from '../../rules/effect.js'
import { type Codec, flag, type MarkMask, markMask, markWithMask, number } from '../codec.js'
import { listedXmark } from '../list-words.js'
import { defineTarget } from '../target.js'

const maskOnly: Codec<number> = {
  words: 1,
  metavar: 'mask',
  parse: (word) => number(word, ALL, 'mask'),
  print: (value) => `0x${value.toString(16)}`,
}
const bits: Codec<MarkMask> = { ...markWithMask, metavar: 'bits', parse: (word) => markMask(word) }
const ALL = 0xffffffff
const inverse = (mask: number) => ~mask >>> 0
const hex = (value: number) => `0x${value.toString(16)}`

function xmark(given: Readonly<Record<string, { value: unknown } | undefined>>): MarkMask | undefined {
  const value = (key: string) => given[key]?.value as MarkMask | undefined
  const mask = given['mask']?.value as number | undefined
  const [xset, set, and, or, xor] = [value('xset'), value('set'), value('and'), value('or'), value('xor')]
  if (xset) return xset
  if (set) {
    // a mask in front of --set-mark is overwritten by it
    const order = Object.keys(given)
    const counts = mask !== undefined && order.indexOf('mask') > order.indexOf('set')
    return { value: set.value, mask: counts ? mask : (set.value | set.mask) >>> 0 }
  }
  if (and) return { value: 0, mask: inverse(and.value) }
  if (or) return { value: or.value, mask: or.value }
  return xor && { value: xor.value, mask: 0 }
}

export const connmark = defineTarget({
  name: 'CONNMARK',
  families: [4, 6],
  tracks: true,
  exactlyOne: ['xset', 'set', 'and', 'or', 'xor', 'save', 'restore'],
  options: {
    xset: { flag: '--set-xmark', value: markWithMask, doc: 'zeroes the bits of the mask and xors the value in' },
    set: { flag: '--set-mark', value: markWithMask, doc: 'zeroes the bits of the mask and ors the value in' },
    and: { flag: '--and-mark', value: bits, doc: 'keeps only these bits' },
    or: { flag: '--or-mark', value: bits, doc: 'sets these bits' },
    xor: { flag: '--xor-mark', value: bits, doc: 'turns these bits over' },
    save: { flag: '--save-mark', value: flag, doc: 'copies the packet’s mark to the connection' },
    restore: { flag: '--restore-mark', value: flag, doc: 'copies the connection’s mark to the packet' },
    nfmask: { flag: '--nfmask', value: maskOnly, doc: 'bits of the packet’s mark' },
    ctmask: { flag: '--ctmask', value: maskOnly, doc: 'bits of the connection’s mark' },
    mask: { flag: '--mask', value: maskOnly, doc: 'both masks at once' },
  },
  listed: [
    [/CONNMARK (and|or|xor) (\S+)/y, (_, how, value) => `--${how}-mark ${value}`],
    [/CONNMARK x?set (\S+)/y, (_, value) => `--set-xmark ${value}`],
    [
      /CONNMARK (save|restore)(?: mask (\S+))?(?: nfmask ~?(\S+))?(?: ctmask ~?(\S+))?/y,
      (_, how, mask, nf, ct) =>
        `--${how}-mark${mask ? ` --mask ${mask}` : ''}${nf ? ` --nfmask ${nf}` : ''}${ct ? ` --ctmask ${ct}` : ''}`,
    ],
  ],
  doc: {
    summary: 'Sets the mark of the connection, or copies between it and the packet’s.',
    kernel: 'net/netfilter/xt_connmark.c: connmark_tg',
  },
  check({ nfmask, ctmask, mask, set, save, restore }) {
    if ((nfmask || ctmask || (mask && !set)) && !save && !restore) return 'masks go with --save-mark or --restore-mark'
    return mask && (nfmask || ctmask) ? '--mask excludes --nfmask and --ctmask' : undefined
  },
  print(given) {
    const set = xmark(given)
    if (set) return `--set-xmark ${markWithMask.print(set)}`
    const nf = given.mask?.value ?? given.nfmask?.value ?? ALL
    const ct = given.mask?.value ?? given.ctmask?.value ?? ALL
    return `${given.save ? '--save-mark' : '--restore-mark'} --nfmask ${hex(nf)} --ctmask ${hex(ct)}`
  },
  list(given) {
    const set = xmark(given)
    if (set) return ` CONNMARK ${listedXmark(set)}`
    const nf = given.mask?.value ?? given.nfmask?.value ?? ALL
    const ct = given.mask?.value ?? given.ctmask?.value ?? ALL
    const how = given.save ? 'save' : 'restore'
    if (nf === ct) return ` CONNMARK ${how}${nf === ALL ? '' : ` mask ${hex(nf)}`}`
    return given.save
      ? ` CONNMARK save nfmask ${hex(nf)} ctmask ~${hex(ct)}`
      : ` CONNMARK restore ctmask ${hex(ct)} nfmask ~${hex(nf)}`
  },
  lower(given): readonly Effect[] {
    const set = xmark(given)
    if (set)
      return [{ do: 'set', field: 'ct.mark', keep: inverse(set.mask), xor: { from: 'constant', value: set.value } }]
    const nf = given.mask?.value ?? given.nfmask?.value ?? ALL
    const ct = given.mask?.value ?? given.ctmask?.value ?? ALL
    if (given.save) return [{ do: 'set', field: 'ct.mark', keep: inverse(ct), xor: masked('meta.mark', nf) }]
    return [{ do: 'set', field: 'meta.mark', keep: inverse(nf), xor: masked('ct.mark', ct) }]
  },
})
