import { all, any, type Condition, equals, inRanges, invertedIf, readable } from '../../rules/condition.js'
import type { Ranges } from '../../rules/value.js'
import { portList } from '../codec.js'
import type { Given } from '../extension.js'
import { listedPort } from '../list-words.js'
import { defineMatch } from '../match.js'
import { printProtocol } from '../protocol.js'

/** XT_MULTI_PORTS: the kernel's structure has room for 15 numbers. */
const ports = portList(15)

export const multiport = defineMatch({
  name: 'multiport',
  families: [4, 6],
  protocols: [6, 17, 136, 132, 33],
  exactlyOne: ['sports', 'dports', 'ports'],
  options: {
    sports: {
      flag: '--sports',
      aliases: ['--source-ports'],
      invertible: true,
      value: ports,
      doc: 'the source port is one of these',
    },
    dports: {
      flag: '--dports',
      aliases: ['--destination-ports'],
      invertible: true,
      value: ports,
      doc: 'the destination port is one of these',
    },
    ports: {
      flag: '--ports',
      aliases: ['--port'],
      invertible: true,
      value: ports,
      doc: 'either port is one of these (not both: that needs two matches)',
    },
  },
  listed: [
    [/multiport (sports|dports|ports)\s+(!?)(\S+)/y, (_, which, not, ports) => `${not ? '! ' : ''}--${which} ${ports}`],
  ],
  doc: {
    summary: 'Matches a set of up to 15 ports or port ranges.',
    notes: [
      'A range counts as two of the 15.',
      'Later fragments never match, inverted or not.',
      'A first fragment too short to hold the ports is dropped on the spot.',
    ],
    kernel: 'net/netfilter/xt_multiport.c: multiport_mt, ports_match_v1',
  },
  list(given, { numeric, protocol }) {
    const which = given.sports ? 'sports' : given.dports ? 'dports' : 'ports'
    const { value, inverted } = given[which]!
    const show = (port: number) => listedPort(port, protocol === undefined ? '' : printProtocol(protocol), numeric)
    const list = value.map(([from, to]) =>
      from === to ? show(Number(from)) : `${show(Number(from))}:${show(Number(to))}`,
    )
    return ` multiport ${which} ${inverted ? ' !' : ''}${list.join(',')}`
  },
  lower({ sports, dports, ports }) {
    const either = (given: Given<Ranges>, ...fields: readonly ('th.sport' | 'th.dport')[]): Condition =>
      invertedIf(given.inverted, any(...fields.map((field) => inRanges(field, given.value))))
    return all(
      equals('frag.offset', 0), // before the look at the ports: the kernel returns "no" for later fragments
      readable('th.dport'), // both ports are fetched together, so the farther one decides
      ...(sports ? [either(sports, 'th.sport')] : []),
      ...(dports ? [either(dports, 'th.dport')] : []),
      ...(ports ? [either(ports, 'th.sport', 'th.dport')] : []),
    )
  },
})
