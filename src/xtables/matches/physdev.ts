import { all, type Condition, equals, inRanges, invertedIf } from '../../rules/condition.js'
import { flag } from '../codec.js'
import type { Given } from '../extension.js'
import { interfaceName, interfaceRanges } from '../interface.js'
import { defineMatch } from '../match.js'

export const physdev = defineMatch({
  name: 'physdev',
  families: [4, 6],
  needsOption: true,
  // what leaves through a bridge is not known yet where a local packet is looked at
  chains: ({ out, isOut, isBridged }) =>
    (out || isOut) && (!isBridged || isBridged.inverted)
      ? ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING']
      : undefined,
  options: {
    isIn: { flag: '--physdev-is-in', invertible: true, value: flag, doc: 'it came in through a bridge port' },
    in: { flag: '--physdev-in', invertible: true, value: interfaceName, doc: 'the bridge port it came in through' },
    isOut: { flag: '--physdev-is-out', invertible: true, value: flag, doc: 'it leaves through a bridge port' },
    out: { flag: '--physdev-out', invertible: true, value: interfaceName, doc: 'the bridge port it leaves through' },
    isBridged: { flag: '--physdev-is-bridged', invertible: true, value: flag, doc: 'it is bridged, not routed' },
  },
  listed: [
    [/PHYSDEV match((?:\s+(?:! )?--physdev-(?:is-in|is-out|is-bridged|(?:in|out) \S+))+)/y, (_, words = '') => words],
  ],
  doc: {
    summary: 'Matches the ports of a bridge (with br_netfilter).',
    notes: ['A packet that crosses no bridge matches only by inverted options.'],
    kernel: 'net/netfilter/xt_physdev.c: physdev_mt',
  },
  list: (_, { saved }) => ` PHYSDEV match ${saved()}`,
  lower({ in: input, isIn, out, isOut, isBridged }) {
    const parts: Condition[] = []
    const there = (field: 'meta.physiifname' | 'meta.physoifname') => inRanges(field, [[1n, (1n << 128n) - 1n]])
    const name = (given: Given<string> | undefined, field: 'meta.physiifname' | 'meta.physoifname') =>
      given && parts.push(invertedIf(given.inverted, inRanges(field, interfaceRanges(given.value))))
    if (isBridged) parts.push(invertedIf(isBridged.inverted, equals('meta.bridged', 1)))
    if (isIn) parts.push(invertedIf(isIn.inverted, there('meta.physiifname')))
    if (isOut) parts.push(invertedIf(isOut.inverted, there('meta.physoifname')))
    name(input, 'meta.physiifname')
    name(out, 'meta.physoifname')
    return all(...parts)
  },
})
