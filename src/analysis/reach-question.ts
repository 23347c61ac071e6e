import { familyOf, type Ip } from '../address/ip.js'
import { firstOf, lastOf, type Prefix } from '../address/prefix.js'
import { PROTOCOL } from '../packet/checksum.js'
import type { Field } from '../packet/fields.js'
import { type Namespace, placeName } from '../path/world.js'
import { EMPTY, FULL, type Node } from '../sets/bdd.js'
import { masked } from '../sets/space.js'
import { arriving, type Beginning, generated, outsideOf, ownedAddresses } from './walk-begin.js'
import type { Ground } from './walk-ground.js'
import type { End, Group } from './walk-group.js'

/** An interface of a namespace; without a name, any. */
export interface Spot {
  readonly place: Namespace
  readonly iface?: string
}

export interface ReachQuestion {
  /** Where `from.iif` is, and a namespace that the packets pass. */
  readonly at?: Namespace
  /**
   * Who sends. `outside`: they come in over an interface that leads out of the snapshot, from an address that nobody in it has; `prefix`: from these addresses,
   * wherever their owner is; `iif`: whatever comes in on an interface; `place`: what a namespace itself sends. None of them: everybody.
   */
  readonly from: {
    readonly outside?: true
    readonly prefix?: Prefix
    readonly iif?: string
    readonly place?: Namespace
  }
  /** Where they end, behind any translation: in a namespace, or at an address, be it in the snapshot or outside. `sentTo`: what the sender wrote instead. */
  readonly to: {
    readonly address?: Ip
    readonly place?: Namespace
    readonly protocol?: number
    readonly port?: number
    readonly sentTo?: true
    /** They leave the snapshot. */
    readonly outside?: true
  }
  readonly through?: readonly Spot[]
  readonly avoiding?: readonly Spot[]
}

/** Packets that set out from one place. */
export interface Start {
  readonly place: Namespace
  readonly generated: boolean
  readonly packets: Node
  readonly groups: readonly Group[]
}

/** Packets with which somebody begins to talk: SYNs, and with a TTL that takes them far enough. */
export function opening({ space }: Ground): Node {
  const { bdd } = space
  const tcp = space.equals('meta.l4proto', PROTOCOL.TCP)
  const syn = space.bitsIn(masked(space.bitsOf('tcp.flags'), SYN | ACK | RST | FIN), [[SYN, SYN]])
  return bdd.and(bdd.or(bdd.not(tcp), syn), space.in('ip.ttl', [[64, 255]]))
}

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16] as const

/** Everything that may set out as the question says. */
export function startsOf(ground: Ground, { at, from }: ReachQuestion): readonly Start[] {
  const { hosts } = ground
  if (from.iif !== undefined) return at ? [together(ground, [arriving(ground, at, from.iif)], FULL)] : []
  if (from.place) return [together(ground, [generated(ground, from.place)], FULL)]
  return [...fromOutside(ground, from), ...(from.outside ? [] : fromInside(ground, hosts.namespaces, from.prefix))]
}

function fromOutside(ground: Ground, { prefix }: ReachQuestion['from']): readonly Start[] {
  const { space, addresses, family, hosts } = ground
  const owned = space.union(ownedAddresses(hosts, family).map((ip) => space.equals(addresses.src, ip)))
  const wanted = prefix ? within(ground, addresses.src, prefix) : FULL
  const kept = space.bdd.minus(wanted, owned)
  const byPlace = new Map<string, Beginning[]>()
  for (const { place, link } of outsideOf(ground)) {
    const name = placeName(place)
    byPlace.set(name, [...(byPlace.get(name) ?? []), arriving(ground, place, link.name)])
  }
  return [...byPlace.values()].map((all) => together(ground, all, kept)).filter(({ packets }) => packets !== EMPTY)
}

/** What namespaces send whose addresses are among these. */
const fromInside = (ground: Ground, places: readonly Namespace[], prefix: Prefix | undefined): readonly Start[] =>
  places
    .filter(({ links }) =>
      links.some(({ addresses }) => addresses.some((one) => isWithin(one.prefix.ip, prefix, ground.family))),
    )
    .map((place) => together(ground, [generated(ground, place)], FULL))

const isWithin = (ip: Ip, prefix: Prefix | undefined, family: 4 | 6): boolean =>
  familyOf(ip) === family &&
  (!prefix || (familyOf(prefix.ip) === family && firstOf(prefix) <= ip && ip <= lastOf(prefix)))

const within = ({ space, family }: Ground, field: Field, prefix: Prefix) =>
  familyOf(prefix.ip) === family ? space.in(field, [[firstOf(prefix), lastOf(prefix)]]) : EMPTY

function together(ground: Ground, all: readonly Beginning[], kept: Node): Start {
  const { space } = ground
  const wanted = space.bdd.and(opening(ground), kept)
  const groups = all.map(({ group, packets }) => ({
    ...group,
    ways: ground.site(group.place).math.plain(space.bdd.and(packets, wanted)),
  }))
  const packets = space.union(all.map((one) => space.bdd.and(one.packets, wanted)))
  return { place: all[0]!.origin.place, generated: all[0]!.origin.iif === undefined, packets, groups }
}

/** The packets with this destination; ports of whole packets only. */
export function destined({ space, addresses, family }: Ground, { address, protocol, port }: ReachQuestion['to']): Node {
  const parts = [
    ...(address === undefined ? [] : [familyOf(address) === family ? space.equals(addresses.dst, address) : EMPTY]),
    ...(protocol === undefined ? [] : [space.equals('meta.l4proto', protocol)]),
    ...(port === undefined ? [] : [space.equals('th.dport', port)]),
  ]
  return parts.reduce((all, one) => space.bdd.and(all, one), space.valid)
}

/** Can this end be where the question leads to? What the packets are there is asked by `destined`. */
export function isGoal({ outcome, place }: End, { to }: ReachQuestion): boolean {
  if (outcome === 'sent') return !to.place
  return outcome === 'delivered' && !to.outside && (!to.place || placeName(to.place) === placeName(place))
}

export const isAt = ({ place, iface }: Spot, group: Group): boolean =>
  placeName(place) === placeName(group.place) && (iface === undefined || iface === group.iif || iface === group.oif)
