import type { Ip } from '../address/ip.js'
import type { Interfaces } from './interfaces.js'

/** Every IPv4 host is in the group of all hosts (net/ipv4/igmp.c: ip_mc_up); others are not known from a snapshot. */
const ALL_HOSTS = 0xe0000001
const group6 = (scope: bigint, id: bigint): bigint => (0xff00n << 112n) | (scope << 112n) | id
/** Of the interface itself, and of the link (net/ipv6/addrconf.c: ipv6_add_dev). */
const ALL_NODES: ReadonlySet<Ip> = new Set([group6(1n, 1n), group6(2n, 1n)])
/** Of the interface, the link, the site: joined where forwarding is on (dev_forward_change). */
const ALL_ROUTERS: ReadonlySet<Ip> = new Set([group6(1n, 2n), group6(2n, 2n), group6(5n, 2n)])
const SOLICITED_NODE = group6(2n, 0x1ff000000n)
const solicited = (ip: bigint): bigint => SOLICITED_NODE | (ip & 0xffffffn)

/** Is this host by itself in a multicast group on a device, without any program having asked for it? */
export function hasJoined(interfaces: Interfaces, dev: string, group: Ip): boolean {
  if (typeof group === 'number') return group === ALL_HOSTS
  if (ALL_NODES.has(group)) return true
  const forwards = interfaces.forwards(6, dev)
  if (forwards && ALL_ROUTERS.has(group)) return true
  // addrconf_join_solict
  if (interfaces.isLoopback(dev) || interfaces.resolves?.(dev) === false) return false
  return interfaces.addresses(dev).some(({ prefix: { ip, length } }) => {
    if (typeof ip !== 'bigint') return false
    // addrconf_join_anycast: a router has the first address of each subnet as well
    const host = BigInt(128 - length)
    return solicited(ip) === group || (forwards && length < 127 && solicited((ip >> host) << host) === group)
  })
}
