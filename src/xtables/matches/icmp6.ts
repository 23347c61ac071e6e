import { defineMatch } from '../match.js'
import { ICMP6, icmpCondition, icmpType, listedIcmp } from './icmp-types.js'

export const icmp6 = defineMatch({
  name: 'icmp6',
  families: [6],
  protocols: [58],
  impliedBy: [58],
  required: ['type'],
  options: {
    type: {
      flag: '--icmpv6-type',
      aliases: ['--icmp6-type' as '--icmpv6-type'],
      invertible: true,
      value: icmpType(ICMP6),
      doc: 'the ICMPv6 type, with its code if one is given',
    },
  },
  listed: [
    [
      /ipv6-icmp ?(!)?type (\d+)(?: code (\d+))?/y,
      (_, not, type, code) => `${not ? '! ' : ''}--icmpv6-type ${type}${code ? `/${code}` : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches ICMPv6 types and codes.',
    notes: ['A packet whose ICMPv6 header is cut off is dropped on the spot.'],
    kernel: 'net/netfilter/xt_tcpudp.c: icmp6_match',
  },
  list: ({ type }, { numeric }) => ` ipv6-icmp${listedIcmp(ICMP6, type!, numeric)}`,
  lower: ({ type }) => icmpCondition(type, false),
})
