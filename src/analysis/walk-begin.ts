import { ifName } from '../address/ifname.js'
import { familyOf, type Ip } from '../address/ip.js'
import { firstOf, lastOf, type Prefix, parsePrefix } from '../address/prefix.js'
import { PROTOCOL } from '../packet/checksum.js'
import { CT_STATE } from '../packet/fields.js'
import { type Hosts, type Link, type Namespace, placeName } from '../path/world.js'
import type { Range } from '../rules/value.js'
import { FULL, type Node } from '../sets/bdd.js'
import type { Ground } from './walk-ground.js'
import { type Group, NOTHING_BESIDE } from './walk-group.js'

/** Where packets set out: they come in on an interface, or a namespace sends them, with the source that its kernel chooses. */
export interface Origin {
  readonly place: Namespace
  /** Absent: they are generated here. */
  readonly iif?: string
}

/** All packets that may set out there, as a group. */
export interface Beginning {
  readonly origin: Origin
  readonly packets: Node
  readonly group: Group
}

/** What is no address to send from, and none to send to over a wire. */
const NOT_FROM: Readonly<Record<4 | 6, readonly Prefix[]>> = {
  4: ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3'].map((text) => parsePrefix(text)!),
  6: ['::/127', 'fe80::/10', 'ff00::/8'].map((text) => parsePrefix(text)!),
}
const NOT_TO: Readonly<Record<4 | 6, readonly Prefix[]>> = {
  4: ['0.0.0.0/32', '224.0.0.0/3'].map((text) => parsePrefix(text)!),
  6: ['::/128', 'ff00::/8'].map((text) => parsePrefix(text)!),
}

const rangesOf = (prefixes: readonly Prefix[]): readonly Range[] =>
  prefixes.map((prefix): Range => [firstOf(prefix), lastOf(prefix)])

/** What is no address to send from. */
export const notFrom = (family: 4 | 6): readonly Range[] => rangesOf(NOT_FROM[family])

/** What is no address to send to over a wire. */
export const notTo = (family: 4 | 6): readonly Range[] => rangesOf(NOT_TO[family])

/**
 * Packets as they are before anything was done to them: whole, without options, no mark, no connection, neither multicast nor broadcast. Whatever a set does
 * not say of them (payload, sockets, time) may be as it will.
 */
export function beginning({ space, family, addresses, hosts }: Ground, iif: string | undefined): Node {
  const { bdd } = space
  const tcp = space.equals('meta.l4proto', PROTOCOL.TCP)
  const filtered = hosts.namespaces.some(({ links }) => links.some(({ bridge }) => bridge))
  const parts = [
    space.whole,
    space.equals('frag.more', 0),
    space.equals('ct.state', CT_STATE.INVALID),
    space.equals('meta.mark', 0),
    space.equals('meta.iifname', ifName(iif ?? '')),
    space.equals('meta.oifname', ifName('')),
    space.equals('meta.pkttype', 0),
    bdd.or(bdd.not(tcp), bdd.and(space.present('tcp.header'), space.in('tcp.doff', [[5, 15]]))),
    bdd.not(space.in(addresses.dst, rangesOf(NOT_TO[family]))),
    family === 4 ? bdd.and(space.equals('ip.version', 4), space.equals('ip.hdrlength', 5)) : FULL,
    filtered ? FULL : bdd.not(bdd.or(space.present('meta.physiifname'), space.present('meta.physoifname'))),
    filtered ? FULL : space.equals('meta.bridged', 0),
  ]
  return parts.reduce((all, one) => bdd.and(all, one), space.valid)
}

/** What comes in on an interface, addressed to this host on the link layer. */
export function arriving(ground: Ground, place: Namespace, iif: string): Beginning {
  const { space, family, addresses } = ground
  const link = place.links.find(({ name }) => name === iif)
  const master = place.links.find(({ name }) => name === link?.master)
  const packets = space.bdd.minus(beginning(ground, iif), space.in(addresses.src, rangesOf(NOT_FROM[family])))
  const ways = ground.site(place).math.plain(packets)
  const mac = (link?.master === undefined ? link?.mac : master?.mac) ?? 0
  return { origin: { place, iif }, packets, group: { ...NOTHING_BESIDE, stage: 'receive', place, iif, mac, ways } }
}

/** What a namespace sends from addresses that it leaves to the kernel to choose: 0.0.0.0 or :: until routing has. */
export function generated(ground: Ground, place: Namespace): Beginning {
  const { space, family, addresses } = ground
  const packets = space.bdd.and(beginning(ground, undefined), space.equals(addresses.src, family === 4 ? 0 : 0n))
  const ways = ground.site(place).math.plain(packets)
  return { origin: { place }, packets, group: { ...NOTHING_BESIDE, stage: 'generate', place, chooses: true, ways } }
}

/** Interfaces that lead out of the snapshot, where frames can come in that nobody in it has sent. */
export function outsideOf({ hosts, run }: Ground): readonly { readonly place: Namespace; readonly link: Link }[] {
  return hosts.namespaces.flatMap((place) =>
    place.links
      .filter(
        ({ name, kind, bridge, vxlan, up }) =>
          up &&
          kind !== 'loopback' &&
          !bridge &&
          !vxlan &&
          run.layer2.isOpen({ host: place.host, namespace: place.namespace, link: name }),
      )
      .map((link) => ({ place, link })),
  )
}

/** Addresses that some namespace has. */
export const ownedAddresses = ({ namespaces }: Hosts, family: 4 | 6): readonly Ip[] => [
  ...new Set(
    namespaces.flatMap(({ links }) =>
      links.flatMap(({ addresses }) =>
        addresses.map(({ prefix }) => prefix.ip).filter((ip) => familyOf(ip) === family),
      ),
    ),
  ),
]

export const originName = ({ place, iif }: Origin): string =>
  iif === undefined ? placeName(place) : `${placeName(place)}:${iif}`
