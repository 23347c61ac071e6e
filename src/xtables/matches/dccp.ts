import { all, type Condition, equals, inRanges, invertedIf, masked, readable } from '../../rules/condition.js'
import { integer, nameSet, portRange } from '../codec.js'
import { defineMatch } from '../match.js'

/** DCCP_PKT_* as bits (RFC 4340 section 5.1); INVALID stands for every number above. */
const TYPES = {
  REQUEST: 1, RESPONSE: 2, DATA: 4, ACK: 8, DATAACK: 16, CLOSEREQ: 32, CLOSE: 64, RESET: 128, SYNC: 256, SYNCACK: 512, INVALID: 1024,
} as const // biome-ignore format: a table

const LAST_TYPE = 10

export const dccp = defineMatch({
  name: 'dccp',
  families: [4, 6],
  protocols: [33],
  impliedBy: [33],
  options: {
    sport: { flag: '--sport', aliases: ['--source-port'], invertible: true, value: portRange, doc: 'the source port' },
    dport: {
      flag: '--dport',
      aliases: ['--destination-port'],
      invertible: true,
      value: portRange,
      doc: 'the destination port',
    },
    types: {
      flag: '--dccp-types',
      invertible: true,
      value: nameSet('DCCP type', TYPES),
      doc: 'the packet is of one of these types',
    },
    option: {
      flag: '--dccp-option',
      invertible: true,
      value: integer(255, 'DCCP option', 1),
      doc: 'this DCCP option is there',
    },
  },
  doc: {
    summary: 'Matches DCCP ports, packet types and options.',
    notes: [
      'Later fragments never match.',
      'A packet whose DCCP header is cut off is dropped on the spot.',
      'Options are not looked at yet.',
    ],
    kernel: 'net/netfilter/xt_dccp.c: dccp_mt',
  },
  lower({ sport, dport, types, option }) {
    const parts: Condition[] = [equals('frag.offset', 0), readable('dccp.sequence')]
    if (sport) parts.push(invertedIf(sport.inverted, inRanges('th.sport', [sport.value])))
    if (dport) parts.push(invertedIf(dport.inverted, inRanges('th.dport', [dport.value])))
    if (types) {
      const numbers = Object.values(TYPES).flatMap((bit, type) => (types.value & bit ? [type] : []))
      const ranges = numbers.map((type) => [type, type === LAST_TYPE ? 15 : type] as const)
      parts.push(
        invertedIf(types.inverted, inRanges({ from: 'shifted', of: masked('dccp.type', 0x1e), by: 1 }, ranges)),
      )
    }
    if (option)
      parts.push({ is: 'unknown', text: `--dccp-option ${option.value}`, needs: 'DCCP options are not looked at yet' })
    return all(...parts)
  },
})
