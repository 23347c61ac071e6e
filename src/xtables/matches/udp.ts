import { all, equals, readable } from '../../rules/condition.js'
import { listedPorts } from '../list-words.js'
import { defineMatch } from '../match.js'
import { native, PORT_OPTIONS, portConditions, printPorts } from '../port-options.js'

export const udp = defineMatch({
  name: 'udp',
  families: [4, 6],
  protocols: [17],
  impliedBy: [17],
  plainWords: true,
  options: {
    ...PORT_OPTIONS,
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
  list: ({ sport, dport }, { numeric }) =>
    ` udp${listedPorts('spt', sport, 'udp', numeric)}${listedPorts('dpt', dport, 'udp', numeric)}`,
  lower({ sport, dport }, { backend, family }) {
    const parts = portConditions(sport, dport)
    if (backend === 'nft' && parts.length > 0) return native(sport, dport, undefined, family)
    return all(equals('frag.offset', 0), readable('udp.checksum'), ...parts)
  },
})
