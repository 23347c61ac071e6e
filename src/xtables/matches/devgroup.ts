import { all, type Condition, equals, invertedIf, masked } from '../../rules/condition.js'
import type { MarkMask } from '../codec.js'
import type { Given } from '../extension.js'
import { listedMark } from '../list-words.js'
import { defineMatch } from '../match.js'
import { deviceGroup as group } from '../named-mark.js'

const IN = ['PREROUTING', 'INPUT', 'FORWARD']
const OUT = ['FORWARD', 'OUTPUT', 'POSTROUTING']

export const devgroup = defineMatch({
  name: 'devgroup',
  families: [4, 6],
  needsOption: true,
  chains: ({ src, dst }) => (src && dst ? ['FORWARD'] : src ? IN : OUT),
  options: {
    src: { flag: '--src-group', invertible: true, value: group, doc: 'the group of the interface it came in through' },
    dst: { flag: '--dst-group', invertible: true, value: group, doc: 'the group of the interface it leaves through' },
  },
  doc: {
    summary: 'Matches the group of an interface (ip link set … group).',
    kernel: 'net/netfilter/xt_devgroup.c: devgroup_mt',
  },
  list({ src, dst }, { numeric }) {
    const part = (given: Given<MarkMask> | undefined, name: string) =>
      given
        ? `${given.inverted ? ' !' : ''} ${name} ${numeric ? listedMark(given.value) : group.print(given.value)}`
        : ''
    return part(src, 'src-group') + part(dst, 'dst-group')
  },
  lower({ src, dst }) {
    const parts: Condition[] = []
    const add = (given: Given<MarkMask> | undefined, field: 'meta.iifgroup' | 'meta.oifgroup') =>
      given &&
      parts.push(
        invertedIf(
          given.inverted,
          equals(masked(field, given.value.mask), (given.value.value & given.value.mask) >>> 0),
        ),
      )
    add(src, 'meta.iifgroup')
    add(dst, 'meta.oifgroup')
    return all(...parts)
  },
})
