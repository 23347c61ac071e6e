import { all, equals, inRanges, invertedIf, readable } from '../../rules/condition.js'
import { portRange } from '../codec.js'
import { defineMatch } from '../match.js'
import { native, nativePorts, printPorts } from '../port-options.js'

export const udp = defineMatch({
  name: 'udp',
  families: [4, 6],
  protocols: [17],
  impliedBy: [17],
  options: {
    sport: { flag: '--sport', aliases: ['--source-port'], invertible: true, value: portRange, doc: 'the source port' },
    dport: {
      flag: '--dport',
      aliases: ['--destination-port'],
      invertible: true,
      value: portRange,
      doc: 'the destination port',
    },
  },
  listed: [
    [
      /udp(?: spts?:(!?)(\S+))?(?: dpts?:(!?)(\S+))?(?= |$)/y,
      (_, notSport, sport, notDport, dport) =>
        `${sport ? ` ${notSport ? '! ' : ''}--sport ${sport}` : ''}${dport ? ` ${notDport ? '! ' : ''}--dport ${dport}` : ''}`,
    ],
  ],
  doc: {
    summary: 'Matches UDP ports.',
    notes: ['Later fragments never match.', 'A packet whose UDP header is cut off is dropped on the spot.'],
    kernel: 'net/netfilter/xt_tcpudp.c: udp_mt',
  },
  print: ({ sport, dport }) => printPorts(sport, dport).join(' '),
  lower({ sport, dport }, { backend }) {
    const parts = [
      ...(sport ? [invertedIf(sport.inverted, inRanges('th.sport', [sport.value]))] : []),
      ...(dport ? [invertedIf(dport.inverted, inRanges('th.dport', [dport.value]))] : []),
    ]
    const ports = nativePorts(sport, dport)
    if (backend === 'nft' && parts.length > 0) return native(ports.parts, ports.loaded)
    return all(equals('frag.offset', 0), readable('udp.checksum'), ...parts)
  },
})
