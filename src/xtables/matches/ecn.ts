import { all, any, type Condition, equals, inRanges, invertedIf, masked, not } from '../../rules/condition.js'
import type { Value } from '../../rules/value.js'
import { flag, integer } from '../codec.js'
import { defineMatch } from '../match.js'
import { LATER6 } from '../port-options.js'

const TCP = 6
const ECE = 0x40
const CWR = 0x80
/** The two low bits of TOS or traffic class (RFC 3168 section 5). */
const ECT = 3

export const ecn = defineMatch({
  name: 'ecn',
  families: [4, 6],
  needsOption: true,
  options: {
    ece: { flag: '--ecn-tcp-ece', invertible: true, value: flag, doc: 'the ECE flag of TCP is set' },
    cwr: { flag: '--ecn-tcp-cwr', invertible: true, value: flag, doc: 'the CWR flag of TCP is set' },
    ect: {
      flag: '--ecn-ip-ect',
      invertible: true,
      value: integer(3, 'codepoint'),
      doc: 'the codepoint of the IP header',
    },
  },
  listed: [
    [
      /ECN match(?: (!?)ECE)?(?: (!?)CWR)?(?: (!?)ECT=(\d))?/y,
      (_, ece, cwr, notEct, ect) =>
        [
          ece === undefined ? '' : `${ece ? '! ' : ''}--ecn-tcp-ece`,
          cwr === undefined ? '' : `${cwr ? '! ' : ''}--ecn-tcp-cwr`,
          ect ? `${notEct ? '! ' : ''}--ecn-ip-ect ${ect}` : '',
        ].join(' '),
    ],
  ],
  doc: {
    summary: 'Matches the bits of explicit congestion notification.',
    notes: ['With TCP flags: a packet whose TCP header is cut off does not match.'],
    kernel: 'net/netfilter/xt_ecn.c: ecn_mt4, ecn_mt6',
  },
  check: ({ ece, cwr }, { protocol }) =>
    (ece || cwr) && protocol !== TCP ? 'the flags of TCP are there with -p tcp only' : undefined,
  list({ ece, cwr, ect }) {
    const part = (given: { readonly inverted: boolean } | undefined, what: string) =>
      given ? ` ${given.inverted ? '!' : ''}${what}` : ''
    return ` ECN match${part(ece, 'ECE')}${part(cwr, 'CWR')}${part(ect, `ECT=${ect?.value}`)}`
  },
  lower({ ece, cwr, ect }, { family }) {
    const parts: Condition[] = []
    if (ect) parts.push(invertedIf(ect.inverted, equals(masked('ip.tos', ECT), ect.value)))
    if (!ece && !cwr) return all(...parts)
    // without its header (20 bytes) TCP matches nothing, and drops nothing
    const there = inRanges('tcp.urgent', [[0, 0xffff]])
    const asked = (flags: Value): readonly Condition[] => [
      ...(ece ? [invertedIf(ece.inverted, equals(masked(flags, ECE), ECE))] : []),
      ...(cwr ? [invertedIf(cwr.inverted, equals(masked(flags, CWR), CWR))] : []),
    ]
    const whole = [there, ...asked('tcp.flags')]
    if (family === 4) return all(...parts, ...whole)
    const first = equals('frag.offset', 0)
    return all(...parts, any(all(first, ...whole), all(not(first), ...asked(LATER6.tcpFlags))))
  },
})
