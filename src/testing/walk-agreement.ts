import { ifName } from '../address/ifname.js'
import { type Ip, parseIp, printIp } from '../address/ip.js'
import type { Beginning } from '../analysis/walk-begin.js'
import { originName } from '../analysis/walk-begin.js'
import type { Ground } from '../analysis/walk-ground.js'
import type { End } from '../analysis/walk-group.js'
import { imageOf } from '../analysis/walk-image.js'
import { valueIn } from '../analysis/walk-routes.js'
import type { Field } from '../packet/fields.js'
import { headersOf } from '../packet/headers.js'
import { parsePacketLine } from '../packet/language.js'
import type { PacketRequest } from '../packet/request.js'
import { begin } from '../path/begin.js'
import { explore, seededRandom, type Tree } from '../path/choices.js'
import type { Fate } from '../path/fate.js'
import { Run } from '../path/run.js'
import { walk } from '../path/walk.js'
import { type Hosts, placeName } from '../path/world.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'

/** Where a packet ended, as both walks tell it: place, how, and for what arrives or leaves the headers there. */
export type Place = string

export const ARRIVED: ReadonlySet<string> = new Set([
  'no-socket',
  'no-protocol',
  'echo-ignored',
  'not-for-this-host',
  'checksum',
])

export /** What a VXLAN device sent, taken in by somebody else: what is in it is lost. */
const isWrapped = ({ skb }: Fate): boolean => {
  const { bytes, transport } = skb.packet
  return transport.protocol === 17 && bytes.length > transport.offset + 50 && bytes[transport.offset + 8] === 8
}

export function concretePlace(fate: Fate): Place | undefined {
  const { outcome, place: where, reason, packet, interface: name } = fate
  if (outcome === 'undecided') return undefined
  const place = placeName(where)
  const { src, dst, sport, dport } = packet
  const headers = `${src}:${sport ?? ''} > ${dst}:${dport ?? ''}`
  if ((outcome === 'delivered' || ARRIVED.has(reason)) && !isWrapped(fate)) return `${place} delivered ${headers}`
  if (outcome === 'sent') return `${place} sent ${name} ${headers}`
  return `${place} dropped`
}

/** A run in which nobody answers: what becomes of answers is not asked here. */
export class Unanswered extends Run {
  override nested<T>(): T | undefined {
    return undefined
  }
}

type Headers = ReturnType<typeof headersOf>

/** Every end that the walk of single packets finds, without its steps: one for each way that lots and what is not known leave open. */
export function walked(
  hosts: Hosts,
  request: PacketRequest,
): { readonly packet: Headers; readonly fates: readonly Fate[]; readonly cut: boolean } {
  let asked: Headers | undefined
  const tree = explore((chooser) => {
    const options = {
      now: 0,
      random: seededRandom(1),
      chooser,
      assumeNeighbours: true,
      followWires: true,
      silent: true,
    }
    const { cursor, stage } = begin(new Unanswered(hosts, options), walk, request)
    asked ??= headersOf(cursor.skb.packet, cursor.skb.mark)
    return walk(cursor, stage)
  })
  const fates: Fate[] = []
  let cut = false
  const collect = (node: Tree<Fate>): void => {
    if (node.is === 'leaf') fates.push(node.result)
    else if (node.is === 'fork') for (const way of node.ways) collect(way)
    else cut = true
  }
  collect(tree)
  return { packet: asked!, fates, cut }
}

const PORTED: ReadonlySet<number> = new Set([6, 17, 33, 132, 136])

/** One packet: as values of all variables, and as the set of packets with its headers. */
export interface One {
  readonly values: Uint8Array
  readonly headers: Node
}

function symbolicPlaces(ground: Ground, ends: readonly End[], { values, headers: one }: One): ReadonlySet<Place> {
  const { space, addresses } = ground
  const shown = ['meta.l4proto', addresses.src, addresses.dst, 'th.sport', 'th.dport'] as const
  const found = new Set<Place>()
  for (const { place, outcome, interface: name, ways } of ends) {
    const { math } = ground.site(place)
    for (const { transform, packets } of ways) {
      if (!space.bdd.contains(packets, values)) continue
      if (outcome !== 'delivered' && outcome !== 'sent') {
        found.add(outcome === 'undecided' ? 'undecided' : `${placeName(place)} dropped`)
        continue
      }
      const seen = imageOf(math, { transform, packets: one }, shown)
      const read = (field: Field) => valueIn(space, seen, field)
      const ip = (field: Field): Ip => (ground.family === 4 ? Number(read(field)) : BigInt(read(field)))
      const ported = PORTED.has(Number(read('meta.l4proto')))
      // what the kernel draws is any port
      const port = (field: Field) => (!ported ? '' : space.asks(seen, field) ? read(field) : '*')
      const headers = `${printIp(ip(addresses.src))}:${port('th.sport')} > ${printIp(ip(addresses.dst))}:${port('th.dport')}`
      found.add(`${placeName(place)} ${outcome === 'sent' ? `sent ${name}` : outcome} ${headers}`)
    }
  }
  return found
}

/** The packet that `trace` was asked about, as a set of one (whatever sets do not say of it, as one value of many). */
export function singleton(
  ground: Ground,
  { packets, origin }: Pick<Beginning, 'packets' | 'origin'>,
  packet: Headers,
  src = origin.iif === undefined ? undefined : packet.src,
): One | undefined {
  const { space, addresses } = ground
  const { bdd } = space
  const tcp = (packet.flags ?? '').split(',')
  const flags = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'].reduce(
    (all, name, i) => all | (tcp.includes(name) ? 1 << i : 0),
    0,
  )
  const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132, gre: 47 }
  const parts = [
    space.equals('meta.l4proto', numbers[packet.protocol] ?? Number(packet.protocol)),
    // the kernel chooses
    space.equals(addresses.src, src === undefined ? (ground.family === 4 ? 0 : 0n) : parseIp(src)!),
    space.equals(addresses.dst, parseIp(packet.dst)!),
    packet.sport === undefined ? FULL : space.equals('th.sport', packet.sport),
    packet.dport === undefined ? FULL : space.equals('th.dport', packet.dport),
    packet.flags === undefined ? FULL : space.equals('tcp.flags', flags),
    packet.icmp ? space.equals('icmp.type', packet.icmp.type) : FULL,
    packet.icmp ? space.equals('icmp.code', packet.icmp.code) : FULL,
    packet.icmp?.id === undefined ? FULL : space.equals('icmp.id', packet.icmp.id),
    space.equals('ip.ttl', packet.ttl),
    space.equals('meta.length', packet.length),
    space.equals('meta.iifname', ifName(origin.iif ?? '')),
  ]
  const headers = space.intersection(parts)
  const all = bdd.and(headers, packets)
  if (all === EMPTY) return undefined
  const values = new Uint8Array(space.layout.levels)
  for (const [level, value] of bdd.any(all)) values[level] = value
  return { values, headers }
}

export type Agreement =
  | 'same'
  | 'either'
  | 'outside'
  | { readonly packet: string; readonly concrete: readonly string[]; readonly symbolic: readonly string[] }

/** The end that leaves open which source port the kernel draws, if it is this one otherwise. */
const anyPort = (place: Place, drawn: ReadonlySet<Place>): Place | undefined =>
  [place.replace(/:\d+ >/, ':* >'), place.replace(/:\d+$/, ':*')].find((one) => drawn.has(one))

/** Both walks of one packet. `either`: the set walk leaves open what the other one decides; `outside`: no question for sets. */
export function agreement(ground: Ground, beginning: Beginning, ends: readonly End[], words: string): Agreement {
  const { origin } = beginning
  const text = `${words} ${origin.iif === undefined ? 'from' : 'in'} ${originName(origin)}`
  const parsed = parsePacketLine(text)
  if (!parsed.ok) throw new Error(`${text}: not a packet`)
  const { packet, fates, cut } = walked(ground.hosts, parsed.packet)
  const one = singleton(ground, beginning, packet)
  if (!one || cut) return 'outside'
  const told = fates.map(concretePlace)
  const symbolic = symbolicPlaces(ground, ends, one)
  const drawn = new Set([...symbolic].filter((place) => place.includes(':*')))
  const concrete = [...new Set(told.map((place) => place && (anyPort(place, drawn) ?? place)))]
  const missing = concrete.some((place) => place !== undefined && !symbolic.has(place) && !symbolic.has('undecided'))
  if (missing || symbolic.size === 0) return { packet: text, concrete: concrete.map(String), symbolic: [...symbolic] }
  if (concrete.includes(undefined))
    return symbolic.size > 1 || symbolic.has('undecided')
      ? 'same'
      : { packet: text, concrete: ['undecided'], symbolic: [...symbolic] }
  return symbolic.size === concrete.length && !symbolic.has('undecided') ? 'same' : 'either'
}
