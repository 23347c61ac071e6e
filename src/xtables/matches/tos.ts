import { equals, invertedIf, masked } from '../../rules/condition.js'
import { defineMatch } from '../match.js'
import { tosMask, tosName } from '../tos-value.js'

export const tos = defineMatch({
  name: 'tos',
  families: [4, 6],
  required: ['tos'],
  options: { tos: { flag: '--tos', invertible: true, value: tosMask, doc: 'the TOS field, after its mask, is this' } },
  doc: {
    summary: 'Matches the TOS field of IPv4, the traffic class of IPv6.',
    kernel: 'net/netfilter/xt_dscp.c: tos_mt',
  },
  list({ tos }, { numeric }) {
    const name = numeric ? undefined : tosName(tos!.value)
    return ` tos match${tos!.inverted ? '!' : ''}${name ? ` ${name}` : tosMask.print(tos!.value)}`
  },
  lower: ({ tos }) => invertedIf(tos!.inverted, equals(masked('ip.tos', tos!.value.mask), tos!.value.value)),
})
