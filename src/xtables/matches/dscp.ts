import { equals, invertedIf } from '../../rules/condition.js'
import { dscpClass, dscpNumber } from '../dscp-value.js'
import { defineMatch } from '../match.js'

export const dscp = defineMatch({
  name: 'dscp',
  families: [4, 6],
  exactlyOne: ['dscp', 'class'],
  options: {
    dscp: { flag: '--dscp', invertible: true, value: dscpNumber, doc: 'the DSCP is this number, 0 to 63' },
    class: {
      flag: '--dscp-class',
      invertible: true,
      value: dscpClass,
      doc: 'the DSCP is that of this class: EF, BE, CS0 to CS7, AF11 to AF43',
    },
  },
  doc: { summary: 'Matches the differentiated services field.', kernel: 'net/netfilter/xt_dscp.c: dscp_mt' },
  print(given) {
    const one = given.dscp ?? given.class!
    return `${one.inverted ? '! ' : ''}--dscp ${dscpNumber.print(one.value)}`
  },
  list(given) {
    const one = given.dscp ?? given.class!
    return ` DSCP match ${one.inverted ? '!' : ''}${dscpNumber.print(one.value)}`
  },
  lower(given) {
    const { value, inverted } = given.dscp ?? given.class!
    return invertedIf(inverted, equals({ from: 'shifted', of: 'ip.tos', by: 2 }, value))
  },
})
