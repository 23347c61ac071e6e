import { BROKEN, THERE } from '../../packet/probe.js'
import {
  all,
  type Condition,
  dropIf,
  equals,
  inRanges,
  invertedIf,
  masked,
  probed,
  readable,
} from '../../rules/condition.js'
import { integer, nameSet } from '../codec.js'
import type { Given } from '../extension.js'
import { listedPorts } from '../list-words.js'
import { defineMatch } from '../match.js'
import { PORT_OPTIONS, portConditions } from '../port-options.js'

/** DCCP_PKT_* as bits (RFC 4340 section 5.1); INVALID stands for every number above. */
const TYPES = {
  REQUEST: 1, RESPONSE: 2, DATA: 4, ACK: 8, DATAACK: 16, CLOSEREQ: 32, CLOSE: 64, RESET: 128, SYNC: 256, SYNCACK: 512, INVALID: 1024,
} as const // biome-ignore format: a table

const LAST_TYPE = 10

/** INVALID stands for all numbers from 10 on; with -n each of them is shown. */
function listedTypes({ value, inverted }: Given<number>, numeric: boolean): string {
  const all = Object.entries(TYPES).flatMap(([name, bit], type) => {
    if (!(value & bit)) return []
    if (!numeric) return [name]
    return type === LAST_TYPE ? Array.from({ length: 16 - LAST_TYPE }, (_, i) => `${LAST_TYPE + i}`) : [`${type}`]
  })
  return `${inverted ? ' !' : ''} ${all.join(',')}`
}

export const dccp = defineMatch({
  name: 'dccp',
  families: [4, 6],
  protocols: [33],
  impliedBy: [33],
  options: {
    ...PORT_OPTIONS,
    types: {
      flag: '--dccp-types',
      invertible: true,
      value: nameSet('DCCP type', TYPES, true),
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
      'So is one whose options are, where they are asked for.',
    ],
    kernel: 'net/netfilter/xt_dccp.c: dccp_mt',
  },
  list({ sport, dport, types, option }, { numeric }) {
    const ports = listedPorts('spt', sport, 'dccp', numeric) + listedPorts('dpt', dport, 'dccp', numeric)
    return ` dccp${ports}${types ? listedTypes(types, numeric) : ''}${option ? ` option=${option.inverted ? '!' : ''}${option.value}` : ''}`
  },
  lower({ sport, dport, types, option }) {
    const parts: Condition[] = [equals('frag.offset', 0), readable('dccp.sequence')]
    parts.push(...portConditions(sport, dport))
    if (types) {
      const numbers = Object.values(TYPES).flatMap((bit, type) => (types.value & bit ? [type] : []))
      const ranges = numbers.map((type) => [type, type === LAST_TYPE ? 15 : type] as const)
      parts.push(
        invertedIf(types.inverted, inRanges({ from: 'shifted', of: masked('dccp.type', 0x1e), by: 1 }, ranges)),
      )
    }
    if (option) {
      const found = probed({ find: 'dccp-option', kind: option.value })
      parts.push(dropIf(equals(found, BROKEN)), invertedIf(option.inverted, equals(found, THERE)))
    }
    return all(...parts)
  },
})
