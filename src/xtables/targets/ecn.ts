import type { Effect } from '../../rules/effect.js'
import { flag, integer } from '../codec.js'
import { defineTarget } from '../target.js'

/** Bits of `tcp.flags`. */
const ECE = 0x40
const CWR = 0x80
/** The two lower bits of the TOS byte. */
const CODEPOINT = 3

export const ecn = defineTarget({
  name: 'ECN',
  families: [4],
  tables: ['mangle'],
  needsOption: true,
  options: {
    remove: { flag: '--ecn-tcp-remove', value: flag, doc: 'no ECN in the TCP header' },
    cwr: { flag: '--ecn-tcp-cwr', value: integer(1, 'bit'), doc: 'the CWR bit' },
    ece: { flag: '--ecn-tcp-ece', value: integer(1, 'bit'), doc: 'the ECE bit' },
    ect: { flag: '--ecn-ip-ect', value: integer(3, 'codepoint'), doc: 'the codepoint in the IPv4 header' },
  },
  doc: {
    summary:
      'Takes explicit congestion notification out of a TCP header, for paths that cannot bear it. The packet goes on.',
    kernel: 'net/ipv4/netfilter/ipt_ECN.c: ecn_tg',
  },
  check({ remove, cwr, ece }, { protocol }) {
    if (remove && (cwr || ece)) return '--ecn-tcp-remove excludes --ecn-tcp-ece and --ecn-tcp-cwr'
    return (remove || cwr || ece) && protocol !== 6 ? 'TCP operations need -p tcp' : undefined
  },
  print(given) {
    const { remove, cwr, ece, ect } = operations(given)
    if (remove) return '--ecn-tcp-remove'
    const words: string[] = []
    if (ece !== undefined) words.push(`--ecn-tcp-ece ${ece}`)
    if (cwr !== undefined) words.push(`--ecn-tcp-cwr ${cwr}`)
    if (ect !== undefined) words.push(`--ecn-ip-ect ${ect}`)
    return words.join(' ')
  },
  list(given) {
    const { remove, cwr, ece, ect } = operations(given)
    if (remove) return ' ECN TCP remove'
    const words = ['ECN']
    if (ece !== undefined) words.push(`ECE=${ece}`)
    if (cwr !== undefined) words.push(`CWR=${cwr}`)
    if (ect !== undefined) words.push(`ECT codepoint=${ect}`)
    return ` ${words.join(' ')}`
  },
  lower(given): readonly Effect[] {
    const { cwr, ece, ect } = operations(given)
    const effects: Effect[] = []
    if (ect !== undefined)
      effects.push({ do: 'set', field: 'ip.tos', keep: 0xff ^ CODEPOINT, xor: { from: 'constant', value: ect } })
    const bits = (ece === undefined ? 0 : ECE) | (cwr === undefined ? 0 : CWR)
    if (bits) effects.push({ do: 'tcp-bits', keep: 0xff ^ bits, set: (ece ? ECE : 0) | (cwr ? CWR : 0) })
    return effects
  },
})

type Number = { readonly value: number } | undefined
type Numbers = Readonly<Record<'cwr' | 'ece' | 'ect', number | undefined>> & { readonly remove: boolean }

/** --ecn-tcp-remove is both bits at 0, and undoes a codepoint that stands in front of it (ECN_parse sets `operation` anew). */
function operations(given: {
  readonly remove?: unknown
  readonly cwr?: Number
  readonly ece?: Number
  readonly ect?: Number
}): Numbers {
  const { remove } = given
  const order = Object.keys(given)
  const undone = remove !== undefined && order.indexOf('ect') < order.indexOf('remove')
  const ect = undone ? undefined : given.ect?.value
  const [cwr, ece] = remove ? [0, 0] : [given.cwr?.value, given.ece?.value]
  return { remove: cwr === 0 && ece === 0 && ect === undefined, cwr, ece, ect }
}
