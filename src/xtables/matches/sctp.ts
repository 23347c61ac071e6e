import { all, type Condition, equals, inRanges, invertedIf, readable } from '../../rules/condition.js'
import { type Codec, portRange } from '../codec.js'
import { defineMatch } from '../match.js'

const chunks: Codec<string> = { words: 2, metavar: 'any|all|only types', parse: (text) => text, print: (text) => text }

export const sctp = defineMatch({
  name: 'sctp',
  families: [4, 6],
  protocols: [132],
  impliedBy: [132],
  options: {
    sport: { flag: '--sport', aliases: ['--source-port'], invertible: true, value: portRange, doc: 'the source port' },
    dport: {
      flag: '--dport',
      aliases: ['--destination-port'],
      invertible: true,
      value: portRange,
      doc: 'the destination port',
    },
    chunks: { flag: '--chunk-types', invertible: true, value: chunks, doc: 'which chunks the packet has' },
  },
  doc: {
    summary: 'Matches SCTP ports and chunks.',
    notes: [
      'Later fragments never match.',
      'A packet whose SCTP header is cut off is dropped on the spot.',
      'Chunks are not looked at yet.',
    ],
    kernel: 'net/netfilter/xt_sctp.c: sctp_mt',
  },
  lower({ sport, dport, chunks }) {
    const parts: Condition[] = [equals('frag.offset', 0), readable('sctp.checksum')]
    if (sport) parts.push(invertedIf(sport.inverted, inRanges('th.sport', [sport.value])))
    if (dport) parts.push(invertedIf(dport.inverted, inRanges('th.dport', [dport.value])))
    if (chunks)
      parts.push({ is: 'unknown', text: `--chunk-types ${chunks.value}`, needs: 'SCTP chunks are not looked at yet' })
    return all(...parts)
  },
})
