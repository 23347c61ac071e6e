import { defineMatch } from '../match.js'
import { ICMP4, icmpCondition, icmpType, listedIcmp } from './icmp-types.js'

export const icmp = defineMatch({
  name: 'icmp',
  families: [4],
  protocols: [1],
  impliedBy: [1],
  required: ['type'],
  options: {
    type: {
      flag: '--icmp-type',
      invertible: true,
      value: icmpType(ICMP4),
      doc: 'the ICMP type, with its code if one is given',
    },
  },
  listed: [
    [
      /icmp ?(!)?type (\d+)(?: code (\d+))?/y,
      (_, not, type, code) => `${not ? '! ' : ''}--icmp-type ${type}${code ? `/${code}` : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches ICMP types and codes.',
    notes: ['`any` stands for type 255: every type.', 'A packet whose ICMP header is cut off is dropped on the spot.'],
    kernel: 'net/netfilter/xt_tcpudp.c: icmp_match',
  },
  list: ({ type }, { numeric }) => ` icmp${listedIcmp(ICMP4, type!, numeric)}`,
  lower: ({ type }) => icmpCondition(type, true),
})
