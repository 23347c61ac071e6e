import type { Ip } from '../address/ip.js'
import type { Prefix } from '../address/prefix.js'
import type { RouteScope } from './types.js'

/** What routing must know of a namespace's devices; whoever has the state implements it. */
export interface Interfaces {
  /** Names, lo first, in the order of their numbers. */
  readonly devices: readonly string[]
  isUp(dev: string): boolean
  isLoopback(dev: string): boolean
  /** In the order in which the device has them. */
  addresses(dev: string): readonly InterfaceAddress[]
  /** net.ipv4.conf.DEV.forwarding. IPv6 asks net.ipv6.conf.all.forwarding, whatever the device. */
  forwards(family: 4 | 6, dev: string): boolean
  /** The greater of all and DEV (IN_DEV_RPFILTER). */
  rpFilter(dev: string): number
  acceptLocal(dev: string): boolean
  routeLocalnet(dev: string): boolean
  srcValidMark(dev: string): boolean
  sendsRedirects(dev: string): boolean
  /** net.ipv4.conf.DEV.ignore_routes_with_linkdown, `all` included; left out: off. */
  ignoresLinkdown?(dev: string): boolean
  /** Link-layer addresses are asked for there (no IFF_NOARP); left out: yes. */
  resolves?(dev: string): boolean
  /** The VRF that a device is, or is a port of; left out: there is none. */
  vrf?(dev: string): Vrf | undefined
  /** `ip link`'s group, for rules with suppress_ifgroup; left out: no rule suppresses. */
  group?(dev: string): number | undefined
}

export interface Vrf {
  /** Its device. */
  readonly name: string
  readonly table: string
}

export interface InterfaceAddress {
  readonly prefix: Prefix
  /** The far end's address on point-to-point links, with the length of the subnet; left out: none. */
  readonly peer?: Prefix | undefined
  readonly scope: Exclude<RouteScope, 'nowhere'>
  readonly secondary: boolean
  readonly deprecated: boolean
  readonly usable: boolean
}

/** Does any device have this address (inet_lookup_ifaddr_rcu)? */
export function hasAddress(interfaces: Interfaces, ip: Ip): boolean {
  let own = all.get(interfaces)
  if (!own) {
    own = new Set(interfaces.devices.flatMap((dev) => interfaces.addresses(dev).map(({ prefix }) => prefix.ip)))
    all.set(interfaces, own)
  }
  return own.has(ip)
}

/** Of each namespace's devices together: they do not change. */
const all = new WeakMap<Interfaces, ReadonlySet<Ip>>()
