import type { Family } from '../address/ip.js'
import { FIELDS, type Field, fieldSpec } from '../packet/fields.js'

/**
 * Where the value of each field lies among the variables. The order of `CELLS` is the order of the diagrams' variables, the most significant bit of a cell on
 * top: what most rules ask for stands first, and what is asked together stands together (docs/packet-sets.md has measurements).
 */
const CELLS = [
  ['meta.iifname', 'name'],
  ['ip.saddr', 32],
  ['ip6.saddr', 128],
  ['meta.l4proto', 8],
  ['meta.oifname', 'name'],
  ['ip.daddr', 32],
  ['ip6.daddr', 128],
  ['dport', 16],
  ['sport', 16],
  ['ct.state', 7],
  ['ct.direction', 1],
  ['ct.status', 14],
  ['meta.mark', 32],
  ['ct.mark', 32],
  ['frag.offset', 13],
  ['ip.flags', 3],
  ['frag.more', 1],
  /** How much of the transport header is there: a number of ROOMS. */
  ['room', 4],
  /** Bytes 4 to 19 of the transport header; the first four are the cells sport and dport. */
  ['transport', 128],
  ['tcp.mss', 16],
  ['has tcp.mss', 1],
  ['has tcp.header', 1],
  ['meta.physiifname', 'name'],
  ['has meta.physiifname', 1],
  ['meta.physoifname', 'name'],
  ['has meta.physoifname', 1],
  ['meta.bridged', 1],
  ['meta.pkttype', 3],
  ['socket.exists', 1],
  ['has socket.uid', 1],
  ['socket.uid', 32],
  ['socket.gid', 32],
  ['ip.tos', 8],
  ['ip.ttl', 8],
  ['meta.length', 16],
  ['ip.length', 16],
  ['ip.version', 4],
  ['ip.hdrlength', 4],
  ['ip.id', 16],
  ['ip.protocol', 8],
  ['ip6.nexthdr', 8],
  ['has ip6.chain', 1],
  ['ip6.length', 16],
  ['ip6.flowlabel', 20],
  ['ip6.routing', 1],
  ['has ip6.routing.type', 1],
  ['has ip6.routing.left', 1],
  ['ip6.routing.type', 8],
  ['ip6.routing.left', 8],
  ['has ether', 1],
  ['ether.saddr', 48],
  ['ether.daddr', 48],
  ['ether.type', 16],
  ['meta.priority', 32],
  ['meta.realm', 32],
  ['meta.cpu', 16],
  ['has meta.iifgroup', 1],
  ['meta.iifgroup', 32],
  ['has meta.oifgroup', 1],
  ['meta.oifgroup', 32],
  ['meta.time', 40],
  ['meta.daytime', 17],
  ['meta.weekday', 3],
  ['meta.monthday', 5],
  ['ct.protocol', 8],
  ['ct.original.saddr', 32],
  ['ct.original.daddr', 32],
  ['ct.original.saddr6', 128],
  ['ct.original.daddr6', 128],
  ['ct.original.sport', 16],
  ['ct.original.dport', 16],
  ['ct.reply.saddr', 32],
  ['ct.reply.daddr', 32],
  ['ct.reply.saddr6', 128],
  ['ct.reply.daddr6', 128],
  ['ct.reply.sport', 16],
  ['ct.reply.dport', 16],
  ['ct.zone', 16],
  ['ct.expires', 32],
  ['ct.original.packets', 48],
  ['ct.reply.packets', 48],
  ['ct.total.packets', 48],
  ['ct.original.bytes', 48],
  ['ct.reply.bytes', 48],
  ['ct.total.bytes', 48],
  ['ct.original.average', 48],
  ['ct.reply.average', 48],
  ['ct.total.average', 48],
] as const satisfies readonly (readonly [string, number | 'name'])[] // biome-ignore format: a table

/** The bits of a field, one that says that the packet has it, or what several fields have in common. */
export type CellName = (typeof CELLS)[number][0] | Field | `has ${Field}`

/**
 * How many bytes of the transport header a packet may have, as far as any field can tell: one that has more than the last has them all. The cell
 * `room` holds the index.
 */
export const ROOMS = [0, 1, 2, 3, 4, 6, 8, 9, 12, 13, 14, 16, 20] as const

/** Fields outside of CELLS that every packet has. */
const ALWAYS: ReadonlySet<Field> = new Set<Field>(['meta.ipsec.in', 'meta.ipsec.out'])

/** Bits of the transport header: bit `from` (0 is the most significant bit of its first byte), `bits` of them. */
const TRANSPORT: { readonly [F in Field]?: readonly [from: number, bits: number] } = {
  'th.sport': [0, 16],
  'th.dport': [16, 16],
  'icmp.type': [0, 8],
  'icmp.code': [8, 8],
  'icmp.checksum': [16, 16],
  'icmp.id': [32, 16],
  'icmp.sequence': [48, 16],
  'tcp.sequence': [32, 32],
  'tcp.acknowledgement': [64, 32],
  'tcp.doff': [96, 4],
  'tcp.flags': [104, 8],
  'tcp.window': [112, 16],
  'tcp.urgent': [144, 16],
  'udp.length': [32, 16],
  'udp.checksum': [48, 16],
  'sctp.checksum': [64, 32],
  'dccp.type': [64, 8],
  'dccp.sequence': [80, 16],
  'esp.spi': [0, 32],
  'esp.sequence': [32, 32],
  'ipcomp.cpi': [16, 16],
  'mh.next': [0, 8],
  'mh.type': [16, 8],
  'mh.checksum': [32, 16],
  'ah.spi': [32, 32],
  'ah.sequence': [64, 32],
}

/** Whether a packet has the field at all. */
export type Presence =
  | 'always'
  | 'never'
  /** It has at least `ROOMS[room]` bytes of transport header. */
  | { readonly room: number }
  | { readonly cell: CellName }
  /** It belongs to a connection: its state is neither INVALID nor UNTRACKED. */
  | 'tracked'

/** Where a field's value lies: variables from the most significant bit on; a bit that is the same in every packet is 0 or 1. */
export interface Placement {
  readonly bits: readonly (number | 'one')[]
  readonly presence: Presence
  /** Interface names are numbered (space.ts). */
  readonly named: boolean
}

const HAS: { readonly [F in Field]?: CellName } = {
  'tcp.mss': 'has tcp.mss',
  'tcp.header': 'has tcp.header',
  'ip6.chain': 'has ip6.chain',
  'ip6.routing.type': 'has ip6.routing.type',
  'ip6.routing.left': 'has ip6.routing.left',
  'meta.physiifname': 'has meta.physiifname',
  'meta.physoifname': 'has meta.physoifname',
  'meta.iifgroup': 'has meta.iifgroup',
  'meta.oifgroup': 'has meta.oifgroup',
  'socket.uid': 'has socket.uid',
  'socket.gid': 'has socket.uid',
  'ether.saddr': 'has ether',
  'ether.daddr': 'has ether',
  'ether.type': 'has ether',
}

/** All variables of a space of one family, whose interface names need `nameBits` bits each. */
export class Layout {
  readonly family: Family
  readonly levels: number
  readonly #cells = new Map<CellName, readonly number[]>()
  readonly #placements = new Map<Field, Placement>()

  constructor(family: Family, nameBits: number) {
    this.family = family
    let next = 0
    for (const [name, width] of CELLS) {
      const bits = width === 'name' ? nameBits : width
      this.#cells.set(
        name,
        Array.from({ length: bits }, () => next++),
      )
    }
    // whatever else there is comes last, each with a variable that says whether the packet has it
    for (const field of Object.keys(FIELDS) as Field[]) {
      if (this.#cells.has(field) || TRANSPORT[field] || HAS[field]) continue
      if (!ALWAYS.has(field)) this.#cells.set(`has ${field}`, [next++])
      this.#cells.set(
        field,
        Array.from({ length: fieldSpec(field).bits }, () => next++),
      )
    }
    this.levels = next
  }

  cell(name: CellName): readonly number[] {
    return this.#cells.get(name)!
  }

  place(field: Field): Placement {
    let placement = this.#placements.get(field)
    if (!placement) {
      placement = this.#find(field)
      this.#placements.set(field, placement)
    }
    return placement
  }

  #find(field: Field): Placement {
    const slice = TRANSPORT[field]
    if (slice) {
      const [from, bits] = slice
      const needs = Math.ceil((from + bits) / 8)
      const room = (ROOMS as readonly number[]).indexOf(needs)
      if (room < 0) throw new Error(`no room of ${needs} bytes`)
      return { bits: this.#transport().slice(from, from + bits), presence: { room }, named: false }
    }
    if (field === 'tcp.header' || field === 'ip6.chain')
      return { bits: ['one'], presence: { cell: HAS[field]! }, named: false }
    // in an IPv4 header the flag "more fragments" is the last of the three flags, and the protocol is the protocol
    if (field === 'frag.more' && this.family === 4)
      return { bits: this.cell('ip.flags').slice(2), presence: 'always', named: false }
    if (field === 'ip.protocol' && this.family === 4) return this.place('meta.l4proto')
    const bits = this.#cells.get(field)
    if (!bits) throw new Error(`field ${field} has no variables`)
    return { bits, presence: this.#presence(field), named: /^meta\.(phys)?[io]ifname$/.test(field) }
  }

  #presence(field: Field): Presence {
    const has = HAS[field] ?? (this.#cells.has(`has ${field}`) ? (`has ${field}` as const) : undefined)
    if (has) return { cell: has }
    if (!field.startsWith('ct.') || field === 'ct.state') return 'always'
    const ofFamily = /addr6$/.test(field) ? 6 : /addr$/.test(field) ? 4 : this.family
    return ofFamily === this.family ? 'tracked' : 'never'
  }

  #transport(): readonly number[] {
    return [...this.cell('sport'), ...this.cell('dport'), ...this.cell('transport')]
  }
}
